//! When all is well again: nothing is stuck, nothing is missing, and everything ends.

use std::time::Duration;

use beanwire_core::engine::Role;
use beanwire_server::Shortage;

use crate::ledger::Key;
use crate::scenario::TUBES;
use crate::world::{Event, World};

/// How long later to look again whether all jobs are handled.
const AGAIN: Duration = Duration::from_secs(10);

/// How soon a job that nobody wants is given back, whatever stands in front of that.
const KEPT: Duration = Duration::from_secs(20);

/// How long the last closes may take.
const FAREWELL: Duration = Duration::from_secs(60);

impl World {
    /// Faults end, and everybody does what is right.
    pub(crate) fn heal(&mut self) {
        self.note(|| "all is well".to_owned());
        self.healed = true;
        for server in 0..self.servers.len() {
            let state = &mut self.servers[server];
            state.frozen_until = self.now;
            state.refuses_until = self.now;
            state.machine.set_shortage(Shortage::None);
            if self.ask_server(server, "stats").contains("draining: true") {
                self.stop_server(server, true);
            }
        }
        self.slow_until = self.now;
        for client in 0..self.clients.len() {
            // A reserve without a limit may hold up all else on its connection, rightly.
            if self.clients[client].role == Role::Connection {
                self.give_all_up(client);
            }
            self.rouse(client);
        }
        self.schedule(KEPT, Event::CheckKept);
    }

    /// A single connection holds no job that none of its callers has.
    pub(crate) fn check_kept(&mut self) {
        for wire in self.open_wires().collect::<Vec<_>>() {
            let state = &self.wires[wire.0];
            let client = &self.clients[state.client];
            if client.role != Role::Connection || client.is_closing() {
                continue;
            }
            let held = |key: &Key| {
                let mut jobs = client.callers.iter().filter_map(|caller| caller.held.as_ref());
                jobs.any(|held| held.key == *key)
            };
            // What was reserved or given back just now may be on its way.
            let kept = self.ledger.jobs.iter().find(|(key, entry)| {
                let long = entry.renewed_at + KEPT / 2 <= self.now;
                long && self.ledger.is_held(self.now, **key, wire) && !held(key)
            });
            let kept = kept.map(|(key, _)| *key);
            if let Some(key) = kept {
                self.fail(format!("{key:?} is kept by {wire:?}, and nobody has it"));
            }
        }
    }

    pub(crate) fn finale(&mut self) {
        let ready = self.ready_jobs();
        if ready > 0 {
            // There may be many of them.
            let handled = self.report.handled;
            if std::mem::replace(&mut self.handled_before, handled) == handled {
                return self.fail(format!("{ready} ready jobs are not asked for"));
            }
            return self.schedule(AGAIN, Event::Finale);
        }
        for server in 0..self.servers.len() {
            self.check_reserved(server);
        }
        for client in 0..self.clients.len() {
            self.close_client(client, Duration::from_secs(5));
        }
        self.schedule(FAREWELL, Event::End);
    }

    /// Those that somebody should take.
    fn ready_jobs(&mut self) -> u64 {
        // The first consumer watches all tubes.
        let first = self.clients.iter().find(|client| client.is_consumer());
        if first.is_none_or(|client| client.is_closing()) {
            return 0;
        }
        let mut ready = 0;
        for server in 0..self.servers.len() {
            for tube in TUBES {
                let report = self.ask_server(server, &format!("stats-tube {tube}"));
                ready += number(&report, "current-jobs-ready");
            }
        }
        ready
    }

    /// Every reserved job is in somebody's hands.
    fn check_reserved(&mut self, server: usize) {
        let report = self.ask_server(server, "stats");
        let reserved = number(&report, "current-jobs-reserved");
        let callers = self.clients.iter().flat_map(|client| &client.callers);
        let held = callers.filter(|c| c.held.as_ref().is_some_and(|h| h.key.server == server));
        let held = held.count() as u64;
        if reserved > held {
            self.fail(format!("{reserved} jobs of server {server} are reserved, {held} are held"));
        }
    }

    /// What was acknowledged is on its server, or was wanted gone.
    pub(crate) fn check_acknowledged(&mut self) {
        for (token, key) in std::mem::take(&mut self.acknowledged) {
            let Key { server, epoch, id } = key;
            let deleted = self.ledger.jobs.get(&key).is_some_and(|entry| entry.deleted);
            if deleted || self.servers[server].epoch != epoch {
                continue;
            }
            if !self.ask_server(server, &format!("peek {id}")).starts_with("FOUND") {
                self.fail(format!("put {token}, acknowledged as job {id}, is lost"));
            }
        }
        let unclosed = self.clients.iter().position(|client| client.report.is_none());
        if let Some(client) = unclosed {
            let role = match self.clients[client].role {
                Role::Producer => "producer",
                Role::Consumer(_) => "consumer",
                Role::Connection => "connection",
            };
            self.fail(format!("client {client}, a {role}, never closes"));
        }
    }

    /// Asks a server on a connection of its own, at once.
    fn ask_server(&mut self, server: usize, command: &str) -> String {
        let now = self.now;
        self.servers[server].machine.tick(now);
        self.settle_server(server);
        let machine = &mut self.servers[server].machine;
        let asker = machine.connect(now);
        machine.receive(now, asker, format!("{command}\r\n").as_bytes());
        let mut out = Vec::new();
        machine.take(now, asker, &mut out);
        machine.disconnect(now, asker);
        // All of it is the asker's.
        while machine.poll_output().is_some() {}
        String::from_utf8_lossy(&out.concat()).into_owned()
    }
}

fn number(report: &str, key: &str) -> u64 {
    let line = report.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    line.and_then(|value| value.parse().ok()).unwrap_or_default()
}
