//! What goes wrong on purpose.

use std::fmt;
use std::time::Duration;

use beanwire_server::Shortage;
use beanwire_server::machine::{Machine, Settings};
use rand::RngExt as _;

use crate::network::WireId;
use crate::scenario::millis;
use crate::world::{Event, World};

/// How often each kind of fault came about.
#[derive(Debug, Clone, Copy, Default)]
pub struct FaultCounts([u64; KINDS.len()]);

const KINDS: [&str; 10] = [
    "cuts",
    "silences",
    "restarts that keep the jobs",
    "restarts that lose them",
    "drains",
    "shortages of memory",
    "refusals to connect",
    "slow networks",
    "clock jumps",
    "early closes",
];

impl FaultCounts {
    pub(crate) fn note(&mut self, kind: usize) {
        self.0[kind] += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(sum, count)| *sum += count);
    }
}

impl fmt::Display for FaultCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = KINDS.iter().zip(self.0).map(|(kind, count)| format!("{count} {kind}"));
        f.write_str(&counts.collect::<Vec<_>>().join(", "))
    }
}

impl World {
    /// One thing goes wrong.
    pub(crate) fn break_something(&mut self) {
        let kind = match self.rng.random_range(0..100) {
            0..45 => 0,
            45..57 => 1,
            57..64 => 2,
            64..68 => 3,
            68..72 => 4,
            72..80 => 5,
            80..86 => 6,
            86..92 => 7,
            92..98 => 8,
            _ => 9,
        };
        self.report.faults.note(kind);
        let server = self.rng.random_range(0..self.servers.len());
        let client = self.rng.random_range(0..self.clients.len());
        self.note(|| format!("fault: {} (server {server}, client {client})", KINDS[kind]));
        match kind {
            0 => self.cut_some(),
            1 => {
                let span = millis(&mut self.rng, 50, 12_000);
                self.servers[server].frozen_until = self.now + span;
                self.trouble_until = self.trouble_until.max(self.now + span);
            }
            2 | 3 => self.restart(server, kind == 3),
            4 => {
                self.servers[server].machine.drain();
                // Who drains a server replaces it.
                let after = millis(&mut self.rng, 100, 5_000);
                self.schedule(after, Event::Replace(server));
            }
            5 => {
                let shortage = match self.rng.random_bool(0.5) {
                    true => Shortage::Jobs,
                    false => Shortage::Queues,
                };
                self.servers[server].machine.set_shortage(shortage);
                let after = millis(&mut self.rng, 50, 3_000);
                self.schedule(after, Event::EndShortage(server));
            }
            6 => {
                self.servers[server].refuses_until = self.now + millis(&mut self.rng, 50, 4_000);
            }
            7 => {
                let span = millis(&mut self.rng, 100, 5_000);
                self.slow_until = self.now + span;
                self.trouble_until = self.trouble_until.max(self.now + 2 * span);
            }
            8 => self.jump(client),
            _ => {
                let patience = millis(&mut self.rng, 0, 8_000);
                self.close_client(client, patience);
            }
        }
    }

    fn cut_some(&mut self) {
        let open: Vec<_> = self.open_wires().collect();
        if !open.is_empty() {
            let wire = open[self.rng.random_range(0..open.len())];
            self.cut(wire);
        }
    }

    /// The connection breaks: of what is on its way, a part arrives.
    pub(crate) fn cut(&mut self, id: WireId) {
        let wire = &mut self.wires[id.0];
        for pipe in [&mut wire.to_server, &mut wire.to_client] {
            let left = self.rng.random_range(0..=pipe.bytes.len());
            pipe.bytes.truncate(left);
            pipe.ended = true;
        }
        // Whoever notices first does not know what the other has got.
        self.arrive(id, crate::network::Side::Server);
        self.arrive(id, crate::network::Side::Client);
    }

    fn restart(&mut self, server: usize, forgets: bool) {
        let down = millis(&mut self.rng, 1, 3_000);
        self.stop_server(server, forgets);
        let until = self.now + down;
        let state = &mut self.servers[server];
        state.refuses_until = state.refuses_until.max(until);
        state.frozen_until = self.now;
    }

    /// All connections of a server end; its jobs stay, or are gone.
    pub(crate) fn stop_server(&mut self, server: usize, forgets: bool) {
        for wire in self.servers[server].wires() {
            self.cut(wire);
            self.leave_server(wire);
        }
        if forgets {
            let state = &mut self.servers[server];
            state.machine = Machine::new(self.now, Settings::default());
            state.epoch += 1;
        }
        self.settle_server(server);
    }

    /// A client's machine sleeps, or somebody sets its clock.
    fn jump(&mut self, client: usize) {
        let span = millis(&mut self.rng, 1, 40_000);
        let forward = self.rng.random_bool(0.7);
        let state = &mut self.clients[client];
        if forward {
            state.ahead += span;
        } else {
            state.behind += span.min(Duration::from_secs(1));
        }
        let wires: Vec<_> = state.wires.values().copied().collect();
        for wire in wires {
            self.wires[wire.0].observer.note_jump();
        }
        self.trouble_until = self.trouble_until.max(self.now + Duration::from_secs(5));
        self.set_alarm(client);
    }
}
