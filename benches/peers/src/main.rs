//! Beanwire beside other clients and beside bare sockets: runs their programs in alternating rounds
//! against one beanstalkd, and writes the report and the charts. `cargo xtask bench` builds all that
//! and runs it.

mod bench;
mod charts;
mod clients;
mod machine;
mod points;
mod program;
mod report;
mod results;
mod stats;
mod targets;
mod units;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

use crate::bench::{Plan, Start};
use crate::clients::{CLIENTS, Program};
use crate::report::About;
use crate::results::Work;
use crate::targets::Size;

/// Measures Beanwire beside other clients.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask bench")]
struct Args {
    /// How often everything is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    rounds: u16,
    /// One round with a twentieth of the jobs, to see whether all works.
    #[arg(long, conflicts_with = "rounds")]
    quick: bool,
    /// Measures these clients only.
    #[arg(long, value_name = "CLIENT", value_delimiter = ',', value_parser = known)]
    only: Vec<String>,
    /// Measures this work only.
    #[arg(long, value_delimiter = ',')]
    work: Vec<Work>,
    /// Writes the results even if they are those of a part, or of a quick run.
    #[arg(long)]
    write: bool,
    /// Where the results go, in place of `benches`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    programs: Programs,
}

/// Where the programs are; given by `cargo xtask bench`. The clients of one that is missing are left
/// out.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Programs")]
struct Programs {
    /// Bare sockets, and the Rust client.
    #[arg(long, value_name = "FILE")]
    rust: Option<PathBuf>,
    /// Other Rust clients.
    #[arg(long, value_name = "FILE")]
    crates: Option<PathBuf>,
    /// The host of the component.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The components.
    #[arg(long, value_name = "DIR")]
    components: Option<PathBuf>,
    /// Go clients.
    #[arg(long, value_name = "FILE")]
    go: Option<PathBuf>,
    /// A Python that has its clients.
    #[arg(long, value_name = "FILE")]
    python: Option<PathBuf>,
    /// A Node.js, for clients that are installed beside their program.
    #[arg(long, value_name = "FILE")]
    node: Option<PathBuf>,
}

/// The most bytes a component may have.
const SIZES: [(&str, u64); 2] = [("client.wasm", 150_000), ("client-tls.wasm", 700_000)];

fn known(name: &str) -> Result<String, String> {
    match clients::client(name) {
        Some(client) => Ok(client.name.to_owned()),
        None => {
            let names: Vec<_> = CLIENTS.iter().map(|client| client.name).collect();
            Err(format!("there are {}", names.join(", ")))
        }
    }
}

impl Programs {
    fn starts(&self) -> Vec<(Program, Start)> {
        let script = |name: &str| vec![machine::here().join(name)];
        let all = [
            (Program::Rust, &self.rust, vec![]),
            (Program::Crates, &self.crates, vec![]),
            (Program::Component, &self.component, vec![]),
            (Program::Go, &self.go, vec![]),
            (Program::Python, &self.python, script("python/main.py")),
            (Program::Node, &self.node, script("node/main.js")),
        ];
        let given = all.into_iter().filter_map(|(program, file, words)| {
            file.as_ref().map(|file| (program, (file.clone(), words)))
        });
        given.collect()
    }

    fn sizes(&self) -> Vec<Size> {
        let size = |file| Some(fs::metadata(self.components.as_ref()?.join(file)).ok()?.len());
        SIZES.into_iter().map(|(file, most)| (file, most, size(file))).collect()
    }
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn std::error::Error>> {
    let plan = Plan {
        rounds: if args.quick { 1 } else { args.rounds.into() },
        divisor: if args.quick { 20 } else { 1 },
        idle: if args.quick { 1 } else { 5 },
        only: args.only.clone(),
        works: args.work.clone(),
        programs: args.programs.starts(),
    };
    let begin = Instant::now();
    let results = bench::run(&plan);
    let about = About {
        rounds: plan.rounds,
        took: begin.elapsed(),
        quick: args.quick,
        idle: plan.idle,
        machine: machine::machine(),
        versions: machine::versions(&plan.programs),
    };
    let targets = targets::targets(&results, &args.programs.sizes());
    let report = report::report(&results, &targets, &about);
    let part = args.quick || !args.only.is_empty() || !args.work.is_empty();
    if part && !args.write {
        print!("{report}");
        return Ok(());
    }
    let out = match &args.out {
        Some(out) => out.clone(),
        None => machine::here().join(".."),
    };
    write(&out, &report, &charts::charts(&results)?)
}

fn write(
    out: &Path,
    report: &str,
    charts: &[(&str, String)],
) -> Result<(), Box<dyn std::error::Error>> {
    let dir = out.join("charts");
    fs::create_dir_all(&dir)?;
    for (file, chart) in charts {
        fs::write(dir.join(file), chart)?;
    }
    let file = out.join("RESULTS.md");
    fs::write(&file, report)?;
    println!("{}", file.display());
    Ok(())
}
