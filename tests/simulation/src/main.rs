//! Runs the simulation: see `--help`.

use std::process::ExitCode;
use std::time::Instant;

use beanwire_simulation::{Plan, Report, run};

const USAGE: &str = "\
Usage: simulate [OPTIONS]

Options:
  --seeds N    How many seeds to run, 1000 by default
  --from N     The first of them, 0 by default
  --seed N     Only this one
  -h, --help   Prints this
";

#[derive(Debug)]
struct Options {
    from: u64,
    seeds: u64,
}

impl Options {
    /// None if the user only wants to know how to call it.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, String> {
        let mut options = Self { from: 0, seeds: 1000 };
        while let Some(name) = arguments.next() {
            let mut number = || {
                let value = arguments.next().ok_or(format!("{name} needs a number"))?;
                value.parse().map_err(|_| format!("{name}: {value:?} is not a number"))
            };
            match name.as_str() {
                "--seeds" => options.seeds = number()?,
                "--from" => options.from = number()?,
                "--seed" => options = Self { from: number()?, seeds: 1 },
                "-h" | "--help" => return Ok(None),
                _ => return Err(format!("unknown option {name:?}, see --help")),
            }
        }
        Ok(Some(options))
    }
}

fn main() -> ExitCode {
    let options = match Options::parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let start = Instant::now();
    let mut total = Report::default();
    for seed in options.from..options.from.saturating_add(options.seeds) {
        match run(Plan { seed, sabotage: None }) {
            Ok(report) => total.add(&report),
            Err(violation) => {
                println!("{violation}");
                return ExitCode::FAILURE;
            }
        }
    }
    println!("seeds          {}, from {}, no rule broken", options.seeds, options.from);
    println!("{total}");
    println!("time           {:.1?}", start.elapsed());
    ExitCode::SUCCESS
}
