//! What callers do: put, ask for jobs, work on them well or badly, give up.

use std::time::Duration;

use beanwire_core::config::Delivery;
use beanwire_core::engine::{
    Event as Told, Finish, LeaseId, NewJob, OpId, Request, ReservedJob, Role, Success,
};
use beanwire_core::error::{Error, Outcome};
use beanwire_core::protocol::{Command, Reply};
use beanwire_core::types::{Priority, Seconds};
use rand::RngExt as _;

use crate::client::{Held, Purpose};
use crate::ledger::{Key, Ledger};
use crate::network::WireId;
use crate::scenario::{TUBES, millis};
use crate::world::{Event, World};

/// As many puts as a slow consumer can handle before the run gets long.
const MAX_PUTS: usize = 2000;

/// How far a client may be behind in telling that a reservation ran out.
const TELL_WITHIN: Duration = Duration::from_secs(6);

/// How long a closed client may take beyond its patience: connections that hang are given up on.
const CLOSE_WITHIN: Duration = Duration::from_secs(12);

/// What a caller means to do with its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    Delete,
    Release(Option<u32>),
    Bury,
    Fail,
    /// Its caller gives it back as if it had never come.
    GiveBack,
}

impl World {
    pub(crate) fn begin_work(&mut self, client: usize) {
        match self.clients[client].role {
            Role::Producer => self.schedule(Duration::ZERO, Event::Put(client)),
            _ => self.rouse(client),
        }
    }

    /// All callers of a client ask for jobs.
    pub(crate) fn rouse(&mut self, client: usize) {
        if self.clients[client].role == Role::Producer {
            return;
        }
        self.clients[client].idle = false;
        for caller in 0..self.clients[client].callers.len() {
            self.schedule(Duration::ZERO, Event::Work(client, caller));
        }
    }

    fn submit(&mut self, client: usize, purpose: Purpose, request: Request) -> OpId {
        self.report.operations += 1;
        let finish = matches!(request, Request::Finish { .. });
        let within =
            (!finish && self.rng.random_bool(0.2)).then(|| millis(&mut self.rng, 0, 6_000));
        self.drive(client, |client, clock| {
            let op = client.engine.submit(clock, request, within.map(|span| clock + span));
            client.ops.insert(op, purpose);
            op
        })
    }

    /// Lets some operations be given up, at any time.
    fn maybe_cancel(&mut self, client: usize, op: OpId, chance: f64) {
        if !self.healed && self.rng.random_bool(chance) {
            let after = match self.rng.random_bool(0.3) {
                true => Duration::ZERO,
                false => millis(&mut self.rng, 0, 3_000),
            };
            self.schedule(after, Event::Cancel(client, op));
        }
    }

    pub(crate) fn cancel(&mut self, client: usize, op: OpId) {
        let Some(purpose) = self.clients[client].ops.remove(&op) else { return };
        self.report.cancelled += 1;
        self.note(|| format!("client {client} gives {op} up, {purpose:?}"));
        self.drive(client, |client, clock| client.engine.cancel(clock, op));
        if let Purpose::Receive(caller) = purpose {
            self.clients[client].callers[caller].waiting = None;
            let after = millis(&mut self.rng, 0, 1_000);
            self.schedule(after, Event::Work(client, caller));
        }
    }

    // Producers

    pub(crate) fn put_some(&mut self, client: usize) {
        let enough = self.ledger.tokens.len() > MAX_PUTS;
        if self.healed || enough || self.clients[client].is_closing() {
            return;
        }
        let burst = if self.rng.random_bool(0.05) { self.clients[client].callers.len() } else { 1 };
        for _ in 0..burst {
            self.put(client);
        }
        let mean = u64::try_from(self.scenario.put_every.as_millis()).unwrap_or(1);
        let after = millis(&mut self.rng, 0, 2 * mean);
        self.schedule(after, Event::Put(client));
    }

    fn put(&mut self, client: usize) {
        let tube = TUBES[self.rng.random_range(0..TUBES.len())];
        // Never 1024, which is what a release without a priority would take.
        let priority = [0, 7, 1023, 1025, u32::MAX][self.rng.random_range(0..5)];
        let ttr = [1, 1, 2, 5, 60][self.rng.random_range(0..5)];
        let delay = [0, 0, 0, 1, 3][self.rng.random_range(0..5)];
        let state = &self.clients[client];
        let once = state.delivery == Delivery::AtMostOnce || state.role == Role::Connection;
        let token = self.ledger.announce(tube, priority, ttr, once);
        let seconds = Duration::from_secs;
        let job = NewJob::new(tube, Ledger::body(token))
            .and_then(|job| job.priority(priority).delay(seconds(delay)))
            .and_then(|job| job.ttr(seconds(ttr.into())));
        let request = Request::Put(job.expect("a job within the limits"));
        let op = self.submit(client, Purpose::Put(token), request);
        self.maybe_cancel(client, op, 0.08);
    }

    // Callers

    pub(crate) fn work(&mut self, client: usize, caller: usize) {
        let state = &self.clients[client];
        let seat = &state.callers[caller];
        if seat.held.is_some() {
            if !seat.finishing {
                self.finish(client, caller);
            }
        } else if seat.waiting.is_none() && !state.idle && !state.is_closing() {
            self.ask(client, caller);
        }
    }

    fn ask(&mut self, client: usize, caller: usize) {
        if !self.healed && self.rng.random_bool(0.02) {
            return self.rest(client);
        }
        let server = self.clients[client].engine.servers().next().map(|server| server.id());
        let request = match (&self.clients[client].role, server) {
            (Role::Connection, Some(server)) => {
                let command = self.command();
                Request::Command { server, command }
            }
            _ if self.rng.random_bool(0.2) => Request::TryReceive,
            _ => Request::Receive,
        };
        let op = self.submit(client, Purpose::Receive(caller), request);
        if self.clients[client].ops.contains_key(&op) {
            self.clients[client].callers[caller].waiting = Some(op);
            self.maybe_cancel(client, op, 0.15);
        }
    }

    /// What the caller of a single connection asks for.
    fn command(&mut self) -> Command {
        let tube = crate::scenario::tube(TUBES[self.rng.random_range(0..TUBES.len())]);
        let timeout = Duration::from_secs(self.rng.random_range(0..4));
        match self.rng.random_range(0..10) {
            0 => Command::Watch(tube),
            1 => Command::Use(tube),
            2 => Command::PeekReady(tube),
            3 if !self.healed => Command::Reserve,
            _ => {
                let timeout = Seconds::reserve_timeout(timeout);
                Command::ReserveWithTimeout(timeout.unwrap_or_default())
            }
        }
    }

    /// A consumer is not used for a while.
    fn rest(&mut self, client: usize) {
        self.clients[client].idle = true;
        self.give_all_up(client);
        self.drive(client, |client, clock| client.engine.pause_if_unused(clock));
        let after = millis(&mut self.rng, 1, 4_000);
        self.schedule(after, Event::Rouse(client));
    }

    /// Nobody waits for a job any more.
    pub(crate) fn give_all_up(&mut self, client: usize) {
        let callers = self.clients[client].callers.iter();
        for op in callers.filter_map(|caller| caller.waiting).collect::<Vec<_>>() {
            self.cancel(client, op);
        }
    }

    fn finish(&mut self, client: usize, caller: usize) {
        let seat = &mut self.clients[client].callers[caller];
        let Some(held) = &mut seat.held else { return };
        let (lease, key, plan) = (held.job.lease, held.key, held.plan);
        let how = match plan {
            Plan::Delete => Finish::Delete,
            Plan::Release(priority) => {
                Finish::Release { priority: priority.map(Priority), delay: Seconds::ZERO }
            }
            Plan::Bury => Finish::Bury { priority: None },
            Plan::Fail => Finish::Fail,
            Plan::GiveBack => {
                seat.held = None;
                self.schedule(Duration::ZERO, Event::Work(client, caller));
                return self.drive(client, |client, clock| client.engine.give_back(clock, lease));
            }
        };
        seat.finishing = true;
        if let Some(entry) = self.ledger.jobs.get_mut(&key) {
            entry.asked |= plan == Plan::Delete;
            entry.priorities.extend(match plan {
                Plan::Release(priority) => priority,
                _ => None,
            });
        }
        let purpose = Purpose::Finish { caller, key: Some(key), delete: plan == Plan::Delete };
        self.submit(client, purpose, Request::Finish { lease, how });
    }

    // What callers are told

    pub(crate) fn completed(&mut self, client: usize, op: OpId, result: Result<Success, Error>) {
        let Some(purpose) = self.clients[client].ops.remove(&op) else {
            return self
                .fail(format!("client {client}: {op} ended twice, or after it was given up"));
        };
        self.note(|| {
            format!("client {client}: {op} {purpose:?} ends: {result:?}")
                .chars()
                .take(300)
                .collect()
        });
        match purpose {
            Purpose::Put(token) => self.put_ended(client, token, result),
            Purpose::Receive(caller) => self.receive_ended(client, caller, result),
            Purpose::Finish { caller, key, delete } => {
                let seat = &mut self.clients[client].callers[caller];
                (seat.held, seat.finishing) = (None, false);
                let after = millis(&mut self.rng, 0, 30);
                self.schedule(after, Event::Work(client, caller));
                let gone = key.and_then(|key| self.ledger.jobs.get(&key)).is_none_or(|e| e.deleted);
                if delete && result.is_ok() && !gone {
                    self.fail(format!("{key:?} is told to be deleted, and is not"));
                }
            }
            Purpose::Other => {}
        }
    }

    fn put_ended(&mut self, client: usize, token: usize, result: Result<Success, Error>) {
        match result {
            Ok(Success::Inserted(job)) => {
                let server = self.clients[client].server(&job.server);
                let told = self.ledger.check_acknowledged(token, server, job.id);
                self.check(told);
                self.report.acknowledged += 1;
                let inserted = &self.ledger.tokens[token].inserted;
                let key = inserted.iter().rfind(|key| key.server == server && key.id == job.id);
                self.acknowledged.extend(key.map(|key| (token, *key)));
            }
            Ok(other) => self.fail(format!("put {token} is answered with {other:?}")),
            Err(error) if error.outcome() != Outcome::Unknown => {
                let token_state = &mut self.ledger.tokens[token];
                token_state.denied = true;
                if !token_state.inserted.is_empty() {
                    self.fail(format!("put {token} exists, and its caller is told: {error}"));
                }
            }
            Err(_) => {}
        }
    }

    fn receive_ended(&mut self, client: usize, caller: usize, result: Result<Success, Error>) {
        self.clients[client].callers[caller].waiting = None;
        match result {
            Ok(Success::Reserved(job)) => self.got_job(client, caller, job),
            Ok(Success::Reply(Reply::Reserved(..))) => {
                self.fail(format!("client {client}: a job came as a bare reply"));
            }
            _ => {
                let after = millis(&mut self.rng, 1, 300);
                self.schedule(after, Event::Work(client, caller));
            }
        }
    }

    fn got_job(&mut self, client: usize, caller: usize, job: ReservedJob) {
        self.report.handled += 1;
        let lease = job.lease;
        if !self.healed && self.rng.random_bool(0.03) {
            // It came at the very moment in which its caller gave up.
            self.schedule(Duration::ZERO, Event::Work(client, caller));
            let state = &mut self.clients[client];
            let clock = state.clock(self.now);
            return state.engine.give_back(clock, lease);
        }
        let server = self.clients[client].server(&job.server);
        let Some(&wire) = self.clients[client].wires.get(&job.link) else {
            return self.fail(format!("job {} comes on a connection that is gone", job.id));
        };
        let key = Key { server, epoch: self.wires[wire.0].observer.epoch(), id: job.id };
        let token = match Ledger::read(&job.body) {
            Ok(token) => token,
            Err(what) => return self.fail(what),
        };
        let ttr = self.ledger.tokens[token].ttr;
        let (plan, span) = self.plan(ttr);
        self.clients[client].callers[caller].held =
            Some(Held { job, wire, key, plan, lost: false });
        self.schedule(span, Event::Work(client, caller));
        if self.clients[client].is_consumer() {
            let due = Duration::from_secs(ttr.into()) + TELL_WITHIN;
            self.schedule(due, Event::CheckLease(client, lease));
        }
        self.ask_about(client, lease);
    }

    /// A touch or a look at the statistics now and then.
    fn ask_about(&mut self, client: usize, lease: LeaseId) {
        let request = match self.rng.random_range(0..20) {
            0 => Request::Touch(lease),
            1 => Request::JobStats(lease),
            _ => return,
        };
        let op = self.submit(client, Purpose::Other, request);
        self.maybe_cancel(client, op, 0.3);
    }

    fn plan(&mut self, ttr: u32) -> (Plan, Duration) {
        if self.healed {
            return (Plan::Delete, millis(&mut self.rng, 0, 20));
        }
        let plan = match self.rng.random_range(0..20) {
            0 => Plan::Release(None),
            1 => Plan::Release(Some(5)),
            2 => Plan::Bury,
            // A handler that returns an error, panics, or is dropped.
            3..=5 => Plan::Fail,
            6 => Plan::GiveBack,
            _ => Plan::Delete,
        };
        let slow = self.rng.random_bool(0.1);
        let most = if slow { 1_800 * u64::from(ttr.min(10)) } else { 60 };
        (plan, millis(&mut self.rng, 0, most))
    }

    pub(crate) fn told(&mut self, client: usize, event: Told) {
        self.note(|| format!("client {client} tells: {event:?}").chars().take(300).collect());
        match event {
            Told::JobLost { lease, .. } => {
                let Some(caller) = self.clients[client].caller_of(lease) else { return };
                let seat = &mut self.clients[client].callers[caller];
                let again =
                    seat.held.as_mut().is_some_and(|held| std::mem::replace(&mut held.lost, true));
                if again {
                    self.fail(format!("client {client}: {lease} was lost twice"));
                }
                // Most handlers stop then.
                let after = millis(&mut self.rng, 0, 500);
                self.schedule(after, Event::Work(client, caller));
            }
            Told::Retry { op, error, .. } if error.outcome() == Outcome::Unknown => {
                if let Some(Purpose::Put(token)) = self.clients[client].ops.get(&op) {
                    self.ledger.tokens[*token].doubts += 1;
                }
            }
            _ => {}
        }
    }

    /// Nobody holds a job of a connection that is gone without having been told.
    pub(crate) fn check_told(&mut self, client: usize, wire: WireId) {
        let untold = |held: &Held| held.wire == wire && !held.lost;
        let seats = self.clients[client].callers.iter().filter(|caller| !caller.finishing);
        let found = seats.filter_map(|c| c.held.as_ref()).find(|h| untold(h)).map(|h| h.job.id);
        if let Some(id) = found {
            self.fail(format!(
                "client {client}: the caller with job {id} knows nothing of its loss"
            ));
        }
    }

    pub(crate) fn check_lease(&mut self, client: usize, lease: LeaseId) {
        let Some(caller) = self.clients[client].caller_of(lease) else { return };
        let seat = &self.clients[client].callers[caller];
        let Some(held) = seat.held.as_ref().filter(|held| !held.lost && !seat.finishing) else {
            return;
        };
        let Some(entry) = self.ledger.jobs.get(&held.key) else { return };
        let ttr = Duration::from_secs(self.ledger.tokens[entry.token].ttr.into());
        let due = (entry.renewed_at + ttr).max(self.trouble_until) + TELL_WITHIN;
        if due > self.now {
            let after = due.saturating_since(self.now);
            return self.schedule(after, Event::CheckLease(client, lease));
        }
        let id = held.job.id;
        self.fail(format!(
            "client {client}: job {id} ran out long ago, and its caller is not told"
        ));
    }

    pub(crate) fn close_client(&mut self, client: usize, patience: Duration) {
        if self.clients[client].is_closing() {
            return;
        }
        let within = patience + CLOSE_WITHIN;
        self.clients[client].close_by = Some(self.now + within);
        self.drive(client, |client, clock| client.engine.close(clock, clock + patience));
        self.schedule(within, Event::CheckClosed(client));
    }

    pub(crate) fn check_closed(&mut self, client: usize) {
        let state = &self.clients[client];
        if state.report.is_none() && self.trouble_until <= self.now {
            return self.fail(format!("client {client} does not close"));
        }
        if state.report.is_none() {
            return self.schedule(CLOSE_WITHIN, Event::CheckClosed(client));
        }
        let open: Vec<_> = state.ops.values().collect();
        if !open.is_empty() {
            self.fail(format!("client {client} is closed, and these never ended: {open:?}"));
        }
    }
}
