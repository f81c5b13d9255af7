//! The server behind its sockets: where it listens, when it ends, how its clock is set, and what
//! goes wrong when it is told to.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

mod faults;
mod listening;
mod time;

use std::time::Duration;

use beanwire_server::Server;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Fails the test on what takes so long that it must be hanging.
async fn within<F: IntoFuture>(work: F) -> F::Output {
    let work = tokio::time::timeout(Duration::from_secs(30), work.into_future());
    work.await.expect("an end within 30 s")
}

/// One connection.
struct Client<S>(BufReader<S>);

impl Client<TcpStream> {
    async fn connect(server: &Server) -> Self {
        let stream = within(TcpStream::connect(server.addr().unwrap())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.0.get_mut().write_all(bytes.as_ref())).await.unwrap();
    }

    /// The next line without its end.
    async fn line(&mut self) -> String {
        let mut line = String::new();
        within(self.0.read_line(&mut line)).await.unwrap();
        line.strip_suffix("\r\n").unwrap_or_else(|| panic!("no line: {line:?}")).to_owned()
    }

    /// Sends a command and returns the first line of the answer.
    async fn ask(&mut self, command: &str) -> String {
        self.send(format!("{command}\r\n")).await;
        self.line().await
    }

    /// Sends a command and returns the body of its answer.
    async fn body(&mut self, command: &str) -> String {
        let head = self.ask(command).await;
        let size = head.rsplit(' ').next().and_then(|size| size.parse::<usize>().ok());
        let mut body = vec![0; size.unwrap_or_else(|| panic!("no size: {head:?}")) + 2];
        within(self.0.read_exact(&mut body)).await.unwrap();
        String::from_utf8(body).unwrap()
    }

    /// What comes until the connection ends; a reset is an end, too.
    async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        let _ = within(self.0.read_to_end(&mut bytes)).await;
        String::from_utf8(bytes).unwrap()
    }
}

const PUT: &str = "put 0 0 60 1\r\nx\r\n";
