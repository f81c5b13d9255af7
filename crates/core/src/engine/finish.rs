//! Ending a reservation: the chain of commands that a delete, release, bury or failure takes.
//!
//! 1. *Stats*, if the job's own priority or its history is needed and not known.
//! 2. *Dead letter*, if the failure policy moves the job: a touch, for the job must still be held,
//!    and a put on the same connection.
//! 3. *Last*: the delete, release or bury itself. Once it is on its way the connection counts as
//!    empty-handed, so that a reserve may follow right behind it.
//!
//! A server without memory, or with a fault of its own, is asked again a few times. If that is no
//! use either, the holder gets the error and the job is released, if the server will. beanstalkd
//! forgets the job when it refuses so; then the repeat finds nothing, and the outcome is unknown.

use std::time::Duration;

use super::lease::{finished, lost};
use super::{
    Engine, Event, FailAction, Finish, LeaseId, LinkId, LostReason, OpId, Output, Sabotage,
    Success, Tag,
};
use crate::config::{Exhausted, Next};
use crate::error::{Error, ErrorKind, Outcome, Retry};
use crate::protocol::{Command, Reply};
use crate::stats::{JobState, JobStats};
use crate::types::{Priority, Seconds};

/// How often a step is tried again.
const RETRIES: u8 = 3;

/// How long to wait before that.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A reservation on its way to its end.
#[derive(Debug)]
pub(super) struct Finishing {
    /// Who wants to know.
    op: Option<OpId>,
    how: Finish,
    /// What the failure policy decided.
    action: Option<FailAction>,
    retries: u8,
    /// The last command is on its way.
    last: bool,
    /// The first refusal of a step, until another step is taken.
    refusal: Option<Error>,
    /// A step was refused and is repeated at the next check.
    refused: bool,
    /// Of the command that was sent last.
    ticket: u64,
}

impl Finishing {
    const fn new(op: Option<OpId>, how: Finish) -> Self {
        let (action, refusal) = (None, None);
        Self { op, how, action, retries: 0, last: false, refusal, refused: false, ticket: 0 }
    }
}

impl Engine {
    pub(super) fn start_finish(&mut self, op: Option<OpId>, id: LeaseId, how: Finish) {
        let error = match self.leases.get_mut(&id) {
            Some(lease) if lease.finishing.is_some() => finished(),
            Some(lease) if self.links.get(&lease.link).is_none_or(|l| !l.held.contains(&id)) => {
                let error = lost(lease.id, lease.lost);
                self.remove_lease(id);
                error
            }
            Some(lease) => {
                lease.finishing = Some(Finishing::new(op, how));
                return self.advance(id);
            }
            None => finished(),
        };
        if let Some(op) = op {
            self.complete(op, Err(error));
        }
    }

    /// Sends a refused step again. One that is on its way must not be sent twice.
    pub(super) fn repeat_refused(&mut self, id: LeaseId) {
        let finishing = self.leases.get_mut(&id).and_then(|lease| lease.finishing.as_mut());
        if finishing.is_some_and(|finishing| std::mem::take(&mut finishing.refused)) {
            self.advance(id);
        }
    }

    /// Says whether the last command of a finish that nobody waits for any more may be done.
    pub(super) fn abandon_finish(&mut self, lease: LeaseId) -> Outcome {
        let Some(lease) = self.leases.get(&lease) else { return Outcome::NotSent };
        let Some(finishing) = &lease.finishing else { return Outcome::NotSent };
        let (last, ticket) = (finishing.last, finishing.ticket);
        let link = self.links.get_mut(&lease.link);
        let unsent = link.and_then(|link| link.conn.withdraw(ticket));
        if last && unsent.is_none() { Outcome::Unknown } else { Outcome::NotSent }
    }

    /// Sends the next command of the chain.
    pub(super) fn advance(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.get(&id) else { return };
        let Some(finishing) = &lease.finishing else { return };
        if lease.is_gone() {
            let error = lost(lease.id, lease.lost);
            return self.end_finish(id, Err(error));
        }
        let (link, job) = (lease.link, lease.id);
        let mut own = lease.stats.as_ref().map(|stats| stats.priority);
        if self.is_sabotaged(Sabotage::ReleaseWithDefaultPriority) {
            own = Some(Priority::default());
        }
        let last = match finishing.how {
            Finish::Delete => Some(Command::Delete(job)),
            Finish::Release { priority, delay } => {
                priority.or(own).map(|priority| Command::Release { id: job, priority, delay })
            }
            Finish::Bury { priority } => {
                priority.or(own).map(|priority| Command::Bury { id: job, priority })
            }
            Finish::Fail if lease.stats.is_some() => return self.apply_policy(id),
            Finish::Fail => None,
        };
        let Some(last) = last else {
            return self.send_step(id, link, Command::StatsJob(job));
        };
        if let Some(finishing) = self.leases.get_mut(&id).and_then(|l| l.finishing.as_mut()) {
            finishing.last = true;
        }
        if let Some(link) = self.links.get_mut(&link) {
            link.held.remove(&id);
            link.leaving.insert(id);
        }
        self.send_step(id, link, last);
    }

    fn send_step(&mut self, id: LeaseId, link: LinkId, command: Command) {
        let ticket = self.push(link, command, Tag::Finish(id));
        if let Some(finishing) = self.leases.get_mut(&id).and_then(|l| l.finishing.as_mut()) {
            finishing.ticket = ticket;
        }
    }

    /// Turns a failure into what the policy makes of it, once the job's statistics are known.
    fn apply_policy(&mut self, id: LeaseId) {
        let lease = self.leases.get(&id);
        let Some(stats) = lease.and_then(|lease| lease.stats.as_ref()) else { return };
        let policy = &self.config.failure;
        let priority = Some(stats.priority);
        let (how, action) = match policy.next(stats.releases, stats.timeouts) {
            Next::Release { delay } => {
                (Finish::Release { priority, delay }, FailAction::Released(delay))
            }
            Next::Exhausted => match policy.exhausted.clone() {
                // A job that fails in the dead-letter tube itself would circle for ever.
                Exhausted::DeadLetter(tube) if tube != stats.tube => {
                    return self.begin_dead_letter(id);
                }
                _ => (Finish::Bury { priority }, FailAction::Buried),
            },
        };
        self.decide(id, how, action);
    }

    fn decide(&mut self, id: LeaseId, how: Finish, action: FailAction) {
        if let Some(finishing) = self.leases.get_mut(&id).and_then(|l| l.finishing.as_mut()) {
            finishing.how = how;
            finishing.action = Some(action);
            finishing.refusal = None;
            self.advance(id);
        }
    }

    /// A job that somebody else may hold by now must not be copied.
    fn begin_dead_letter(&mut self, id: LeaseId) {
        let Some(lease) = self.leases.get(&id) else { return };
        match lease.lost {
            Some(reason) => {
                let error = lost(lease.id, Some(reason));
                self.end_finish(id, Err(error));
            }
            None => self.send_step(id, lease.link, Command::Touch(lease.id)),
        }
    }

    fn copy_to_dead_letters(&mut self, id: LeaseId) {
        let Exhausted::DeadLetter(tube) = self.config.failure.exhausted.clone() else { return };
        let Some(lease) = self.leases.get(&id) else { return };
        let Some(stats) = &lease.stats else { return };
        let ttr = Seconds::ttr(stats.ttr).unwrap_or_default();
        let (link, body, delay) = (lease.link, lease.body.clone(), Seconds::ZERO);
        let put = Command::Put { tube, priority: stats.priority, delay, ttr, body };
        self.send_step(id, link, put);
    }

    pub(super) fn finish_reply(&mut self, id: LeaseId, command: &Command, reply: Reply) {
        match (command, command.verdict(reply)) {
            (Command::StatsJob(_), Ok(Reply::Ok(body))) => match JobStats::parse(&body) {
                Ok(stats) if stats.state == JobState::Reserved => {
                    if let Some(lease) = self.leases.get_mut(&id) {
                        lease.stats = Some(Box::new(stats));
                    }
                    self.advance(id);
                }
                // The reservation ran out, so the job is not this connection's to finish.
                Ok(stats) => {
                    self.end_finish(id, Err(lost(stats.id, Some(LostReason::Expired))));
                }
                Err(error) => self.end_finish(id, Err(error)),
            },
            (Command::Touch(_), Ok(_)) => self.copy_to_dead_letters(id),
            (Command::Put { tube, .. }, Ok(_)) => {
                self.decide(id, Finish::Delete, FailAction::DeadLettered(tube.clone()));
            }
            (_, Ok(_)) => self.end_finish(id, Ok(Success::Done)),
            (command, Err(error)) => self.step_refused(id, command, error),
        }
    }

    fn step_refused(&mut self, id: LeaseId, command: &Command, error: Error) {
        let again = self.now + RETRY_AFTER;
        let Some(lease) = self.leases.get_mut(&id) else { return };
        let Some(finishing) = lease.finishing.as_mut() else { return };
        // It was done by the step that was refused, or somebody else did it.
        if error.kind() == ErrorKind::NotFound
            && let Some(refusal) = finishing.refusal.take()
        {
            return self.end_finish(id, Err(refusal.with_outcome(Outcome::Unknown)));
        }
        let passing = error.retry() != Retry::Never;
        if let (Command::Put { .. }, Some(stats)) = (command, &lease.stats) {
            // No room for a copy in the dead-letter tube: the job stays where it is.
            let priority = Some(stats.priority);
            return self.decide(id, Finish::Bury { priority }, FailAction::Buried);
        }
        // Behind a reserve that waits, a repeat would not be read.
        let parked = self.links.get(&lease.link).is_some_and(|link| link.conn.is_parked());
        if !passing || finishing.retries > RETRIES || parked {
            return self.end_finish(id, Err(error));
        }
        finishing.retries += 1;
        finishing.refusal.get_or_insert_with(|| error.clone());
        finishing.last = false;
        finishing.refused = true;
        let exhausted = finishing.retries > RETRIES;
        let op = if exhausted { finishing.op.take() } else { None };
        if exhausted {
            // Its holder is gone after this; the job should not wait for the end of its TTR.
            finishing.how = Finish::Release { priority: None, delay: Seconds::ZERO };
            finishing.action = None;
        }
        if let Some(link) = self.links.get_mut(&lease.link) {
            link.leaving.remove(&id);
            link.held.insert(id);
        }
        if let Some(op) = op {
            self.complete(op, Err(error));
        }
        self.check_lease_at(id, again);
    }

    /// The connection went down before a step was answered, or before it could be repeated.
    pub(super) fn finish_orphaned(&mut self, id: LeaseId, maybe_done: bool, fault: &Error) {
        let Some(lease) = self.leases.get(&id) else { return };
        let last = lease.finishing.as_ref().is_some_and(|finishing| finishing.last);
        let error = if last && maybe_done {
            fault.clone().with_outcome(Outcome::Unknown)
        } else {
            lost(lease.id, None).with_source(fault.clone())
        };
        self.end_finish(id, Err(error));
    }

    fn end_finish(&mut self, id: LeaseId, result: Result<Success, Error>) {
        // Sent before the job was reserved again: it has hit the newer reservation.
        self.lose_newer(id, &result);
        let Some(lease) = self.remove_lease(id) else { return };
        let Some(finishing) = lease.finishing else { return };
        let server = self.server(lease.server).server.clone();
        match (&result, finishing.action) {
            (Ok(_), Some(action)) => {
                self.emit(Output::Event(Event::JobFailed { id: lease.id, server, action }));
            }
            // The end of a connection gives its jobs back.
            (Err(_), _) if !self.links.contains_key(&lease.link) => {}
            (Err(error), _) if finishing.op.is_none() || matches!(finishing.how, Finish::Fail) => {
                let error = error.clone();
                self.emit(Output::Event(Event::GiveBackFailed { id: lease.id, server, error }));
            }
            _ => {}
        }
        if let Some(op) = finishing.op {
            self.complete(op, result);
        }
    }

    fn lose_newer(&mut self, id: LeaseId, result: &Result<Success, Error>) {
        let Some(lease) = self.leases.get(&id).filter(|_| result.is_ok()) else { return };
        let newer = self.links.get(&lease.link).and_then(|link| link.by_job.get(&lease.id));
        if let Some(&newer) = newer.filter(|newer| **newer != id) {
            self.lose(newer, LostReason::NotFound);
        }
    }
}
