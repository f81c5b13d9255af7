//! Connections between clients and servers: bytes take their time, come in pieces, and get lost.

use beanwire_core::engine::LinkId;
use beanwire_server::machine::ClientId;
use bytes::BytesMut;

use crate::observer::Observer;

/// One connection, for the whole run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct WireId(pub(crate) usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// One direction: what was written and has not arrived.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) bytes: BytesMut,
    /// Nothing comes behind the bytes.
    pub(crate) ended: bool,
    /// An arrival is on its way.
    pub(crate) scheduled: bool,
    /// The end has arrived, too.
    pub(crate) done: bool,
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) client: usize,
    pub(crate) link: LinkId,
    pub(crate) server: usize,
    /// Its name at the server, once it is accepted.
    pub(crate) accepted: Option<ClientId>,
    /// The client's engine counts on it.
    pub(crate) open: bool,
    pub(crate) to_server: Pipe,
    pub(crate) to_client: Pipe,
    /// What the engine gave out and the socket has not taken.
    pub(crate) unsent: BytesMut,
    /// The sending direction ends behind it.
    pub(crate) ending: bool,
    /// Bytes of an incomplete reply.
    pub(crate) input: BytesMut,
    /// Most bytes that the system takes before the server has read some.
    pub(crate) capacity: usize,
    pub(crate) observer: Observer,
}

impl Wire {
    pub(crate) fn pipe(&mut self, to: Side) -> &mut Pipe {
        match to {
            Side::Client => &mut self.to_client,
            Side::Server => &mut self.to_server,
        }
    }

    /// Moves what fits from the driver to the system; true if it had been stuck before.
    pub(crate) fn flush(&mut self) -> bool {
        let stuck = !self.unsent.is_empty();
        let room = self.capacity.saturating_sub(self.to_server.bytes.len());
        let step = room.min(self.unsent.len());
        if !self.to_server.ended {
            self.to_server.bytes.extend_from_slice(&self.unsent.split_to(step));
        }
        if self.ending && self.unsent.is_empty() {
            self.to_server.ended = true;
        }
        stuck && step > 0
    }
}
