//! Installing what the tests need beyond a Rust toolchain.

use crate::run::{command, installed, output, run, shown};
use crate::toolchain::{self, BARE, WASI};
use crate::{node, wasm};

/// Programs the tests run, each with the Debian package that has it.
const PROGRAMS: [(&str, &str); 6] = [
    ("beanstalkd", "beanstalkd"),
    ("stunnel", "stunnel4"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("timeout", "coreutils"),
    ("valgrind", "valgrind"),
];

/// A second toolchain from Debian, with the source of the standard library and a C library for WASI.
const DEBIAN_RUST: [&str; 4] = ["cargo-web", "rustc-web", "rust-web-src", "wasi-libc"];

/// A compiler of C for WASI, and the archiver that goes with it.
const DEBIAN_CLANG: [&str; 2] = ["clang-19", "llvm-19"];

/// Installs the programs, what it takes to build for WebAssembly, and what the npm package needs.
pub(crate) fn all() -> Result<(), String> {
    let mut packages = missing_programs();
    if !wasm_possible() {
        packages.extend(DEBIAN_RUST);
    }
    if toolchain::clang().is_none() {
        packages.extend(DEBIAN_CLANG);
    }
    install(&packages)?;
    wasm::setup()?;
    node::setup()
}

fn wasm_possible() -> bool {
    if toolchain::complete() {
        return true;
    }
    // Not everybody who has rustup can reach its servers: then it is up to the packages.
    installed("rustup")
        && run(&mut command("rustup", &["target", "add", BARE, WASI])).is_ok()
        && toolchain::complete()
}

fn missing_programs() -> Vec<&'static str> {
    let missing = PROGRAMS.iter().filter(|(program, _)| !installed(program));
    missing.map(|(_, package)| *package).collect()
}

fn install(packages: &[&str]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let mut apt = command("apt-get", &["install", "-y"]);
    apt.args(packages);
    if !installed("apt-get") {
        return Err(format!(
            "there is no apt-get; install what Debian has in these packages: {}\n  \
             for WebAssembly, rustup does in place of Debian's: rustup target add {BARE} {WASI}\n  \
             and any clang with llvm-ar on the search path (not Apple's: brew install llvm)",
            packages.join(", ")
        ));
    }
    if output(&mut command("id", &["-u"])).as_deref() != Some("0") {
        return Err(format!("missing: {}; run\n  sudo {}", packages.join(", "), shown(&apt)));
    }
    apt.env("DEBIAN_FRONTEND", "noninteractive");
    println!("{}", shown(&apt));
    // The lists of packages may be missing or old.
    run(&mut apt).or_else(|_| {
        run(&mut command("apt-get", &["update"]))?;
        run(&mut apt)
    })
}
