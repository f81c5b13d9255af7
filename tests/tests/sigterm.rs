//! A consumer in a process of its own ends cleanly on SIGTERM.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use beanwire::{Config, Consumer, Job};
use beanwire_tests::{Beanstalkd, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

const JOBS: u64 = 200;

/// Names the server to the process that is to be ended.
const SERVER: &str = "BEANWIRE_TEST_SIGTERM_SERVER";

/// Ends the process if the test fails before that.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the child process runs; on its own it has nothing to do.
#[tokio::test]
async fn the_process_that_is_ended() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let mut config = Config::default();
    config.concurrency = 4;
    config.prefetch = 3;
    let consumer = Consumer::open(server, ["work"], config).await.unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let handler = |job: Job| async move {
        // Work that takes its time, so that some of it is under way when the signal comes.
        tokio::time::sleep(Duration::from_millis(10)).await;
        job.delete().await
    };
    let stop = async move { terminate.recv().await.unwrap() };
    let report = consumer.receive(handler).shutdown(stop).await.unwrap();
    let closed = consumer.close(Duration::from_secs(10)).await;
    assert_eq!((report.failed, report.abandoned, closed.abandoned_jobs), (0, 0, 0));
}

#[test]
fn sigterm_ends_a_consumer_cleanly_with_every_job_handled_or_still_there() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..JOBS {
        raw.put("work", "x");
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "the_process_that_is_ended"]).env(SERVER, server.uri());
    let mut child = Killed(command.stdout(Stdio::null()).spawn().unwrap());
    wait_until("handlers are at work", || {
        let stats = raw.stats();
        stats["cmd-delete"] != "0" && stats["current-jobs-reserved"] != "0"
    });
    kill_process(Pid::from_child(&child.0), Signal::TERM).unwrap();
    wait_until("it ends", || child.0.try_wait().unwrap().is_some());
    assert_eq!(child.0.wait().unwrap().code(), Some(0));

    wait_until("its connections are closed", || raw.stats()["current-connections"] == "1");
    let stats = raw.stats();
    let count = |key: &str| stats[key].parse::<u64>().unwrap();
    let deleted = count("cmd-delete");
    assert!(deleted > 0 && deleted < JOBS, "{deleted} deleted: it was ended in the middle");
    assert_eq!(deleted + count("current-jobs-ready"), JOBS);
    let others = ["reserved", "delayed", "buried"].map(|s| count(&format!("current-jobs-{s}")));
    assert_eq!(others, [0, 0, 0]);
}
