//! One engine with its driver, and what its callers were told.

use std::collections::BTreeMap;
use std::time::Duration;

use beanwire_core::config::Delivery;
use beanwire_core::engine::{
    CloseReport, Engine, LeaseId, LinkId, OpId, ReservedJob, Role, Server,
};
use beanwire_core::types::Instant;
use beanwire_core::uri::ServerUri;

use crate::ledger::Key;
use crate::network::WireId;
use crate::scenario::Setup;
use crate::{Sabotage, work::Plan};

/// What an operation is for.
#[derive(Debug, Clone)]
pub(crate) enum Purpose {
    /// This put.
    Put(usize),
    /// A job for this caller.
    Receive(usize),
    /// The end of this caller's job.
    Finish { caller: usize, key: Option<Key>, delete: bool },
    /// Something whose result nobody acts on.
    Other,
}

/// A job in the hands of a caller.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) job: ReservedJob,
    pub(crate) wire: WireId,
    pub(crate) key: Key,
    pub(crate) plan: Plan,
    /// Its caller was told that the reservation is gone.
    pub(crate) lost: bool,
}

/// Somebody who waits for jobs and works on them, one at a time.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    pub(crate) waiting: Option<OpId>,
    pub(crate) held: Option<Held>,
    pub(crate) finishing: bool,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) engine: Engine,
    pub(crate) role: Role,
    pub(crate) delivery: Delivery,
    /// Servers by their place in the engine's list.
    pub(crate) servers: Vec<usize>,
    /// How far its clock is ahead, and behind, of the world's.
    pub(crate) ahead: Duration,
    pub(crate) behind: Duration,
    pub(crate) wires: BTreeMap<LinkId, WireId>,
    pub(crate) ops: BTreeMap<OpId, Purpose>,
    pub(crate) callers: Vec<Caller>,
    /// When its alarm is set to ring.
    pub(crate) alarm: Option<Instant>,
    /// By when it must be closed.
    pub(crate) close_by: Option<Instant>,
    pub(crate) report: Option<CloseReport>,
    /// Alarms that rang at the same instant.
    pub(crate) rings: (Instant, u32),
    /// No caller asks for jobs for now.
    pub(crate) idle: bool,
}

impl Client {
    pub(crate) fn new(setup: &Setup, sabotage: Option<Sabotage>) -> Self {
        let uri = |server: &usize| ServerUri::parse(&format!("10.0.0.{server}")).expect("a URI");
        let uris: Vec<_> = setup.servers.iter().map(uri).collect();
        let engine = Engine::new(setup.role.clone(), &uris, setup.config.clone(), setup.seed);
        let mut engine = engine.expect("settings within their ranges");
        if let Some(fault) = sabotage {
            engine.sabotage(fault);
        }
        Self {
            engine,
            role: setup.role.clone(),
            delivery: setup.config.delivery,
            servers: setup.servers.clone(),
            ahead: Duration::ZERO,
            behind: Duration::ZERO,
            wires: BTreeMap::new(),
            ops: BTreeMap::new(),
            callers: (0..setup.callers).map(|_| Caller::default()).collect(),
            alarm: None,
            close_by: None,
            report: None,
            rings: (Instant::default(), 0),
            idle: false,
        }
    }

    /// What its clock shows.
    pub(crate) fn clock(&self, now: Instant) -> Instant {
        let shown = now.since_origin() + self.ahead;
        Instant::from_origin(shown.saturating_sub(self.behind))
    }

    /// When its clock will show `at`.
    pub(crate) fn world(&self, at: Instant) -> Instant {
        let there = at.since_origin() + self.behind;
        Instant::from_origin(there.saturating_sub(self.ahead))
    }

    pub(crate) fn server(&self, server: &Server) -> usize {
        // The engine leaves repetitions out; there are none.
        let known: Vec<_> = self.engine.servers().map(Server::id).collect();
        let at = known.iter().position(|id| *id == server.id()).expect("one of its own");
        self.servers[at]
    }

    pub(crate) fn caller_of(&self, lease: LeaseId) -> Option<usize> {
        let holds = |caller: &Caller| caller.held.as_ref().is_some_and(|h| h.job.lease == lease);
        self.callers.iter().position(holds)
    }

    pub(crate) fn is_consumer(&self) -> bool {
        matches!(self.role, Role::Consumer(_))
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.close_by.is_some()
    }
}
