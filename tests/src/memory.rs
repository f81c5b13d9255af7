//! How much memory a process takes at most.

use std::io::Read as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

/// How often the process is looked at.
const GLANCE: Duration = Duration::from_millis(1);

/// How a measured process ended.
#[derive(Debug)]
pub struct Measured {
    /// Its exit code or signal.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// The most memory it had in use, in bytes.
    pub peak: u64,
}

/// Runs the command to its end, and looks at its memory meanwhile. Linux only.
///
/// # Panics
/// If it cannot be started, or prints what is no UTF-8.
#[must_use]
pub fn peak_memory(command: &mut Command) -> Measured {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("a program that starts");
    let mut stdout = child.stdout.take().expect("a pipe");
    let reader = thread::spawn(move || {
        let mut text = String::new();
        stdout.read_to_string(&mut text).map(|_| text)
    });
    let mut peak = 0;
    let status = loop {
        // The kernel keeps the maximum, so the last look before the end is enough.
        peak = high_water(&child).unwrap_or(peak);
        if let Some(status) = child.try_wait().expect("own child") {
            break status;
        }
        thread::sleep(GLANCE);
    };
    let stdout = reader.join().expect("a reader").expect("UTF-8");
    Measured { status, stdout, peak }
}

/// None once the process has ended.
fn high_water(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_was_given_back_counts() {
        // The shell holds a text of 20 MB for a moment.
        let script = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); x=; sleep 0.05; echo done";
        let run = peak_memory(Command::new("sh").args(["-c", script]));
        assert!(run.status.success());
        assert_eq!(run.stdout, "done\n");
        assert!(run.peak > 20_000_000, "{run:?}");
    }
}
