//! One connection: a pipeline of commands, and the replies that answer them in order.
//!
//! Rules:
//! 1. A command is *unsent* until [`Conn::take`] encodes it; from then on it is *sent*, and exactly
//!    one reply answers it, in order. `quit` has none.
//! 2. Behind a command that blocks at the server nothing is taken: the server would not read it.
//! 3. `use` goes in front of a command only when the tube in use is another one.
//! 4. Every reply is checked against the command it answers. A reply that cannot be one, and a
//!    refused `use`, end the connection: what follows could be taken for something else.
//! 5. When the connection ends, every command is handed back with whether it may have been done.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::{Command, Decoder, Reply};
use crate::types::{Instant, TubeName};

/// Most commands that await their replies at once.
const MAX_PIPELINE: usize = 1024;

/// About how many bytes one [`Conn::take`] hands out.
const MAX_TAKE: usize = 256 * 1024;

/// Bodies up to this size are copied behind their header; larger ones go out as they are.
const COPIED_BODY: usize = 4096;

/// The pipeline of one connection. Every command carries a tag that comes back with its reply.
#[derive(Debug)]
pub(crate) struct Conn<T> {
    decoder: Decoder,
    /// The tube that is in use once all sent commands have run.
    used: TubeName,
    unsent: VecDeque<(Command, T)>,
    sent: VecDeque<Sent<T>>,
    /// How many of both may be held back by the server.
    blocking: usize,
    /// Bytes handed out by `take` so far.
    taken: u64,
    /// When the server last gave a sign of life, or was given something to answer while it owed
    /// nothing.
    heard_at: Instant,
    /// A deliberate fault: `use` is taken for sent and is not.
    pub(crate) forgets_use: bool,
}

#[derive(Debug)]
struct Sent<T> {
    command: Command,
    /// None for a `use` of the connection's own.
    tag: Option<T>,
    /// Where its last byte ends in the stream. A server runs no command that it has not read whole.
    end: u64,
}

/// A reply and the command it answers.
#[derive(Debug)]
pub(crate) struct Answer<T> {
    pub(crate) command: Command,
    pub(crate) tag: T,
    pub(crate) reply: Reply,
}

/// A command that got no reply.
#[derive(Debug)]
pub(crate) struct Unanswered<T> {
    pub(crate) command: Command,
    pub(crate) tag: T,
    /// Whether all of it may have reached the server.
    pub(crate) maybe_done: bool,
}

impl<T> Conn<T> {
    pub(crate) fn new(max_body: usize) -> Self {
        Self {
            decoder: Decoder::new(max_body),
            used: TubeName::default_tube(),
            unsent: VecDeque::new(),
            sent: VecDeque::new(),
            blocking: 0,
            taken: 0,
            heard_at: Instant::default(),
            forgets_use: false,
        }
    }

    pub(crate) fn push(&mut self, command: Command, tag: T) {
        self.blocking += usize::from(command.blocks().is_some());
        self.unsent.push_back((command, tag));
    }

    /// Commands that have no reply yet.
    pub(crate) fn pending(&self) -> usize {
        self.unsent.len() + self.sent.len()
    }

    /// The tags of all commands that have no reply yet.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &T> {
        let sent = self.sent.iter().filter_map(|sent| sent.tag.as_ref());
        sent.chain(self.unsent.iter().map(|(_, tag)| tag))
    }

    /// Whether a command that the server may hold back is sent or about to be.
    pub(crate) const fn is_parked(&self) -> bool {
        self.blocking > 0
    }

    /// What the last command was sent for, if the server may hold it back.
    pub(crate) fn blocked_by(&self) -> Option<&T> {
        let last = self.sent.back().filter(|last| last.command.blocks().is_some())?;
        last.tag.as_ref()
    }

    /// Whether the server reads nothing more for now.
    fn is_blocked(&self) -> bool {
        self.sent.back().is_some_and(|last| {
            last.command.blocks().is_some() || matches!(last.command, Command::Quit)
        })
    }

    /// Whether anything waits that may be sent now.
    pub(crate) fn has_output(&self) -> bool {
        !self.unsent.is_empty() && !self.is_blocked() && self.sent.len() < MAX_PIPELINE
    }

    /// Takes back the first unsent command that `wanted` accepts.
    pub(crate) fn withdraw(&mut self, wanted: impl Fn(&T) -> bool) -> Option<Command> {
        let at = self.unsent.iter().position(|(_, tag)| wanted(tag))?;
        let (command, _) = self.unsent.remove(at)?;
        self.blocking -= usize::from(command.blocks().is_some());
        Some(command)
    }

    /// Lets go of the body of a sent command that nobody waits for any more. Its reply is still
    /// taken for what it is.
    pub(crate) fn forget_body(&mut self, wanted: impl Fn(&T) -> bool) {
        let sent = self.sent.iter_mut().find(|sent| sent.tag.as_ref().is_some_and(&wanted));
        if let Some(Sent { command: Command::Put { body, .. }, .. }) = sent {
            *body = Bytes::new();
        }
    }

    /// Encodes what may be sent now into `out`.
    pub(crate) fn take(&mut self, now: Instant, out: &mut Vec<Bytes>) {
        let start = self.taken;
        let mut buffer = BytesMut::new();
        while self.has_output() && self.taken - start < MAX_TAKE as u64 {
            let Some((command, tag)) = self.unsent.pop_front() else { break };
            if self.sent.is_empty() {
                self.heard_at = now;
            }
            let tube = match &command {
                Command::Use(tube) => Some(tube),
                _ => command.acts_on(),
            };
            if let Some(tube) = tube.filter(|tube| **tube != self.used) {
                self.used = tube.clone();
                if !matches!(command, Command::Use(_)) && !self.forgets_use {
                    self.encode(Command::Use(self.used.clone()), None, &mut buffer, out);
                }
            }
            self.encode(command, Some(tag), &mut buffer, out);
        }
        flush(&mut buffer, out);
    }

    fn encode(
        &mut self,
        command: Command,
        tag: Option<T>,
        buffer: &mut BytesMut,
        out: &mut Vec<Bytes>,
    ) {
        let before = buffer.len();
        command.encode_line(buffer);
        self.taken += (buffer.len() - before) as u64;
        if let Some(body) = command.body() {
            if body.len() > COPIED_BODY {
                flush(buffer, out);
                out.push(body.clone());
            } else {
                buffer.extend_from_slice(body);
            }
            buffer.extend_from_slice(b"\r\n");
            self.taken += body.len() as u64 + 2;
        }
        self.sent.push_back(Sent { command, tag, end: self.taken });
    }

    /// The server has read some of what was taken, so it is not silent.
    pub(crate) const fn progress(&mut self, now: Instant) {
        self.heard_at = now;
    }

    /// The next reply in `input` with its command, if one is whole.
    ///
    /// # Errors
    /// Why the connection cannot be used any further.
    pub(crate) fn decode(
        &mut self,
        now: Instant,
        input: &mut BytesMut,
    ) -> Result<Option<Answer<T>>, Error> {
        self.heard_at = now;
        loop {
            let reply = match self.decoder.decode(input) {
                Ok(Some(reply)) => reply,
                Ok(None) => return Ok(None),
                Err(error) => return Err(unexpected(error.to_string()).with_source(error)),
            };
            let Some(head) = self.sent.front() else {
                return Err(unexpected(format!("{} answers no command", reply.word())));
            };
            let own_use = head.tag.is_none();
            if !head.command.matches(&reply) || own_use && !matches!(reply, Reply::Using(_)) {
                let (word, verb) = (reply.word(), head.command.verb());
                return Err(unexpected(format!("{word} is no answer to {verb}")));
            }
            if let Some(Sent { command, tag: Some(tag), .. }) = self.sent.pop_front() {
                self.blocking -= usize::from(command.blocks().is_some());
                return Ok(Some(Answer { command, tag, reply }));
            }
        }
    }

    /// When the server's silence becomes a fault, if an answer is due.
    pub(crate) fn answer_due(&self, patience: Duration) -> Option<Instant> {
        let wait = match self.sent.front()?.command.blocks() {
            None => patience,
            Some(None) => return None,
            Some(Some(timeout)) => timeout.as_duration() + patience,
        };
        Some(self.heard_at + wait)
    }

    /// Ends the connection: everything without a reply, in order. The last `unwritten` of the bytes
    /// that were taken never left.
    pub(crate) fn close(&mut self, unwritten: u64) -> Vec<Unanswered<T>> {
        self.blocking = 0;
        let written = self.taken.saturating_sub(unwritten);
        let sent = mem::take(&mut self.sent).into_iter().filter_map(|sent| {
            let maybe_done = sent.end <= written;
            Some(Unanswered { command: sent.command, tag: sent.tag?, maybe_done })
        });
        let unsent = mem::take(&mut self.unsent).into_iter().map(|(command, tag)| Unanswered {
            command,
            tag,
            maybe_done: false,
        });
        sent.chain(unsent).collect()
    }
}

fn flush(buffer: &mut BytesMut, out: &mut Vec<Bytes>) {
    if !buffer.is_empty() {
        out.push(buffer.split().freeze());
    }
}

fn unexpected(message: String) -> Error {
    Error::new(ErrorKind::UnexpectedReply, Outcome::Unknown, message)
}

#[cfg(test)]
mod tests;
