//! The bytes of one connection.

use beanwire_core::error::ErrorKind;
use bytes::BytesMut;
use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};

/// Most bytes of one read.
const READ: u64 = 64 * 1024;

/// Why a connection is of no use any more.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) message: String,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

/// What a read found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Some,
    /// Nothing for now.
    Nothing,
    /// The peer sends no more.
    End,
}

/// A TCP connection. The fields are in the order in which the host wants them dropped.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) readable: Pollable,
    pub(crate) writable: Pollable,
    input: InputStream,
    output: OutputStream,
    socket: TcpSocket,
}

impl Stream {
    pub(crate) fn new(socket: TcpSocket, input: InputStream, output: OutputStream) -> Self {
        let (readable, writable) = (input.subscribe(), output.subscribe());
        Self { readable, writable, input, output, socket }
    }

    pub(crate) fn read(&self, into: &mut BytesMut) -> Result<Read, Fault> {
        match self.input.read(READ) {
            Ok(bytes) if bytes.is_empty() => Ok(Read::Nothing),
            Ok(bytes) => {
                into.extend_from_slice(&bytes);
                Ok(Read::Some)
            }
            Err(StreamError::Closed) => Ok(Read::End),
            Err(StreamError::LastOperationFailed(error)) => Err(broken(error.to_debug_string())),
        }
    }

    /// Writes what the host takes now, and tells how much that was.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<usize, Fault> {
        let permit = self.output.check_write().map_err(lost)?;
        let length = usize::try_from(permit).unwrap_or(usize::MAX).min(bytes.len());
        match bytes.get(..length) {
            Some(bytes) if length > 0 => self.output.write(bytes).map_err(lost)?,
            _ => {}
        }
        Ok(length)
    }

    pub(crate) fn end_output(&self) {
        // A socket that is gone already has no direction left to end.
        let _ = self.socket.shutdown(ShutdownType::Send);
    }
}

fn lost(error: StreamError) -> Fault {
    match error {
        StreamError::Closed => broken("the connection was closed".into()),
        StreamError::LastOperationFailed(error) => broken(error.to_debug_string()),
    }
}

fn broken(message: String) -> Fault {
    Fault { kind: ErrorKind::Disconnected, message }
}
