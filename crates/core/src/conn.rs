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
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::{Command, Decoder, Reply};
use crate::types::{Instant, TubeName};

/// Most commands that await their replies at once.
const MAX_PIPELINE: usize = 1024;

/// About how many bytes one [`Conn::take`] hands out.
const MAX_TAKE: usize = 256 * 1024;

/// The commands of one write begin with so much room, so that a few small ones need no more.
const FIRST_ROOM: usize = 1000;

/// Bodies up to this size are copied behind their header; larger ones go out as they are.
const COPIED_BODY: usize = 4096;

/// The pipeline of one connection. Every command carries a tag that comes back with its reply.
#[derive(Debug)]
pub(crate) struct Conn<T> {
    decoder: Decoder,
    /// The tube that is in use once all sent commands have run.
    used: TubeName,
    unsent: VecDeque<Unsent<T>>,
    sent: VecDeque<Sent<T>>,
    /// The ticket of the last command; they rise by two, and a `use` of the connection's own gets
    /// the one between.
    last_ticket: u64,
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
struct Unsent<T> {
    command: Command,
    tag: T,
    ticket: u64,
}

#[derive(Debug)]
struct Sent<T> {
    command: Command,
    ticket: u64,
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
            last_ticket: 0,
            blocking: 0,
            taken: 0,
            heard_at: Instant::default(),
            forgets_use: false,
        }
    }

    /// Queues a command. The ticket is its name from now on.
    pub(crate) fn push(&mut self, command: Command, tag: T) -> u64 {
        self.blocking += usize::from(command.blocks().is_some());
        self.last_ticket += 2;
        let ticket = self.last_ticket;
        self.unsent.push_back(Unsent { command, tag, ticket });
        ticket
    }

    /// Commands that have no reply yet.
    pub(crate) fn pending(&self) -> usize {
        self.unsent.len() + self.sent.len()
    }

    /// Answers that are on their way, to `use` of the connection's own, too.
    pub(crate) fn sent(&self) -> usize {
        self.sent.len()
    }

    /// Whether a command that the server may hold back is sent or about to be.
    pub(crate) const fn is_parked(&self) -> bool {
        self.blocking > 0
    }

    /// The last command that was sent, if the server may hold it back.
    pub(crate) fn blocked_by(&self) -> Option<u64> {
        let last = self.sent.back().filter(|last| last.command.blocks().is_some())?;
        Some(last.ticket)
    }

    /// Whether a command that `counts` waits behind one that the server holds back.
    pub(crate) fn holds_up(&self, counts: impl Fn(&T) -> bool) -> bool {
        self.is_blocked() && self.unsent.iter().any(|unsent| counts(&unsent.tag))
    }

    /// Whether a job may come of what was sent, the last command aside.
    pub(crate) fn may_bring_jobs(&self) -> bool {
        let before = self.sent.len().saturating_sub(1);
        self.sent.iter().take(before).any(|sent| sent.command.reserves())
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

    /// Takes a command back, if it is unsent.
    pub(crate) fn withdraw(&mut self, ticket: u64) -> Option<Command> {
        let at = self.unsent.binary_search_by_key(&ticket, |unsent| unsent.ticket).ok()?;
        let Unsent { command, .. } = self.unsent.remove(at)?;
        self.blocking -= usize::from(command.blocks().is_some());
        Some(command)
    }

    /// Takes all unsent commands back that `wanted` accepts, in their order.
    pub(crate) fn withdraw_all(&mut self, wanted: impl Fn(&T) -> bool) -> Vec<(Command, T)> {
        let mut taken = Vec::new();
        // All pass by once; those that stay line up again behind each other.
        for _ in 0..self.unsent.len() {
            let Some(unsent) = self.unsent.pop_front() else { break };
            if wanted(&unsent.tag) {
                self.blocking -= usize::from(unsent.command.blocks().is_some());
                taken.push((unsent.command, unsent.tag));
            } else {
                self.unsent.push_back(unsent);
            }
        }
        taken
    }

    /// Lets go of the body of a sent command that nobody waits for any more. Its reply is still
    /// taken for what it is.
    pub(crate) fn forget_body(&mut self, ticket: u64) {
        let at = self.sent.binary_search_by_key(&ticket, |sent| sent.ticket);
        let sent = at.ok().and_then(|at| self.sent.get_mut(at));
        if let Some(Sent { command: Command::Put { body, .. }, .. }) = sent {
            *body = Bytes::new();
        }
    }

    /// Encodes what may be sent now into `out`.
    pub(crate) fn take(&mut self, now: Instant, out: &mut Vec<Bytes>) {
        let start = self.taken;
        let mut buffer = BytesMut::new();
        while self.has_output() && self.taken - start < MAX_TAKE as u64 {
            let Some(Unsent { command, tag, ticket }) = self.unsent.pop_front() else { break };
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
                    let command = Command::Use(self.used.clone());
                    self.encode(command, None, ticket - 1, &mut buffer, out);
                }
            }
            self.encode(command, Some(tag), ticket, &mut buffer, out);
        }
        flush(&mut buffer, out);
    }

    fn encode(
        &mut self,
        command: Command,
        tag: Option<T>,
        ticket: u64,
        buffer: &mut BytesMut,
        out: &mut Vec<Bytes>,
    ) {
        if buffer.is_empty() {
            buffer.reserve(FIRST_ROOM);
        }
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
        self.sent.push_back(Sent { command, ticket, tag, end: self.taken });
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
        let mut unanswered = Vec::new();
        while let Some(Sent { command, tag, end, .. }) = self.sent.pop_front() {
            if let Some(tag) = tag {
                unanswered.push(Unanswered { command, tag, maybe_done: end <= written });
            }
        }
        while let Some(Unsent { command, tag, .. }) = self.unsent.pop_front() {
            unanswered.push(Unanswered { command, tag, maybe_done: false });
        }
        unanswered
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
