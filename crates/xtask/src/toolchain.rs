//! Who builds for WebAssembly, and what it takes.

use std::env::{self, consts::EXE_SUFFIX};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{command, installed, output, target_dir};

/// A target without a system: what is built for it imports only what it asks for.
pub(crate) const BARE: &str = "wasm32-unknown-unknown";

/// A target whose standard library stands on WASI 0.2 and imports its parts.
pub(crate) const WASI: &str = "wasm32-wasip2";

/// Makes components of what the compiler has built, for either target. It comes with the toolchains
/// of rustup.
const LINKER: &str = "wasm-component-ld";

/// Where Debian keeps the C library for [`WASI`].
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";

/// What Debian's toolchain needs, for both targets.
const DEBIAN_FILES: [&str; 4] = [
    "/usr/bin/cargo",
    "/usr/bin/rustc",
    "/usr/lib/rustlib/src/rust/library/Cargo.lock",
    "/usr/lib/wasm32-wasi/crt1-reactor.o",
];

/// A standard library that is built here may be a small one.
const STD_FEATURES: &str = "build-std-features=optimize_for_size";

/// A panic is a trap in either case; the texts that would go before it are left out. Of what is
/// written for debugging the names of types and variants are left, which errors of rustls show.
const SMALL: &str =
    "-Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=shallow";

/// Compilers of C that know [`WASI`], each with its archiver. The first is the one of the packages,
/// so that the same code comes out everywhere.
const CLANGS: [(&str, &str); 2] = [("clang-19", "llvm-ar-19"), ("clang", "llvm-ar")];

/// What can build for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Toolchain {
    /// The toolchain in use, which has the target's standard library.
    Own,
    /// Debian's, which builds the standard library from source.
    Debian,
}

/// Whether anybody here builds for both targets.
pub(crate) fn complete() -> bool {
    [BARE, WASI].into_iter().all(|target| find(target).is_some())
}

/// The compiler and the archiver for the parts that are written in C.
pub(crate) fn clang() -> Option<(&'static str, &'static str)> {
    CLANGS.into_iter().find(|(clang, ar)| installed(clang) && installed(ar))
}

/// A command of Cargo for that target, and where it puts what it builds. All its settings are in its
/// own environment: Cargo adds flags of several places up, and linking would fail.
pub(crate) fn cargo(args: &[&str], target: &str) -> Result<(Command, PathBuf), String> {
    let toolchain = find(target).ok_or_else(|| missing(&format!("what builds for {target}")))?;
    // One compiler has no use for what another has built.
    let (program, dir) = match toolchain {
        Toolchain::Own => ("cargo", target_dir().join("wasm32-own")),
        Toolchain::Debian => ("/usr/bin/cargo", target_dir().join("wasm32")),
    };
    let mut cargo = command(program, args);
    cargo.args(["--target", target]).env("CARGO_TARGET_DIR", &dir);
    cargo.env(setting(target, "LINKER"), LINKER).env("PATH", path_with_linker()?);
    // Flags for programs of this machine; they would take the place of those for the target.
    cargo.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    if target == WASI {
        let (clang, ar) = clang().ok_or_else(|| missing("clang with llvm-ar"))?;
        cargo.env("CC_wasm32_wasip2", clang).env("AR_wasm32_wasip2", ar);
    }
    if toolchain == Toolchain::Debian {
        cargo.args(["-Z", "build-std=std,panic_abort"]).args(["-Z", STD_FEATURES]);
        cargo.env("RUSTC", "/usr/bin/rustc");
        // A stable compiler builds its own standard library only when told that it may.
        cargo.env("RUSTC_BOOTSTRAP", "1");
        // Set by rustup, to the libraries of another compiler.
        cargo.env_remove("LD_LIBRARY_PATH");
        let mut flags = SMALL.to_owned();
        if target == WASI {
            flags += &format!(
                " -Clink-self-contained=no -Lnative={DEBIAN_LIBC} -Clink-arg={DEBIAN_LIBC}/crt1-reactor.o"
            );
        }
        cargo.env(setting(target, "RUSTFLAGS"), flags);
    }
    Ok((cargo, dir))
}

fn find(target: &str) -> Option<Toolchain> {
    let libdir = output(&mut command("rustc", &["--print", "target-libdir", "--target", target]));
    if libdir.is_some_and(|dir| Path::new(&dir).is_dir()) {
        return Some(Toolchain::Own);
    }
    DEBIAN_FILES.iter().all(|file| Path::new(file).exists()).then_some(Toolchain::Debian)
}

/// The search path with the linker on it. It may be beside the compiler, with the linker that it
/// calls; only that compiler would find them there.
fn path_with_linker() -> Result<OsString, String> {
    let path = env::var_os("PATH").unwrap_or_default();
    let program = format!("{LINKER}{EXE_SUFFIX}");
    let libdir = output(&mut command("rustc", &["--print", "target-libdir"]));
    let beside = libdir.map(|dir| Path::new(&dir).with_file_name("bin"));
    match beside.filter(|dir| dir.join(&program).is_file()) {
        Some(dir) => env::join_paths([dir].into_iter().chain(env::split_paths(&path)))
            .map_err(|error| error.to_string()),
        None if installed(&program) => Ok(path),
        None => Err(format!(
            "{LINKER} is missing; it comes with the toolchains of rustup, or with\n  \
             cargo install --locked {LINKER}"
        )),
    }
}

/// The variable for a setting of a target.
fn setting(target: &str, name: &str) -> String {
    format!("CARGO_TARGET_{}_{name}", target.replace('-', "_").to_uppercase())
}

fn missing(what: &str) -> String {
    format!("{what} is missing; run: cargo xtask setup")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_of_a_target_has_the_name_that_cargo_looks_for() {
        assert_eq!(setting(BARE, "LINKER"), "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER");
        assert_eq!(setting(WASI, "RUSTFLAGS"), "CARGO_TARGET_WASM32_WASIP2_RUSTFLAGS");
    }
}
