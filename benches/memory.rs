//! How the resident memory of a process grows with its connections to a real `beanstalkd`: idle, and
//! with 10,000 jobs of 100 bytes in flight. Linux only.
//!
//! Puts are in flight at a server that is stopped; jobs are held by handlers, long enough for the
//! client to have asked for their statistics. Every measurement has a process of its own, for memory
//! that was used once is not given back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so on the spot"
)]

use std::future::pending;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use beanwire::{Config, Consumer, Health, Job, NewJob, Producer};
use beanwire_tests::Beanstalkd;
use rustix::process::{Resource, getrlimit, setrlimit};

const CONNECTIONS: [usize; 5] = [1, 10, 100, 500, 1_000];
const JOBS: usize = 10_000;
const BODY: usize = 100;

/// After this, whatever was to happen has happened.
const CALM: Duration = Duration::from_millis(1_500);

/// Files that a server with 1,000 connections has open, with room to spare.
const FILES: u64 = 4_096;

/// The ways to many connections, and whether these are clients with one each.
const KINDS: [(&str, bool); 4] =
    [("one producer", false), ("producers", true), ("one consumer", false), ("consumers", true)];

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<_> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.as_slice() {
        [] => tables(),
        [kind, connections] => measure(kind, connections.parse().unwrap()),
        _ => println!("usage: memory [KIND CONNECTIONS]"),
    }
}

fn tables() {
    let mut limits = getrlimit(Resource::Nofile);
    limits.current = limits.maximum.map_or(Some(FILES), |most| Some(most.min(FILES)));
    // The servers inherit it.
    setrlimit(Resource::Nofile, limits).expect("more open files");
    println!(
        "growth of resident memory by connections to one beanstalkd, in KiB in all and in bytes"
    );
    println!("per connection beyond the first");
    println!(
        "{:<14}{:>12}{:>12}{:>12}{:>16}{:>12}",
        "", "connections", "idle KiB", "bytes each", "10,000 jobs KiB", "bytes each"
    );
    for (kind, _) in KINDS {
        let mut first = None;
        for connections in CONNECTIONS {
            let (idle, busy) = measured(kind, connections);
            let (first_idle, first_busy) = *first.get_or_insert((idle, busy));
            let each = |now: i64, first: i64| match connections {
                1 => "-".to_owned(),
                more => ((now - first) * 1024 / (more as i64 - 1)).to_string(),
            };
            println!(
                "{kind:<14}{connections:>12}{idle:>12}{:>12}{busy:>16}{:>12}",
                each(idle, first_idle),
                each(busy, first_busy)
            );
        }
    }
}

/// Measures in a process of its own: KiB when idle, and with jobs in flight.
fn measured(kind: &str, connections: usize) -> (i64, i64) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let output = command.args([kind, &connections.to_string()]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let (idle, busy) = text.trim().split_once(' ').expect("two numbers");
    (idle.parse().unwrap(), busy.parse().unwrap())
}

#[tokio::main]
async fn measure(kind: &str, connections: usize) {
    let server = Beanstalkd::start();
    let (_, apart) = KINDS.iter().find(|(known, _)| *known == kind).expect("a kind");
    let (clients, each) = if *apart { (connections, 1) } else { (1, connections) };
    let mut config = Config::default();
    config.multiply = each;
    config.max_connections = Some(each);
    config.concurrency = JOBS.div_ceil(clients);
    config.command_timeout = Duration::from_mins(1);
    let (before, idle, busy) = if kind.ends_with("producer") || kind.ends_with("producers") {
        produce(&server, clients, config).await
    } else {
        consume(&server, clients, config).await
    };
    println!("{} {}", idle - before, busy - before);
    drop(server);
    std::process::exit(0);
}

async fn produce(server: &Beanstalkd, clients: usize, config: Config) -> (i64, i64, i64) {
    let before = resident();
    let mut producers = Vec::new();
    for _ in 0..clients {
        producers.push(Producer::open(&*server.uri(), config.clone()).await.unwrap());
    }
    for producer in &producers {
        all_up(|| producer.health(), config.multiply).await;
    }
    tokio::time::sleep(CALM).await;
    let idle = resident();
    server.stop_reading();
    for producer in producers {
        let jobs = (0..config.concurrency).map(|_| NewJob::new("bench", vec![b'x'; BODY]).unwrap());
        let jobs: Vec<_> = jobs.collect();
        tokio::spawn(async move { producer.put_many(jobs).await });
    }
    tokio::time::sleep(CALM).await;
    (before, idle, resident())
}

async fn consume(server: &Beanstalkd, clients: usize, config: Config) -> (i64, i64, i64) {
    let put = format!("put 1024 0 3600 {BODY}\r\n{}\r\n", "x".repeat(BODY));
    let mut raw = server.raw();
    for _ in 0..config.concurrency * clients {
        assert!(raw.command(put.trim_end()).starts_with("INSERTED "));
    }
    let before = resident();
    let mut consumers = Vec::new();
    for _ in 0..clients {
        consumers.push(Consumer::open(&*server.uri(), ["default"], config.clone()).await.unwrap());
    }
    for consumer in &consumers {
        all_up(|| consumer.health(), config.multiply).await;
    }
    tokio::time::sleep(CALM).await;
    let idle = resident();
    let held = Arc::new(AtomicUsize::new(0));
    for consumer in consumers {
        let held = Arc::clone(&held);
        tokio::spawn(async move {
            let hold = move |job: Job| {
                let held = Arc::clone(&held);
                async move {
                    held.fetch_add(1, Ordering::Relaxed);
                    pending::<()>().await;
                    drop(job);
                }
            };
            consumer.receive(hold).await
        });
    }
    while held.load(Ordering::Relaxed) < config.concurrency * clients {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(CALM).await;
    (before, idle, resident())
}

async fn all_up(health: impl Fn() -> Health, connections: usize) {
    let up = |health: Health| {
        let server = health.servers.first().unwrap();
        let state = beanwire::ConnectionState::Up;
        server.connections.iter().filter(|connection| connection.state == state).count()
    };
    while up(health()) < connections {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The resident memory of this process, in KiB.
fn resident() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse().ok()).expect("a size in kB")
}
