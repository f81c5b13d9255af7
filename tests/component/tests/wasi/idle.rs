//! Between calls nothing is reserved and nothing waits for a job.

use beanwire_component_tests::{Component, Config, Grants, Host, QUICK};
use beanwire_tests::{Beanstalkd, RawClient};

use crate::{LONG, TUBE, host};

/// Fails the test unless so many jobs are reserved and nobody waits for one.
fn assert_reserved(raw: &mut RawClient, count: usize, when: &str) {
    let stats = raw.stats();
    assert_eq!(stats["current-jobs-reserved"], count.to_string(), "{when}");
    assert_eq!(stats["current-waiting"], "0", "{when}");
}

/// Puts a job and fails the test if anybody takes it.
fn assert_left_alone(raw: &mut RawClient, when: &str) {
    let id = raw.put(TUBE, "x");
    // Two more turns of the server, for whoever would be given the job late.
    raw.stats();
    let stats = raw.stats_job(id);
    assert_eq!((&*stats["state"], &*stats["reserves"]), ("ready", "0"), "{when}");
    assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
}

#[test]
fn a_receive_that_finds_nothing_takes_its_reserve_back() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    assert_left_alone(&mut raw, "after open");
    for timeout in [0, 1, 50, 300, 1100] {
        assert!(consumer.receive(timeout).unwrap().is_none());
        assert_reserved(&mut raw, 0, &format!("receive({timeout})"));
        assert_left_alone(&mut raw, &format!("receive({timeout})"));
        assert_eq!(consumer.receive_many(10, timeout).unwrap().len(), 0);
        assert_reserved(&mut raw, 0, &format!("receive-many(10, {timeout})"));
        assert_left_alone(&mut raw, &format!("receive-many(10, {timeout})"));
    }
    raw.put(TUBE, "last");
    consumer.receive(LONG).unwrap().unwrap().delete().unwrap();
}

#[test]
fn a_receive_takes_no_more_than_it_gives() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for number in 0..30 {
        raw.put(TUBE, number.to_string());
    }
    let config = Config { multiply: Some(3), max_connections: Some(5), ..QUICK };
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &config).unwrap();
    let mut jobs = vec![consumer.receive(LONG).unwrap().unwrap()];
    assert_reserved(&mut raw, 1, "receive");
    for (max, held) in [(1, 2), (7, 9), (11, 20)] {
        let more = consumer.receive_many(max, LONG).unwrap();
        assert_eq!(more.len(), usize::try_from(max).unwrap());
        jobs.extend(more);
        assert_reserved(&mut raw, held, &format!("receive-many({max})"));
    }
    jobs.extend(consumer.receive_many(100, LONG).unwrap());
    assert_eq!(jobs.len(), 30, "all that is there");
    assert_reserved(&mut raw, 30, "receive-many(100)");
    assert_left_alone(&mut raw, "all jobs are held");
    for job in &jobs {
        job.delete().unwrap();
    }
    assert_reserved(&mut raw, 0, "all are deleted");
    assert_left_alone(&mut raw, "all are deleted");
}

#[test]
fn two_servers_are_both_left_alone() {
    let (one, two) = (Beanstalkd::start(), Beanstalkd::start());
    let host = Host::start(Component::Plain, Grants::connect(one.addr()).and(two.addr()));
    let uris = [&*one.uri(), &two.uri()];
    let consumer = host.consumer(&uris, &[TUBE], &QUICK).unwrap();
    let (mut first, mut second) = (one.raw(), two.raw());
    for _ in 0..3 {
        assert!(consumer.receive(100).unwrap().is_none());
        assert_left_alone(&mut first, "the first");
        assert_left_alone(&mut second, "the second");
        second.put(TUBE, "x");
        let job = consumer.receive(LONG).unwrap().unwrap();
        assert_eq!(job.server(), two.uri());
        assert_reserved(&mut first, 0, "the first");
        assert_reserved(&mut second, 1, "the second");
        assert_left_alone(&mut first, "the first");
        assert_left_alone(&mut second, "the second");
        job.delete().unwrap();
    }
}

#[test]
fn a_consumer_that_is_dropped_leaves_no_connection_behind() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let host = host(&server);
    raw.put(TUBE, "x");
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    drop(consumer);
    job.delete().unwrap();
    drop(job);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    producer.put(TUBE, b"y", None, None).unwrap();
    drop(producer);
    drop(host.connection(&server.uri(), &QUICK).unwrap());
    beanwire_tests::wait_until("all are closed", || raw.stats()["current-connections"] == "1");
}
