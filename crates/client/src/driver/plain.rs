//! Connections without encryption: TCP and unix sockets.

use std::future::poll_fn;
use std::hint;
use std::io::{self, IoSlice};
use std::mem;
use std::net::Shutdown;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use beanwire_core::engine::Server;
use beanwire_core::error::Error;
use beanwire_core::tls;
use bytes::BytesMut;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpStream, tcp};
#[cfg(unix)]
use tokio::net::{UnixStream, unix};

use super::Driver;
use super::wire::Wire;

/// Room for at least this many bytes is made before each read.
const MIN_READ: usize = 16 * 1024;

/// A larger read buffer is let go once it is empty: a large job has passed.
const MAX_KEPT: usize = 256 * 1024;

/// Whether others run while a thread looks away.
static HAS_PROCESSORS: LazyLock<bool> =
    LazyLock::new(|| thread::available_parallelism().is_ok_and(|count| count.get() > 1));

/// A socket that is open.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// The half that the connection's task reads from.
type Reader = Box<dyn AsyncRead + Send + Unpin>;

/// The half that anybody may write to.
#[derive(Debug)]
pub(super) enum Writer {
    Tcp(tcp::OwnedWriteHalf),
    #[cfg(unix)]
    Unix(unix::OwnedWriteHalf),
}

macro_rules! either {
    ($self:ident, $half:ident => $do:expr) => {
        match $self {
            Self::Tcp($half) => $do,
            #[cfg(unix)]
            Self::Unix($half) => $do,
        }
    };
}

impl Socket {
    fn split(self) -> (Reader, Writer) {
        match self {
            Self::Tcp(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Writer::Tcp(writer))
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                let (reader, writer) = stream.into_split();
                (Box::new(reader), Writer::Unix(writer))
            }
        }
    }
}

impl Writer {
    async fn writable(&self) -> io::Result<()> {
        either!(self, half => half.writable().await)
    }

    pub(super) fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        either!(self, half => half.try_write_vectored(slices))
    }

    pub(super) fn shutdown_write(&self) -> io::Result<()> {
        either!(self, half => SockRef::from(half.as_ref()).shutdown(Shutdown::Write))
    }
}

/// Makes room for the next read.
pub(super) fn make_room(input: &mut BytesMut) {
    if input.is_empty() && input.capacity() > MAX_KEPT {
        *input = BytesMut::new();
    }
    input.reserve(MIN_READ);
}

/// Lets those have their turn who are to run already: they may have something to send, too, and
/// should not wait for a write.
pub(super) async fn others_first() {
    let mut waited = false;
    // Not `yield_now`: what that puts off stays with its thread, which a handler may block.
    poll_fn(|context| {
        if mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Looks away for so long. A task may keep its thread for longer than that.
fn look_away(span: Duration) {
    let start = Instant::now();
    while start.elapsed() < span {
        hint::spin_loop();
    }
}

/// Carries bytes until the connection ends; an error says why, if it was not the peer's wish.
pub(super) async fn serve(
    driver: &Arc<Driver>,
    wire: &Wire,
    socket: Socket,
    server: &Server,
) -> Result<(), Error> {
    let (mut reader, writer) = socket.split();
    let writer = wire.attach(writer);
    let mut input = BytesMut::new();
    let mut write_blocked = false;
    // Nothing more can be sent. What the server had answered by then is still worth reading: it
    // decides whether a put is done again.
    let mut broken = None;
    driver.drive(|inner, now| inner.engine.handle_connected(now, wire.link()));
    loop {
        make_room(&mut input);
        tokio::select! {
            read = reader.read_buf(&mut input) => {
                let end = match read {
                    Ok(0) => Ok(()),
                    Ok(_) => {
                        let gather = driver.drive_and_yield(|inner, now| {
                            inner.engine.handle_data(now, wire.link(), &mut input);
                            inner.engine.gather(now, wire.link())
                        });
                        if let Some(span) = gather && *HAS_PROCESSORS {
                            others_first().await;
                            wire.flush(driver);
                            look_away(span);
                        }
                        continue;
                    }
                    Err(error) => Err(error),
                };
                let end = broken.map_or(end, Err);
                return end.map_err(|error| tls::broken(server, error));
            }
            ready = writer.writable(), if write_blocked => {
                ready.map_err(|error| tls::broken(server, error))?;
                write_blocked = false;
                wire.flush(driver);
            }
            () = wire.kicked() => match wire.write_error() {
                Some(error) => broken = Some(error),
                None if broken.is_some() => {}
                None if wire.is_blocked() => write_blocked = true,
                None => {
                    others_first().await;
                    wire.flush(driver);
                }
            },
        }
    }
}
