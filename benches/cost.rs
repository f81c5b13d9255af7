//! What one job costs the engine, without any network: from 10 to 100,000 jobs in flight, over 1 to
//! 1,000 connections, and over many servers.
//!
//! *In flight* is, for a put, without an answer; for a consumer, held by a handler. That many are
//! there all the time; jobs come and go in groups of ten.
//!
//! `cargo bench -p beanwire-benches --bench cost` prints the tables; with `-- puts 1000 10` (or
//! `consumes`; in flight, connections, and servers if more than one) it runs one case for a fixed
//! number of jobs, for a profiler.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so on the spot"
)]

use std::time::{Duration, Instant};

use beanwire_benches::rig::Rig;

const IN_FLIGHT: [usize; 5] = [10, 100, 1_000, 10_000, 100_000];
const CONNECTIONS: [usize; 4] = [1, 10, 100, 1_000];

/// Servers that share 100 connections, and the jobs in flight then.
const SERVERS: [usize; 3] = [1, 10, 100];
const SHARED: usize = 100;

/// Jobs that come and go at once.
const GROUP: usize = 10;

/// The shortest time one measurement takes; the best of several counts.
const SPAN: Duration = Duration::from_millis(150);
const ROUNDS: usize = 5;

/// Groups of a case that runs alone.
const GROUPS: usize = 1_000;

/// A kind of client with so many jobs in flight.
struct Case {
    rig: Rig,
    consumes: bool,
}

impl Case {
    fn new(consumes: bool, in_flight: usize, connections: usize, servers: usize) -> Self {
        let mut rig = if consumes {
            Rig::consumer(servers, connections, in_flight + GROUP)
        } else {
            Rig::producer(servers, connections)
        };
        for _ in 0..in_flight / GROUP {
            if consumes { rig.receive(GROUP) } else { rig.put(GROUP) }
        }
        let mut case = Self { rig, consumes };
        // Once around, so that the queues have the order they keep.
        (0..in_flight / GROUP).for_each(|_| case.group());
        case
    }

    fn group(&mut self) {
        if self.consumes {
            self.rig.delete(GROUP);
            self.rig.receive(GROUP);
        } else {
            self.rig.answer_puts(GROUP);
            self.rig.put(GROUP);
        }
    }

    /// Nanoseconds a job.
    fn cost(&mut self) -> f64 {
        let (start, mut groups) = (Instant::now(), 0);
        while start.elapsed() < SPAN {
            (0..10).for_each(|_| self.group());
            groups += 10;
        }
        start.elapsed().as_nanos() as f64 / (groups * GROUP) as f64
    }
}

fn main() {
    // Cargo adds `--bench`.
    let args: Vec<_> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        [] => tables(),
        [kind @ ("puts" | "consumes"), sizes @ ..] => {
            let size = |at: usize| sizes.get(at).map(|text| text.parse().unwrap());
            let (in_flight, connections) = (size(0).unwrap(), size(1).unwrap());
            let mut case =
                Case::new(*kind == "consumes", in_flight, connections, size(2).unwrap_or(1));
            (0..GROUPS).for_each(|_| case.group());
        }
        _ => println!("usage: cost [puts|consumes IN_FLIGHT CONNECTIONS [SERVERS]]"),
    }
}

fn tables() {
    for (consumes, name) in [(false, "put"), (true, "receive and delete")] {
        println!("nanoseconds per {name}, by jobs in flight and connections to one server");
        head("in flight", &CONNECTIONS);
        for in_flight in IN_FLIGHT {
            row(in_flight, &CONNECTIONS.map(|connections| (consumes, in_flight, connections, 1)));
        }
        println!(
            "nanoseconds per {name}, by jobs in flight and servers with {SHARED} connections in all"
        );
        head("in flight", &SERVERS);
        for in_flight in [100, 10_000] {
            row(in_flight, &SERVERS.map(|count| (consumes, in_flight, SHARED / count, count)));
        }
        println!();
    }
}

fn head(name: &str, columns: &[usize]) {
    print!("{name:>10}");
    columns.iter().for_each(|column| print!("{column:>10}"));
    println!();
}

/// Measures the cases of a row in turns.
fn row(name: usize, cases: &[(bool, usize, usize, usize)]) {
    let mut cases: Vec<_> = cases
        .iter()
        .map(|(consumes, in_flight, connections, servers)| {
            (Case::new(*consumes, *in_flight, *connections, *servers), f64::INFINITY)
        })
        .collect();
    for _ in 0..ROUNDS {
        cases.iter_mut().for_each(|(case, best)| *best = best.min(case.cost()));
    }
    print!("{name:>10}");
    cases.iter().for_each(|(_, best)| print!("{best:>10.0}"));
    println!();
}
