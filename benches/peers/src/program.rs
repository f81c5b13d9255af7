//! Running a client's program, and reading the line that it prints.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Deserialize;

/// How long a program may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a program says in its line.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Line {
    /// Jobs of the measured part.
    pub jobs: usize,
    /// How long that part took.
    pub seconds: f64,
    /// The processor time of the whole process in it, in seconds.
    pub cpu: f64,
    /// The most memory the process had in use, in bytes.
    pub peak_memory: u64,
    /// From the call of a put to its handler, in nanoseconds, from the shortest on.
    #[serde(default)]
    pub latencies: Vec<u64>,
}

impl Line {
    /// Reads the line of a program that was to measure so many jobs.
    pub(crate) fn parse(text: &str, jobs: usize) -> Result<Self, String> {
        let mut line: Self =
            serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?;
        if line.jobs != jobs {
            return Err(format!("measured {} jobs in place of {jobs}", line.jobs));
        }
        if line.seconds <= 0.0 || line.cpu < 0.0 {
            return Err(format!("{} s and {} s of the processor", line.seconds, line.cpu));
        }
        line.latencies.sort_unstable();
        Ok(line)
    }
}

/// A program that runs. It is killed when dropped.
pub(crate) struct Running {
    child: Child,
    started: Instant,
    lines: Receiver<(Instant, String)>,
    complaints: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts the program.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let started = Instant::now();
        let shown = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().map_err(|error| format!("{shown}: {error}"))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send((Instant::now(), line)).is_err() {
                        break;
                    }
                }
            });
        }
        let complaints = child.stderr.take().map(|mut stderr| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                // What was read until then is still worth telling.
                drop(stderr.read_to_end(&mut bytes));
                String::from_utf8_lossy(&bytes).trim().to_owned()
            })
        });
        Ok(Self { child, started, lines, complaints })
    }

    /// Waits for the end of a program that prints one line. Gives the line, and when it came.
    pub(crate) fn finish(mut self, patience: Duration) -> Result<(String, Duration), String> {
        let deadline = self.started + patience;
        let mut lines = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => return Err(slow(patience)),
            }
        }
        let status = loop {
            match self.child.try_wait().map_err(|error| error.to_string())? {
                Some(status) => break status,
                None if Instant::now() >= deadline => return Err(slow(patience)),
                None => thread::sleep(Duration::from_millis(1)),
            }
        };
        if !status.success() {
            let complaints = self.complaints.take().and_then(|thread| thread.join().ok());
            return Err(format!("{status}: {}", complaints.unwrap_or_default()));
        }
        match <[_; 1]>::try_from(lines) {
            Ok([(at, line)]) => Ok((line, at - self.started)),
            Err(lines) => Err(format!("printed {} lines in place of one", lines.len())),
        }
    }
}

fn slow(patience: Duration) -> String {
    format!("took more than {} s and was stopped", patience.as_secs())
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail if it has ended, which is as well.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, patience: Duration) -> Result<(String, Duration), String> {
        Running::start(Command::new("sh").args(["-c", script])).unwrap().finish(patience)
    }

    #[test]
    fn a_line_is_read() {
        let text = r#"{"jobs":5,"seconds":0.5,"cpu":0.25,"peak_memory":1024,"latencies":[2,1]}"#;
        let line = Line::parse(text, 5).unwrap();
        let expected =
            Line { jobs: 5, seconds: 0.5, cpu: 0.25, peak_memory: 1024, latencies: vec![1, 2] };
        assert_eq!(line, expected);
        let line = Line::parse(r#"{"jobs":0,"seconds":5,"cpu":0,"peak_memory":1}"#, 0).unwrap();
        assert!(line.latencies.is_empty());
    }

    #[test]
    fn a_line_that_is_none_or_tells_of_something_else_is_refused() {
        assert!(Line::parse("done", 5).is_err());
        assert!(Line::parse(r#"{"jobs":5}"#, 5).is_err());
        let error = Line::parse(r#"{"jobs":4,"seconds":1,"cpu":1,"peak_memory":1}"#, 5);
        assert_eq!(error.unwrap_err(), "measured 4 jobs in place of 5");
        assert!(Line::parse(r#"{"jobs":5,"seconds":0,"cpu":1,"peak_memory":1}"#, 5).is_err());
        assert!(Line::parse(r#"{"jobs":5,"seconds":1,"cpu":-1,"peak_memory":1}"#, 5).is_err());
    }

    #[test]
    fn a_program_has_to_print_one_line_and_succeed() {
        assert_eq!(run("echo hello", PATIENCE).unwrap().0, "hello");
        assert_eq!(run("echo a; echo b", PATIENCE).unwrap_err(), "printed 2 lines in place of one");
        assert_eq!(run("true", PATIENCE).unwrap_err(), "printed 0 lines in place of one");
        let error = run("echo a; echo lost >&2; exit 3", PATIENCE).unwrap_err();
        assert!(error.contains('3') && error.ends_with(": lost"), "{error}");
    }

    #[test]
    fn a_program_that_takes_too_long_is_stopped() {
        let error = run("exec sleep 600", Duration::from_millis(10)).unwrap_err();
        assert!(error.starts_with("took more than"), "{error}");
        let error = run("exec >&-; exec sleep 600", Duration::from_millis(10)).unwrap_err();
        assert!(error.starts_with("took more than"), "{error}");
    }
}
