//! Callers who take a job only if there is one now.
//!
//! Each server is asked with reserves that do not wait, sent after the caller came. Once every one
//! has answered that it has none, or cannot be asked, the callers who still look are told so. Then
//! nothing is under way: no job can come that nobody is there for.

use super::{Engine, OpId, ServerId, Success};

/// Most reserves with which a server is asked that did not give a job the last time.
const FIRST_LOOK: usize = 16;

/// How far one server has answered those who look.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Looked {
    /// The last caller before the reserves that are on their way.
    asked_for: Option<OpId>,
    /// The last caller to whom the server has said that there is no job.
    nothing_for: Option<OpId>,
}

impl Looked {
    /// Reserves that do not wait are sent while none is on its way.
    pub(super) fn ask_for(&mut self, looker: Option<OpId>) {
        self.asked_for = looker;
    }

    /// A reserve that does not wait was answered, or never will be; so many are left.
    pub(super) fn answered(&mut self, left: usize, with_job: bool) {
        if left > 0 {
            return;
        }
        let asked_for = self.asked_for.take();
        if !with_job {
            self.nothing_for = asked_for.max(self.nothing_for);
        }
    }

    /// The server cannot be asked.
    pub(super) fn unreachable(&mut self, looker: Option<OpId>) {
        self.nothing_for = looker.max(self.nothing_for);
    }
}

impl Engine {
    /// The last of those who look now.
    pub(super) fn last_looker(&self) -> Option<OpId> {
        self.lookers.last().copied()
    }

    /// Whether there is nobody for whom a reserve may wait at a server.
    pub(super) fn nobody_waits(&self) -> bool {
        self.receivers.len() == self.lookers.len() && self.config.prefetch == 0
    }

    /// Whether the server still has to be asked for those who look.
    pub(super) fn is_looked_for(&self, server: ServerId) -> bool {
        self.last_looker() > self.server(server).hunt.looked.nothing_for
    }

    /// Asks a server that is cold, unless earlier questions are still to be answered.
    pub(super) fn look(&mut self, server: ServerId, demand: usize) {
        let up = !self.server(server).up.is_empty();
        if up && self.server(server).hunt.refills == 0 {
            self.refill(server, demand.min(FIRST_LOOK));
        }
    }

    /// Tells those who look that there is nothing, once that is certain, or why no server can be
    /// asked.
    pub(super) fn end_looks(&mut self) {
        let mut servers = (0..self.servers.len()).map(ServerId);
        if self.lookers.is_empty() || servers.any(|server| self.may_yet_give(server)) {
            return;
        }
        let hopeless = self.hopeless();
        for op in std::mem::take(&mut self.lookers).iter() {
            self.receivers.remove(op);
            self.complete(*op, hopeless.clone().map_or(Ok(Success::Done), Err));
        }
    }

    /// Whether the server may have a job for those who look.
    fn may_yet_give(&self, server: ServerId) -> bool {
        let hunt = &self.server(server).hunt;
        let up = !self.server(server).up.is_empty();
        let parked = self.is_parked(server);
        let resting = hunt.rest_until > self.now;
        // One that has failed is not waited for while others are there.
        let given_up = self.server(server).on_trial && self.is_connected();
        let coming = !up && self.is_dialing(server) && !given_up;
        let askable = up && !parked && !resting;
        hunt.refills > 0 || self.is_looked_for(server) && (askable || coming)
    }
}
