//! One connection, from name lookup to its end.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use beanwire_core::engine::{LinkId, Server};
use beanwire_core::error::{Error, Outcome};
use bytes::BytesMut;
use futures::future::{Either, select};
use wasip3::sockets::types::{ErrorCode, TcpSocket};
use wit_bindgen::{FutureReader, StreamReader, StreamResult, StreamWriter};

use crate::dial::{Fault, dial};
use crate::driver::Driver;
use crate::time::now;

/// Most bytes of one read.
const READ: usize = 64 * 1024;

/// A larger read buffer is let go once it is empty: a large job has passed.
const MAX_KEPT: usize = 256 * 1024;

/// The outcome of a direction, which the host tells when it ends.
type Ended = FutureReader<Result<(), ErrorCode>>;

/// What others may ask of a connection, whose work is [`run`].
pub(crate) struct Wire {
    id: LinkId,
    server: Server,
    waker: RefCell<Option<Waker>>,
    stopped: Cell<bool>,
    /// Nothing comes behind what there is to write.
    ending: Cell<bool>,
    /// Bytes of the engine's that the host never took.
    unwritten: Cell<usize>,
}

impl Wire {
    pub(crate) const fn new(id: LinkId, server: Server) -> Self {
        Self {
            id,
            server,
            waker: RefCell::new(None),
            stopped: Cell::new(false),
            ending: Cell::new(false),
            unwritten: Cell::new(0),
        }
    }

    /// There is something to write, or to know.
    pub(crate) fn wake(&self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    pub(crate) fn end_output(&self) {
        self.ending.set(true);
        self.wake();
    }

    pub(crate) fn stop(&self) {
        self.stopped.set(true);
        self.wake();
    }

    /// Does all that it is asked whenever it is woken.
    async fn wakeful<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.waker.replace(Some(context.waker().clone()));
            work.as_mut().poll(context)
        })
        .await
    }

    async fn stopped(&self) {
        poll_fn(|_| if self.stopped.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    }

    fn error(&self, fault: Fault, outcome: Outcome) -> Error {
        Error::new(fault.kind, outcome, format!("{}: {}", self.server, fault.message))
    }
}

/// The life of one connection.
pub(crate) async fn run(driver: Rc<Driver>, wire: Rc<Wire>) {
    let error = wire.wakeful(open_and_serve(&driver, &wire)).await.err();
    let unwritten = u64::try_from(wire.unwritten.get()).unwrap_or(u64::MAX);
    driver.drive(|state, now| {
        state.forget(wire.id);
        state.engine.handle_closed(now, wire.id, unwritten, error);
    });
}

async fn open_and_serve(driver: &Rc<Driver>, wire: &Wire) -> Result<(), Error> {
    let end = now() + driver.state().engine.config().connect_timeout;
    let dialed = pin!(dial(wire.server.uri(), end));
    let socket = match select(pin!(wire.stopped()), dialed).await {
        Either::Left(_) => return Ok(()),
        Either::Right((socket, _)) => {
            socket.map_err(|fault| wire.error(fault, Outcome::NotSent))?
        }
    };
    driver.drive(|state, now| state.engine.handle_connected(now, wire.id));
    serve(driver, wire, &socket).await.map_err(|fault| wire.error(fault, Outcome::Unknown))
}

/// Moves bytes both ways. What the server had answered when writing failed is still worth reading.
async fn serve(driver: &Rc<Driver>, wire: &Wire, socket: &TcpSocket) -> Result<(), Fault> {
    let (output, taken) = wasip3::wit_stream::new();
    let sent = socket.send(taken);
    let (input, received) = socket.receive();
    let mut write = pin!(write(driver, wire, output, sent));
    let mut read = pin!(read(driver, wire, input, received));
    let mut written = None;
    poll_fn(|context| {
        if written.is_none()
            && let Poll::Ready(result) = write.as_mut().poll(context)
        {
            written = Some(result);
        }
        if wire.stopped.get() {
            return Poll::Ready(Ok(()));
        }
        let broken = |written: &mut Option<Result<(), Fault>>| match written.take() {
            Some(Err(fault)) => Err(fault),
            _ => Ok(()),
        };
        read.as_mut().poll(context).map(|result| broken(&mut written).and(result))
    })
    .await
}

/// Writes what the engine gives until it stops or ends, and then ends the sending direction.
async fn write(
    driver: &Rc<Driver>,
    wire: &Wire,
    mut output: StreamWriter<u8>,
    sent: Ended,
) -> Result<(), Fault> {
    while let Some(bytes) = next_output(driver, wire).await {
        wire.unwritten.set(bytes.len());
        let mut writing = output.write(bytes);
        loop {
            let mut blocked = false;
            let (result, rest) = {
                let mut writing = pin!(writing);
                poll_fn(|context| {
                    if blocked && wire.stopped.get() {
                        return Poll::Ready(writing.as_mut().cancel());
                    }
                    let outcome = writing.as_mut().poll(context);
                    blocked = outcome.is_pending();
                    outcome
                })
                .await
            };
            wire.unwritten.set(rest.remaining());
            if blocked {
                driver.drive(|state, now| state.engine.handle_progress(now, wire.id));
            }
            match result {
                StreamResult::Dropped => {
                    return Err(sent.await.err().unwrap_or(ErrorCode::ConnectionBroken).into());
                }
                StreamResult::Cancelled => return Ok(()),
                StreamResult::Complete(_) if rest.remaining() == 0 => break,
                StreamResult::Complete(_) => writing = output.write_buf(rest),
            }
        }
    }
    Ok(())
}

async fn next_output(driver: &Rc<Driver>, wire: &Wire) -> Option<Vec<u8>> {
    poll_fn(|_| {
        if wire.stopped.get() {
            return Poll::Ready(None);
        }
        let pieces = driver.take(wire.id);
        match pieces.is_empty() {
            false => Poll::Ready(Some(pieces.concat())),
            true if wire.ending.get() => Poll::Ready(None),
            true => Poll::Pending,
        }
    })
    .await
}

/// Reads until the peer ends.
async fn read(
    driver: &Rc<Driver>,
    wire: &Wire,
    mut input: StreamReader<u8>,
    received: Ended,
) -> Result<(), Fault> {
    let mut kept = BytesMut::new();
    let mut buffer = Vec::with_capacity(READ);
    loop {
        let (result, bytes) = input.read(buffer).await;
        if !matches!(result, StreamResult::Complete(_)) {
            return received.await.map_err(Fault::from);
        }
        kept.extend_from_slice(&bytes);
        driver.drive(|state, now| state.engine.handle_data(now, wire.id, &mut kept));
        if kept.is_empty() && kept.capacity() > MAX_KEPT {
            kept = BytesMut::new();
        }
        buffer = bytes;
        buffer.clear();
    }
}
