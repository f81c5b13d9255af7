//! Servers that end and come back, between calls and within them.

use std::time::Duration;

use beanwire_component_tests::types::{ErrorCode, Outcome};
use beanwire_component_tests::{QUICK, job};
use beanwire_tests::{Beanstalkd, wait_until};

use crate::{LONG, TUBE, assert_fails, host};

#[test]
fn puts_go_on_after_a_restart_between_them() {
    let mut server = Beanstalkd::builder().binlog().start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    for round in 0..3 {
        producer.put(TUBE, &[round], None, None).unwrap();
        server.restart();
        let results = producer.put_many(&[job(TUBE, [round]), job(TUBE, [round])], None);
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        server.restart();
    }
    assert_eq!(server.raw().stats_tube(TUBE)["current-jobs-ready"], "9");
}

#[test]
fn jobs_come_after_a_restart_between_receives() {
    let mut server = Beanstalkd::builder().binlog().start();
    let consumer = host(&server).consumer(&[&server.uri()], &["a", TUBE], &QUICK).unwrap();
    for round in 0..3 {
        let id = server.raw().put(TUBE, "x");
        server.raw().put("default", "not for this one");
        server.restart();
        let job = consumer.receive(LONG).unwrap().unwrap();
        assert_eq!(job.id(), id, "round {round}");
        job.delete().unwrap();
        server.restart();
    }
}

#[test]
fn a_held_job_is_lost_by_a_restart_and_comes_again() {
    let mut server = Beanstalkd::builder().binlog().start();
    let id = server.raw().put(TUBE, "x");
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    server.restart();
    wait_until("it is lost", || job.is_lost());
    assert_fails(job.delete(), ErrorCode::JobLost, Outcome::NotSent);
    let again = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(again.id(), id);
    drop(job);
    again.delete().unwrap();
    assert!(server.raw().stats_job(id).is_empty());
}

#[test]
fn a_connection_fails_once_and_then_works_again() {
    let mut server = Beanstalkd::start();
    let connection = host(&server).connection(&server.uri(), &QUICK).unwrap();
    connection.watch(TUBE).unwrap();
    server.restart();
    if let Err(error) = connection.stats() {
        assert_eq!(error.code, ErrorCode::Disconnected, "{error:?}");
    }
    connection.ready(LONG).unwrap();
    assert_eq!(connection.list_tubes_watched().unwrap(), ["default", TUBE]);
}

#[test]
fn a_server_that_stays_down_fails_calls_in_time() {
    let mut server = Beanstalkd::start();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let connection = host.connection(&server.uri(), &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    server.kill();
    wait_until("it is noticed", || {
        producer.put(TUBE, b"x", None, Some(0)).is_err() && !producer.is_connected()
    });
    assert_fails(
        producer.put(TUBE, b"x", None, Some(100)),
        ErrorCode::Disconnected,
        Outcome::NotSent,
    );
    assert!(consumer.receive(100).unwrap().is_none());
    assert_eq!(consumer.receive_many(5, 100).unwrap().len(), 0);
    assert_fails(producer.ready(100), ErrorCode::Disconnected, Outcome::NotSent);
    assert_fails(consumer.ready(100), ErrorCode::Disconnected, Outcome::NotSent);
    wait_until("it is noticed", || !connection.is_connected());
    assert_fails(connection.ready(100), ErrorCode::Disconnected, Outcome::NotSent);
    server.restart();
    producer.put(TUBE, b"x", None, Some(LONG)).unwrap();
    consumer.receive(LONG).unwrap().unwrap().delete().unwrap();
    connection.ready(LONG).unwrap();
}

#[test]
fn a_receive_outlives_a_restart_while_it_waits() {
    let mut server = Beanstalkd::start();
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..2 {
                let mut raw = server.raw();
                wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
                server.restart();
            }
            server.raw().put(TUBE, "after the restarts");
        });
        consumer.receive(LONG).unwrap().unwrap()
    });
    assert_eq!(job.body(), b"after the restarts");
    job.delete().unwrap();
}

#[test]
fn a_put_waits_for_a_server_that_comes_back() {
    let mut server = Beanstalkd::start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    server.kill();
    std::thread::scope(|scope| {
        let put = scope.spawn(|| producer.put(TUBE, b"x", None, Some(LONG)));
        // The put finds nobody for some attempts.
        std::thread::sleep(Duration::from_millis(100));
        server.restart();
        put.join().unwrap().unwrap();
    });
    assert_eq!(server.raw().stats_tube(TUBE)["current-jobs-ready"], "1");
}

#[test]
fn every_acknowledged_put_of_a_batch_outlives_a_restart_within_it() {
    const JOBS: usize = 3000;
    let mut server = Beanstalkd::builder().binlog().start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    let jobs: Vec<_> = (0..JOBS).map(|number| job(TUBE, number.to_string())).collect();
    let ids = std::thread::scope(|scope| {
        let puts = scope.spawn(|| producer.put_many(&jobs, Some(LONG)));
        wait_until("puts have begun", || {
            let stats = server.raw().stats_tube(TUBE);
            stats.get("total-jobs").is_some_and(|total| total.parse::<u64>().unwrap() > 100)
        });
        server.restart();
        puts.join().unwrap()
    });
    let mut raw = server.raw();
    for (number, put) in ids.into_iter().enumerate() {
        let id = put.unwrap().id;
        let reply = raw.ask(&format!("peek {id}"));
        assert!(reply.ends_with(&format!("\r\n{number}")), "{number}: {reply:?}");
    }
}

#[test]
fn a_server_that_was_down_at_the_start_is_used_once_it_is_there() {
    let mut server = Beanstalkd::start();
    server.kill();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    assert_fails(host.connection(&server.uri(), &QUICK), ErrorCode::Disconnected, Outcome::NotSent);
    assert!(consumer.receive(0).unwrap().is_none());
    server.restart();
    producer.put(TUBE, b"x", None, None).unwrap();
    consumer.receive(LONG).unwrap().unwrap().delete().unwrap();
    host.connection(&server.uri(), &QUICK).unwrap();
}
