//! The program, run in a pipe.

use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use beanwire_tests::{Beanstalkd, RawClient};

/// The program with nothing in its environment that could change what it does.
pub(crate) fn program() -> Command {
    let mut command = Command::new(cargo_bin!("beanwire"));
    for name in ["BEANWIRE_URI", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// The program for these servers, with these words.
pub(crate) fn command(uri: &str, words: &[&str]) -> Command {
    let mut command = program();
    command.args(words).env("BEANWIRE_URI", uri);
    command
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// What it printed, if it went well and complained about nothing.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
        self.stdout
    }

    /// What it complained about, if it ended with this code.
    #[track_caller]
    pub(crate) fn fails(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        self.stderr
    }
}

/// Runs it to its end.
pub(crate) fn run(uri: &str, words: &[&str]) -> Run {
    run_with(uri, words, "")
}

/// Runs it to its end with this on its standard input.
pub(crate) fn run_with(uri: &str, words: &[&str], input: impl Into<Vec<u8>>) -> Run {
    finish(assert_cmd::Command::from_std(command(uri, words)).write_stdin(input))
}

pub(crate) fn finish(command: &mut assert_cmd::Command) -> Run {
    let output = command.timeout(std::time::Duration::from_secs(60)).output().unwrap();
    Run {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A run that a test ends, or that ends with the test.
#[derive(Debug)]
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let piped = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(piped.spawn().unwrap())
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Run {
        use std::io::Read as _;
        let (mut stdout, mut stderr) = (String::new(), String::new());
        // Neither is large enough to fill a pipe.
        self.0.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.0.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        Run { code: self.0.wait().unwrap().code(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many jobs of a tube are ready, reserved, delayed and buried.
pub(crate) fn counts(server: &Beanstalkd, tube: &str) -> [u64; 4] {
    let stats = server.raw().stats_tube(tube);
    ["ready", "reserved", "delayed", "buried"].map(|state| {
        stats.get(&format!("current-jobs-{state}")).map_or(0, |count| count.parse().unwrap())
    })
}

/// Takes all ready jobs out of a tube, in their order.
pub(crate) fn take_all(raw: &mut RawClient, tube: &str) -> Vec<String> {
    let mut bodies = Vec::new();
    while let Some((id, body)) = raw.reserve(tube) {
        assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
        bodies.push(String::from_utf8(body).unwrap());
    }
    bodies
}

/// The cells of the line of a table that starts with this word.
#[track_caller]
pub(crate) fn cells<'a>(table: &'a str, first: &str) -> Vec<&'a str> {
    let cells = |line: &'a str| line.split_whitespace().collect::<Vec<_>>();
    let row = table.lines().map(cells).find(|cells| cells.first() == Some(&first));
    row.unwrap_or_else(|| panic!("no row {first} in\n{table}"))
}
