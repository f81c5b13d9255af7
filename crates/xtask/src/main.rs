//! Beanwire's chores; `cargo xtask --help` lists them.

mod bench;
mod instructions;
mod node;
mod run;
mod setup;
mod shrink;
mod test;
mod toolchain;
mod wasm;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask <COMMAND>

Commands:
  setup              Installs what the tests need, or says how to
  test               Runs every check a change has to pass
  demo [ARGS]        Runs the client's demo, on the embedded server unless told otherwise
  demo --node [ARGS] The same with the npm package
  node               Builds the npm package, ready to use, and prints its size
  wasm               Builds the WebAssembly components, and prints their sizes and imports
  instructions       Counts what a job costs the client, and compares with the baseline;
                     --write makes the counts the new one
  simulate [ARGS]    Runs the client against simulated servers and faults
  bench [ARGS]       Measures the clients beside others, and writes down the results

Options:
  -h, --help         Prints this
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let result = match args.as_slice() {
        ["bench", args @ ..] => bench::run_with(args),
        ["demo", "--node", args @ ..] => node::demo(args),
        ["demo", args @ ..] => demo(args),
        ["instructions"] => instructions::check(),
        ["instructions", "--write"] => instructions::write(),
        ["node"] => node::build(),
        ["simulate", args @ ..] => simulate(args),
        ["-h" | "--help"] | [_, "-h" | "--help"] => {
            print!("{USAGE}");
            Ok(())
        }
        ["setup"] => setup::all(),
        ["test"] => test::all(),
        ["wasm"] => wasm::build(),
        [] => Err(format!("no command given\n\n{}", USAGE.trim_end())),
        _ => Err(format!("no such command: {}\n\n{}", args.join(" "), USAGE.trim_end())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn demo(args: &[&str]) -> Result<(), String> {
    let fixed = ["run", "--quiet", "--release", "-p", "beanwire", "--example", "demo", "--"];
    run::become_(run::command("cargo", &fixed).args(args))
}

fn simulate(args: &[&str]) -> Result<(), String> {
    let fixed = ["run", "--quiet", "--release", "-p", "beanwire-simulation", "--"];
    run::become_(run::command("cargo", &fixed).args(args))
}
