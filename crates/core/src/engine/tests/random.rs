//! Random histories against a tiny server: whatever happens, every operation ends exactly once, what
//! is told of it is true, and a close comes to its end.

mod server;

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::config::{Config, Delivery};
use crate::engine::{Event, Finish, LeaseId, LinkId, NewJob, OpId, Request, Role, Success};
use crate::error::Outcome;
use crate::protocol::Command;
use crate::types::{Priority, Seconds};
use server::Servers;

/// What happens next: which kind, to whom, and how much.
type Step = (u8, usize, usize);

struct World {
    rig: Rig,
    servers: Servers,
    /// Every operation that was not cancelled and has not ended, with the body if it is a put.
    ops: BTreeMap<OpId, Option<String>>,
    receives: BTreeSet<OpId>,
    held: Vec<LeaseId>,
    bodies: u64,
    /// Whether no job may come to be twice.
    once: bool,
}

impl World {
    fn new(role: Role, config: Config) -> Self {
        let once = config.delivery == Delivery::AtMostOnce || role == Role::Connection;
        let mut servers = Servers::default();
        for id in 0..20 {
            servers.add(id % 2, format!("old {id}"));
        }
        let (ops, receives, held) = (BTreeMap::new(), BTreeSet::new(), Vec::new());
        Self { rig: Rig::new(role, 2, config), servers, ops, receives, held, bodies: 0, once }
    }

    fn step(&mut self, (kind, who, much): Step) {
        let open = self.rig.open();
        let link = open.get(who % open.len().max(1)).copied();
        match kind {
            0..=3 => self.submit(who, much),
            4 => {
                // A finish runs to its end whatever its caller wants.
                let op = self.ops.iter().nth(who).filter(|(_, body)| **body != finish());
                if let Some((&op, _)) = op {
                    self.rig.cancel(op);
                    self.ops.remove(&op);
                    self.receives.remove(&op);
                }
            }
            5 => self.rig.connect_some(who),
            6..=8 => link.into_iter().for_each(|link| {
                self.servers.run(&mut self.rig, link, much % 5 + 1);
            }),
            9 => link.into_iter().for_each(|link| self.servers.cut(&mut self.rig, link, much)),
            10 => self.rig.advance(ms(much as u64)),
            14 => self.rig.ring(),
            15 => self.rig.stall(who < 4),
            11 => self.finish(who, much),
            12 => self.rig.pause(),
            _ => self.servers.refuse_next(who),
        }
        self.look();
    }

    fn submit(&mut self, who: usize, much: usize) {
        let role = self.rig.engine.role().clone();
        let (request, body) = match (role, who % 4) {
            (Role::Consumer(_), _) => (Request::Receive, None),
            (Role::Connection, 0) => {
                let timeout = Seconds::reserve_timeout(ms(much as u64)).unwrap();
                (self.command(Command::ReserveWithTimeout(timeout)), None)
            }
            (_, 1) => (self.command(Command::ListTubes), None),
            _ => {
                self.bodies += 1;
                let body = format!("new {}", self.bodies);
                let tube = if who < 2 { "default" } else { "other" };
                (Request::Put(NewJob::new(tube, body.clone()).unwrap()), Some(body))
            }
        };
        let receive = matches!(request, Request::Receive);
        let op = match much % 3 {
            0 => self.rig.submit_within(request, ms(much as u64)),
            _ => self.rig.submit(request),
        };
        self.ops.insert(op, body);
        if receive {
            self.receives.insert(op);
        }
    }

    fn command(&self, command: Command) -> Request {
        let server = self.rig.engine.servers().next().unwrap().id();
        Request::Command { server, command }
    }

    fn finish(&mut self, who: usize, much: usize) {
        if self.held.is_empty() {
            return;
        }
        let lease = self.held.remove(who % self.held.len());
        let how = match much % 5 {
            0 => Finish::Delete,
            1 => Finish::Release { priority: None, delay: Seconds::ZERO },
            2 => Finish::Bury { priority: Some(Priority(1)) },
            3 => Finish::Fail,
            _ => return self.rig.give_back(lease),
        };
        let op = self.rig.finish(lease, how);
        self.ops.insert(op, finish());
    }

    /// Takes over what has come and checks that it is true.
    fn look(&mut self) {
        self.servers.notice(&mut self.rig);
        for (op, result) in self.rig.take_done() {
            self.receives.remove(&op);
            let known = self.ops.remove(&op);
            let Some(body) = known else { panic!("{op} was cancelled or has ended before") };
            match (result, body) {
                (Ok(Success::Reserved(job)), _) => self.held.push(job.lease),
                (Ok(Success::Inserted(_)), Some(body)) => {
                    assert!(self.servers.times_put(&body) >= 1, "{body} is not there");
                }
                (Err(error), Some(body)) if Some(&body) != finish().as_ref() => {
                    let none = error.outcome() != Outcome::Unknown;
                    assert!(
                        !none || self.servers.times_put(&body) == 0,
                        "{body} is there: {error:?}"
                    );
                }
                _ => {}
            }
        }
        for event in self.rig.events() {
            if let Event::JobLost { lease, .. } = event {
                self.held.retain(|held| *held != lease);
            }
        }
        if self.once {
            assert!(self.servers.most_times_put() <= 1, "a job is there twice");
        }
    }

    /// Lets everything work well for a while.
    fn calm(&mut self, rounds: usize) {
        self.servers.behave();
        self.rig.stall(false);
        for _ in 0..rounds {
            self.rig.connect_all();
            for link in self.rig.open() {
                self.servers.run(&mut self.rig, link, usize::MAX);
            }
            self.look();
            self.rig.advance(ms(200));
            self.look();
        }
    }

    fn expect_the_end(&self) {
        assert!(self.rig.report.is_some(), "it never closed");
        assert!(self.ops.is_empty(), "{:?} never ended", self.ops);
        let engine = &self.rig.engine;
        assert_eq!(engine.poll_timeout(), None);
        assert_eq!((engine.pending_bytes, engine.links.len(), engine.ops.len()), (0, 0, 0));
        assert_eq!((engine.deadlines.len(), engine.waiting.len()), (0, 0));
        assert_eq!((engine.receivers.len(), engine.ready.len()), (0, 0));
        assert!(engine.leases.values().all(|lease| lease.lost.is_some()));
    }
}

/// Stands for the body of a put where a job is finished.
fn finish() -> Option<String> {
    Some("finish".into())
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec((0..16_u8, 0..8_usize, 0..6000_usize), 0..80)
}

fn config(bits: u8) -> Config {
    let mut config = Config { put_timeout: secs(10), ..Config::default() };
    config.delivery = if bits & 1 == 0 { Delivery::AtLeastOnce } else { Delivery::AtMostOnce };
    config.max_connections = Some(if bits & 2 == 0 { 1 } else { 3 });
    config.prefetch = usize::from(bits & 4 != 0);
    config.auto_touch = bits & 8 != 0;
    config
}

fn world(role: u8, bits: u8) -> World {
    let role = match role {
        0 => Role::Producer,
        1 => Role::Consumer(Vec::new()),
        _ => Role::Connection,
    };
    World::new(role, config(bits))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_everything_ends_well_once_the_servers_behave(
        role in 0..3_u8, bits in 0..16_u8, steps in steps(),
    ) {
        let mut world = world(role, bits);
        steps.into_iter().for_each(|step| world.step(step));
        world.calm(150);
        let stuck = world.ops.keys().filter(|op| !world.receives.contains(op)).count();
        prop_assert_eq!(stuck, 0, "operations that should have ended");
        let starved = !world.receives.is_empty() && world.servers.is_any_ready();
        prop_assert!(!starved, "a caller waits for a job that is ready");
        for lease in std::mem::take(&mut world.held) {
            let op = world.rig.finish(lease, Finish::Delete);
            world.ops.insert(op, finish());
        }
        world.rig.close(secs(30));
        world.calm(200);
        world.expect_the_end();
        prop_assert_eq!(world.rig.report.unwrap().abandoned_operations, 0);
    }

    #[test]
    fn a_close_ends_even_if_the_servers_say_nothing_more(
        role in 0..3_u8, bits in 0..16_u8, steps in steps(), patience in 0..4000_u64,
    ) {
        let mut world = world(role, bits);
        steps.into_iter().for_each(|step| world.step(step));
        world.rig.close(ms(patience));
        world.rig.advance(ms(patience) + secs(1));
        world.look();
        world.expect_the_end();
    }
}
