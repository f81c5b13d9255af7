//! What each reply means for whoever asked.

use super::op::{Kind, Op};
use super::{
    Engine, Event, InsertedJob, LeaseId, LinkId, OpId, Output, Role, Sabotage, ServerId, Success,
    Tag,
};
use crate::conn::Answer;
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::{Command, Reply};
use crate::stats::{JobState, JobStats};
use crate::types::{JobId, Seconds};

impl Engine {
    /// Takes one reply; an error means that the connection cannot be used any further.
    pub(super) fn answered(&mut self, link: LinkId, answer: Answer<Tag>) -> Result<(), Error> {
        let Answer { command, tag, reply } = answer;
        let lost_step = command.loses_step(&reply).then(|| {
            let message = format!("{} to {}: out of step", reply.word(), command.verb());
            Error::new(ErrorKind::UnexpectedReply, Outcome::Unknown, message)
        });
        if tag != Tag::Handshake && lost_step.is_none() {
            self.note_answer(link, &command);
        }
        match tag {
            Tag::Handshake => self.handshake_reply(link, &command, reply)?,
            Tag::Op(op) => self.op_reply(link, op, command, reply),
            Tag::Reserve => self.reserve_reply(link, &command, reply),
            Tag::Probe(lease) => self.probe_reply(lease, &reply),
            Tag::AutoTouch(lease) => self.touch_reply(lease, &reply),
            Tag::Finish(lease) => self.finish_reply(lease, &command, reply),
            Tag::Quit => {}
        }
        lost_step.map_or(Ok(()), Err)
    }

    fn note_answer(&mut self, link: LinkId, command: &Command) {
        let Some(state) = self.links.get_mut(&link) else { return };
        if command.blocks().is_some() {
            state.note_unstuck();
        }
        let server = state.server;
        self.note_health(server);
    }

    fn op_reply(&mut self, link: LinkId, op: OpId, command: Command, reply: Reply) {
        self.note_tubes(&command, &reply);
        let Some(server) = self.links.get(&link).map(|link| link.server) else { return };
        if matches!(reply, Reply::Draining) {
            self.note_draining(server);
        }
        // It counts for the job, also if its caller has given up.
        if let Some(lease) = self.touched(link, &command) {
            self.touch_reply(lease, &reply);
        }
        self.note_end(link, &command, &reply);
        match self.ops.get(&op) {
            // Given up: a job that came of it goes back, everything else is of no interest.
            None => {
                if let Reply::Reserved(id, body) = reply
                    && !self.is_sabotaged(Sabotage::KeepAbandonedJob)
                {
                    let lease = self.add_lease(link, id, body);
                    self.return_job(lease);
                }
            }
            Some(Op { kind: Kind::Put(_), .. }) => self.put_reply(op, server, command, reply),
            Some(Op { kind: Kind::Touch, .. }) => {
                let result = command.verdict(reply).map(|_| Success::Done);
                self.complete(op, result);
            }
            Some(Op { kind: Kind::JobStats(lease), .. }) => {
                let lease = *lease;
                self.probe_reply(lease, &reply);
                let result = command.verdict(reply).and_then(job_stats);
                self.complete(op, result);
            }
            Some(_) => match command.verdict(reply) {
                Ok(Reply::Reserved(id, body)) => {
                    let lease = self.add_lease(link, id, body);
                    if let Some(job) = self.hand_over(lease) {
                        self.complete(op, Ok(Success::Reserved(job)));
                    }
                }
                result => self.complete(op, result.map(Success::Reply)),
            },
        }
    }

    fn touched(&self, link: LinkId, command: &Command) -> Option<LeaseId> {
        let Command::Touch(job) = command else { return None };
        self.links.get(&link)?.by_job.get(job).copied()
    }

    /// A command of the caller's own has ended a reservation, so its handle has nothing left to do.
    fn note_end(&mut self, link: LinkId, command: &Command, reply: &Reply) {
        let job = match (command, reply) {
            (Command::Delete(job), Reply::Deleted) => job,
            (Command::Release { id, .. }, Reply::Released | Reply::Buried) => id,
            (Command::Bury { id, .. }, Reply::Buried) => id,
            _ => return,
        };
        let lease = self.links.get(&link).and_then(|link| link.by_job.get(job)).copied();
        // A finish that is on its way gets a reply of its own.
        let unfinished =
            |lease: &LeaseId| self.leases.get(lease).is_some_and(|lease| lease.finishing.is_none());
        if let Some(lease) = lease.filter(unfinished) {
            self.remove_lease(lease);
        }
    }

    fn put_reply(&mut self, op: OpId, server: ServerId, command: Command, reply: Reply) {
        let inserted = |id: JobId, state| {
            let server = self.server(server).server.clone();
            Ok(Success::Inserted(InsertedJob { id, server, state }))
        };
        let result = match (&command, reply) {
            (Command::Put { delay, .. }, Reply::Inserted(id)) if *delay > Seconds::ZERO => {
                inserted(id, JobState::Delayed)
            }
            (_, Reply::Inserted(id)) => inserted(id, JobState::Ready),
            (_, Reply::InsertedBuried(id)) => inserted(id, JobState::Buried),
            (_, reply) => {
                let elsewhere = matches!(reply, Reply::Draining | Reply::OutOfMemory);
                match command.verdict(reply) {
                    Err(error) if elsewhere => {
                        return self.route_elsewhere(op, server, command, error);
                    }
                    result => result.map(Success::Reply),
                }
            }
        };
        self.complete(op, result);
    }

    fn note_draining(&mut self, server: ServerId) {
        let known = self.server_mut(server);
        if !std::mem::replace(&mut known.draining, true) {
            let server = known.server.clone();
            self.emit(Output::Event(Event::Draining(server)));
        }
    }

    /// Keeps what a reconnect must bring back.
    fn note_tubes(&mut self, command: &Command, reply: &Reply) {
        if !matches!(self.role, Role::Connection) {
            return;
        }
        match (command, reply) {
            (Command::Use(tube), Reply::Using(_)) => self.used = tube.clone(),
            (Command::Watch(tube), Reply::Watching(_)) => {
                super::watch(&mut self.watched, tube);
            }
            (Command::Ignore(tube), Reply::Watching(_)) => {
                self.watched.retain(|watched| watched != tube);
            }
            (command, _) => {
                // These have used their tube already, whatever came of them.
                if let Some(tube) = command.acts_on() {
                    self.used = tube.clone();
                }
            }
        }
    }
}

fn job_stats(reply: Reply) -> Result<Success, Error> {
    match reply {
        Reply::Ok(body) => Ok(Success::JobStats(Box::new(JobStats::parse(&body)?))),
        other => {
            let message = format!("{} to stats-job", other.word());
            Err(Error::new(ErrorKind::UnexpectedReply, Outcome::Unknown, message))
        }
    }
}
