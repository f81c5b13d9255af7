//! A server that does what a script says, right or wrong.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use socket2::SockRef;

use crate::util::shut;

/// How long a script waits for the client before it takes it for gone.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often [`PeerConn::hang`] looks whether it may end.
const GLANCE: Duration = Duration::from_millis(10);

#[derive(Default)]
struct State {
    stopping: bool,
    failed: bool,
    streams: Vec<Option<TcpStream>>,
    threads: Vec<JoinHandle<()>>,
    lines: Vec<(usize, String)>,
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<State>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no panic under the lock")
    }
}

/// A listener that runs a script on each connection, in a thread of its own.
///
/// Dropping it closes all connections and waits for the scripts to end; if a script failed before
/// that, so does the test.
pub struct ScriptedPeer {
    addr: SocketAddr,
    shared: Shared,
    listener: Option<JoinHandle<()>>,
}

impl ScriptedPeer {
    /// Listens on a free port and runs `script` with the number of each connection, from 0. The
    /// connection is closed when the script returns.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn start(script: impl Fn(usize, &mut PeerConn) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let addr = listener.local_addr().expect("a bound socket");
        let shared = Shared::default();
        let state = shared.clone();
        let listener = thread::spawn(move || accept(&listener, &state, &Arc::new(script)));
        Self { addr, shared, listener: Some(listener) }
    }

    /// The URI a client connects to.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("beanstalk://{}", self.addr)
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Every line received so far, in order, each with the number of its connection.
    #[must_use]
    pub fn lines(&self) -> Vec<(usize, String)> {
        self.shared.lock().lines.clone()
    }

    /// How many connections were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.lock().streams.len()
    }
}

impl fmt::Debug for ScriptedPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedPeer").field("addr", &self.addr).finish_non_exhaustive()
    }
}

impl Drop for ScriptedPeer {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        // Wakes the listener, which then sees that it is to stop.
        let _ = TcpStream::connect(self.addr);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let threads = {
            let mut state = self.shared.lock();
            state.streams.iter().flatten().for_each(shut);
            std::mem::take(&mut state.threads)
        };
        for thread in threads {
            let _ = thread.join();
        }
        let failed = self.shared.lock().failed;
        assert!(!failed || thread::panicking(), "a script of the peer failed, see above");
    }
}

fn accept<S>(listener: &TcpListener, shared: &Shared, script: &Arc<S>)
where
    S: Fn(usize, &mut PeerConn) + Send + Sync + 'static,
{
    for stream in listener.incoming() {
        let mut state = shared.lock();
        if state.stopping {
            return;
        }
        let Ok(stream) = stream else { continue };
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        let number = state.streams.len();
        state.streams.push(Some(stream.try_clone().expect("a second handle")));
        let stream = BufReader::new(stream);
        let mut conn = PeerConn { number, stream, shared: shared.clone(), is_reset: false };
        let script = Arc::clone(script);
        state.threads.push(thread::spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| script(number, &mut conn)));
            // Before the client sees the end: the test may drop the peer as soon as it does.
            let mut state = conn.shared.lock();
            state.failed |= result.is_err() && !state.stopping;
            drop(state);
            conn.close();
        }));
    }
}

/// One connection in the hands of a script.
pub struct PeerConn {
    number: usize,
    stream: BufReader<TcpStream>,
    shared: Shared,
    is_reset: bool,
}

impl fmt::Debug for PeerConn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PeerConn").field("number", &self.number).finish_non_exhaustive()
    }
}

impl PeerConn {
    /// The next line without its CRLF, or nothing if the client is gone.
    pub fn read_line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line).ok()?;
        let line = line.strip_suffix(b"\r\n")?;
        let line = String::from_utf8_lossy(line).into_owned();
        self.shared.lock().lines.push((self.number, line.clone()));
        Some(line)
    }

    /// The next `n` bytes, fewer if the client is gone.
    pub fn read_exact(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(n).unwrap_or(u64::MAX);
        let _ = self.stream.by_ref().take(limit).read_to_end(&mut bytes);
        bytes
    }

    /// What one read gives: all that has arrived, and nothing if the client is gone.
    pub fn read_some(&mut self) -> Vec<u8> {
        let bytes = self.stream.fill_buf().map(<[u8]>::to_vec).unwrap_or_default();
        self.stream.consume(bytes.len());
        bytes
    }

    /// Sends these bytes in one write. A client that is gone is no failure of the script.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.get_mut().write_all(bytes.as_ref());
    }

    /// Sends these bytes one by one, each in a packet of its own.
    pub fn send_slowly(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            self.send([*byte]);
            // Gives the client the time to read the byte alone.
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Closes the connection in both directions.
    pub fn close(&mut self) {
        if !self.is_reset {
            shut(self.stream.get_ref());
        }
    }

    /// Has the connection reset, not ended, when the script returns.
    ///
    /// # Panics
    /// If the system cannot do that.
    pub fn reset(&mut self) {
        let socket = SockRef::from(self.stream.get_ref());
        socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
        // The last handle to be closed resets it.
        self.shared.lock().streams[self.number] = None;
        self.is_reset = true;
    }

    /// Neither reads nor writes, until the client closes the connection or the peer is dropped.
    ///
    /// An end behind bytes that nobody has read goes unseen.
    pub fn hang(&mut self) {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end && !self.shared.lock().stopping {
            let left = self.stream.get_ref().peek(&mut [0]);
            if left.map_or(true, |n| n == 0) {
                return;
            }
            thread::sleep(GLANCE);
        }
    }

    /// Reads lines, records them and answers none, until the client is gone.
    pub fn until_eof(&mut self) {
        while self.read_line().is_some() {}
    }
}

/// Answers the `stats` that a client opens its connection with; false if the client is gone.
///
/// # Panics
/// On any other first command.
pub fn handshake(conn: &mut PeerConn) -> bool {
    let Some(line) = conn.read_line() else { return false };
    assert_eq!(line, "stats", "the first command of a connection");
    conn.send(stats_reply(65_535, false));
    true
}

/// An answer to `stats` that tells the least a client needs to know.
#[must_use]
pub fn stats_reply(max_job_size: u64, draining: bool) -> String {
    let yaml = format!(
        "---\nmax-job-size: {max_job_size}\nversion: \"1.12\"\nid: 0123456789abcdef\n\
         draining: {draining}\n"
    );
    format!("OK {}\r\n{yaml}\r\n", yaml.len())
}
