//! One connection, as far as no socket is needed.

use std::collections::VecDeque;
use std::io;

use beanwire_core::engine::{Engine, LinkId, Server};
use beanwire_core::error::Error;
use beanwire_core::tls::{TlsClient, broken, refused};
use beanwire_core::types::Instant;
use beanwire_core::uri::Transport;
use bytes::{Buf as _, Bytes, BytesMut};

use crate::tls::Tls;

/// A larger read buffer is let go once it is empty: a large job has passed.
const MAX_KEPT: usize = 256 * 1024;

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) id: LinkId,
    pub(crate) server: Server,
    tls: Option<Box<Tls>>,
    input: BytesMut,
    output: VecDeque<Bytes>,
    /// The socket has not taken what it was given.
    pub(crate) is_blocked: bool,
    /// The engine knows that it is open.
    is_open: bool,
    /// Nothing comes behind what there is to write.
    pub(crate) is_ending: bool,
    has_ended: bool,
    /// The engine has let go of it, and only the last words of TLS are left to send.
    pub(crate) is_over: bool,
}

/// What is to be sent.
#[derive(Debug, Default)]
pub(crate) struct Sending {
    pub(crate) length: usize,
    /// Nothing comes behind it.
    pub(crate) is_last: bool,
    /// There was no more room for what is left.
    pub(crate) is_cut: bool,
}

impl Link {
    pub(crate) fn new(id: LinkId, server: Server) -> Self {
        Self {
            id,
            server,
            tls: None,
            input: BytesMut::new(),
            output: VecDeque::new(),
            is_blocked: false,
            is_open: false,
            is_ending: false,
            has_ended: false,
            is_over: false,
        }
    }

    pub(crate) const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The socket is connected. Says whether the connection is of use, or has to agree on TLS first.
    pub(crate) fn connected(&mut self, tls: Option<&TlsClient>) -> Result<bool, Error> {
        match (self.server.uri().transport(), tls) {
            (Transport::Tls { host, .. }, Some(tls)) => {
                self.tls = Some(Box::new(Tls::new(tls, host)?));
            }
            _ => self.is_open = true,
        }
        Ok(self.is_open)
    }

    /// Bytes came in. Says whether the connection is of use since then.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<bool, Error> {
        let Some(tls) = &mut self.tls else {
            self.input.extend_from_slice(bytes);
            return Ok(false);
        };
        if let Err(error) = tls.read(bytes, &mut self.input) {
            return Err(self.error(error));
        }
        let is_new = !self.is_open && !tls.is_handshaking();
        self.is_open |= is_new;
        Ok(is_new)
    }

    /// Whether the server has ended it by the means of TLS.
    pub(crate) fn was_ended(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.has_ended)
    }

    /// Hands what came in to the engine.
    pub(crate) fn deliver(&mut self, engine: &mut Engine, now: Instant) {
        engine.handle_data(now, self.id, &mut self.input);
        if self.input.is_empty() && self.input.capacity() > MAX_KEPT {
            self.input = BytesMut::new();
        }
    }

    /// The peer sends no more: an error if that is too early.
    pub(crate) fn hung_up(&self) -> Option<Error> {
        let early = self.tls.is_some() && !self.is_open;
        let error = || io::Error::new(io::ErrorKind::UnexpectedEof, "tls handshake eof");
        early.then(|| self.error(error()))
    }

    pub(crate) fn error(&self, error: io::Error) -> Error {
        match self.is_open {
            true => broken(&self.server, error),
            false => refused(&self.server, error),
        }
    }

    /// Moves what is to be sent next to `wire`, as far as there is room.
    pub(crate) fn send(&mut self, engine: &mut Engine, now: Instant, wire: &mut [u8]) -> Sending {
        let mut sending = Sending::default();
        if self.is_blocked || self.has_ended || !(self.is_open || self.tls.is_some()) {
            return sending;
        }
        loop {
            let wire = wire.get_mut(sending.length..).unwrap_or_default();
            if let Some(tls) = &mut self.tls {
                let length = tls.flush(wire);
                sending.length += length;
                if tls.has_output() {
                    sending.is_cut = true;
                    return sending;
                }
                if length > 0 {
                    continue;
                }
            }
            if !self.is_open || self.is_over {
                return sending;
            }
            if self.output.is_empty() {
                let mut pieces = Vec::new();
                engine.take(now, self.id, &mut pieces);
                self.output.extend(pieces);
            }
            let Some(piece) = self.output.front_mut() else { break };
            let length = match &mut self.tls {
                Some(tls) => tls.write(piece),
                None => {
                    let length = copy(piece, wire);
                    sending.length += length;
                    length
                }
            };
            if length == 0 && !piece.is_empty() {
                sending.is_cut = true;
                return sending;
            }
            piece.advance(length);
            if piece.is_empty() {
                self.output.pop_front();
            }
        }
        self.end(wire, &mut sending);
        sending
    }

    fn end(&mut self, wire: &mut [u8], sending: &mut Sending) {
        if !self.is_ending {
            return;
        }
        if let Some(tls) = &mut self.tls {
            tls.say_goodbye();
            sending.length += tls.flush(wire.get_mut(sending.length..).unwrap_or_default());
            sending.is_cut = tls.has_output();
        }
        if !sending.is_cut {
            self.has_ended = true;
            sending.is_last = true;
        }
    }

    /// Bytes of the engine's that were never given to the socket.
    pub(crate) fn unwritten(&self) -> u64 {
        self.output.iter().map(|piece| piece.len() as u64).sum()
    }
}

fn copy(from: &[u8], to: &mut [u8]) -> usize {
    let length = from.len().min(to.len());
    if let (Some(to), Some(from)) = (to.get_mut(..length), from.get(..length)) {
        to.copy_from_slice(from);
    }
    length
}
