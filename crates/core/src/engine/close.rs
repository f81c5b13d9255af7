//! The end of a client: what is under way may finish, until the deadline.

use super::op::{Kind, Op};
use super::{CloseReport, Engine, LinkId, LostReason, Output};
use crate::error::{Error, ErrorKind};
use crate::types::Instant;

#[derive(Debug)]
pub(super) enum Phase {
    Open,
    /// Work under way may end.
    Draining {
        deadline: Instant,
    },
    /// Connections are being closed.
    Closing {
        report: CloseReport,
    },
    Closed,
}

impl Phase {
    pub(super) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }
}

impl Engine {
    pub(super) fn start_closing(&mut self, deadline: Instant) {
        match &mut self.phase {
            Phase::Open => {
                self.phase = Phase::Draining { deadline };
                self.pause_consumer();
                let waits = |op: &Op| matches!(op.kind, Kind::Receive | Kind::Ready);
                let ids: Vec<_> =
                    self.ops.iter().filter(|(_, op)| waits(op)).map(|(id, _)| *id).collect();
                for op in ids {
                    self.complete(op, Err(closed()));
                }
                self.receivers.clear();
                self.lookers.clear();
            }
            // A second call may only hurry.
            Phase::Draining { deadline: earlier } => *earlier = deadline.min(*earlier),
            Phase::Closing { .. } | Phase::Closed => {}
        }
        self.arm(deadline);
    }

    /// The time at which patience ends.
    pub(super) fn closing_due(&self) -> Option<Instant> {
        match self.phase {
            Phase::Draining { deadline } => Some(deadline),
            _ => None,
        }
    }

    pub(super) fn settle_closing(&mut self) {
        if let Phase::Draining { deadline } = self.phase {
            let done = self.ops.is_empty() && !self.leases.values().any(|l| l.lost.is_none());
            if done || deadline <= self.now {
                let report = self.give_up();
                self.phase = Phase::Closing { report };
                self.say_goodbye(!done);
            }
        }
        if let Phase::Closing { report } = self.phase
            && self.links.is_empty()
        {
            self.phase = Phase::Closed;
            self.emit(Output::Closed(report));
        }
    }

    /// Ends all that is still under way and counts it.
    fn give_up(&mut self) -> CloseReport {
        let ops: Vec<_> = self.ops.keys().copied().collect();
        let leases: Vec<_> =
            self.leases.iter().filter(|(_, l)| l.lost.is_none()).map(|(id, _)| *id).collect();
        let report = CloseReport { abandoned_operations: ops.len(), abandoned_jobs: leases.len() };
        for op in ops {
            self.break_off(op, |_, outcome| closed().with_outcome(outcome));
        }
        for lease in leases {
            if self.leases.get(&lease).is_some_and(|lease| lease.finishing.is_some()) {
                self.remove_lease(lease);
            } else {
                self.lose(lease, LostReason::Disconnected);
            }
        }
        report
    }

    fn say_goodbye(&mut self, in_haste: bool) {
        let links: Vec<LinkId> = self.links.keys().copied().collect();
        for id in links {
            let Some(link) = self.links.get(&id) else { continue };
            if link.is_idle() && !in_haste {
                self.quit(id);
            } else {
                self.close_link(id, None);
            }
        }
    }
}

fn closed() -> Error {
    Error::not_sent(ErrorKind::Closed, "the client is closed")
}
