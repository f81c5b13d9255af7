//! One connection: what it sent, what it gets, and what it waits for.

use std::collections::BTreeSet;
use std::time::Duration;

use beanwire_core::protocol::MAX_LINE;
use beanwire_core::types::{Instant, JobId};
use bytes::{Buf, Bytes, BytesMut};

use super::parse::{Put, Refusal, parse};
use super::{Alarm, ClientId, Machine, Output, TubeId};

/// A client whose unread replies exceed this many bytes is not worked for until it reads them.
const MAX_OUTPUT: usize = 256 * 1024;

/// Most bytes that are taken from a client which waits for a job.
const MAX_AHEAD: usize = 64 * 1024;

/// Bodies up to this size are copied; larger ones are shared with the job.
const COPIED_BODY: usize = 4096;

/// A held job warns of its end this long before.
const SAFETY_MARGIN: Duration = Duration::from_secs(1);

const CRLF: &[u8] = b"\r\n";

#[derive(Debug)]
pub(super) struct Client {
    pub(super) used: TubeId,
    pub(super) watched: Vec<TubeId>,
    /// Reserved jobs, the first to end in front.
    pub(super) held: BTreeSet<(Instant, JobId)>,
    pub(super) state: State,
    /// It has put or reserved a job: so it counts as a producer or worker.
    pub(super) is_producer: bool,
    pub(super) is_worker: bool,
    pub(super) input: BytesMut,
    pub(super) output: Pending,
    input_ended: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum State {
    /// The next bytes are a line.
    Line,
    /// The next bytes are the body of this job.
    Body { put: Put, id: JobId },
    /// The next bytes are the body of a job that was refused.
    Skip { left: u64, reply: &'static str },
    /// The line is too long: all up to its end counts for nothing.
    LongLine,
    /// Nothing is worked on until a job comes, or until this time.
    Waiting { alarm: Option<Instant> },
    /// The connection is to be closed.
    Closed,
}

/// Replies that were not written yet.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pieces: Vec<Bytes>,
    tail: BytesMut,
    size: usize,
}

impl Pending {
    pub(super) fn push(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        self.tail.extend_from_slice(text);
        self.size += text.len();
    }

    /// A body and the line end behind it.
    pub(super) fn push_body(&mut self, body: &Bytes) {
        if body.len() > COPIED_BODY {
            self.cut();
            self.pieces.push(body.clone());
            self.size += body.len();
        } else {
            self.push(body);
        }
        self.push(CRLF);
    }

    fn cut(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
    }

    pub(super) fn take(&mut self, out: &mut Vec<Bytes>) {
        self.cut();
        out.append(&mut self.pieces);
        self.size = 0;
    }

    fn is_full(&self) -> bool {
        self.size >= MAX_OUTPUT
    }
}

impl Client {
    pub(super) fn new() -> Self {
        Self {
            used: Machine::DEFAULT_TUBE,
            watched: vec![Machine::DEFAULT_TUBE],
            held: BTreeSet::new(),
            state: State::Line,
            is_producer: false,
            is_worker: false,
            input: BytesMut::new(),
            output: Pending::default(),
            input_ended: false,
        }
    }

    pub(super) fn wants_input(&self) -> bool {
        let useful = match self.state {
            State::Closed => false,
            // Only so that the end of the connection does not hide behind it.
            State::Waiting { .. } => self.input.len() < MAX_AHEAD,
            _ => !self.output.is_full(),
        };
        useful && !self.input_ended
    }

    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// When the reservation that ends first begins to warn.
    fn warns_at(&self) -> Option<Instant> {
        let (end, _) = self.held.first()?;
        let since_origin = end.since_origin().saturating_sub(SAFETY_MARGIN);
        Some(Instant::from_origin(since_origin))
    }
}

impl Machine {
    /// Works on what a client sent, as far as possible.
    pub(super) fn run_client(&mut self, id: ClientId) {
        while let Some(client) = self.clients.get_mut(&id).filter(|c| !c.output.is_full()) {
            let moved = match client.state {
                State::Line => self.read_line(id),
                State::Body { put, id: job } => self.read_body(id, put, job),
                State::Skip { left, reply } => self.skip(id, left, reply),
                State::LongLine => self.skip_line(id),
                State::Waiting { .. } | State::Closed => return,
            };
            if !moved {
                // What is there is only a part, and the rest will not come.
                if self.clients.get(&id).is_some_and(|client| client.input_ended) {
                    self.close(id);
                }
                return;
            }
        }
    }

    fn read_line(&mut self, id: ClientId) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let window = client.input.get(..MAX_LINE).unwrap_or(&client.input);
        let Some(end) = line_end(window) else {
            if window.len() == MAX_LINE {
                client.state = State::LongLine;
                return true;
            }
            return false;
        };
        let line = client.input.split_to(end);
        match parse(line.get(..end - CRLF.len()).unwrap_or_default()) {
            Ok(command) => self.execute(id, command),
            Err(Refusal::BadFormat) => self.reply(id, "BAD_FORMAT"),
            Err(Refusal::UnknownCommand) => self.reply(id, "UNKNOWN_COMMAND"),
        }
        true
    }

    fn skip_line(&mut self, id: ClientId) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let Some(end) = line_end(&client.input) else {
            // The last byte may be the first half of the line end.
            let most = client.input.len().saturating_sub(1);
            client.input.advance(most);
            return false;
        };
        client.input.advance(end);
        client.state = State::Line;
        self.reply(id, "BAD_FORMAT");
        true
    }

    fn read_body(&mut self, id: ClientId, put: Put, job: JobId) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let size = put.size as usize;
        if client.input.len() < size + CRLF.len() {
            return false;
        }
        client.state = State::Line;
        let body = match size > COPIED_BODY {
            true => client.input.split_to(size).freeze(),
            false => {
                let body = Bytes::copy_from_slice(client.input.get(..size).unwrap_or_default());
                client.input.advance(size);
                body
            }
        };
        if client.input.split_to(CRLF.len()) == CRLF {
            self.insert(id, put, job, body);
        } else {
            self.reply(id, "EXPECTED_CRLF");
        }
        true
    }

    fn skip(&mut self, id: ClientId, left: u64, reply: &'static str) -> bool {
        let Some(client) = self.clients.get_mut(&id) else { return false };
        let step = usize::try_from(left).unwrap_or(usize::MAX).min(client.input.len());
        client.input.advance(step);
        let left = left - step as u64;
        if left > 0 {
            client.state = State::Skip { left, reply };
            return false;
        }
        client.state = State::Line;
        self.reply(id, reply);
        true
    }

    /// Sends one line.
    pub(super) fn reply(&mut self, id: ClientId, line: impl AsRef<[u8]>) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        if client.output.size == 0 {
            self.outputs.push_back(Output::Transmit(id));
        }
        client.output.push(line);
        client.output.push(CRLF);
    }

    /// Sends a line that announces a body, and the body.
    pub(super) fn reply_with(&mut self, id: ClientId, line: &str, body: &Bytes) {
        self.reply(id, format!("{line} {}", body.len()));
        if let Some(client) = self.clients.get_mut(&id) {
            client.output.push_body(body);
        }
    }

    /// Gives the client a job, or has it wait for one.
    pub(super) fn ask_for_job(&mut self, id: ClientId, timeout: Option<u32>) {
        let Some(client) = self.clients.get(&id) else { return };
        let next = |tube: &TubeId| self.tube(*tube).next().map(|job| (job, *tube));
        if let Some(((_, job), tube)) = client.watched.iter().filter_map(next).min() {
            self.tube_mut(tube).waiting.pass();
            return self.reserve(id, job);
        }
        let warns_at = client.warns_at();
        if warns_at.is_some_and(|at| at <= self.now) {
            return self.reply(id, "DEADLINE_SOON");
        }
        if timeout == Some(0) || client.input_ended {
            return self.reply(id, "TIMED_OUT");
        }
        let until = timeout.map(|timeout| self.now + Duration::from_secs(timeout.into()));
        let alarm = until.into_iter().chain(warns_at).min();
        for tube in client.watched.clone() {
            self.tube_mut(tube).waiting.push(id);
        }
        if let Some(client) = self.clients.get_mut(&id) {
            client.state = State::Waiting { alarm };
        }
        self.alarms.extend(alarm.map(|at| (at, Alarm::Client(id))));
    }

    /// Ends a wait, whatever comes of it.
    pub(super) fn stop_waiting(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        let State::Waiting { alarm } = client.state else { return };
        client.state = State::Line;
        for tube in client.watched.clone() {
            self.tube_mut(tube).waiting.remove(id);
        }
        if let Some(at) = alarm {
            self.alarms.remove(&(at, Alarm::Client(id)));
        }
        self.runnable.push_back(id);
    }

    /// The time of a wait is over, or a held job is about to end.
    pub(super) fn end_wait(&mut self, id: ClientId) {
        let soon = self.clients.get(&id).and_then(Client::warns_at);
        self.stop_waiting(id);
        let soon = soon.is_some_and(|at| at <= self.now);
        self.reply(id, if soon { "DEADLINE_SOON" } else { "TIMED_OUT" });
    }

    pub(super) fn end_client_input(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(&id) else { return };
        client.input_ended = true;
        if matches!(client.state, State::Waiting { .. }) {
            self.stop_waiting(id);
            self.reply(id, "TIMED_OUT");
        }
        self.runnable.push_back(id);
    }

    pub(super) fn close(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(&id)
            && !matches!(client.state, State::Closed)
        {
            client.state = State::Closed;
            self.outputs.push_back(Output::Close(id));
        }
    }

    pub(super) fn remove_client(&mut self, id: ClientId) {
        self.stop_waiting(id);
        let Some(client) = self.clients.remove(&id) else { return };
        self.give_back_all(client.held);
        for tube in client.watched {
            self.tube_mut(tube).watching -= 1;
            self.drop_idle_tube(tube);
        }
        self.tube_mut(client.used).using -= 1;
        self.drop_idle_tube(client.used);
    }
}

/// Where the first line ends, behind its CRLF.
fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(CRLF.len()).position(|pair| pair == CRLF).map(|at| at + CRLF.len())
}
