//! Ports, directories, bounded waits, and child processes that never outlive their test.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};

/// How long a server may take to start or to change its state.
const PATIENCE: Duration = Duration::from_secs(10);

/// First of the ports that servers get, above the well-known ones.
const FIRST_PORT: u32 = 10_000;

/// How many ports there are to choose from. They end below the range of outgoing connections: a
/// client that dials a dead port of that range can end up connected to itself.
const PORTS: u32 = 20_000;

/// How long a port may take to tell whether somebody listens. Loopback does so at once, unless the
/// queue of a listener is full.
const DIAL: Duration = Duration::from_secs(1);

/// Waits until `condition` holds, and fails the test with `what` if it never does.
///
/// # Panics
/// After ten seconds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "waited {PATIENCE:?} in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A loopback port that nobody listens on, for IPv4 and IPv6 alike, and that this process was not
/// given before.
///
/// # Panics
/// If all ports are taken.
#[must_use]
pub fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    for _ in 0..PORTS {
        // Test programs that run at the same time start far from each other.
        let start = std::process::id().wrapping_mul(7919);
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % PORTS;
        let port = u16::try_from(FIRST_PORT + offset).expect("all of the range are ports");
        // Dialled, not bound: a child that another thread starts at this moment would inherit the
        // listener until its exec, and the server to come would seem to accept before it does.
        let [ipv4, ipv6] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
            .map(|ip| TcpStream::connect_timeout(&SocketAddr::new(ip, port), DIAL));
        let refused = ipv4.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
        if refused && ipv6.is_err_and(|error| error.kind() != ErrorKind::TimedOut) {
            return port;
        }
    }
    panic!("no free port on loopback");
}

/// A directory of its own that is removed with its content when dropped.
#[derive(Debug)]
pub struct TempDir(PathBuf);

impl TempDir {
    /// Makes the directory.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("beanwire-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // An earlier process with the same id may have been killed before it could clean up.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for TempDir {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A child process that is killed by its id and waited for when dropped.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts `command`, and says `missing` if there is no such program.
    pub(crate) fn spawn(command: &mut Command, missing: &str) -> Self {
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Self(child),
            Err(error) if error.kind() == ErrorKind::NotFound => panic!("{missing}"),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    /// Waits until `ready`; false if the process ended instead.
    pub(crate) fn wait_ready(&mut self, what: &str, mut ready: impl FnMut() -> bool) -> bool {
        let mut alive = true;
        wait_until(what, || {
            let answered = ready();
            // Asked afterwards: if the process lost its port, the answer came from the other owner.
            alive = self.0.try_wait().expect("own child").is_none();
            answered || !alive
        });
        alive
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Stops the process and waits until it stands still.
    pub(crate) fn stop(&self) {
        self.signal(Signal::STOP);
        // NOWAIT leaves the state to be asked for again, by another stop or by the end.
        let states = WaitIdOptions::STOPPED | WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        waitid(WaitId::Pid(Pid::from_child(&self.0)), states).expect("own child");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).expect("a signal to a living child");
    }

    /// Ends the process and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Ends both directions; that the peer did so before is no failure.
pub(crate) fn shut(stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "apt-get install it")]
    fn a_missing_program_fails_the_test_with_the_way_out() {
        let _ = Process::spawn(&mut Command::new("beanwire-no-such-program"), "apt-get install it");
    }

    #[test]
    fn ports_differ() {
        let ports: std::collections::BTreeSet<u16> = (0..50).map(|_| free_port()).collect();
        assert_eq!(ports.len(), 50);
    }

    #[test]
    fn a_directory_goes_with_its_content() {
        let dir = TempDir::new();
        let path = dir.path().to_owned();
        std::fs::write(path.join("file"), "text").unwrap();
        drop(dir);
        assert!(!path.exists());
    }
}
