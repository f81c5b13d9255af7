//! Connections without encryption: TCP and unix sockets.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::Arc;

use beanwire_core::engine::Server;
use beanwire_core::error::Error;
use bytes::BytesMut;
use socket2::SockRef;
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use super::wire::Wire;
use super::{Driver, dial};

/// Room for at least this many bytes is made before each read.
const MIN_READ: usize = 16 * 1024;

/// A larger read buffer is let go once it is empty: a large job has passed.
const MAX_KEPT: usize = 256 * 1024;

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

macro_rules! either {
    ($self:ident, $stream:ident => $do:expr) => {
        match $self {
            Self::Tcp($stream) => $do,
            #[cfg(unix)]
            Self::Unix($stream) => $do,
        }
    };
}

impl Socket {
    async fn readable(&self) -> io::Result<()> {
        either!(self, stream => stream.readable().await)
    }

    async fn writable(&self) -> io::Result<()> {
        either!(self, stream => stream.writable().await)
    }

    fn try_read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        either!(self, stream => stream.try_read_buf(buffer))
    }

    pub(super) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, stream => stream.try_write_vectored(slices))
    }

    pub(super) fn shutdown_write(&self) -> io::Result<()> {
        either!(self, stream => SockRef::from(stream).shutdown(Shutdown::Write))
    }
}

/// Makes room for the next read.
pub(super) fn make_room(input: &mut BytesMut) {
    if input.is_empty() && input.capacity() > MAX_KEPT {
        *input = BytesMut::new();
    }
    input.reserve(MIN_READ);
}

/// Carries bytes until the connection ends; an error says why, if it was not the peer's wish.
pub(super) async fn serve(
    driver: &Arc<Driver>,
    wire: &Wire,
    socket: Socket,
    server: &Server,
) -> Result<(), Error> {
    let socket = wire.attach(socket);
    let mut input = BytesMut::new();
    let mut write_blocked = false;
    // Nothing more can be sent. What the server had answered by then is still worth reading: it
    // decides whether a put is done again.
    let mut broken = None;
    driver.drive(|inner, now| inner.engine.handle_connected(now, wire.link()));
    loop {
        tokio::select! {
            ready = socket.readable() => {
                ready.map_err(|error| dial::io_error(server, error))?;
                make_room(&mut input);
                let end = match socket.try_read(&mut input) {
                    Ok(0) => Ok(()),
                    Ok(_) => {
                        driver.drive(|inner, now| {
                            inner.engine.handle_data(now, wire.link(), &mut input);
                        });
                        continue;
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                    Err(error) => Err(error),
                };
                let end = broken.map_or(end, Err);
                return end.map_err(|error| dial::io_error(server, error));
            }
            ready = socket.writable(), if write_blocked => {
                ready.map_err(|error| dial::io_error(server, error))?;
                write_blocked = false;
                wire.flush(driver);
            }
            () = wire.kick.notified() => match wire.write_error() {
                Some(error) => broken = Some(error),
                None => write_blocked = broken.is_none(),
            },
        }
    }
}
