//! The stream of jobs: nothing is reserved before it is asked for, and nothing is kept.

use std::time::Duration;

use beanwire_tests::{Beanstalkd, RawClient};
use futures_util::future::join;

use crate::{LONG, TUBE, count, host, wait_until};

/// How many jobs are ready and reserved, and how many reserves wait.
fn counts(raw: &mut RawClient) -> (u64, u64, u64) {
    let names = ["current-jobs-ready", "current-jobs-reserved", "current-waiting"];
    let [ready, reserved, waiting] = names.map(|name| count(raw, name));
    (ready, reserved, waiting)
}

#[test]
fn jobs_are_reserved_one_by_one_as_the_reader_asks() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids: Vec<u64> = (0..10).map(|_| raw.put(TUBE, "x")).collect();
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let jobs = guest.jobs(consumer).await;
        // Longer than a job would need to get here.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(counts(&mut raw), (10, 0, 0));
        let mut held = Vec::new();
        for id in &ids[..4] {
            let job = jobs.next().await.unwrap();
            assert_eq!(guest.id(job).await, *id);
            held.push(job);
        }
        assert_eq!(counts(&mut raw), (6, 4, 0));
        drop(jobs);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(counts(&mut raw), (6, 4, 0));
        for job in held {
            guest.delete(job).await.unwrap();
        }
        assert_eq!(counts(&mut raw), (6, 0, 0));
    });
}

#[test]
fn a_stream_waits_for_jobs_to_come() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let jobs = guest.jobs(consumer).await;
        for body in ["one", "two", "three"] {
            let put = async {
                wait_until("a reserve waits", || count(&mut raw, "current-waiting") == 1).await;
                guest.put(producer, TUBE, body).await.unwrap();
            };
            let (job, ()) = join(jobs.next(), put).await;
            let job = job.unwrap();
            assert_eq!(guest.body(job).await, body.as_bytes());
            guest.delete(job).await.unwrap();
        }
    });
}

#[test]
fn a_reader_that_goes_away_while_a_reserve_waits_leaves_nothing_reserved() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    let consumer = host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let jobs = guest.jobs(consumer).await;
        let _asked = jobs.next();
        wait_until("a reserve waits", || count(&mut raw, "current-waiting") == 1).await;
        drop(jobs);
        wait_until("it is taken back", || count(&mut raw, "current-waiting") == 0).await;
        raw.put(TUBE, "x");
        assert_eq!(counts(&mut raw), (1, 0, 0));
        consumer
    });
    host.run(async |guest| {
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn a_job_that_comes_for_a_reader_that_has_gone_goes_back() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let jobs = guest.jobs(consumer).await;
        let _asked = jobs.next();
        wait_until("a reserve waits", || count(&mut raw, "current-waiting") == 1).await;
        drop(jobs);
        // At once: before anybody asks whether the reader is still there.
        let id = raw.put(TUBE, "x");
        wait_until("it is back", || counts(&mut raw) == (1, 0, 0)).await;
        assert_eq!(raw.stats_job(id)["buries"], "0");
    });
}

#[test]
fn a_stream_goes_on_after_a_restart_and_ends_with_the_consumer() {
    let mut server = Beanstalkd::start();
    let mut host = host(&server);
    host.run(async |guest| {
        let uri = server.uri();
        let consumer = guest.consumer(&[&uri], &[TUBE]).await.unwrap();
        let jobs = guest.jobs(consumer).await;
        let next = jobs.next();
        let mut raw = server.raw();
        wait_until("a reserve waits", || count(&mut raw, "current-waiting") == 1).await;
        server.restart();
        server.raw().put(TUBE, "x");
        let job = next.await.unwrap();
        guest.delete(job).await.unwrap();
        let (end, report) = join(jobs.next(), guest.close_consumer(consumer, LONG)).await;
        assert!(end.is_none());
        assert_eq!(report.abandoned_jobs, 0);
    });
}

#[test]
fn two_streams_of_a_consumer_share_its_jobs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let _ids = [raw.put(TUBE, "x"), raw.put(TUBE, "x")];
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let (first, second) = (guest.jobs(consumer).await, guest.jobs(consumer).await);
        let (one, two) = join(first.next(), second.next()).await;
        let (one, two) = (guest.id(one.unwrap()).await, guest.id(two.unwrap()).await);
        assert_ne!(one, two);
        assert_eq!(counts(&mut raw), (0, 2, 0));
    });
}

#[test]
fn a_stream_outlives_the_consumer_it_came_from() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    let (consumer, jobs) = host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        (consumer, guest.jobs(consumer).await)
    });
    host.release(consumer);
    raw.put(TUBE, "x");
    let job = host.run(async |guest| {
        let job = jobs.next().await.unwrap();
        guest.delete(job).await.unwrap();
        job
    });
    drop(jobs);
    host.release(job);
    host.run(async |_| {
        wait_until("it is closed", || raw.stats()["current-connections"] == "1").await;
    });
}
