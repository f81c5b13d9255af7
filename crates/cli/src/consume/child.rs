//! One command for one job.

use std::ffi::OsString;
use std::io::{self, Seek as _, Write as _};
use std::process::{ExitStatus, Stdio};

use beanwire::{Job, JobStats};
use tokio::process::{Child, Command};

/// The job is broken: `EX_DATAERR` of `sysexits.h`.
const BURY: i32 = 65;
/// The world is: `EX_TEMPFAIL`.
const DEFER: i32 = 75;

/// What the command wants done with its job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Delete,
    Bury,
    Defer,
    /// It failed, and how.
    Fail(String),
}

impl Verdict {
    fn of(status: ExitStatus) -> Self {
        match status.code() {
            Some(0) => Self::Delete,
            Some(BURY) => Self::Bury,
            Some(DEFER) => Self::Defer,
            _ => Self::Fail(status.to_string()),
        }
    }
}

/// Runs the command with the body on its standard input.
///
/// # Cancel safety
/// Dropping the future kills the command and what it started.
pub(super) async fn run(command: &[OsString], job: &Job, stats: &JobStats) -> io::Result<Verdict> {
    let [program, args @ ..] = command else {
        return Err(io::Error::other("no command"));
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .env("BEANWIRE_JOB_ID", job.id().to_string())
        .env("BEANWIRE_TUBE", stats.tube.as_str())
        .env("BEANWIRE_PRIORITY", stats.priority.0.to_string())
        .env("BEANWIRE_ATTEMPT", attempt(stats).to_string())
        .env("BEANWIRE_SERVER", job.server().to_string())
        .stdin(body(job)?)
        .kill_on_drop(true);
    // Of its own, so that Ctrl-C on a terminal does not reach the command: it is to be finished.
    #[cfg(unix)]
    command.process_group(0);
    let mut group = Group::new(command.spawn()?);
    let status = group.child.wait().await;
    group.running = false;
    Ok(Verdict::of(status?))
}

/// Which attempt at the job this is, from 1.
const fn attempt(stats: &JobStats) -> u64 {
    stats.releases.saturating_add(stats.timeouts).saturating_add(1)
}

/// The body as a file without a name. A pipe would end early if this program is killed, and the
/// command would work on a part of the body.
fn body(job: &Job) -> io::Result<Stdio> {
    let mut file = tempfile::tempfile()?;
    file.write_all(job.body())?;
    file.rewind()?;
    Ok(file.into())
}

/// A child, and all that it started.
struct Group {
    child: Child,
    running: bool,
}

impl Group {
    const fn new(child: Child) -> Self {
        Self { child, running: true }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.running {
            return;
        }
        // The child itself is killed where there are no groups.
        #[cfg(unix)]
        if let Some(pid) = self.child.id().and_then(|id| i32::try_from(id).ok())
            && let Some(pid) = rustix::process::Pid::from_raw(pid)
        {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    #[test]
    fn the_exit_code_decides() {
        let of = |code: i32| Verdict::of(ExitStatus::from_raw(code << 8));
        assert_eq!(of(0), Verdict::Delete);
        assert_eq!(of(65), Verdict::Bury);
        assert_eq!(of(75), Verdict::Defer);
        assert!(matches!(of(1), Verdict::Fail(why) if why.contains("1")));
        let killed = Verdict::of(ExitStatus::from_raw(9));
        assert!(matches!(killed, Verdict::Fail(why) if why.contains("signal")));
    }
}
