//! Time, events, and how bytes get from one machine to the other.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use beanwire_core::engine::{LeaseId, OpId};
use beanwire_core::error::{Error, ErrorKind, Outcome};
use beanwire_core::types::Instant;
use beanwire_server::Shortage;
use beanwire_server::machine::{self, ClientId, Machine, Settings};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::client::Client;
use crate::ledger::{Key, Ledger};
use crate::network::{Side, Wire, WireId};
use crate::scenario::{Scenario, millis};
use crate::{Plan, Report, Violation};

/// How long all is well before it is checked that nothing is stuck.
const CALM: Duration = Duration::from_secs(60);

/// More steps than any run has reason for.
const MAX_STEPS: u64 = 3_000_000;

/// Things of a trace that are kept.
const TRACE: usize = 400;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Connected(WireId),
    Arrive(WireId, Side),
    /// The client's driver has closed it.
    Closed(WireId),
    Alarm(usize),
    Tick(usize),
    Fault,
    Put(usize),
    Work(usize, usize),
    Cancel(usize, OpId),
    Rouse(usize),
    CheckLease(usize, LeaseId),
    CheckClosed(usize),
    CheckKept,
    EndShortage(usize),
    Replace(usize),
    Heal,
    Finale,
    End,
}

#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) machine: Machine,
    /// How often it has lost its memory.
    pub(crate) epoch: u32,
    pub(crate) frozen_until: Instant,
    pub(crate) refuses_until: Instant,
    pub(crate) accepted: BTreeMap<ClientId, WireId>,
    tick: Option<Instant>,
}

impl ServerState {
    pub(crate) fn wires(&self) -> Vec<WireId> {
        self.accepted.values().copied().collect()
    }
}

#[derive(Debug)]
pub(crate) struct World {
    plan: Plan,
    pub(crate) scenario: Scenario,
    pub(crate) now: Instant,
    pub(crate) rng: SmallRng,
    events: BTreeMap<(Instant, u64), Event>,
    next_event: u64,
    pub(crate) servers: Vec<ServerState>,
    pub(crate) clients: Vec<Client>,
    pub(crate) wires: Vec<Wire>,
    pub(crate) ledger: Ledger,
    /// Puts whose callers know that they were done.
    pub(crate) acknowledged: Vec<(usize, Key)>,
    pub(crate) report: Report,
    /// No promise about times holds before this.
    pub(crate) trouble_until: Instant,
    pub(crate) slow_until: Instant,
    /// All is well.
    pub(crate) healed: bool,
    /// How many jobs had been handed over when it was last looked whether any are left.
    pub(crate) handled_before: u64,
    trace: Option<VecDeque<String>>,
    violation: Option<String>,
}

impl World {
    pub(crate) fn new(plan: Plan, traced: bool) -> Self {
        let mut rng = SmallRng::seed_from_u64(plan.seed);
        let scenario = Scenario::new(&mut rng);
        let start = Instant::from_origin(Duration::from_secs(1000));
        let server = |_| ServerState {
            machine: Machine::new(start, Settings::default()),
            epoch: 0,
            frozen_until: start,
            refuses_until: start,
            accepted: BTreeMap::new(),
            tick: None,
        };
        let client = |setup| Client::new(setup, plan.sabotage);
        Self {
            servers: (0..scenario.servers).map(server).collect(),
            clients: scenario.clients.iter().map(client).collect(),
            plan,
            scenario,
            now: start,
            rng,
            events: BTreeMap::new(),
            next_event: 0,
            wires: Vec::new(),
            ledger: Ledger::default(),
            acknowledged: Vec::new(),
            report: Report::default(),
            trouble_until: start,
            slow_until: start,
            healed: false,
            handled_before: 0,
            trace: traced.then(VecDeque::new),
            violation: None,
        }
    }

    pub(crate) fn run(mut self) -> Result<Report, Box<Violation>> {
        self.begin();
        while self.violation.is_none() {
            let Some(((at, _), event)) = self.events.pop_first() else { break };
            self.now = self.now.max(at);
            self.report.steps += 1;
            if self.report.steps > MAX_STEPS {
                self.fail("the run does not end".to_owned());
            }
            if event == Event::End {
                break;
            }
            self.happen(event);
        }
        if self.violation.is_none() {
            self.check_acknowledged();
        }
        self.report.time = self.now.since_origin() - Duration::from_secs(1000);
        match self.violation {
            None => Ok(self.report),
            Some(what) => {
                let trace = self.trace.map(Vec::from).unwrap_or_default();
                Err(Box::new(Violation { plan: self.plan, what, trace }))
            }
        }
    }

    fn begin(&mut self) {
        for client in 0..self.clients.len() {
            self.schedule(Duration::ZERO, Event::Alarm(client));
            self.begin_work(client);
        }
        self.schedule(self.scenario.fault_every, Event::Fault);
        self.schedule(self.scenario.trouble, Event::Heal);
        self.schedule(self.scenario.trouble + CALM, Event::Finale);
    }

    /// Notes a rule that was broken; the first one counts.
    pub(crate) fn fail(&mut self, what: String) {
        self.violation.get_or_insert(what);
    }

    pub(crate) fn check(&mut self, result: Result<(), String>) {
        if let Err(what) = result {
            self.fail(what);
        }
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let at = self.now.since_origin().as_secs_f64() - 1000.0;
            trace.push_back(format!("{at:>10.4}  {}", what()));
            if trace.len() > TRACE {
                trace.pop_front();
            }
        }
    }

    pub(crate) fn schedule(&mut self, after: Duration, event: Event) {
        self.schedule_at(self.now + after, event);
    }

    pub(crate) fn schedule_at(&mut self, at: Instant, event: Event) {
        self.next_event += 1;
        self.events.insert((at, self.next_event), event);
    }

    pub(crate) fn latency(&mut self) -> Duration {
        let most = if self.slow_until > self.now { 400_000 } else { 2_000 };
        Duration::from_micros(self.rng.random_range(20..most))
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Connected(wire) => self.connected(wire),
            Event::Arrive(wire, side) => {
                self.wires[wire.0].pipe(side).scheduled = false;
                self.arrived(wire, side);
            }
            Event::Closed(wire) => self.close_wire(wire, None),
            Event::Alarm(client) => self.ring(client),
            Event::Tick(server) => self.tick(server),
            Event::Fault => {
                if !self.healed {
                    self.break_something();
                    let mean = u64::try_from(self.scenario.fault_every.as_millis()).unwrap_or(1);
                    let next = millis(&mut self.rng, 1, 2 * mean);
                    self.schedule(next, Event::Fault);
                }
            }
            Event::Put(client) => self.put_some(client),
            Event::Work(client, caller) => self.work(client, caller),
            Event::Cancel(client, op) => self.cancel(client, op),
            Event::Rouse(client) => self.rouse(client),
            Event::CheckLease(client, lease) => self.check_lease(client, lease),
            Event::CheckClosed(client) => self.check_closed(client),
            Event::CheckKept => self.check_kept(),
            Event::EndShortage(server) => self.servers[server].machine.set_shortage(Shortage::None),
            Event::Replace(server) => self.stop_server(server, true),
            Event::Heal => self.heal(),
            Event::Finale => self.finale(),
            Event::End => {}
        }
    }

    // Servers

    pub(crate) fn settle_server(&mut self, server: usize) {
        let mut spoken = Vec::new();
        while let Some(output) = self.servers[server].machine.poll_output() {
            let (machine::Output::Transmit(client) | machine::Output::Close(client)) = output;
            let Some(&wire) = self.servers[server].accepted.get(&client) else { continue };
            let mut out = Vec::new();
            self.servers[server].machine.take(self.now, client, &mut out);
            for bytes in out {
                self.note(|| {
                    format!(
                        "{wire:?} < {:?}",
                        String::from_utf8_lossy(&bytes[..bytes.len().min(80)])
                    )
                });
                let state = &mut self.wires[wire.0];
                let read = state.observer.replies(&bytes);
                if !state.to_client.ended {
                    state.to_client.bytes.extend_from_slice(&bytes);
                }
                self.check(read);
            }
            spoken.push(wire);
            if matches!(output, machine::Output::Close(_)) {
                self.leave_server(wire);
                self.wires[wire.0].to_client.ended = true;
            }
            self.arrive(wire, Side::Client);
        }
        self.judge(spoken);
        let state = &mut self.servers[server];
        let Some(at) = state.machine.next_tick() else { return };
        if state.tick.is_none_or(|tick| at < tick) {
            state.tick = Some(at);
            self.schedule_at(at, Event::Tick(server));
        }
    }

    /// Looks at what servers did on these connections, until all of it makes sense.
    fn judge(&mut self, mut wires: Vec<WireId>) {
        loop {
            let before = wires.len();
            let mut left = Vec::new();
            for wire in wires {
                let observer = &mut self.wires[wire.0].observer;
                match observer.judge_all(self.now, &mut self.ledger) {
                    Ok(true) => {}
                    Ok(false) => left.push(wire),
                    Err(what) => return self.fail(what),
                }
            }
            if left.is_empty() {
                return;
            }
            if left.len() == before {
                return self.fail(format!("a job that nobody put came on {left:?}"));
            }
            wires = left;
        }
    }

    fn tick(&mut self, server: usize) {
        let state = &mut self.servers[server];
        state.tick = None;
        if state.frozen_until > self.now {
            let until = state.frozen_until;
            state.tick = Some(until);
            return self.schedule_at(until, Event::Tick(server));
        }
        state.machine.tick(self.now);
        self.settle_server(server);
    }

    /// The server forgets a connection.
    pub(crate) fn leave_server(&mut self, wire: WireId) {
        let state = &mut self.wires[wire.0];
        state.to_server.done = true;
        let server = state.server;
        if let Some(client) = state.accepted.take() {
            self.servers[server].accepted.remove(&client);
            self.servers[server].machine.disconnect(self.now, client);
            self.settle_server(server);
        }
    }

    // Bytes

    pub(crate) fn open_wires(&self) -> impl Iterator<Item = WireId> {
        let open = |wire: &Wire| wire.open && wire.accepted.is_some();
        self.wires.iter().enumerate().filter(move |(_, w)| open(w)).map(|(at, _)| WireId(at))
    }

    /// Has something arrive some time, if there is something.
    pub(crate) fn arrive(&mut self, wire: WireId, to: Side) {
        let pipe = self.wires[wire.0].pipe(to);
        let due = !pipe.bytes.is_empty() || pipe.ended;
        if due && !pipe.done && !std::mem::replace(&mut pipe.scheduled, true) {
            let after = self.latency();
            self.schedule(after, Event::Arrive(wire, to));
        }
    }

    fn arrived(&mut self, id: WireId, to: Side) {
        let server = self.wires[id.0].server;
        if to == Side::Server && self.servers[server].frozen_until > self.now {
            let until = self.servers[server].frozen_until;
            self.wires[id.0].to_server.scheduled = true;
            return self.schedule_at(until, Event::Arrive(id, to));
        }
        let pipe = self.wires[id.0].pipe(to);
        // All of it, or some.
        let whole = pipe.bytes.len();
        let size = if self.rng.random_bool(0.5) { whole } else { self.rng.random_range(0..=whole) };
        let bytes = pipe.bytes.split_to(size);
        let over = pipe.bytes.is_empty() && pipe.ended && !pipe.done;
        pipe.done |= over;
        match to {
            Side::Server => self.arrived_at_server(id, &bytes, over),
            Side::Client => self.arrived_at_client(id, &bytes, over),
        }
        self.arrive(id, to);
    }

    fn arrived_at_server(&mut self, id: WireId, bytes: &[u8], over: bool) {
        let wire = &mut self.wires[id.0];
        let (server, client, link) = (wire.server, wire.client, wire.link);
        if let Some(accepted) = wire.accepted {
            wire.observer.commands(bytes);
            let machine = &mut self.servers[server].machine;
            machine.receive(self.now, accepted, bytes);
            if over {
                machine.end_input(self.now, accepted);
            }
            self.settle_server(server);
        }
        // There is room again in the system's buffer.
        if self.wires[id.0].open && !bytes.is_empty() {
            let progress = self.wires[id.0].flush();
            if progress {
                let clock = self.clients[client].clock(self.now);
                self.clients[client].engine.handle_progress(clock, link);
            }
            if self.wires[id.0].unsent.is_empty() && !self.wires[id.0].ending {
                self.transmit(client, link);
                self.drive(client, |_, _| ());
            }
        }
    }

    fn arrived_at_client(&mut self, id: WireId, bytes: &[u8], over: bool) {
        let wire = &mut self.wires[id.0];
        if !wire.open {
            return;
        }
        let (client, link) = (wire.client, wire.link);
        if !bytes.is_empty() {
            let mut input = std::mem::take(&mut wire.input);
            input.extend_from_slice(bytes);
            self.drive(client, |client, clock| {
                client.engine.handle_data(clock, link, &mut input);
            });
            self.wires[id.0].input = input;
        }
        if over {
            let clean = self.rng.random_bool(0.5);
            self.close_wire(id, (!clean).then(|| broken("reset")));
        }
    }
}

pub(crate) fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Disconnected, Outcome::Unknown, why)
}
