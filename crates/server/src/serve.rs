//! One connection: bytes from its socket to the machine and back.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

use crate::faults::{Carried, Direction};
use crate::hub::{Hub, Peer, Taken};
use crate::machine::ClientId;

/// Most bytes of one read.
const READ: usize = 64 * 1024;

/// Replies beyond this many bytes stay with the machine.
const MAX_HELD: usize = 1024 * 1024;

/// A connection that somebody accepted, until it ends.
pub(crate) async fn serve<S>(hub: Arc<Hub>, mut stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some((client, peer)) = hub.connect() else { return };
    let connection = Connection {
        hub: Arc::clone(&hub),
        peer,
        client,
        out: VecDeque::new(),
        held: 0,
        sent: Carried::default(),
        received: Carried::default(),
        ended: false,
    };
    tokio::select! {
        // An error means that the client is gone, which is no fault of the server.
        _ = connection.run(&mut stream) => {}
        () = hub.stop.cancelled() => {}
    }
    hub.disconnect(client);
    let _ = stream.shutdown().await;
}

struct Connection {
    hub: Arc<Hub>,
    peer: Arc<Peer>,
    client: ClientId,
    /// Replies, and when the machine gave them.
    out: VecDeque<(Instant, Bytes)>,
    /// Their size in bytes.
    held: usize,
    sent: Carried,
    received: Carried,
    /// The client sends nothing more.
    ended: bool,
}

impl Connection {
    async fn run(mut self, stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
        let mut input = BytesMut::new();
        loop {
            let Taken { wants_input, may_have_more } = self.collect();
            let due = match self.write(stream).await? {
                Written::All => None,
                Written::Until(due) => due,
                Written::Cut => return Ok(()),
            };
            if self.out.is_empty() && may_have_more {
                continue;
            }
            if self.out.is_empty() && self.peer.is_closing() {
                return Ok(());
            }
            let delayed = !self.out.is_empty();
            let ripe = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            input.reserve(READ);
            tokio::select! {
                read = stream.read_buf(&mut input), if wants_input && !self.ended => {
                    if self.take_in(read?, &mut input) {
                        return Ok(());
                    }
                }
                () = self.peer.wake.notified() => {}
                () = ripe, if delayed => {}
            }
        }
    }

    /// Gets replies from the machine.
    fn collect(&mut self) -> Taken {
        if self.held > MAX_HELD {
            return Taken { wants_input: false, may_have_more: true };
        }
        let mut pieces = Vec::new();
        let taken = self.hub.take(self.client, &mut pieces);
        let now = Instant::now();
        self.held += pieces.iter().map(Bytes::len).sum::<usize>();
        self.out.extend(pieces.into_iter().map(|piece| (now, piece)));
        taken
    }

    /// Writes what is due.
    async fn write(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> io::Result<Written> {
        while let Some((since, piece)) = self.out.front() {
            let (since, size) = (*since, piece.len());
            let sent = &mut self.sent;
            let (due, passes) = self.hub.with(Some(self.client), |inner| {
                let due = since.checked_add(inner.faults.delay);
                if due.is_none_or(|due| due > Instant::now()) {
                    return (due, None);
                }
                (due, Some(sent.pass(&mut inner.faults, Direction::Sent, size)))
            });
            let Some(limit) = passes else { return Ok(Written::Until(due)) };
            let Some((_, piece)) = self.out.pop_front() else { break };
            self.held -= piece.len();
            stream.write_all(piece.get(..limit.unwrap_or(size)).unwrap_or(&piece)).await?;
            if limit.is_some() {
                stream.flush().await?;
                return Ok(Written::Cut);
            }
        }
        stream.flush().await?;
        Ok(Written::All)
    }

    /// Hands `size` bytes to the machine; true if the connection is to be cut behind them.
    fn take_in(&mut self, size: usize, input: &mut BytesMut) -> bool {
        if size == 0 {
            self.ended = true;
            self.hub.end_input(self.client);
            return false;
        }
        let received = &mut self.received;
        let limit = self.hub.with(Some(self.client), |inner| {
            received.pass(&mut inner.faults, Direction::Received, size)
        });
        self.hub.receive(self.client, input.get(..limit.unwrap_or(size)).unwrap_or(input));
        input.clear();
        limit.is_some()
    }
}

enum Written {
    All,
    /// The rest is held back until then; none is for ever.
    Until(Option<Instant>),
    Cut,
}
