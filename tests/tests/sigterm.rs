//! A consumer in a process of its own ends on SIGTERM: cleanly, or when its time to drain is over.

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

/// Handlers of the process that does not end cleanly.
const STUCK: u8 = 3;

/// What its status is above the number of jobs that it abandoned. A failed test has 101.
const ABANDONED: u8 = 200;

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

/// What the other child process runs: handlers that do not end while the consumer drains.
#[tokio::test]
async fn the_process_whose_handlers_are_stuck() {
    let Ok(server) = std::env::var(SERVER) else { return };
    let mut config = Config::default();
    config.concurrency = STUCK.into();
    config.prefetch = 3;
    let consumer = Consumer::open(server, ["work"], config).await.unwrap();
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let handler = |job: Job| async move {
        std::future::pending::<()>().await;
        drop(job);
    };
    let stop = async move { terminate.recv().await.unwrap() };
    let receive = consumer.receive(handler).shutdown(stop);
    let report = receive.drain_timeout(Duration::from_millis(200)).await.unwrap();
    let closed = consumer.close(Duration::from_secs(10)).await;
    assert_eq!((report.handled, report.failed, closed.abandoned_jobs), (0, 0, 0));
    std::process::exit(i32::from(ABANDONED) + i32::try_from(report.abandoned).unwrap());
}

/// Starts this program again, to run only this of its tests.
fn start(test: &str, server: &Beanstalkd) -> Killed {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test]).env(SERVER, server.uri()).stdout(Stdio::null());
    Killed(command.spawn().unwrap())
}

impl Killed {
    /// Ends the process as a supervisor would, and tells its status.
    fn terminate(&mut self) -> Option<i32> {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        wait_until("it ends", || self.0.try_wait().unwrap().is_some());
        self.0.wait().unwrap().code()
    }
}

#[test]
fn sigterm_ends_a_consumer_cleanly_with_every_job_handled_or_still_there() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..JOBS {
        raw.put("work", "x");
    }
    let mut child = start("the_process_that_is_ended", &server);
    wait_until("handlers are at work", || {
        let stats = raw.stats();
        stats["cmd-delete"] != "0" && stats["current-jobs-reserved"] != "0"
    });
    assert_eq!(child.terminate(), Some(0));

    wait_until("its connections are closed", || raw.stats()["current-connections"] == "1");
    let stats = raw.stats();
    let count = |key: &str| stats[key].parse::<u64>().unwrap();
    let deleted = count("cmd-delete");
    assert!(deleted > 0 && deleted < JOBS, "{deleted} deleted: it was ended in the middle");
    assert_eq!(deleted + count("current-jobs-ready"), JOBS);
    let others = ["reserved", "delayed", "buried"].map(|s| count(&format!("current-jobs-{s}")));
    assert_eq!(others, [0, 0, 0]);
}

#[test]
fn a_consumer_whose_handlers_do_not_end_ends_by_itself_and_its_jobs_are_unharmed() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids: Vec<_> = (0..10).map(|_| raw.put_with("work", "x", 7, 0, 3600)).collect();
    let mut child = start("the_process_whose_handlers_are_stuck", &server);
    // All handlers have a job, and what is reserved ahead waits for one.
    wait_until("handlers are at work", || raw.stats()["current-jobs-reserved"] == "6");
    assert_eq!(child.terminate(), Some(i32::from(ABANDONED + STUCK)));

    wait_until("its connections are closed", || raw.stats()["current-connections"] == "1");
    for id in ids {
        let stats = raw.stats_job(id);
        let found = ["state", "pri", "delay", "buries", "timeouts"].map(|key| stats[key].as_str());
        assert_eq!(found, ["ready", "7", "0", "0", "0"], "job {id}");
    }
}
