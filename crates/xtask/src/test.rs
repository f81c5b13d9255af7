//! Every check a change has to pass, cheap ones first.

use std::time::{Duration, Instant};

use crate::run::{command, output, run, target_dir};
use crate::toolchain::{self, BARE};
use crate::{instructions, node, setup, wasm};

/// How a step that did not fail ended.
enum Outcome {
    Passed,
    /// It cannot run here, and nobody is to believe it did.
    NotRun,
}

/// Simulated runs, about a minute of them.
const SEEDS: &str = "3000";

type Step = (&'static str, fn() -> Result<Outcome, String>);

const STEPS: [Step; 14] = [
    ("setup", || passed(setup::all())),
    ("format", format),
    ("clippy", clippy),
    ("docs", docs),
    ("components", || passed(wasm::build())),
    ("tests", || cargo(&["test", "--workspace", "--all-features"])),
    ("simulation", simulation),
    ("instructions", || passed(instructions::check())),
    ("node", || passed(node::test())),
    ("jco", || passed(node::test_component())),
    ("wasm32", wasm32),
    ("fuzz targets", fuzz_targets),
    ("cargo-deny", cargo_deny),
    ("advisories", advisories),
];

/// Runs the steps up to the first that fails.
pub(crate) fn all() -> Result<(), String> {
    let mut rows = Vec::new();
    let mut result = Ok(());
    for (name, step) in STEPS {
        println!("==> {name}");
        let start = Instant::now();
        let outcome = step();
        let word = match outcome {
            Ok(Outcome::Passed) => "passed",
            Ok(Outcome::NotRun) => "NOT RUN",
            Err(_) => "FAILED",
        };
        rows.push(row(name, start.elapsed(), word));
        if let Err(error) = outcome {
            result = Err(format!("{name}: {error}"));
            break;
        }
    }
    println!("\n{}", rows.join("\n"));
    result
}

fn row(name: &str, time: Duration, word: &str) -> String {
    format!("{name:<12}{:>8.1} s  {word}", time.as_secs_f64())
}

fn passed(result: Result<(), String>) -> Result<Outcome, String> {
    result.map(|()| Outcome::Passed)
}

fn cargo(args: &[&str]) -> Result<Outcome, String> {
    passed(run(&mut command("cargo", args)))
}

fn format() -> Result<Outcome, String> {
    run(&mut command("cargo", &["fmt", "--all", "--check"]))?;
    for manifest in wasm::manifests() {
        run(&mut command("cargo", &["fmt", "--check", "--manifest-path", &manifest]))?;
    }
    Ok(Outcome::Passed)
}

fn clippy() -> Result<Outcome, String> {
    let all = ["--all-targets", "--all-features", "--", "-D", "warnings"];
    run(command("cargo", &["clippy", "--workspace"]).args(all))?;
    for manifest in wasm::manifests() {
        // For this machine: not every toolchain that builds for WebAssembly has Clippy.
        let mut cargo = command("cargo", &["clippy", "--locked", "--manifest-path", &manifest]);
        run(cargo.args(all).env("CARGO_TARGET_DIR", target_dir().join("clippy")))?;
    }
    Ok(Outcome::Passed)
}

fn docs() -> Result<Outcome, String> {
    let mut doc = command("cargo", &["doc", "--workspace", "--no-deps", "--all-features"]);
    passed(run(doc.env("RUSTDOCFLAGS", "-Dwarnings")))
}

/// Always the same seeds; the tests try some that nobody has seen before.
fn simulation() -> Result<Outcome, String> {
    let run = ["run", "--quiet", "--release", "-p", "beanwire-simulation", "--"];
    passed(crate::run::run(command("cargo", &run).args(["--seeds", SEEDS])))
}

/// The core does no I/O, so it builds where there is none.
fn wasm32() -> Result<Outcome, String> {
    let (mut check, _) = toolchain::cargo(&["check", "-p", "beanwire-core"], BARE)?;
    passed(run(&mut check))
}

/// Fuzzing takes a nightly compiler; that the targets still compile does not.
fn fuzz_targets() -> Result<Outcome, String> {
    let check = ["check", "--locked", "--manifest-path", "fuzz/Cargo.toml"];
    let mut cargo = command("cargo", &check);
    // They are a workspace of their own, whose builds do not touch those of this one.
    passed(run(cargo.env("CARGO_TARGET_DIR", target_dir().join("fuzz"))))
}

fn cargo_deny() -> Result<Outcome, String> {
    if output(&mut command("cargo", &["deny", "--version"])).is_none() {
        println!("cargo-deny is not installed, so licences, bans and sources go unchecked; run");
        println!("  cargo install --locked cargo-deny");
        return Ok(Outcome::NotRun);
    }
    deny(&["licenses", "bans", "sources"])
}

fn advisories() -> Result<Outcome, String> {
    if output(&mut command("cargo", &["deny", "fetch", "db"])).is_none() {
        println!("no cargo-deny, or no way to the database of advisories: they go unchecked");
        return Ok(Outcome::NotRun);
    }
    deny(&["advisories"])
}

fn deny(what: &[&str]) -> Result<Outcome, String> {
    let manifests = wasm::manifests();
    for manifest in manifests.iter().map(String::as_str).chain(["Cargo.toml"]) {
        let mut deny = command("cargo", &["deny", "--manifest-path", manifest, "check"]);
        run(deny.args(what))?;
    }
    Ok(Outcome::Passed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_table_is_aligned() {
        let row = row("tests", Duration::from_millis(12_340), "passed");
        assert_eq!(row, "tests           12.3 s  passed");
    }
}
