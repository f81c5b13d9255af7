//! Operations: from submission to the one result each of them gets.

use super::{
    Engine, Event, Finish, LeaseId, LinkId, NewJob, OpId, Output, Request, Role, ServerId, Success,
    Tag, disconnected,
};
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::{Command, MAX_BODY};
use crate::types::{Instant, JobId, Seconds};

/// Most operations without a result. Puts are bounded by their bytes instead, and what is about a
/// job by the jobs there are.
pub(super) const MAX_OPERATIONS: usize = 1 << 18;

#[derive(Debug)]
pub(super) struct Op {
    pub(super) kind: Kind,
    deadline: Option<Instant>,
    place: Place,
}

/// Where the command of an operation is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// It has none, or none yet.
    Nowhere,
    /// In `Engine::waiting`.
    Waiting(u64),
    /// On this connection, with this ticket.
    On(LinkId, u64),
}

#[derive(Debug)]
pub(super) enum Kind {
    Put(PutState),
    Command(ServerId),
    Receive,
    Finish(LeaseId),
    Touch,
    JobStats(LeaseId),
    Ready,
}

/// What a put remembers between attempts.
#[derive(Debug)]
pub(super) struct PutState {
    pub(super) cost: usize,
    /// Servers that said they cannot take it.
    pub(super) refused_by: Vec<ServerId>,
    /// The error of the last attempt.
    pub(super) error: Option<Error>,
    /// Fail rather than wait for a connection.
    pub(super) at_once: bool,
    /// An attempt before this one may have been done, whatever becomes of this one.
    doubtful: bool,
}

impl Op {
    pub(super) const fn is_cancellable(&self) -> bool {
        !matches!(self.kind, Kind::Finish(_))
    }

    /// The error of the last attempt, with what became of all of them.
    fn verdict(&self, error: Error) -> Error {
        match &self.kind {
            Kind::Put(put) if put.doubtful => error.with_outcome(Outcome::Unknown),
            _ => error,
        }
    }
}

impl Engine {
    pub(super) fn start(&mut self, id: OpId, request: Request, deadline: Option<Instant>) {
        let deadline = deadline.or_else(|| self.default_deadline(&request));
        let kind = match self.admit(&request) {
            Ok(kind) => kind,
            Err(error) => return self.emit(Output::Complete(id, Err(error))),
        };
        if let Kind::Put(put) = &kind {
            self.pending_bytes += put.cost;
        }
        let deadline = deadline.filter(|_| !matches!(kind, Kind::Finish(_)));
        self.ops.insert(id, Op { kind, deadline, place: Place::Nowhere });
        if let Some(deadline) = deadline {
            self.deadlines.insert(deadline, id);
            self.arm(deadline);
        }
        self.begin(id, request);
    }

    fn default_deadline(&self, request: &Request) -> Option<Instant> {
        let patience = self.config.command_timeout;
        let span = match request {
            Request::Put(_) if matches!(self.role, Role::Connection) => patience,
            Request::Put(_) if self.config.put_timeout.is_zero() => patience,
            Request::Put(_) => self.config.put_timeout,
            Request::Command { command, .. } => match command.blocks() {
                Some(timeout) => timeout?.as_duration() + patience,
                None => patience,
            },
            Request::Touch(_) | Request::JobStats(_) => patience,
            Request::Receive | Request::TryReceive | Request::Finish { .. } | Request::Ready => {
                return None;
            }
        };
        Some(self.now + span)
    }

    /// Refuses what this client, in its present state, does not do.
    fn admit(&self, request: &Request) -> Result<Kind, Error> {
        use super::Request as R;
        let about_a_job = matches!(request, R::Finish { .. } | R::Touch(_) | R::JobStats(_));
        if !self.phase.is_open() && !about_a_job {
            return Err(Error::not_sent(ErrorKind::Closed, "the client is closed"));
        }
        let fits = match request {
            R::Put(_) | R::Command { .. } => !matches!(self.role, Role::Consumer(_)),
            R::Receive | R::TryReceive => matches!(self.role, Role::Consumer(_)),
            _ => true,
        };
        if !fits {
            let message = "this kind of client does not do that";
            return Err(Error::not_sent(ErrorKind::Unsupported, message));
        }
        if !about_a_job && !matches!(request, R::Put(_)) && self.ops.len() >= MAX_OPERATIONS {
            let message = format!("{MAX_OPERATIONS} operations are waiting for an answer");
            return Err(Error::not_sent(ErrorKind::QueueFull, message));
        }
        Ok(match request {
            R::Put(job) => self.admit_put(job)?,
            R::Command { server, .. } => Kind::Command(*server),
            R::Receive | R::TryReceive => Kind::Receive,
            R::Finish { lease, .. } => Kind::Finish(*lease),
            R::Touch(_) => Kind::Touch,
            R::JobStats(lease) => Kind::JobStats(*lease),
            R::Ready => Kind::Ready,
        })
    }

    fn admit_put(&self, job: &NewJob) -> Result<Kind, Error> {
        let length = job.body.len();
        if length > MAX_BODY {
            let message = format!("body: {length} bytes, the limit of every server is {MAX_BODY}");
            return Err(Error::not_sent(ErrorKind::JobTooBig, message));
        }
        let cost = NewJob::cost(length);
        let bound = self.config.max_pending_bytes;
        // One put alone always passes, however large it is.
        if self.pending_bytes > 0 && self.pending_bytes.saturating_add(cost) > bound {
            let message = format!("puts waiting for an answer fill max_pending_bytes, {bound}");
            return Err(Error::not_sent(ErrorKind::QueueFull, message));
        }
        let at_once = self.config.put_timeout.is_zero() && !matches!(self.role, Role::Connection);
        let (refused_by, error, doubtful) = (Vec::new(), None, false);
        Ok(Kind::Put(PutState { cost, refused_by, error, at_once, doubtful }))
    }

    fn begin(&mut self, id: OpId, request: Request) {
        match request {
            Request::Put(NewJob { tube, priority, delay, ttr, body }) => {
                self.route(id, Command::Put { tube, priority, delay, ttr, body });
            }
            Request::Command { command, .. } => self.route(id, command),
            Request::Receive => {
                self.paused = false;
                self.receivers.insert(id);
            }
            Request::TryReceive => {
                self.paused = false;
                self.receivers.insert(id);
                self.lookers.insert(id);
            }
            Request::Finish { lease, how } => self.start_finish(Some(id), lease, how),
            Request::Touch(lease) => self.ask_about(id, lease, Command::Touch),
            Request::JobStats(lease) => self.ask_about(id, lease, Command::StatsJob),
            Request::Ready => {
                if self.is_connected() {
                    self.complete(id, Ok(Success::Done));
                }
            }
        }
    }

    /// Ends an operation, unless it was given up before.
    pub(super) fn complete(&mut self, id: OpId, result: Result<Success, Error>) {
        if let Some(op) = self.remove_op(id) {
            self.emit(Output::Complete(id, result.map_err(|error| op.verdict(error))));
        }
    }

    pub(super) fn remove_op(&mut self, id: OpId) -> Option<Op> {
        let op = self.ops.remove(&id)?;
        if let Some(deadline) = op.deadline {
            self.deadlines.remove(deadline, id);
        }
        if let Kind::Put(put) = &op.kind {
            self.pending_bytes -= put.cost;
        }
        Some(op)
    }

    /// Ends an operation before its time, with an error made from what became of its last attempt.
    pub(super) fn break_off(&mut self, id: OpId, error: impl FnOnce(&Self, Outcome) -> Error) {
        let Some(op) = self.remove_op(id) else { return };
        let outcome = self.abandon(id, &op);
        let error = op.verdict(error(self, outcome));
        self.emit(Output::Complete(id, Err(error)));
    }

    /// Takes an operation out of all queues, so that nothing of it is sent any more. Says whether
    /// something of it may have been.
    pub(super) fn abandon(&mut self, id: OpId, op: &Op) -> Outcome {
        match op.kind {
            Kind::Receive => {
                self.receivers.remove(&id);
                self.lookers.remove(&id);
                return Outcome::NotSent;
            }
            Kind::Finish(lease) => return self.abandon_finish(lease),
            _ => {}
        }
        match op.place {
            Place::Nowhere => Outcome::NotSent,
            Place::Waiting(at) => {
                self.waiting.remove(&at);
                Outcome::NotSent
            }
            Place::On(link, ticket) => self.abandon_on(link, ticket),
        }
    }

    fn abandon_on(&mut self, id: LinkId, ticket: u64) -> Outcome {
        let Some(link) = self.links.get_mut(&id) else { return Outcome::NotSent };
        if link.conn.withdraw(ticket).is_some() {
            return Outcome::NotSent;
        }
        link.conn.forget_body(ticket);
        // A reserve that nobody waits for any more would hold up all that comes behind it. Jobs on
        // their way out do not matter if their last command stands in front of the reserve.
        if link.is_up() && link.conn.blocked_by() == Some(ticket) {
            let finishes = link.conn.holds_up(|tag| matches!(tag, Tag::Finish(_)));
            if link.held.is_empty() && !finishes && !link.conn.may_bring_jobs() {
                self.half_close(id);
            } else {
                // Ending it would cost a job. It may stay as long as nothing waits behind it.
                link.deserted = true;
                let due = self.now + self.config.command_timeout;
                let stuck = link.note_stuck(due);
                if stuck.is_some() {
                    self.arm(due);
                }
            }
        }
        Outcome::Unknown
    }

    /// Notes where the command of an operation is.
    pub(super) fn note_place(&mut self, id: OpId, place: Place) {
        if let Some(op) = self.ops.get_mut(&id) {
            op.place = place;
        }
    }

    /// Ends the operations whose time is over.
    pub(super) fn expire_ops(&mut self) {
        while let Some((deadline, id)) = self.deadlines.first() {
            if deadline > self.now {
                break;
            }
            let kind = self.ops.get(&id).map(|op| &op.kind);
            let unreachable = match kind {
                Some(Kind::Ready) => true,
                Some(Kind::Command(server)) => self.server(*server).up.is_empty(),
                _ => !self.is_connected(),
            };
            let receive = matches!(kind, Some(Kind::Receive));
            let before = match kind {
                Some(Kind::Put(put)) => put.error.clone(),
                Some(Kind::Command(server)) => self.server(*server).error.clone(),
                _ => None,
            };
            let place = match kind {
                Some(Kind::Command(server)) => format!("{}: ", self.server(*server).server),
                _ => String::new(),
            };
            self.break_off(id, |engine, outcome| {
                if receive {
                    Error::not_sent(ErrorKind::Timeout, "no job came in time")
                } else if outcome == Outcome::NotSent && unreachable {
                    engine.no_connection(before)
                } else {
                    let message = format!("{place}the time allowed for the call ran out");
                    let error = Error::new(ErrorKind::Timeout, outcome, message);
                    before.into_iter().fold(error, Error::with_source)
                }
            });
        }
    }

    /// The error of an operation for which no connection came up.
    pub(super) fn no_connection(&self, before: Option<Error>) -> Error {
        let cause = before.or_else(|| self.servers.iter().find_map(|server| server.error.clone()));
        let outcome = Outcome::NotSent;
        match cause {
            Some(cause) => {
                let message = format!("no connection in time: {cause}");
                disconnected(outcome, message).with_source(cause)
            }
            None => disconnected(outcome, "no connection in time"),
        }
    }

    /// Sends a question about a reserved job.
    fn ask_about(&mut self, id: OpId, lease: LeaseId, command: fn(JobId) -> Command) {
        match self.held(lease) {
            Ok((link, job)) => {
                let ticket = self.push(link, command(job), Tag::Op(id));
                self.note_place(id, Place::On(link, ticket));
            }
            Err(error) => self.complete(id, Err(error)),
        }
    }

    /// Completes what waits for a connection.
    pub(super) fn complete_ready(&mut self, result: &Result<(), Error>) {
        let ready = |op: &Op| matches!(op.kind, Kind::Ready);
        let ids: Vec<_> = self.ops.iter().filter(|(_, op)| ready(op)).map(|(id, _)| *id).collect();
        for id in ids {
            self.complete(id, result.clone().map(|()| Success::Done));
        }
    }

    /// Reports that a put is done again.
    pub(super) fn note_retry(&mut self, op: OpId, server: ServerId, error: Error) {
        if let Some(Op { kind: Kind::Put(put), .. }) = self.ops.get_mut(&op) {
            put.doubtful |= error.outcome() == Outcome::Unknown;
            put.error = Some(error.clone());
        }
        let server = self.server(server).server.clone();
        self.emit(Output::Event(Event::Retry { op, server, error }));
    }

    /// Hands a job back to its tube as it is.
    pub(super) fn return_job(&mut self, lease: LeaseId) {
        if self.return_by_closing(lease) {
            return;
        }
        let how = Finish::Release { priority: None, delay: Seconds::ZERO };
        self.start_finish(None, lease, how);
    }
}
