//! A real `beanstalkd` per test.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use rustix::process::Signal;

use crate::raw::RawClient;
use crate::util::{Process, TempDir, free_port, wait_until};

/// How often a start is tried on another port when somebody else was faster to take it.
const STARTS: usize = 5;

/// What a server is started with.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    max_job_size: Option<u64>,
    binlog: bool,
    ipv6: bool,
    unix: bool,
}

impl Builder {
    /// Largest body the server takes, in bytes; its own default is 65535.
    #[must_use]
    pub fn max_job_size(mut self, bytes: u64) -> Self {
        self.max_job_size = Some(bytes);
        self
    }

    /// Keeps jobs on disk, so that they outlive [`Beanstalkd::restart`].
    #[must_use]
    pub fn binlog(mut self) -> Self {
        self.binlog = true;
        self
    }

    /// Listens on `::1` in place of `127.0.0.1`.
    #[must_use]
    pub fn ipv6(mut self) -> Self {
        self.ipv6 = true;
        self
    }

    /// Listens on a unix socket in place of TCP.
    #[must_use]
    pub fn unix(mut self) -> Self {
        self.unix = true;
        self
    }

    /// Starts the server and waits until it accepts connections.
    ///
    /// # Panics
    /// If `beanstalkd` is missing or does not come up.
    #[must_use]
    pub fn start(self) -> Beanstalkd {
        let dir = TempDir::new();
        for _ in 0..STARTS {
            let port = free_port();
            if let Some(process) = self.spawn(&dir, port) {
                return Beanstalkd { builder: self, process, port, dir };
            }
        }
        panic!("beanstalkd did not stay up, {STARTS} times in a row");
    }

    fn addr(&self, port: u16) -> SocketAddr {
        match self.ipv6 {
            true => (Ipv6Addr::LOCALHOST, port).into(),
            false => (Ipv4Addr::LOCALHOST, port).into(),
        }
    }

    fn spawn(&self, dir: &TempDir, port: u16) -> Option<Process> {
        let mut command = Command::new("beanstalkd");
        if self.unix {
            command.arg("-l").arg(format!("unix:{}", socket(dir).display()));
        } else {
            let addr = self.addr(port);
            command.args(["-l", &addr.ip().to_string(), "-p", &addr.port().to_string()]);
        }
        if let Some(bytes) = self.max_job_size {
            command.args(["-z", &bytes.to_string()]);
        }
        if self.binlog {
            // -f 0: each write is on disk before it is answered.
            command.args(["-f", "0", "-b"]).arg(dir.path());
        }
        let missing = "beanstalkd is missing: apt-get install beanstalkd";
        let mut process = Process::spawn(&mut command, missing);
        // Who lost the race for a port may not know yet: the winner answers with its own id.
        let own = format!("pid: {}", process.id());
        let up = process.wait_ready("beanstalkd answers", || {
            let stats = match self.unix {
                true => UnixStream::connect(socket(dir)).and_then(stats),
                false => TcpStream::connect(self.addr(port)).and_then(stats),
            };
            stats.is_ok_and(|stats| stats.lines().any(|line| line == own))
        });
        up.then_some(process)
    }

    fn raw(&self, dir: &TempDir, port: u16) -> RawClient {
        match self.unix {
            true => RawClient::connect_unix(socket(dir)),
            false => RawClient::connect(self.addr(port)),
        }
    }
}

/// What a server that may be another one, or go away, says about itself.
fn stats(mut stream: impl Read + Write) -> io::Result<String> {
    stream.write_all(b"stats\r\nquit\r\n")?;
    let mut stats = String::new();
    stream.read_to_string(&mut stats)?;
    Ok(stats)
}

fn socket(dir: &TempDir) -> PathBuf {
    dir.path().join("socket")
}

/// A running `beanstalkd` that ends when dropped.
#[derive(Debug)]
pub struct Beanstalkd {
    builder: Builder,
    // Before `dir`: the process must be gone when its binlog is removed.
    process: Process,
    port: u16,
    dir: TempDir,
}

impl Beanstalkd {
    /// A server with its own defaults on a port of its own.
    #[must_use]
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A server with other settings.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// The URI a client connects to.
    #[must_use]
    pub fn uri(&self) -> String {
        match self.builder.unix {
            true => format!("unix://{}", self.socket().display()),
            false => format!("beanstalk://{}", self.addr()),
        }
    }

    /// The port, which means nothing for a unix socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address, which means nothing for a unix socket.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.builder.addr(self.port)
    }

    /// Where the unix socket is, if there is one.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        socket(&self.dir)
    }

    /// A new connection that shares no code with the client under test.
    #[must_use]
    pub fn raw(&self) -> RawClient {
        self.builder.raw(&self.dir, self.port)
    }

    /// Ends the server on the spot, as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Ends the server if it still runs and starts it anew on the same port with the same binlog.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&mut self) {
        self.kill();
        for _ in 0..STARTS {
            if let Some(process) = self.builder.spawn(&self.dir, self.port) {
                self.process = process;
                return;
            }
        }
        panic!("beanstalkd did not come up again on {}", self.uri());
    }

    /// Stops the process: the kernel still accepts connections and bytes, and nobody reads them.
    pub fn stop_reading(&self) {
        self.process.stop();
    }

    /// Lets a stopped server go on.
    pub fn resume(&self) {
        self.process.signal(Signal::CONT);
    }

    /// Puts the server into drain mode, for good, and waits until it says so.
    pub fn drain(&self) {
        self.process.signal(Signal::USR1);
        let mut raw = self.raw();
        wait_until("beanstalkd drains", || raw.stats()["draining"] == "true");
    }
}
