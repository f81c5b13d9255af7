//! A blocking client to prepare a server and to look at it, independent of the client under test.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

trait Stream: Read + Write + Send {
    fn end_writing(&mut self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn end_writing(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for UnixStream {
    fn end_writing(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Stream for StreamOwned<ClientConnection, TcpStream> {
    fn end_writing(&mut self) -> io::Result<()> {
        self.conn.send_close_notify();
        self.flush()
    }
}

/// One connection to a server. Every method fails the test on an answer it does not expect, and on
/// none within ten seconds.
pub struct RawClient {
    stream: BufReader<Box<dyn Stream>>,
    watched: String,
}

impl fmt::Debug for RawClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawClient").field("watched", &self.watched).finish_non_exhaustive()
    }
}

impl RawClient {
    /// Connects over TCP.
    ///
    /// # Panics
    /// If nobody listens.
    #[must_use]
    pub fn connect(addr: impl ToSocketAddrs) -> Self {
        Self::over(tcp(addr))
    }

    /// Connects over TLS to a server on loopback whose certificate this authority has signed.
    ///
    /// # Panics
    /// If nobody listens or the authority cannot be read. A server that cannot be trusted fails the
    /// first command.
    #[must_use]
    pub fn connect_tls(addr: impl ToSocketAddrs, ca_pem: &str) -> Self {
        let mut roots = RootCertStore::empty();
        let ca = CertificateDer::from_pem_slice(ca_pem.as_bytes()).expect("a certificate");
        roots.add(ca).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions that the provider knows")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        let tls = ClientConnection::new(Arc::new(config), name).expect("a client");
        Self::over(StreamOwned::new(tls, tcp(addr)))
    }

    /// Connects to a unix socket.
    ///
    /// # Panics
    /// If nobody listens.
    #[must_use]
    pub fn connect_unix(path: impl AsRef<Path>) -> Self {
        let stream = UnixStream::connect(path).expect("a unix connection");
        stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout above zero");
        Self::over(stream)
    }

    fn over(stream: impl Stream + 'static) -> Self {
        Self { stream: BufReader::new(Box::new(stream)), watched: "default".into() }
    }

    /// Sends these bytes and nothing else.
    ///
    /// # Panics
    /// If the connection is lost.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.get_mut().write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Reads a line and returns it without its CRLF.
    ///
    /// # Panics
    /// If no whole line of UTF-8 comes.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).expect("a line in time");
        line.strip_suffix("\r\n").expect("a line that ends in CRLF").to_owned()
    }

    /// Sends a command line and returns the first line of the answer.
    ///
    /// # Panics
    /// As [`RawClient::send`] and [`RawClient::line`] do.
    pub fn command(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n"));
        self.line()
    }

    /// Reads a body of `n` bytes and the CRLF behind it.
    ///
    /// # Panics
    /// If they do not come.
    pub fn body(&mut self, n: usize) -> Vec<u8> {
        let mut body = vec![0; n + 2];
        self.stream.read_exact(&mut body).expect("a body in time");
        assert_eq!(body.split_off(n), b"\r\n", "the end of a body");
        body
    }

    /// Reads one reply, with the body behind its line if it has one: `FOUND 1 2\r\nab`.
    ///
    /// # Panics
    /// If no whole reply comes.
    pub fn reply(&mut self) -> String {
        let line = self.line();
        let has_body = ["OK ", "FOUND ", "RESERVED "].iter().any(|word| line.starts_with(word));
        if !has_body {
            return line;
        }
        let size = number(line.rsplit(' ').next().unwrap_or_default());
        format!("{line}\r\n{}", String::from_utf8_lossy(&self.body(size)))
    }

    /// Sends a command and returns the whole reply. A body stands behind the command's line:
    /// `put 0 0 60 2\r\nab`.
    ///
    /// # Panics
    /// As [`RawClient::send`] and [`RawClient::reply`] do.
    pub fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n"));
        self.reply()
    }

    /// Whether the server has closed the connection and nothing is left to read.
    ///
    /// # Panics
    /// If neither bytes nor the end come.
    pub fn at_end(&mut self) -> bool {
        self.stream.fill_buf().expect("bytes or the end in time").is_empty()
    }

    /// Tells the server that nothing more comes; its answers can still be read.
    ///
    /// # Panics
    /// If the connection is lost.
    pub fn half_close(&mut self) {
        self.stream.get_mut().end_writing().expect("a connection");
    }

    /// Reads all that comes until the server closes the connection.
    ///
    /// # Panics
    /// If it does not close it.
    pub fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        self.stream.read_to_end(&mut bytes).expect("the end in time");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Puts a job with priority 1024, no delay and a TTR of 60 s.
    ///
    /// # Panics
    /// If the server does not insert it.
    pub fn put(&mut self, tube: &str, body: impl AsRef<[u8]>) -> u64 {
        self.put_with(tube, body, 1024, 0, 60)
    }

    /// Puts a job with `priority`, `delay` and `ttr`.
    ///
    /// # Panics
    /// If the server does not insert it.
    pub fn put_with(
        &mut self,
        tube: &str,
        body: impl AsRef<[u8]>,
        priority: u32,
        delay: u32,
        ttr: u32,
    ) -> u64 {
        let body = body.as_ref();
        assert_eq!(self.command(&format!("use {tube}")), format!("USING {tube}"));
        self.send(format!("put {priority} {delay} {ttr} {}\r\n", body.len()));
        self.send(body);
        let answer = self.command("");
        number(answer.strip_prefix("INSERTED ").expect(&answer))
    }

    /// Puts and buries jobs, many at a time: in this tube, so many, each with this body.
    ///
    /// # Panics
    /// If another job of the tube is ready, or as [`RawClient::put`] does.
    pub fn bury_many(&mut self, tube: &str, count: usize, body: &str) {
        const BATCH: usize = 500;
        assert_eq!(self.command(&format!("use {tube}")), format!("USING {tube}"));
        self.watch_only(tube);
        let put = format!("put 1024 0 60 {}\r\n{body}\r\n", body.len());
        for done in (0..count).step_by(BATCH) {
            let batch = BATCH.min(count - done);
            self.send(put.repeat(batch));
            (0..batch).for_each(|_| assert!(self.line().starts_with("INSERTED ")));
            self.send("reserve-with-timeout 0\r\n".repeat(batch));
            let mut buries = String::new();
            for _ in 0..batch {
                let answer = self.reply();
                let id = answer.strip_prefix("RESERVED ").and_then(|rest| rest.split(' ').next());
                buries += &format!("bury {} 1024\r\n", id.expect(&answer));
            }
            self.send(buries);
            (0..batch).for_each(|_| assert_eq!(self.line(), "BURIED"));
        }
    }

    /// Reserves a job of `tube` that is ready now. It belongs to this connection.
    ///
    /// # Panics
    /// On any answer but a job, none, or the warning of a deadline.
    pub fn reserve(&mut self, tube: &str) -> Option<(u64, Vec<u8>)> {
        self.watch_only(tube);
        let answer = self.command("reserve-with-timeout 0");
        if answer == "TIMED_OUT" || answer == "DEADLINE_SOON" {
            return None;
        }
        let (id, size) =
            answer.strip_prefix("RESERVED ").and_then(|rest| rest.split_once(' ')).expect(&answer);
        Some((number(id), self.body(number(size))))
    }

    fn watch_only(&mut self, tube: &str) {
        if self.watched != tube {
            assert_eq!(self.command(&format!("watch {tube}")), "WATCHING 2");
            let left = std::mem::replace(&mut self.watched, tube.to_owned());
            assert_eq!(self.command(&format!("ignore {left}")), "WATCHING 1");
        }
    }

    /// The server's statistics.
    ///
    /// # Panics
    /// If it has none.
    pub fn stats(&mut self) -> BTreeMap<String, String> {
        self.yaml("stats").expect("OK")
    }

    /// The statistics of a tube; nothing if there is no such tube.
    ///
    /// # Panics
    /// On an answer that is neither.
    pub fn stats_tube(&mut self, tube: &str) -> BTreeMap<String, String> {
        self.yaml(&format!("stats-tube {tube}")).unwrap_or_default()
    }

    /// The statistics of a job; nothing if there is no such job.
    ///
    /// # Panics
    /// On an answer that is neither.
    pub fn stats_job(&mut self, id: u64) -> BTreeMap<String, String> {
        self.yaml(&format!("stats-job {id}")).unwrap_or_default()
    }

    fn yaml(&mut self, command: &str) -> Option<BTreeMap<String, String>> {
        let answer = self.command(command);
        if answer == "NOT_FOUND" {
            return None;
        }
        let size = number(answer.strip_prefix("OK ").expect(&answer));
        let text = String::from_utf8(self.body(size)).expect("UTF-8");
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        Some(pairs.map(|(key, value)| (key.into(), value.trim_matches('"').into())).collect())
    }
}

fn tcp(addr: impl ToSocketAddrs) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("a TCP connection");
    stream.set_read_timeout(Some(TIMEOUT)).expect("a timeout above zero");
    stream.set_nodelay(true).expect("TCP_NODELAY");
    stream
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text:?}"))
}
