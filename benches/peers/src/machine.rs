//! What was measured on, and with which versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::Start;
use crate::clients::Program;

/// The folder of the other clients' programs.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The machine, a line for each of its parts.
pub(crate) fn machine() -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let kib = memory.split(' ').next().and_then(|kib| kib.parse::<f64>().ok());
    let memory = kib.map_or(memory, |kib| format!("{:.0} GiB", kib / f64::from(1 << 20)));
    vec![
        ("Processor", format!("{model}, {cores} cores")),
        ("Memory", memory),
        (
            "Kernel",
            format!("{} {}", read("/proc/sys/kernel/ostype"), read("/proc/sys/kernel/osrelease")),
        ),
    ]
}

/// The versions of the server, of the languages and of the clients.
pub(crate) fn versions(programs: &[(Program, Start)]) -> Vec<(&'static str, String)> {
    let started = |wanted| programs.iter().find(|(name, _)| *name == wanted);
    let python = started(Program::Python).map(|(_, start)| start.0.clone());
    let said = |program: &str, flag| said(Path::new(program), flag);
    let crates = |name| cargo(&read(here().join("crates/Cargo.lock")), name);
    let go = |module| go(&read(here().join("go/go.mod")), module);
    let npm = |name| npm(&read(here().join("node/package-lock.json")), name);
    let main = read(here().join("../../Cargo.lock"));
    vec![
        ("beanstalkd", said("beanstalkd", "-v")),
        ("beanwire", env!("CARGO_PKG_VERSION").into()),
        ("rustc", said("rustc", "-V")),
        ("wasmtime", cargo(&main, "wasmtime")),
        ("beanstalkc (Rust)", crates("beanstalkc")),
        ("mamenoki (Rust)", crates("mamenoki")),
        ("Go", said("go", "version")),
        ("prep/beanstalk (Go)", go("github.com/prep/beanstalk")),
        ("go-beanstalk (Go)", go("github.com/beanstalkd/go-beanstalk")),
        ("Python", python.map_or_else(unknown, |python| self::said(&python, "--version"))),
        ("greenstalk (Python)", pip(&read(here().join("python/requirements.txt")), "greenstalk")),
        ("Node.js", said("node", "--version")),
        ("jackd (Node.js)", npm("jackd")),
        ("fivebeans (Node.js)", npm("fivebeans")),
        ("beanstalkd (Node.js)", npm("beanstalkd")),
        ("node-beanstalk (Node.js)", npm("node-beanstalk")),
    ]
}

fn unknown() -> String {
    "unknown".into()
}

fn read(path: impl Into<PathBuf>) -> String {
    fs::read_to_string(path.into()).map_or_else(|_| String::new(), |text| text.trim().to_owned())
}

/// What stands behind a name and a colon in a file of the system.
fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_once(':'))
        .map_or_else(unknown, |(_, value)| value.trim().into())
}

/// What a program says of its version, without its own name.
fn said(program: &Path, flag: &str) -> String {
    // Go reads whatever lies beside a module first.
    let output = Command::new(program).arg(flag).stderr(Stdio::null()).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().as_deref().and_then(number).map_or_else(unknown, str::to_owned)
}

/// The first word that has a number in front, as in `go version go1.2 linux/amd64`.
fn number(text: &str) -> Option<&str> {
    text.split_whitespace().find_map(|word| {
        let from = word.find(|c: char| c.is_ascii_digit())?;
        let (before, number) = word.split_at(from);
        ["", "v", "go"].contains(&before).then_some(number)
    })
}

/// The version of a package in a lock file of Cargo.
fn cargo(lock: &str, name: &str) -> String {
    let name = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.map_or_else(unknown, |version| version.trim_matches('"').to_owned())
}

/// The version of a module that a Go module asks for, which is the one it gets.
fn go(module: &str, name: &str) -> String {
    let mut lines = module.lines().map(|line| line.trim().trim_start_matches("require "));
    let version = lines.find_map(|line| line.strip_prefix(name)?.split_whitespace().next());
    version.map_or_else(unknown, |version| version.trim_start_matches('v').to_owned())
}

/// The version of a package in a lock file of npm.
fn npm(lock: &str, name: &str) -> String {
    let lock: serde_json::Value = serde_json::from_str(lock).unwrap_or_default();
    let package = lock.pointer(&format!("/packages/node_modules~1{name}/version"));
    package.and_then(|version| version.as_str()).map_or_else(unknown, str::to_owned)
}

/// The version of a package in a list of requirements for Python.
fn pip(requirements: &str, name: &str) -> String {
    let mut lines = requirements.lines();
    let version = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix("=="));
    let version = version.and_then(|version| version.split_whitespace().next());
    version.map_or_else(unknown, str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_say() {
        assert_eq!(number("beanstalkd 1.12"), Some("1.12"));
        assert_eq!(number("go version go1.26.8 linux/amd64"), Some("1.26.8"));
        assert_eq!(number("v20.20.2\n"), Some("20.20.2"));
        assert_eq!(number("rustc 1.95.0 (59807616e 2026-04-14)"), Some("1.95.0"));
        assert_eq!(number("none"), None);
        assert_eq!(said(Path::new("beanwire-no-such-program"), "-v"), "unknown");
    }

    #[test]
    fn versions_are_found_in_lock_files() {
        let lock = "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n\n[[package]]\nname = \"ab\"\n\
                    version = \"4.5.6\"\n";
        assert_eq!(
            [cargo(lock, "a"), cargo(lock, "ab"), cargo(lock, "b")],
            ["1.2.3", "4.5.6", "unknown"]
        );
        let module = "module m\n\nrequire (\n\texample.com/a v1.2.3\n\texample.com/b v0.0.1 // indirect\n)\n";
        assert_eq!(
            [go(module, "example.com/a"), go(module, "example.com/c")],
            ["1.2.3", "unknown"]
        );
        assert_eq!(go("require example.com/a v1.4.7\n", "example.com/a"), "1.4.7");
        let lock = r#"{"packages":{"node_modules/jackd":{"version":"2.2.2"}}}"#;
        assert_eq!(
            [npm(lock, "jackd"), npm(lock, "x"), npm("", "x")],
            ["2.2.2", "unknown", "unknown"]
        );
        assert_eq!(pip("greenstalk==2.1.1 --hash=sha256:0\n", "greenstalk"), "2.1.1");
    }
}
