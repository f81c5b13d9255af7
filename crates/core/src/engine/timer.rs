//! Everything that happens because time passes.
//!
//! The alarm may be early, never late: whoever sets a time calls [`Engine::arm`], and the exact
//! next time is worked out only when the alarm has rung.

use super::Engine;
use super::link::Link;
use crate::types::Instant;

impl Engine {
    /// Makes sure that the alarm rings by `at`.
    pub(super) fn arm(&mut self, at: Instant) {
        self.wake_at = Some(self.wake_at.map_or(at, |earlier| earlier.min(at)));
    }

    pub(super) fn run_timers(&mut self) {
        self.expire_links();
        self.expire_ops();
        self.check_leases();
        self.return_surplus();
        self.quit_idle_links();
        for server in &mut self.servers {
            if server.retry_at.is_some_and(|at| at <= self.now) {
                server.retry_at = None;
            }
        }
    }

    /// Works out when to wake next.
    pub(super) fn rearm(&mut self) {
        let patience = self.config.command_timeout;
        let links = self.links.values().filter_map(|link: &Link| link.due(patience));
        let servers = self.servers.iter().flat_map(|s| [s.retry_at, s.hunt.next_look(self.now)]);
        let first_op = self.deadlines.first().map(|(at, _)| at);
        let first_lease = self.lease_checks.first().map(|(at, _)| at);
        let single =
            [first_op, first_lease, self.surplus_due(), self.idle_due(), self.closing_due()];
        self.wake_at = links.chain(servers.flatten()).chain(single.into_iter().flatten()).min();
    }
}
