//! What a client tells about its servers.

use super::link::{Link, State};
use super::{
    ConnectionHealth, ConnectionState, Engine, Health, Role, Server, ServerHealth, ServerState,
};
use crate::config::Config;
use crate::types::Instant;

impl Engine {
    /// Every server of the list, without repetitions, in its order.
    pub fn servers(&self) -> impl Iterator<Item = &Server> {
        self.servers.iter().map(|known| &known.server)
    }

    /// The settings in force.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// What this client is for.
    #[must_use]
    pub const fn role(&self) -> &Role {
        &self.role
    }

    /// Whether new work is taken.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.phase.is_open()
    }

    /// Whether any connection is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.servers.iter().any(|known| !known.up.is_empty())
    }

    /// Whether nothing is under way: no answer is due, nothing waits at a server, no reservation is
    /// being ended. Connections may be on their way up or down.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let busy = |link: &Link| match link.state {
            State::Up => link.conn.pending() > 0,
            State::HalfClosed { .. } => true,
            _ => false,
        };
        let ending = self.leases.values().any(|lease| lease.finishing.is_some());
        !ending && !self.links.values().any(busy)
    }

    /// A snapshot of every server and connection.
    #[must_use]
    pub fn health(&self, now: Instant) -> Health {
        let servers = self.servers.iter().map(|known| self.server_health(known, now)).collect();
        Health { servers, waiting: self.waiting.len() + self.receivers.len() }
    }

    fn server_health(&self, known: &ServerState, now: Instant) -> ServerHealth {
        let links = self.links_of(known.server.id());
        ServerHealth {
            server: known.server.clone(),
            version: known.version.clone(),
            draining: known.draining,
            max_job_size: known.max_job_size,
            last_error: known.error.as_ref().map(ToString::to_string),
            retry_in: known.retry_at.map(|at| at.saturating_since(now)),
            connections: links.map(|(_, link)| connection_health(link)).collect(),
        }
    }
}

fn connection_health(link: &Link) -> ConnectionHealth {
    let state = match link.state {
        State::Dialing { .. } | State::Handshake { .. } => ConnectionState::Connecting,
        State::Up => ConnectionState::Up,
        _ => ConnectionState::Closing,
    };
    ConnectionHealth {
        state,
        pending: link.conn.pending(),
        held: link.held.len() + link.leaving.len(),
        waiting: link.conn.is_parked(),
    }
}
