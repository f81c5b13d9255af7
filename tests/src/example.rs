//! The client's examples, as programs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// A command that runs an example, built from the sources as they are now.
///
/// # Panics
/// If they do not build.
#[must_use]
pub fn example(name: &str) -> Command {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    let path = DIR.get_or_init(build).join(name);
    assert!(path.exists(), "there is no example {name}");
    Command::new(path)
}

/// Builds all examples in the profile of this test, and says where they are. A test of one package
/// alone would otherwise run what an earlier build has left.
fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a path of this program");
    let profile = test.parent().and_then(Path::parent).expect("deps lies in a profile");
    let target = profile.parent().expect("a profile lies in a target directory");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    // With the features of a test of the whole workspace, so that nothing is left to do after one.
    cargo.args(["build", "--quiet", "--workspace", "--all-features", "--examples"]);
    cargo.arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    // Set for this test. Some build scripts watch them and would run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let output = cargo.output().expect("cargo");
    assert!(output.status.success(), "{cargo:?}\n{}", String::from_utf8_lossy(&output.stderr));
    profile.join("examples")
}
