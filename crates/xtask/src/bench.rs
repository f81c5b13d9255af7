//! The benchmark beside other clients: builds all of them, and runs it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::run::{become_, command, installed, output, root, run, target_dir};
use crate::{node, wasm};

/// Where the programs are.
const PEERS: &str = "benches/peers";

/// The programs of this workspace.
const HERE: [&str; 3] = ["beanwire-peers", "beanwire-bench-rust", "beanwire-bench-component"];

/// The one with other Rust clients, a workspace of its own.
const CRATES: &str = "beanwire-bench-crates";

/// Programs that have to be there, and how one gets them.
const NEEDED: [(&str, &str); 3] = [
    ("beanstalkd", "apt-get install beanstalkd"),
    ("go", "apt-get install golang-go, or get it from https://go.dev/dl"),
    ("python3", "apt-get install python3 python3-venv, or get it from https://python.org"),
];

/// Builds all clients and runs the benchmark.
pub(crate) fn run_with(args: &[&str]) -> Result<(), String> {
    if args.iter().any(|arg| ["-h", "--help"].contains(arg)) {
        let help = ["run", "--quiet", "--release", "-p", HERE[0], "--", "--help"];
        return become_(&mut command("cargo", &help));
    }
    for (program, how) in NEEDED {
        if !installed(program) {
            return Err(format!("{program} is missing: {how}"));
        }
    }
    let programs = build()?;
    let mut bench = command(&built(&target_dir(), HERE[0]), args);
    for (flag, path) in programs {
        bench.arg(flag).arg(path);
    }
    become_(&mut bench)
}

/// Builds every program. Gives the flags that tell the benchmark where they are.
fn build() -> Result<Vec<(&'static str, OsString)>, String> {
    let packages = HERE.iter().flat_map(|package| ["-p", package]);
    run(command("cargo", &["build", "--release"]).args(packages))?;
    let components = target_dir().join("components");
    if !["client.wasm", "client-tls.wasm"].iter().all(|file| components.join(file).is_file()) {
        wasm::build()?;
    } else {
        println!("{} as they are; cargo xtask wasm builds them anew", components.display());
    }
    let crates = crates()?;
    let go = go()?;
    let python = python()?;
    run(&mut command("npm", &["--prefix", &peer("node"), "ci", "--no-audit", "--no-fund"]))?;
    node::build()?;
    let here = |package| OsString::from(built(&target_dir(), package));
    Ok(vec![
        ("--rust", here(HERE[1])),
        ("--component", here(HERE[2])),
        ("--components", components.into()),
        ("--crates", crates.into()),
        ("--go", go.into()),
        ("--python", python.into()),
        ("--node", "node".into()),
    ])
}

fn crates() -> Result<String, String> {
    let manifest = peer("crates/Cargo.toml");
    let dir = place("crates");
    let build = ["build", "--release", "--locked", "--manifest-path", &manifest];
    run(command("cargo", &build).env("CARGO_TARGET_DIR", &dir))?;
    Ok(built(&dir, CRATES))
}

fn go() -> Result<PathBuf, String> {
    let file = place("go").join("beanwire-bench-go");
    let mut go = command("go", &["build", "-C", &peer("go"), "-mod=readonly", "-o"]);
    run(go.arg(&file).arg("."))?;
    Ok(file)
}

/// An environment of Python that has the clients. Gives its Python.
fn python() -> Result<PathBuf, String> {
    let dir = place("python");
    let python = dir.join("bin/python");
    if output(&mut command(&python.to_string_lossy(), &["-m", "pip", "--version"])).is_none() {
        run(command("python3", &["-m", "venv", "--clear"]).arg(&dir)).map_err(|error| {
            format!("{error}\nDebian has it in another package: apt-get install python3-venv")
        })?;
    }
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"];
    run(command(&python.to_string_lossy(), &install).arg(peer("python/requirements.txt")))?;
    Ok(python)
}

/// Where what is built for other clients goes.
fn place(name: &str) -> PathBuf {
    target_dir().join("bench").join(name)
}

fn peer(name: &str) -> String {
    root().join(PEERS).join(name).to_string_lossy().into_owned()
}

/// The program that Cargo has built of a package.
fn built(target: &Path, package: &str) -> String {
    let file = format!("{package}{}", std::env::consts::EXE_SUFFIX);
    target.join("release").join(file).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_there() {
        for file in ["go/go.mod", "python/requirements.txt", "node/package-lock.json"] {
            assert!(Path::new(&peer(file)).is_file(), "{file}");
        }
    }

    #[test]
    fn nothing_is_built_into_the_source_tree() {
        assert!(place("go").starts_with(target_dir()));
        assert!(built(&place("crates"), CRATES).contains("release/beanwire-bench-crates"));
    }
}
