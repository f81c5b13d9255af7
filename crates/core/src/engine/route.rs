//! Which connection a command takes, and where it goes when that one fails.

use rand::RngExt;

use super::link::Link;
use super::op::{Kind, Op, Place, PutState};
use super::{Engine, LinkId, OpId, Role, Sabotage, ServerId, Tag};
use crate::config::Delivery;
use crate::conn::Unanswered;
use crate::error::{Error, ErrorKind, Outcome};
use crate::protocol::Command;

enum Way {
    Through(LinkId),
    /// Until a connection is up.
    Wait,
    Nowhere(Error),
}

impl Engine {
    /// Sends `command` on the best connection, or lets it wait for one.
    pub(super) fn route(&mut self, op: OpId, command: Command) {
        match self.way(op, &command) {
            Way::Through(link) => {
                let ticket = self.push(link, command, Tag::Op(op));
                self.note_place(op, Place::On(link, ticket));
            }
            Way::Wait => {
                let at = self.fresh_id();
                self.waiting.insert(at, (op, command));
                self.note_place(op, Place::Waiting(at));
            }
            Way::Nowhere(error) => self.complete(op, Err(error)),
        }
    }

    /// Tries again what waits for a connection, in its order and behind what stood `in_front`.
    pub(super) fn route_again(&mut self, in_front: Vec<(OpId, Command)>) {
        let waiting = std::mem::take(&mut self.waiting);
        for (op, command) in in_front.into_iter().chain(waiting.into_values()) {
            self.route(op, command);
        }
    }

    fn way(&mut self, op: OpId, command: &Command) -> Way {
        match self.ops.get(&op).map(|op| &op.kind) {
            Some(Kind::Command(server)) => {
                let server = *server;
                let link = self.least_loaded(|link| link.server == server);
                link.map_or_else(|| self.no_way_yet(), Way::Through)
            }
            Some(Kind::Put(put)) => {
                let (at_once, error) = (put.at_once, put.error.clone());
                match self.takers(put, command) {
                    Err(error) => Way::Nowhere(error),
                    Ok(takers) => match self.least_loaded(|link| takers.contains(&link.server)) {
                        Some(link) => Way::Through(link),
                        None if at_once => Way::Nowhere(self.no_connection(error)),
                        None => self.no_way_yet(),
                    },
                }
            }
            _ => Way::Nowhere(Error::not_sent(ErrorKind::Closed, "the operation has ended")),
        }
    }

    /// Waiting helps only as long as some server may come up.
    fn no_way_yet(&self) -> Way {
        self.hopeless().map_or(Way::Wait, Way::Nowhere)
    }

    /// The servers that may take this put, or why there is none.
    fn takers(&self, put: &PutState, command: &Command) -> Result<Vec<ServerId>, Error> {
        let length = command.body().map_or(0, |body| body.len() as u64);
        let mut takers = Vec::new();
        let (mut draining, mut largest) = (false, None);
        for known in &self.servers {
            let limit = known.max_job_size;
            if limit.is_some_and(|limit| length > limit) {
                largest = largest.max(limit);
            } else if known.draining {
                draining = true;
            } else if !put.refused_by.contains(&known.server.id()) {
                takers.push(known.server.id());
            }
        }
        if !takers.is_empty() {
            return Ok(takers);
        }
        let before = put.error.clone();
        if let Some(error) = before.clone().filter(|_| !put.refused_by.is_empty()) {
            return Err(error);
        }
        let error = if draining {
            Error::not_sent(ErrorKind::Draining, "the server takes no new jobs")
        } else {
            let limit = largest.unwrap_or_default();
            let message = format!("body: {length} bytes, the server's max-job-size is {limit}");
            Error::not_sent(ErrorKind::JobTooBig, message)
        };
        Err(before.into_iter().fold(error, Error::with_source))
    }

    /// The connection with the fewest unanswered commands; chance decides between equals.
    pub(super) fn least_loaded(&mut self, fits: impl Fn(&Link) -> bool) -> Option<LinkId> {
        let mut best: Option<(usize, LinkId)> = None;
        let mut equals = 1_u32;
        for (id, link) in self.links.iter().filter(|(_, link)| link.is_up() && fits(link)) {
            let load = link.conn.pending();
            match best {
                Some((least, _)) if load > least => {}
                Some((least, _)) if load == least => {
                    equals += 1;
                    if self.rng.random_range(0..equals) == 0 {
                        best = Some((load, *id));
                    }
                }
                _ => {
                    equals = 1;
                    best = Some((load, *id));
                }
            }
        }
        best.map(|(_, id)| id)
    }

    /// A server said no to a put: another one may say yes.
    pub(super) fn route_elsewhere(
        &mut self,
        op: OpId,
        server: ServerId,
        command: Command,
        error: Error,
    ) {
        if matches!(self.role, Role::Connection) {
            return self.complete(op, Err(error));
        }
        if let Some(Op { kind: Kind::Put(put), .. }) = self.ops.get_mut(&op) {
            put.refused_by.push(server);
            self.note_retry(op, server, error);
            self.route(op, command);
        }
    }

    /// Decides what becomes of the commands of a lost connection.
    pub(super) fn orphan(
        &mut self,
        server: ServerId,
        unanswered: Vec<Unanswered<Tag>>,
        fault: &Error,
    ) {
        let mut again = Vec::new();
        for Unanswered { command, tag, maybe_done } in unanswered {
            match tag {
                Tag::Op(op) => {
                    let outcome = if maybe_done { Outcome::Unknown } else { Outcome::NotSent };
                    let error = fault.clone().with_outcome(outcome);
                    if self.is_worth_another_try(op, maybe_done) {
                        if matches!(command, Command::Put { .. }) {
                            self.note_retry(op, server, error);
                        }
                        again.push((op, command));
                    } else {
                        self.complete(op, Err(error));
                    }
                }
                Tag::Reserve => self.reserve_orphaned(server, &command),
                Tag::Finish(lease) => self.finish_orphaned(lease, maybe_done, fault),
                Tag::Handshake | Tag::Probe(_) | Tag::AutoTouch(_) | Tag::Quit => {}
            }
        }
        self.route_again(again);
    }

    fn is_worth_another_try(&self, op: OpId, maybe_done: bool) -> bool {
        let doubles =
            self.config.delivery == Delivery::AtLeastOnce && matches!(self.role, Role::Producer);
        match self.ops.get(&op).map(|op| &op.kind) {
            Some(Kind::Put(_)) => {
                !maybe_done || doubles || self.is_sabotaged(Sabotage::DoubleUnknownPut)
            }
            Some(Kind::Command(_)) => !maybe_done,
            _ => false,
        }
    }
}
