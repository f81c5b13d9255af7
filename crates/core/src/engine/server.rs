//! What is known of a server: how many connections it has, and how it has been failing.
//!
//! A server whose connections fail is left alone for a growing, jittered while, and is then tried
//! with a single connection until that one is up.

use std::time::Duration;

use rand::RngExt;

use super::consumer::Hunt;
use super::link::{Link, State};
use super::{Engine, Event, LinkId, Output, Role, Server, ServerId, part_of};
use crate::error::{Error, Outcome, Retry};
use crate::types::Instant;

/// Most connections that are looked at for the best of them.
const LOOKED_AT: usize = 16;

/// Doublings of the first wait that are counted; more would pass every limit.
const MAX_DOUBLINGS: u32 = 22;

#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) server: Server,
    /// Connections that are kept open.
    pub(super) width: usize,
    /// Connections that are up, in the order in which they came up.
    pub(super) up: Vec<LinkId>,
    /// How many are on their way up.
    pub(super) coming: usize,
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
            up: Vec::new(),
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

    /// Whether it may take a put of so many bytes that these have refused.
    pub(super) fn takes(&self, length: u64, refused_by: &[ServerId]) -> bool {
        let fits = self.max_job_size.is_none_or(|limit| length <= limit);
        fits && !self.draining && !refused_by.contains(&self.server.id())
    }

    /// A connection leaves a state.
    pub(super) fn leave(&mut self, id: LinkId, state: &State) {
        match state {
            State::Up => self.up.retain(|up| *up != id),
            State::Dialing { .. } | State::Handshake { .. } => self.coming -= 1,
            _ => {}
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
        let known = self.server(server);
        known.up.len() + known.coming
    }

    /// The connections to a server that are up.
    pub(super) fn up_links(&self, server: ServerId) -> impl Iterator<Item = (LinkId, &Link)> {
        let ids = self.server(server).up.iter();
        ids.filter_map(|id| Some((*id, self.links.get(id)?)))
    }

    /// The best connection that is up, to those servers that `takes` accepts: the one with the
    /// lowest `load`, and chance decides between equals. Of many connections only a few are looked
    /// at, which chance chooses: the best of them is hardly worse.
    pub(super) fn best_link<L: Ord>(
        &mut self,
        takes: impl Fn(&ServerState) -> bool,
        load: impl Fn(&Link) -> L,
    ) -> Option<LinkId> {
        let takers = || self.servers.iter().filter(|known| takes(known));
        let count: usize = takers().map(|known| known.up.len()).sum();
        let mut best: Option<(L, LinkId)> = None;
        let mut equals = 1_u32;
        for place in 0..count.min(LOOKED_AT) {
            let mut place = if count > LOOKED_AT { self.rng.random_range(0..count) } else { place };
            let id = takers().find_map(|known| {
                let found = known.up.get(place).copied();
                place = place.saturating_sub(known.up.len());
                found
            });
            let Some((id, link)) = id.and_then(|id| Some((id, self.links.get(&id)?))) else {
                continue;
            };
            let load = load(link);
            match &best {
                Some((least, _)) if load > *least => continue,
                Some((least, _)) if load == *least => {
                    equals += 1;
                    if self.rng.random_range(0..equals) > 0 {
                        continue;
                    }
                }
                _ => equals = 1,
            }
            best = Some((load, id));
        }
        best.map(|(_, id)| id)
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
