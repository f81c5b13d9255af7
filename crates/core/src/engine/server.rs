//! What is known of a server: how many connections it has, and how it has been failing.
//!
//! A server whose connections fail is left alone for a growing, jittered while, and is then tried
//! with a single connection until that one is up.

use std::time::Duration;

use rand::RngExt;

use super::consumer::Hunt;
use super::{Engine, Event, Output, Role, Server, ServerId, part_of};
use crate::error::{Error, Outcome, Retry};
use crate::types::Instant;

/// Doublings of the first wait that are counted; more would pass every limit.
const MAX_DOUBLINGS: u32 = 22;

#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) server: Server,
    /// Connections that are kept open.
    pub(super) width: usize,
    /// Connections that are, or may yet be, of use; and those of them that are not up.
    alive: usize,
    coming: usize,
    /// Failures since a connection was last well: up for long, or of use.
    failures: u32,
    /// Some connection has been up.
    pub(super) was_up: bool,
    /// None has been up since the last failure.
    pub(super) on_trial: bool,
    /// No attempt to connect before this.
    pub(super) retry_at: Option<Instant>,
    pub(super) error: Option<Error>,
    pub(super) max_job_size: Option<u64>,
    pub(super) version: String,
    pub(super) draining: bool,
    pub(super) hunt: Hunt,
}

impl ServerState {
    pub(super) fn new(server: Server, width: usize) -> Self {
        Self {
            server,
            width,
            alive: 0,
            coming: 0,
            failures: 0,
            was_up: false,
            on_trial: false,
            retry_at: None,
            error: None,
            max_job_size: None,
            version: String::new(),
            draining: false,
            hunt: Hunt::default(),
        }
    }
}

impl Engine {
    /// Whether one more connection may be opened now. To a server that failed, only one at a time.
    pub(super) fn may_dial(&self, server: ServerId) -> bool {
        let known = self.server(server);
        let rested = known.retry_at.is_none_or(|at| at <= self.now);
        rested && !(known.on_trial && self.is_dialing(server))
    }

    pub(super) fn is_dialing(&self, server: ServerId) -> bool {
        self.server(server).coming > 0
    }

    pub(super) fn count_links(&self, server: ServerId) -> usize {
        self.server(server).alive
    }

    /// Counts a connection that has come, or is now in such a state.
    pub(super) fn count_in(&mut self, server: ServerId, (alive, up): (bool, bool)) {
        let known = self.server_mut(server);
        known.alive += usize::from(alive);
        known.coming += usize::from(alive && !up);
    }

    /// The opposite.
    pub(super) fn count_out(&mut self, server: ServerId, (alive, up): (bool, bool)) {
        let known = self.server_mut(server);
        known.alive -= usize::from(alive);
        known.coming -= usize::from(alive && !up);
    }

    /// A server that answers more than the handshake is well.
    pub(super) fn note_health(&mut self, server: ServerId) {
        self.server_mut(server).failures = 0;
    }

    /// A connection has failed, which was up since then, or never.
    pub(super) fn note_failure(
        &mut self,
        server: ServerId,
        up_since: Option<Instant>,
        error: &Error,
    ) {
        let now = self.now;
        let long = self.config.reconnect_max;
        if up_since.is_some_and(|since| since + long <= now) {
            self.note_health(server);
        }
        let known = self.server_mut(server);
        known.error = Some(error.clone());
        known.on_trial = true;
        let server_name = known.server.clone();
        // Connections that fail together count as one failure.
        let retry_at = match known.retry_at.filter(|at| *at > now) {
            Some(retry_at) => retry_at,
            None => {
                known.failures = known.failures.saturating_add(1);
                let failures = known.failures;
                now + self.backoff(failures)
            }
        };
        self.server_mut(server).retry_at = Some(retry_at);
        self.arm(retry_at);
        let retry_in = retry_at.saturating_since(now);
        let error = error.clone();
        let event = if up_since.is_some() {
            Event::Disconnected { server: server_name, error, retry_in }
        } else {
            Event::ConnectFailed { server: server_name, error, retry_in }
        };
        self.emit(Output::Event(event));
        self.fail_ready();
    }

    /// Between half and all of the wait that `failures` in a row call for.
    fn backoff(&mut self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(MAX_DOUBLINGS);
        let wait = self.config.reconnect_min.saturating_mul(1 << doublings);
        part_of(wait.min(self.config.reconnect_max), self.rng.random_range(0.5..=1.0))
    }

    /// Ends the wait for a connection that will not come.
    fn fail_ready(&mut self) {
        let opening = matches!(self.role, Role::Connection);
        let first = self.servers.iter().find(|server| opening && !server.was_up);
        let error = self.hopeless().or_else(|| first?.error.clone());
        if let Some(error) = error {
            self.complete_ready(&Err(error.with_outcome(Outcome::NotSent)));
        }
    }

    /// Why no connection will come: every server has failed for a reason that does not pass by
    /// itself, and none is being tried again at this moment.
    pub(super) fn hopeless(&self) -> Option<Error> {
        if self.is_connected() {
            return None;
        }
        let failed = |server: &ServerState| {
            let for_good = |error: &Error| error.retry() == Retry::Never;
            server.error.as_ref().is_some_and(for_good) && !self.is_dialing(server.server.id())
        };
        let error = self.servers.first()?.error.as_ref()?;
        self.servers.iter().all(failed).then(|| error.clone().with_outcome(Outcome::NotSent))
    }
}
