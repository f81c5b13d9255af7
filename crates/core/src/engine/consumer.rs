//! Getting jobs for whoever waits for one, without polling while that can be avoided.
//!
//! A server is in one of two moods:
//!
//! - *hot*: its last reserve gave a job. Then busy connections ask for more with
//!   `reserve-with-timeout 0`, a growing number at once, never for more than there is demand, until
//!   one misses.
//! - *cold*: one connection that holds no job waits in a long reserve, for as long as there is
//!   demand. If there is none, one more is opened; if none may be opened, a busy connection is asked
//!   now and then.
//!
//! A long reserve on each of many servers may bring more jobs than there is demand. Those wait a
//! moment for a caller and are then handed back.

use std::time::Duration;

use bytes::Bytes;

use super::link::Link;
use super::look::Looked;
use super::{Engine, LeaseId, LinkId, Role, Sabotage, ServerId, ServerState, Success, Tag};
use crate::protocol::{Command, Reply};
use crate::types::{Instant, JobId, Seconds};

/// Most reserves that are on their way to a hot server.
const MAX_WINDOW: usize = 256;

/// First and longest wait between two looks at a server that can only be polled.
const POLL_MIN: Duration = Duration::from_millis(2);
const POLL_MAX: Duration = Duration::from_millis(100);

/// How long reserves rest after an answer that would come again at once: `DEADLINE_SOON`, or that
/// the server has no memory or a fault.
const REST: Duration = Duration::from_millis(100);

/// How long a server may take to answer a reserve that does not wait, before others are asked, too.
const SILENCE: Duration = Duration::from_millis(100);

/// How long a job beyond the demand waits for a caller.
const SURPLUS_WAIT: Duration = Duration::from_millis(100);

/// How long a connection beyond the usual number may be idle.
const IDLE: Duration = Duration::from_secs(60);

/// How a consumer gets jobs from one server.
#[derive(Debug)]
pub(super) struct Hunt {
    /// The connection that was last sent a reserve that waits.
    parked: Option<LinkId>,
    /// Reserves that may be on their way at once; zero is cold.
    window: usize,
    /// Those that are.
    pub(super) refills: usize,
    /// When they have gone unanswered for so long that the server counts as silent.
    silent_at: Instant,
    poll_after: Duration,
    /// No poll before this.
    poll_at: Instant,
    /// No reserve at all before this.
    pub(super) rest_until: Instant,
    /// What callers who only look have been told of it.
    pub(super) looked: Looked,
}

impl Default for Hunt {
    fn default() -> Self {
        Self {
            parked: None,
            window: 0,
            refills: 0,
            silent_at: Instant::default(),
            poll_after: POLL_MIN,
            poll_at: Instant::default(),
            rest_until: Instant::default(),
            looked: Looked::default(),
        }
    }
}

impl Hunt {
    /// When there may be something to do again, if that is later than `now`.
    pub(super) fn next_look(&self, now: Instant) -> Option<Instant> {
        let silent_at = (self.refills > 0).then_some(self.silent_at);
        let looks = [self.rest_until, self.poll_at].into_iter().chain(silent_at);
        looks.filter(|at| *at > now).min()
    }
}

impl Engine {
    /// How many jobs there is room for, beyond those that are on their way. What a silent server
    /// was asked for does not count: another one may have it.
    pub(super) fn demand(&self) -> usize {
        let hunts = self.servers.iter().map(|server| &server.hunt);
        let refills: usize = hunts.filter(|h| h.silent_at > self.now).map(|h| h.refills).sum();
        let room = self.receivers.len() + self.config.prefetch;
        room.saturating_sub(self.ready.len() + refills)
    }

    /// Gives reserved jobs to those who wait for one.
    pub(super) fn hand_out(&mut self) {
        while !self.ready.is_empty() {
            let Some(op) = self.receivers.pop_first() else { return };
            let lease = self.ready.pop_first();
            match lease.and_then(|lease| self.hand_over(lease)) {
                Some(job) => {
                    self.lookers.remove(&op);
                    self.complete(op, Ok(Success::Reserved(job)));
                }
                None => drop(self.receivers.insert(op)),
            }
        }
    }

    /// Asks servers for jobs as far as there is demand.
    pub(super) fn hunt(&mut self) {
        if self.paused || !self.phase.is_open() {
            return;
        }
        self.turn += 1;
        let count = self.servers.len();
        let mut demand = self.demand();
        for step in 0..count {
            if demand == 0 {
                return;
            }
            let server = ServerId((self.turn + step) % count);
            let refills = self.server(server).hunt.refills;
            self.hunt_on(server, demand);
            if self.server(server).hunt.refills != refills {
                demand = self.demand();
            }
        }
    }

    fn hunt_on(&mut self, server: ServerId, demand: usize) {
        let parked = self.is_parked(server);
        let now = self.now;
        let hunt = &self.server(server).hunt;
        if hunt.rest_until > now {
            return self.arm(hunt.rest_until);
        }
        if parked || hunt.refills > 0 && hunt.window <= hunt.refills {
            return;
        }
        let (window, refills) = (hunt.window, hunt.refills);
        if window > 0 {
            return self.refill(server, demand.min(window - refills));
        }
        if self.is_looked_for(server) {
            return self.look(server, demand);
        }
        if self.nobody_waits() {
            return;
        }
        let busy_too = self.is_sabotaged(Sabotage::ParkOnBusyConnection);
        let empty = |link: &Link| link.held.is_empty() || busy_too;
        let free = self.up_links(server).find(|(_, link)| empty(link)).map(|(id, _)| id);
        if let Some(link) = free {
            let timeout = Seconds::reserve_timeout(self.config.reserve_timeout);
            let park = Command::ReserveWithTimeout(timeout.unwrap_or_default());
            self.push(link, park, Tag::Reserve);
            self.server_mut(server).hunt.parked = Some(link);
            return;
        }
        if !self.is_dialing(server)
            && self.may_dial(server)
            && self.count_links(server) < self.config.effective_max_connections()
        {
            // Polls begin only if that takes long.
            let hunt = &mut self.server_mut(server).hunt;
            hunt.poll_at = hunt.poll_at.max(now + POLL_MAX);
            self.open_link(server);
        }
        if !self.server(server).up.is_empty() {
            self.poll(server);
        }
    }

    /// Whether a connection to the server waits there for a job.
    pub(super) fn is_parked(&self, server: ServerId) -> bool {
        let link = self.server(server).hunt.parked.and_then(|link| self.links.get(&link));
        link.is_some_and(|link| link.is_up() && link.conn.is_parked())
    }

    /// Looks for a job on a connection that holds others, and looks again later.
    fn poll(&mut self, server: ServerId) {
        let now = self.now;
        let hunt = &mut self.server_mut(server).hunt;
        if hunt.poll_at > now {
            let at = hunt.poll_at;
            return self.arm(at);
        }
        let at = now + hunt.poll_after;
        hunt.poll_at = at;
        hunt.poll_after = (hunt.poll_after * 2).min(POLL_MAX);
        self.arm(at);
        self.refill(server, 1);
    }

    pub(super) fn refill(&mut self, server: ServerId, count: usize) {
        // The oldest of equals, so that connections that a busy time has left behind become idle.
        let load = |link: &Link| (link.held.len() + link.leaving.len(), link.up_since);
        let Some(link) = self.best_link(|known| known.server.id() == server, load) else { return };
        let silent_at = self.now + SILENCE;
        let looker = self.last_looker();
        let hunt = &mut self.server_mut(server).hunt;
        if hunt.refills == 0 {
            hunt.silent_at = silent_at;
            hunt.looked.ask_for(looker);
        }
        hunt.refills += count;
        let silent_at = hunt.silent_at;
        self.arm(silent_at);
        for _ in 0..count {
            self.push(link, Command::ReserveWithTimeout(Seconds::ZERO), Tag::Reserve);
        }
    }

    pub(super) fn reserve_reply(&mut self, link: LinkId, command: &Command, reply: Reply) {
        let Some(state) = self.links.get_mut(&link) else { return };
        state.idle_since = self.now;
        let (server, up) = (state.server, state.is_up());
        let now = self.now;
        let hunt = &mut self.server_mut(server).hunt;
        if command.blocks().is_none() {
            hunt.refills = hunt.refills.saturating_sub(1);
            hunt.silent_at = now + SILENCE;
            hunt.looked.answered(hunt.refills, matches!(reply, Reply::Reserved(..)));
        }
        let rested = hunt.rest_until <= now;
        match reply {
            Reply::Reserved(id, body) => {
                hunt.window = (hunt.window * 2).clamp(1, MAX_WINDOW);
                hunt.poll_after = POLL_MIN;
                // On a half-closed connection the job goes back by itself when that ends.
                if up {
                    self.job_came(link, id, body);
                }
            }
            Reply::DeadlineSoon => {
                hunt.window = 0;
                hunt.rest_until = now + REST;
                // Once for all reserves that were on their way.
                if rested {
                    self.probe_all(link);
                }
            }
            Reply::TimedOut => hunt.window = 0,
            _ => {
                hunt.window = 0;
                hunt.rest_until = now + REST;
            }
        }
    }

    fn job_came(&mut self, link: LinkId, id: JobId, body: Bytes) {
        let lease = self.add_lease(link, id, body);
        if self.paused || !self.phase.is_open() {
            return self.return_job(lease);
        }
        self.ready.insert(lease);
        self.arm(self.now + SURPLUS_WAIT);
    }

    /// Some job of this connection is about to run out: find out which, and touch it if so asked.
    fn probe_all(&mut self, link: LinkId) {
        let Some(state) = self.links.get(&link) else { return };
        for &lease in state.held.clone().iter() {
            let known = self.leases.get(&lease).is_none_or(|lease| lease.stats.is_some());
            if !known {
                self.check_lease_at(lease, self.now);
            }
        }
        self.check_leases();
    }

    /// The connection went down with this reserve unanswered.
    pub(super) fn reserve_orphaned(&mut self, server: ServerId, command: &Command) {
        let hunt = &mut self.server_mut(server).hunt;
        hunt.window = 0;
        if command.blocks().is_none() {
            hunt.refills = hunt.refills.saturating_sub(1);
            hunt.looked.answered(hunt.refills, false);
        }
    }

    pub(super) fn pause_consumer(&mut self) {
        if !matches!(self.role, Role::Consumer(_)) {
            return;
        }
        self.paused = true;
        let links: Vec<_> = self.links.iter_mut().map(|(id, link)| (*id, link)).collect();
        let mut parked = Vec::new();
        for (id, link) in links {
            // Those that are not sent need no answer.
            let unsent = link.conn.withdraw_all(|tag| *tag == Tag::Reserve);
            let refills = unsent.iter().filter(|(command, _)| command.blocks().is_none()).count();
            let hunt = self.servers.get_mut(link.server.0).map(|server| &mut server.hunt);
            hunt.into_iter().for_each(|hunt| hunt.refills -= refills);
            // One that holds a job after all keeps it: what comes of the reserve is given back.
            if link.is_up() && link.conn.is_parked() && link.held.is_empty() {
                parked.push(id);
            }
        }
        parked.into_iter().for_each(|link| self.half_close(link));
        for lease in std::mem::take(&mut self.ready).iter() {
            self.return_job(*lease);
        }
    }

    /// Closing a connection gives back all its jobs unchanged, which is best if it is the only one.
    pub(super) fn return_by_closing(&mut self, lease: LeaseId) -> bool {
        let unfinished = self.leases.get(&lease).filter(|lease| lease.finishing.is_none());
        let Some(link) = unfinished.map(|lease| lease.link) else { return false };
        let Some(state) = self.links.get(&link) else { return false };
        let only = state.held.len() == 1 && state.held.contains(&lease);
        if !only || !state.leaving.is_empty() {
            return false;
        }
        // One on its way out sends nothing more; what it has not sent goes another way.
        let serves = !matches!(self.role, Role::Consumer(_)) || state.conn.pending() > 0;
        if state.is_up() && serves {
            return false;
        }
        self.remove_lease(lease);
        self.close_link(link, None);
        true
    }

    /// Jobs that no caller came for.
    pub(super) fn return_surplus(&mut self) {
        while self.surplus_due().is_some_and(|due| due <= self.now) {
            if let Some(lease) = self.ready.pop_last() {
                self.return_job(lease);
            }
        }
    }

    pub(super) fn surplus_due(&self) -> Option<Instant> {
        let surplus = self.ready.len() > self.config.prefetch;
        let last = self.ready.last().filter(|_| surplus)?;
        Some(self.leases.get(last)?.reserved_at + SURPLUS_WAIT)
    }

    /// Lets go of connections that a busy time has left behind.
    pub(super) fn quit_idle_links(&mut self) {
        for server in (0..self.servers.len()).map(ServerId) {
            let spare = self.count_links(server).saturating_sub(self.server(server).width);
            let idle = |link: &Link| link.is_idle() && link.idle_since + IDLE <= self.now;
            let links: Vec<_> =
                self.links_of(server).filter(|(_, l)| idle(l)).map(|(id, _)| id).collect();
            links.into_iter().rev().take(spare).for_each(|link| self.quit(link));
        }
    }

    pub(super) fn idle_due(&self) -> Option<Instant> {
        let spare = |s: &ServerState| self.count_links(s.server.id()) > s.width;
        if !self.servers.iter().any(spare) {
            return None;
        }
        let idle = self.links.values().filter(|link| link.is_idle());
        // Later than now, for those that may go are gone.
        idle.map(|link| link.idle_since + IDLE).filter(|at| *at > self.now).min()
    }
}
