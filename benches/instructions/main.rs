//! Runs one scenario for a number of rounds, under callgrind: `cargo xtask instructions` does.
//!
//! `instructions` lists the scenarios with the jobs of one round; `instructions put-100 200` runs
//! one. Two runs with different rounds differ by the cost of the rounds alone, whatever start-up
//! and set-up take, as long as the set-up does not depend on the rounds. Nothing here is random:
//! the engine has a fixed seed and no hash maps, and its clock is the program's own.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so on the spot"
)]

use std::hint::black_box;
use std::time::Duration;

use beanwire_benches::rig::{self, Rig};
use beanwire_core::engine::NewJob;
use beanwire_core::protocol::{Command, Decoder};
use beanwire_core::types::{JobId, Priority, Seconds, TubeName};
use bytes::BytesMut;

/// Most rounds, and rounds before those that count.
const MOST: usize = 200;
const WARM_UP: usize = 20;

/// What becomes of jobs in one round: the name, and how many there are.
type Engines = (&'static str, usize, fn(&mut Rig, usize));

const PUTS: [Engines; 2] = [("put-1", 1, put), ("put-100", 100, put)];
const CONSUMES: [Engines; 2] = [("consume-1", 1, consume), ("consume-100", 100, consume)];

fn main() {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => list(),
        [name, rounds] => {
            let rounds = rounds.parse().ok().filter(|rounds| *rounds <= MOST);
            run(name, rounds.expect("rounds, up to 200"));
        }
        _ => println!("usage: instructions [SCENARIO ROUNDS]"),
    }
}

fn list() {
    let commands = commands().into_iter().map(|(name, _)| (name, 1));
    let replies = replies().into_iter().map(|(name, _)| (name, 1));
    let engines = PUTS.iter().chain(&CONSUMES).map(|(name, jobs, _)| (*name, *jobs));
    commands.chain(replies).chain(engines).for_each(|(name, jobs)| println!("{name} {jobs}"));
}

fn run(wanted: &str, rounds: usize) {
    for (_, command) in commands().iter().filter(|(name, _)| *name == wanted) {
        encode(command, rounds);
    }
    for (_, reply) in replies().iter().filter(|(name, _)| *name == wanted) {
        decode(reply, rounds);
    }
    for (_, jobs, round) in PUTS.iter().filter(|(name, ..)| *name == wanted) {
        repeat(Rig::producer(1, 1), *jobs, *round, rounds);
    }
    for (_, jobs, round) in CONSUMES.iter().filter(|(name, ..)| *name == wanted) {
        repeat(Rig::consumer(1, 1, *jobs), *jobs, *round, rounds);
    }
}

fn commands() -> [(&'static str, Command); 9] {
    let id = JobId(1_234_567);
    let priority = Priority(1024);
    let (delay, timeout) = (Seconds::ZERO, Seconds::reserve_timeout(Duration::from_secs(30)));
    let NewJob { tube, ttr, body, .. } = rig::job();
    [
        ("encode-put", Command::Put { tube, priority, delay, ttr, body }),
        ("encode-use", Command::Use(TubeName::default_tube())),
        ("encode-reserve", Command::Reserve),
        (
            "encode-reserve-with-timeout",
            Command::ReserveWithTimeout(timeout.expect("a valid timeout")),
        ),
        ("encode-delete", Command::Delete(id)),
        ("encode-release", Command::Release { id, priority, delay }),
        ("encode-bury", Command::Bury { id, priority }),
        ("encode-touch", Command::Touch(id)),
        ("encode-stats-job", Command::StatsJob(id)),
    ]
}

fn replies() -> [(&'static str, Vec<u8>); 5] {
    let stats = "---\n".to_owned() + &"current-jobs-ready: 1234\n".repeat(50);
    let body = |head: &str, body: &str| format!("{head} {}\r\n{body}\r\n", body.len()).into_bytes();
    [
        ("decode-inserted", b"INSERTED 1234567\r\n".to_vec()),
        ("decode-reserved-100", body("RESERVED 1234567", &"x".repeat(100))),
        ("decode-reserved-60000", body("RESERVED 1234567", &"x".repeat(60_000))),
        ("decode-deleted", b"DELETED\r\n".to_vec()),
        ("decode-statistics", body("OK", &stats)),
    ]
}

/// Into a buffer that has room, as on a connection at work.
fn encode(command: &Command, rounds: usize) {
    let mut out = BytesMut::with_capacity(1024);
    for _ in 0..rounds {
        out.clear();
        black_box(command).encode_line(&mut out);
        black_box(&out);
    }
}

/// From a buffer that has everything from the start, so that filling it counts for nothing.
fn decode(reply: &[u8], rounds: usize) {
    let mut input = BytesMut::from(&*reply.repeat(MOST));
    let mut decoder = Decoder::new(1 << 16);
    for _ in 0..rounds {
        let reply = decoder.decode(black_box(&mut input)).expect("a valid reply");
        assert!(black_box(reply).is_some(), "a whole reply");
    }
}

fn repeat(mut rig: Rig, jobs: usize, round: fn(&mut Rig, usize), rounds: usize) {
    (0..WARM_UP + rounds).for_each(|_| round(&mut rig, jobs));
}

fn put(rig: &mut Rig, jobs: usize) {
    rig.put(jobs);
    rig.answer_puts(jobs);
}

fn consume(rig: &mut Rig, jobs: usize) {
    rig.receive(jobs);
    rig.delete(jobs);
}
