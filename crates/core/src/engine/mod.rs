//! The engine of a client: all decisions of a producer, a consumer or a single connection, without
//! a socket, a clock or a thread.
//!
//! # How to drive it
//!
//! A driver owns the sockets and the clock. Whatever happens, it tells the engine:
//!
//! - a caller wants something: [`Engine::submit`], [`Engine::cancel`],
//!   [`Engine::give_back`], [`Engine::pause_if_unused`], [`Engine::close`];
//! - a connection is open, TLS included: [`Engine::handle_connected`];
//! - bytes came in: [`Engine::handle_data`], with whatever the last call left in the buffer in front
//!   of them;
//! - bytes went out that the socket had refused before: [`Engine::handle_progress`];
//! - a connection failed to open, ended, or was closed as asked: [`Engine::handle_closed`], exactly
//!   once for every [`Output::Connect`], also when the socket is closed on [`Output::Close`];
//! - the time of [`Engine::poll_timeout`] has come: [`Engine::handle_timer`];
//! - it could not do any of this for a while: [`Engine::handle_rest`], before everything else.
//!
//! After every such call it does what [`Engine::poll_output`] says until that gives nothing, and
//! then asks [`Engine::poll_timeout`] again. On [`Output::Transmit`] it calls [`Engine::take`] and
//! writes what it gets, in order, until `take` gives nothing. Calls for a connection that is gone
//! are ignored, so a driver need not care about such races.
//!
//! `now` never goes back: an earlier time counts as the latest one told.
//!
//! Every submitted operation completes exactly once, or never if it was cancelled. Finishing a job
//! cannot be cancelled: once submitted it runs to its end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rand::SeedableRng;
use rand::rngs::SmallRng;

use crate::config::Config;
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::Command;
use crate::sorted::{SortedMap, SortedSet};
use crate::types::{Instant, TubeName};
use crate::uri::ServerUri;

mod agenda;
mod api;
mod close;
mod consumer;
mod finish;
mod health;
mod lease;
mod link;
mod look;
mod op;
mod reply;
mod route;
mod sabotage;
mod server;
mod timer;

pub use api::{
    CloseReport, ConnectionHealth, ConnectionState, Event, FailAction, Finish, Health, InsertedJob,
    LeaseId, LinkId, LostReason, NewJob, OpId, Output, Request, ReservedJob, Role, Server,
    ServerHealth, ServerId, Success,
};

#[doc(hidden)]
pub use sabotage::Sabotage;

use agenda::Agenda;
use close::Phase;
use lease::Lease;
use link::Link;
use op::Op;
use server::ServerState;

/// The decisions of one client; see the module's page for how to drive it.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    role: Role,
    rng: SmallRng,
    now: Instant,
    next_id: u64,
    phase: Phase,
    servers: Vec<ServerState>,
    links: SortedMap<LinkId, Link>,
    ops: SortedMap<OpId, Op>,
    deadlines: Agenda<OpId>,
    /// Commands for which no connection is up, in the order in which they go out then.
    waiting: SortedMap<u64, (OpId, Command)>,
    /// What all puts without a result count towards `max_pending_bytes`.
    pending_bytes: usize,
    /// The tubes that connections use and watch from their start.
    used: TubeName,
    watched: Vec<TubeName>,
    leases: SortedMap<LeaseId, Lease>,
    lease_checks: Agenda<LeaseId>,
    /// Callers that wait for a job, in their order.
    receivers: SortedSet<OpId>,
    /// Those of them that wait no longer than it takes to ask every server.
    lookers: SortedSet<OpId>,
    /// Reserved jobs that wait for a caller, in the order in which they came.
    ready: SortedSet<LeaseId>,
    /// A consumer that reserves nothing until it is asked for a job again.
    paused: bool,
    /// The server that hunts first in this turn, so that none starves the others.
    turn: usize,
    outputs: VecDeque<Output>,
    wake_at: Option<Instant>,
    #[cfg(feature = "sabotage")]
    sabotage: Option<Sabotage>,
}

/// Answers on their way that make a connection busy.
const BUSY: usize = 8;

/// So many that the next ones may gather for a moment, if they come as fast as that.
const FLOOD: u32 = 64;
const FAST: Duration = Duration::from_micros(300);

/// How long for each that is on its way: in which a quarter of them come from a fast server. No task
/// should keep its thread for much longer than the most.
const GATHER: Duration = Duration::from_micros(1);
const MAX_GATHER: Duration = Duration::from_micros(100);

/// What a command was sent for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// To set up the connection.
    Handshake,
    /// For an operation, which may be gone by the time of the reply.
    Op(OpId),
    /// To get a job for whoever waits.
    Reserve,
    /// To learn a reservation's TTR.
    Probe(LeaseId),
    /// To keep a reservation alive.
    AutoTouch(LeaseId),
    /// A step of finishing a reservation.
    Finish(LeaseId),
    /// To end the connection.
    Quit,
}

impl Engine {
    /// An engine that has nothing open yet; it starts to connect at the first call. `seed` decides
    /// all its random choices.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for an empty list and for settings out of range.
    pub fn new(role: Role, uris: &[ServerUri], config: Config, seed: u64) -> Result<Self, Error> {
        config.validate()?;
        if uris.is_empty() {
            return Err(Error::invalid_argument("uris", "[]", "at least one URI"));
        }
        let mut servers: Vec<ServerState> = Vec::new();
        for uri in uris {
            match servers.iter_mut().find(|known| *known.server.uri == *uri) {
                Some(known) => known.width += config.multiply,
                None => {
                    let id = ServerId(servers.len());
                    let server = Server { id, uri: Arc::new(uri.clone()) };
                    servers.push(ServerState::new(server, config.multiply));
                }
            }
        }
        if matches!(role, Role::Connection) {
            servers.truncate(1);
            servers.iter_mut().for_each(|server| server.width = 1);
        }
        let mut watched = Vec::new();
        if let Role::Consumer(tubes) = &role {
            tubes.iter().for_each(|tube| watch(&mut watched, tube));
        }
        if watched.is_empty() {
            watched.push(TubeName::default_tube());
        }
        Ok(Self {
            config,
            role,
            rng: SmallRng::seed_from_u64(seed),
            now: Instant::default(),
            next_id: 0,
            phase: Phase::Open,
            servers,
            links: SortedMap::new(),
            ops: SortedMap::new(),
            deadlines: Agenda::new(),
            waiting: SortedMap::new(),
            pending_bytes: 0,
            used: TubeName::default_tube(),
            watched,
            leases: SortedMap::new(),
            lease_checks: Agenda::new(),
            receivers: SortedSet::new(),
            lookers: SortedSet::new(),
            ready: SortedSet::new(),
            paused: true,
            turn: 0,
            outputs: VecDeque::new(),
            wake_at: Some(Instant::default()),
            #[cfg(feature = "sabotage")]
            sabotage: None,
        })
    }

    /// Starts an operation. Its result comes as [`Output::Complete`].
    ///
    /// Without a `deadline` the configured timeouts hold: `put_timeout` for a put, `command_timeout`
    /// (and the time it may wait at the server) for a command; receiving, being ready and finishing
    /// a job have none. A deadline on finishing a job is ignored.
    pub fn submit(&mut self, now: Instant, request: Request, deadline: Option<Instant>) -> OpId {
        self.tick(now);
        let id = OpId(self.fresh_id());
        self.start(id, request, deadline);
        self.settle();
        id
    }

    /// Gives an operation up: unsent work vanishes, sent work is answered to nobody, a job that
    /// comes of it is given back. Nothing happens for an operation that has ended or that finishes
    /// a job.
    pub fn cancel(&mut self, now: Instant, op: OpId) {
        self.tick(now);
        if self.ops.get(&op).is_some_and(Op::is_cancellable)
            && let Some(given_up) = self.remove_op(op)
        {
            self.abandon(op, &given_up);
            self.settle();
        }
    }

    /// Hands a received job back that nobody will handle.
    pub fn give_back(&mut self, now: Instant, lease: LeaseId) {
        self.tick(now);
        self.return_job(lease);
        self.settle();
    }

    /// Makes a consumer for which no caller waits let go of every waiting reserve and of every job
    /// that no caller has, until the next [`Request::Receive`]. Handed-out jobs are not touched.
    pub fn pause_if_unused(&mut self, now: Instant) {
        self.tick(now);
        if self.receivers.is_empty() {
            self.pause_consumer();
        }
        self.settle();
    }

    /// Ends the client: new work is refused, and once all operations have ended and all jobs are
    /// finished, at the latest at `deadline`, every connection is closed. [`Output::Closed`] tells.
    pub fn close(&mut self, now: Instant, deadline: Instant) {
        self.tick(now);
        self.start_closing(deadline);
        self.settle();
    }

    /// The connection is open.
    pub fn handle_connected(&mut self, now: Instant, link: LinkId) {
        self.tick(now);
        self.start_handshake(link);
        self.settle();
    }

    /// Bytes came in. What is not a whole reply yet is left in `input`.
    pub fn handle_data(&mut self, now: Instant, link: LinkId, input: &mut BytesMut) {
        self.tick(now);
        if let Some(state) = self.links.get_mut(&link) {
            let before = std::mem::replace(&mut state.read_at, self.now);
            state.reads_fast = self.now.saturating_since(before) < FAST;
        }
        self.read_replies(link, input);
        self.settle();
    }

    /// The socket has taken more after it had refused some: a server that reads a large job slowly
    /// is not silent.
    pub fn handle_progress(&mut self, now: Instant, link: LinkId) {
        self.tick(now);
        if let Some(state) = self.links.get_mut(&link) {
            state.conn.progress(self.now);
        }
    }

    /// The connection could not be opened, or has ended; the last `unwritten` bytes that
    /// [`take`](Self::take) gave were never written. `error` is none if the peer ended it cleanly
    /// or the engine asked for it.
    pub fn handle_closed(
        &mut self,
        now: Instant,
        link: LinkId,
        unwritten: u64,
        error: Option<Error>,
    ) {
        self.tick(now);
        self.drop_link(link, unwritten, error);
        self.settle();
    }

    /// The time of [`poll_timeout`](Self::poll_timeout) has come. Too early does no harm.
    pub fn handle_timer(&mut self, now: Instant) {
        self.tick(now);
        self.run_timers();
        self.settle();
        self.rearm();
    }

    /// For so long the driver did nothing: that is no fault of a connection on its way.
    pub fn handle_rest(&mut self, span: Duration) {
        self.excuse_links(span);
    }

    /// Appends the next bytes to write to `link` to `out`; nothing if there are none now.
    pub fn take(&mut self, now: Instant, link: LinkId, out: &mut Vec<Bytes>) {
        self.tick(now);
        let patience = self.config.command_timeout;
        let Some(state) = self.links.get_mut(&link) else { return };
        state.announced = false;
        if !state.may_send() {
            return;
        }
        state.conn.take(self.now, out);
        state.announced = state.conn.has_output();
        if let Some(due) = state.conn.answer_due(patience) {
            self.arm(due);
        }
    }

    /// Whether so many answers are on their way that what is to be sent may wait a moment for more
    /// to go with it: nobody waits for it alone.
    #[must_use]
    pub fn is_busy(&self, link: LinkId) -> bool {
        self.links.get(&link).is_some_and(|link| link.conn.sent() >= BUSY)
    }

    /// For how long it is worthwhile not to look at this connection after its bytes were handled and
    /// what is to be sent was sent; at most 100 µs.
    ///
    /// A server that writes each answer by itself has to wake a reader that sleeps for each of them.
    /// That costs the server as much as the answer, and the reader as much as handling it. Where very
    /// many answers are on their way and come one right after the other, to look away for a moment
    /// saves both, and is little beside the time that each of them takes anyway. The span is so short
    /// that only a spin keeps it; with a single processor the server could do nothing meanwhile, so a
    /// driver that knows of no other does without.
    #[must_use]
    pub fn gather(&self, now: Instant, link: LinkId) -> Option<Duration> {
        let link = self.links.get(&link)?;
        let due = u32::try_from(link.conn.sent()).unwrap_or(u32::MAX);
        let is_fast = link.reads_fast && now.saturating_since(link.read_at) < FAST;
        (is_fast && due >= FLOOD).then(|| MAX_GATHER.min(GATHER.saturating_mul(due)))
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`handle_timer`](Self::handle_timer), unless something else happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wake_at.filter(|_| !matches!(self.phase, Phase::Closed))
    }

    fn tick(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn fresh_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    fn emit(&mut self, output: Output) {
        self.outputs.push_back(output);
    }

    /// Brings everything to where it should be after a change.
    fn settle(&mut self) {
        if !matches!(self.phase, Phase::Open) {
            self.settle_closing();
        }
        self.open_links();
        if matches!(self.role, Role::Consumer(_)) {
            self.hand_out();
            self.hunt();
            self.end_looks();
        }
    }

    fn server(&self, id: ServerId) -> &ServerState {
        #[expect(clippy::indexing_slicing, reason = "ids are made by this engine from the list")]
        &self.servers[id.0]
    }

    fn server_mut(&mut self, id: ServerId) -> &mut ServerState {
        #[expect(clippy::indexing_slicing, reason = "ids are made by this engine from the list")]
        &mut self.servers[id.0]
    }

    /// Sends `command` on a connection that is there, and tells its ticket.
    fn push(&mut self, link: LinkId, command: Command, tag: Tag) -> u64 {
        let (now, patience) = (self.now, self.config.command_timeout);
        let Some(state) = self.links.get_mut(&link) else { return 0 };
        let ticket = state.conn.push(command, tag);
        let stuck = state.note_stuck(now + patience);
        if let Some(due) = stuck {
            self.arm(due);
        }
        self.announce(link);
        ticket
    }

    /// Tells the driver, once, that there are bytes to send.
    fn announce(&mut self, link: LinkId) {
        let Some(state) = self.links.get_mut(&link) else { return };
        if !state.announced && state.may_send() && state.conn.has_output() {
            state.announced = true;
            self.outputs.push_back(Output::Transmit(link));
        }
    }
}

fn disconnected(outcome: Outcome, message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Disconnected, outcome, message)
}

/// Adds the tube to the list, which is in order, unless it is there.
fn watch(watched: &mut Vec<TubeName>, tube: &TubeName) {
    if let Err(at) = watched.binary_search(tube) {
        watched.insert(at, tube.clone());
    }
}

/// The span that `ratio` of `span` is.
fn part_of(span: Duration, ratio: f64) -> Duration {
    span.mul_f64(ratio.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests;
