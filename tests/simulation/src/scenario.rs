//! What a seed makes of the world: how many servers and clients, and with which settings.

use std::time::Duration;

use beanwire_core::config::{Config, Delivery, Exhausted, FailurePolicy};
use beanwire_core::engine::Role;
use beanwire_core::types::TubeName;
use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _};

/// Where jobs go that have failed too often.
pub(crate) const DEAD_LETTERS: &str = "dead";

/// The tubes that jobs are put into.
pub(crate) const TUBES: [&str; 3] = ["default", "mail", "images"];

/// What one client is for, and how it is set up.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) config: Config,
    pub(crate) seed: u64,
    /// The servers in its list, by their numbers.
    pub(crate) servers: Vec<usize>,
    /// How many of its callers work at once.
    pub(crate) callers: usize,
}

/// All of a world.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) servers: usize,
    pub(crate) clients: Vec<Setup>,
    /// How long things go wrong.
    pub(crate) trouble: Duration,
    /// The mean time between two faults.
    pub(crate) fault_every: Duration,
    /// The mean time between two puts of one producer.
    pub(crate) put_every: Duration,
}

pub(crate) fn tube(name: &str) -> TubeName {
    TubeName::new(name).expect("a name that is allowed")
}

pub(crate) fn millis(rng: &mut SmallRng, from: u64, to: u64) -> Duration {
    Duration::from_millis(rng.random_range(from..=to))
}

impl Scenario {
    pub(crate) fn new(rng: &mut SmallRng) -> Self {
        let servers = rng.random_range(1..=3);
        let mut clients = Vec::new();
        for _ in 0..rng.random_range(1..=2) {
            clients.push(producer(rng, servers));
        }
        for number in 0..rng.random_range(1..=2) {
            clients.push(consumer(rng, servers, number == 0));
        }
        if rng.random_bool(0.6) {
            clients.push(connection(rng, servers));
        }
        Self {
            servers,
            clients,
            trouble: millis(rng, 5_000, 60_000),
            fault_every: millis(rng, 200, 8_000),
            put_every: millis(rng, 5, 400),
        }
    }
}

fn config(rng: &mut SmallRng) -> Config {
    let mut config = Config::default();
    config.multiply = rng.random_range(1..=3);
    config.connect_timeout = millis(rng, 200, 5_000);
    config.command_timeout = millis(rng, 500, 5_000);
    config.put_timeout = match rng.random_range(0..5) {
        0 => Duration::ZERO,
        _ => millis(rng, 500, 15_000),
    };
    config.reserve_timeout = millis(rng, 1_000, 30_000);
    config.reconnect_min = millis(rng, 1, 300);
    config.reconnect_max = config.reconnect_min * rng.random_range(1..=10);
    config.max_pending_bytes = if rng.random_bool(0.1) { 4096 } else { 64 << 20 };
    config
}

fn all(servers: usize) -> Vec<usize> {
    (0..servers).collect()
}

fn producer(rng: &mut SmallRng, servers: usize) -> Setup {
    let mut config = config(rng);
    if rng.random_bool(0.5) {
        config.delivery = Delivery::AtMostOnce;
    }
    let (seed, callers) = (rng.next_u64(), rng.random_range(1..=50));
    Setup { role: Role::Producer, config, seed, servers: all(servers), callers }
}

fn consumer(rng: &mut SmallRng, servers: usize, watches_all: bool) -> Setup {
    let mut config = config(rng);
    config.concurrency = rng.random_range(1..=6);
    config.max_connections = match rng.random_range(0..3) {
        0 => None,
        _ => Some(config.multiply + rng.random_range(0..=3)),
    };
    config.prefetch = if rng.random_bool(0.5) { 0 } else { rng.random_range(1..=4) };
    config.auto_touch = rng.random_bool(0.4);
    let mut failure = FailurePolicy::default().with_delay(millis(rng, 0, 3_000));
    if rng.random_bool(0.5) {
        failure = failure.with_max_attempts(rng.random_range(1..=4));
    }
    if rng.random_bool(0.5) {
        failure = failure.with_exhausted(Exhausted::DeadLetter(tube(DEAD_LETTERS)));
    }
    config.failure = failure;
    let tubes = match watches_all {
        true => TUBES.iter().map(|name| tube(name)).collect(),
        false => vec![tube(TUBES[rng.random_range(0..TUBES.len())])],
    };
    let (seed, callers) = (rng.next_u64(), config.concurrency);
    Setup { role: Role::Consumer(tubes), config, seed, servers: all(servers), callers }
}

fn connection(rng: &mut SmallRng, servers: usize) -> Setup {
    let config = config(rng);
    let (seed, callers) = (rng.next_u64(), rng.random_range(1..=3));
    let server = rng.random_range(0..servers);
    Setup { role: Role::Connection, config, seed, servers: vec![server], callers }
}
