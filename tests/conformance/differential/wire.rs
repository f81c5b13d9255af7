//! A connection that can be asked whether a reply has come.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long a reply may take that has to come.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply(pub(super) String);

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::target::shorten(&self.0).fmt(f)
    }
}

#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Wire {
    pub(super) fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).expect("a connection");
        stream.set_nodelay(true).expect("TCP_NODELAY");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout above zero");
        Self { stream, input: Vec::new() }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).expect("the server reads");
    }

    /// The next reply, which has to come.
    pub(super) fn reply(&mut self) -> Result<Reply, String> {
        loop {
            if let Some(reply) = self.take() {
                return Ok(reply);
            }
            match self.read() {
                Ok(0) => return Err("the connection was closed".into()),
                Ok(_) => {}
                Err(error) => return Err(format!("no reply: {error}")),
            }
        }
    }

    /// The next reply if it is here.
    pub(super) fn reply_if_here(&mut self) -> Option<Reply> {
        self.stream.set_nonblocking(true).expect("a socket");
        let read = self.read();
        self.stream.set_nonblocking(false).expect("a socket");
        assert!(
            read.as_ref().map_or_else(|error| error.kind() == ErrorKind::WouldBlock, |n| *n > 0),
            "a lost connection: {read:?}"
        );
        self.take()
    }

    pub(super) fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).expect("a connection");
    }

    /// All replies up to the end of the connection.
    pub(super) fn rest(&mut self) -> Result<Vec<Reply>, String> {
        while self.read().map_err(|error| format!("no end: {error}"))? > 0 {}
        let replies = std::iter::from_fn(|| self.take()).collect();
        match self.input.is_empty() {
            true => Ok(replies),
            false => Err(format!("a part of a reply: {:?}", String::from_utf8_lossy(&self.input))),
        }
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut bytes = [0; 64 * 1024];
        let count = self.stream.read(&mut bytes)?;
        self.input.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn take(&mut self) -> Option<Reply> {
        let end = self.input.windows(2).position(|pair| pair == b"\r\n")? + 2;
        let line = String::from_utf8_lossy(&self.input[..end]);
        let has_body = ["OK ", "FOUND ", "RESERVED "].iter().any(|word| line.starts_with(word));
        let size = line.trim_end().rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let size = if has_body { size.expect("the size of a body") + 2 } else { 0 };
        if self.input.len() < end + size {
            return None;
        }
        let reply: Vec<u8> = self.input.drain(..end + size).collect();
        Some(Reply(String::from_utf8_lossy(&reply).into_owned()))
    }
}
