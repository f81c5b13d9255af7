//! Installing what the tests need beyond a Rust toolchain.

use std::path::Path;

use crate::node;
use crate::run::{command, installed, output, run, shown};

/// The target that [`all`] makes buildable.
pub(crate) const WASM: &str = "wasm32-unknown-unknown";

/// Programs the tests run, each with the Debian package that has it.
const PROGRAMS: [(&str, &str); 5] = [
    ("beanstalkd", "beanstalkd"),
    ("stunnel", "stunnel4"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("timeout", "coreutils"),
];

/// A second toolchain from Debian, with the source of the standard library.
const DEBIAN_RUST: [&str; 3] = ["cargo-web", "rustc-web", "rust-web-src"];

/// Where that toolchain puts its programs and the source.
const DEBIAN_FILES: [&str; 3] =
    ["/usr/bin/cargo", "/usr/bin/rustc", "/usr/lib/rustlib/src/rust/library/Cargo.lock"];

/// What can build for [`WASM`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WasmToolchain {
    /// The toolchain in use, which has the target's standard library.
    Own,
    /// Debian's, which builds the standard library from source.
    Debian,
}

/// Installs the programs, what it takes to build for [`WASM`], and what the npm package needs.
pub(crate) fn all() -> Result<(), String> {
    let mut packages = missing_programs();
    if !wasm_possible() {
        packages.extend(DEBIAN_RUST);
    }
    install(&packages)?;
    node::setup()
}

/// Who can build for [`WASM`], if anybody.
pub(crate) fn wasm_toolchain() -> Option<WasmToolchain> {
    let libdir = output(&mut command("rustc", &["--print", "target-libdir", "--target", WASM]));
    if libdir.is_some_and(|dir| Path::new(&dir).is_dir()) {
        return Some(WasmToolchain::Own);
    }
    DEBIAN_FILES.iter().all(|file| Path::new(file).exists()).then_some(WasmToolchain::Debian)
}

fn wasm_possible() -> bool {
    if wasm_toolchain().is_some() {
        return true;
    }
    // Not everybody who has rustup can reach its servers: then it is up to the packages.
    installed("rustup")
        && run(&mut command("rustup", &["target", "add", WASM])).is_ok()
        && wasm_toolchain().is_some()
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
        return Err(format!("missing, and there is no apt-get: {}", packages.join(", ")));
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
