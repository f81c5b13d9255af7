//! The embedded server beside beanstalkd: puts per second, and memory per job.
//!
//! Both get the same bytes over loopback, in turns; what counts is the ratio within one run.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so on the spot"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Instant;

use beanwire_tests::{Beanstalkd, Embedded, RawClient};

const BODY: usize = 100;

/// Puts of one round, and rounds of each server.
const PUTS: usize = 200_000;
const ROUNDS: usize = 5;

/// Jobs for the measurement of memory.
const JOBS: usize = 1_000_000;

/// Puts that are written at once.
const CHUNK: usize = 500;

fn main() {
    let beanstalkd = Beanstalkd::start();
    let embedded = Embedded::start();
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        theirs.push(rate(beanstalkd.addr()));
        ours.push(rate(embedded.addr()));
    }
    let (theirs, ours) = (median(theirs), median(ours));
    println!(
        "puts of {BODY} bytes, pipelined on one connection, median of {ROUNDS} rounds in turns"
    );
    println!("  beanstalkd         {theirs:>9.0} per second");
    println!("  beanwire-server    {ours:>9.0} per second, {:.2} times as many", ours / theirs);
    drop((beanstalkd, embedded));

    let beanstalkd = Beanstalkd::start();
    let pid = beanstalkd.raw().stats().remove("pid").unwrap_or_default();
    let theirs = growth(&pid, || drop(put(beanstalkd.addr(), JOBS)));
    let embedded = Embedded::start();
    let ours = growth("self", || drop(put(embedded.addr(), JOBS)));
    println!("memory for {JOBS} jobs of {BODY} bytes");
    println!("  beanstalkd         {:>6} MiB, {:>4} bytes a job", theirs >> 20, theirs / JOBS);
    println!("  beanwire-server    {:>6} MiB, {:>4} bytes a job", ours >> 20, ours / JOBS);
}

/// Puts per second, into a server that is empty again afterwards.
fn rate(addr: SocketAddr) -> f64 {
    let start = Instant::now();
    let mut raw = put(addr, PUTS);
    let rate = PUTS as f64 / start.elapsed().as_secs_f64();
    let mut deleted = 0;
    while deleted < PUTS {
        deleted += delete(&mut raw, CHUNK);
    }
    rate
}

/// Puts jobs without waiting for answers in between, and then for all of them.
fn put(addr: SocketAddr, jobs: usize) -> RawClient {
    let stream = TcpStream::connect(addr).expect("the server listens");
    let mut writer = stream.try_clone().expect("a second handle");
    let put = format!("put 1024 0 60 {BODY}\r\n{}\r\n", "x".repeat(BODY));
    let chunk = put.repeat(CHUNK);
    let writing = thread::spawn(move || {
        for _ in 0..jobs / CHUNK {
            writer.write_all(chunk.as_bytes()).expect("the server reads");
        }
    });
    let mut lines = BufReader::new(stream);
    let mut line = String::new();
    for _ in 0..jobs {
        line.clear();
        lines.read_line(&mut line).expect("an answer");
        assert!(line.starts_with("INSERTED "), "{line}");
    }
    writing.join().expect("all is written");
    RawClient::connect(addr)
}

/// Reserves and deletes that many jobs.
fn delete(raw: &mut RawClient, jobs: usize) -> usize {
    raw.send("reserve-with-timeout 0\r\n".repeat(jobs));
    let ids: Vec<_> = (0..jobs).map_while(|_| reserved(&raw.reply())).collect();
    let deletes: String = ids.iter().map(|id| format!("delete {id}\r\n")).collect();
    raw.send(deletes);
    ids.iter().for_each(|_| assert_eq!(raw.reply(), "DELETED"));
    ids.len()
}

fn reserved(reply: &str) -> Option<String> {
    reply.strip_prefix("RESERVED ")?.split(' ').next().map(str::to_owned)
}

/// By how many bytes the memory of a process grows.
fn growth(pid: &str, work: impl FnOnce()) -> usize {
    let before = resident(pid);
    work();
    resident(pid).saturating_sub(before)
}

fn resident(pid: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<usize>().ok()).expect("a size in kB") * 1024
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
