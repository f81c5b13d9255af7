//! Which connection a command takes, and where it goes when that one fails.

use super::op::{Kind, Op, Place};
use super::server::ServerState;
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
                let link = self.least_loaded(|known| known.server.id() == server);
                link.map_or_else(|| self.no_way_yet(), Way::Through)
            }
            Some(Kind::Put(put)) => {
                let (at_once, error, refused_by) =
                    (put.at_once, put.error.clone(), put.refused_by.clone());
                let length = command.body().map_or(0, |body| body.len() as u64);
                let takes = |known: &ServerState| known.takes(length, &refused_by);
                match self.least_loaded(takes) {
                    Some(link) => Way::Through(link),
                    None if !self.servers.iter().any(takes) => {
                        Way::Nowhere(self.no_taker(length, &refused_by, error))
                    }
                    None if at_once => Way::Nowhere(self.no_connection(error)),
                    None => self.no_way_yet(),
                }
            }
            _ => Way::Nowhere(Error::not_sent(ErrorKind::Closed, "the operation has ended")),
        }
    }

    /// Waiting helps only as long as some server may come up.
    fn no_way_yet(&self) -> Way {
        self.hopeless().map_or(Way::Wait, Way::Nowhere)
    }

    /// Why no server takes a put of so many bytes.
    fn no_taker(&self, length: u64, refused_by: &[ServerId], before: Option<Error>) -> Error {
        if let Some(error) = before.clone().filter(|_| !refused_by.is_empty()) {
            return error;
        }
        let fits = |known: &ServerState| known.max_job_size.is_none_or(|limit| length <= limit);
        let error = if self.servers.iter().any(|known| known.draining && fits(known)) {
            Error::not_sent(ErrorKind::Draining, "the server takes no new jobs")
        } else {
            let largest = self.servers.iter().filter_map(|known| known.max_job_size).max();
            let limit = largest.unwrap_or_default();
            let message = format!("body: {length} bytes, the server's max-job-size is {limit}");
            Error::not_sent(ErrorKind::JobTooBig, message)
        };
        before.into_iter().fold(error, Error::with_source)
    }

    /// The connection with the fewest unanswered commands, to those servers that `takes` accepts.
    fn least_loaded(&mut self, takes: impl Fn(&ServerState) -> bool) -> Option<LinkId> {
        self.best_link(takes, |link| link.conn.pending())
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
