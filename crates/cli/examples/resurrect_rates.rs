//! How fast `beanwire resurrect` is with many buried jobs, beside one command per round trip.
//!
//! `cargo build --release -p beanwire-cli && cargo run --release -p beanwire-cli --example
//! resurrect_rates -- [JOBS]`. It starts a `beanstalkd` of its own, and runs the program next to it.

#![allow(
    clippy::expect_used,
    clippy::cast_precision_loss,
    clippy::panic,
    reason = "a figure that cannot be taken is told on the spot"
)]

use std::process::Command;
use std::time::{Duration, Instant};

use beanwire_tests::{Beanstalkd, Embedded, RawClient, peak_memory};

const TUBE: &str = "rates";

/// The time for an answer over a network, where the second table comes from.
const DELAY: Duration = Duration::from_millis(1);

/// Words behind `beanwire resurrect`, and the same done by one command after the other.
type Case = (&'static [&'static str], Option<fn(&mut RawClient)>);

const CASES: [Case; 4] = [
    (&["kick"], Some(kick_one_by_one)),
    (&["delete"], Some(delete_one_by_one)),
    (&["kick", "--older-than", "0s"], None),
    (&["delete", "--older-than", "0s"], None),
];

fn main() {
    let jobs = std::env::args().nth(1).map_or(100_000, |jobs| jobs.parse().expect("a number"));
    let server = Beanstalkd::start();
    table(&format!("{jobs} buried jobs, beanstalkd on loopback"), jobs, &server.uri(), |jobs| {
        fresh(server.raw(), jobs)
    });
    let (server, jobs) = (Embedded::start(), jobs.min(2000));
    let title = format!("{jobs} buried jobs, the embedded server, every answer {DELAY:?} late");
    table(&title, jobs, server.uri(), |jobs| {
        server.clear_faults();
        let raw = fresh(server.raw(), jobs);
        server.delay_replies(DELAY);
        raw
    });
}

/// `prepare` buries so many jobs and gives a connection.
fn table(title: &str, jobs: usize, uri: &str, prepare: impl Fn(usize) -> RawClient) {
    println!("{title}\n\n{:<42} {:>10} {:>12} {:>9}", "", "time", "jobs/s", "memory");
    for (words, one_by_one) in CASES {
        drop(prepare(jobs));
        let (span, peak) = measured(uri, jobs, words);
        row(&format!("beanwire resurrect {}", words.join(" ")), jobs, span, Some(peak));
        if let Some(run) = one_by_one {
            let mut raw = prepare(jobs);
            let start = Instant::now();
            run(&mut raw);
            let name = format!("  {}, one command per round trip", words.join(" "));
            row(&name, jobs, start.elapsed(), None);
        }
    }
    println!();
}

fn row(name: &str, jobs: usize, span: Duration, peak: Option<u64>) {
    let rate = jobs as f64 / span.as_secs_f64();
    let peak = peak.map_or(String::new(), |peak| format!("{:.1} MB", peak as f64 / 1e6));
    println!("{name:<42} {:>8.3} s {rate:>12.0} {peak:>9}", span.as_secs_f64());
}

/// A connection to a server with that many buried jobs and no others.
fn fresh(mut raw: RawClient, jobs: usize) -> RawClient {
    let ready = raw.stats_tube(TUBE).get("current-jobs-ready").cloned().unwrap_or_default();
    for _ in 0..ready.parse().unwrap_or(0) {
        let (id, _) = raw.reserve(TUBE).expect("a ready job");
        raw.send(format!("delete {id}\r\n"));
        assert_eq!(raw.line(), "DELETED");
    }
    raw.bury_many(TUBE, jobs, "x");
    raw
}

/// The time of the whole program, its start included.
fn measured(uri: &str, jobs: usize, words: &[&str]) -> (Duration, u64) {
    let mut path = std::env::current_exe().expect("a path");
    path.pop();
    path.set_file_name("beanwire");
    assert!(path.exists(), "build it first: cargo build --release -p beanwire-cli");
    let mut command = Command::new(path);
    command.arg("resurrect").args(words).args(["--uri", uri, "--tube", TUBE]);
    let start = Instant::now();
    let run = peak_memory(&mut command);
    let span = start.elapsed();
    assert!(run.status.success() && run.stdout.contains(&format!("{jobs} jobs")), "{run:?}");
    (span, run.peak)
}

fn kick_one_by_one(raw: &mut RawClient) {
    raw.command(&format!("use {TUBE}"));
    while raw.command("kick 1") == "KICKED 1" {}
}

fn delete_one_by_one(raw: &mut RawClient) {
    raw.command(&format!("use {TUBE}"));
    loop {
        let reply = raw.ask("peek-buried");
        let Some(id) = reply.strip_prefix("FOUND ").and_then(|rest| rest.split(' ').next()) else {
            return;
        };
        assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
    }
}
