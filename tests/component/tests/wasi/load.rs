//! Ten thousand jobs, through one instance and through two.

use std::collections::BTreeSet;

use beanwire_component_tests::{Consumer, Host, Producer, QUICK, job};
use beanwire_tests::Beanstalkd;

use crate::{LONG, TUBE, host};

const JOBS: usize = 10_000;

/// As many as one call takes.
const BATCH: usize = 1000;

fn produce(producer: &Producer) {
    for batch in 0..JOBS / BATCH {
        let numbers = batch * BATCH..(batch + 1) * BATCH;
        let jobs: Vec<_> = numbers.map(|number| job(TUBE, number.to_string())).collect();
        let results = producer.put_many(&jobs, None);
        let ids: Vec<u64> = results.into_iter().map(|put| put.unwrap().id).collect();
        assert_eq!(ids.len(), BATCH);
    }
}

/// Receives and deletes until all have come, and fails the test if one comes twice.
fn consume(host: &Host, consumer: &Consumer) {
    let mut bodies = BTreeSet::new();
    while bodies.len() < JOBS {
        let jobs = consumer.receive_many(BATCH.try_into().unwrap(), LONG).unwrap();
        assert!(!jobs.is_empty(), "{} of {JOBS} jobs", bodies.len());
        for job in &jobs {
            assert!(bodies.insert(job.body()), "{:?} came twice", job.body());
        }
        for result in host.delete_many(&jobs.iter().collect::<Vec<_>>()) {
            result.unwrap();
        }
    }
    let expected: BTreeSet<Vec<u8>> =
        (0..JOBS).map(|number| number.to_string().into_bytes()).collect();
    assert_eq!(bodies, expected);
}

fn assert_all_done(server: &Beanstalkd) {
    let stats = server.raw().stats();
    assert_eq!(stats["total-jobs"], JOBS.to_string());
    assert_eq!(stats["cmd-delete"], JOBS.to_string());
    for state in ["ready", "reserved", "delayed", "buried"] {
        assert_eq!(stats[&format!("current-jobs-{state}")], "0", "{state}");
    }
}

#[test]
fn a_producer_and_a_consumer_share_an_instance() {
    let server = Beanstalkd::start();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    produce(&producer);
    consume(&host, &consumer);
    assert_all_done(&server);
    let report = consumer.close(LONG);
    assert_eq!((report.abandoned_operations, report.abandoned_jobs), (0, 0));
    let report = producer.close(LONG);
    assert_eq!((report.abandoned_operations, report.abandoned_jobs), (0, 0));
}

#[test]
fn two_instances_work_side_by_side() {
    let server = Beanstalkd::start();
    let (producing, consuming) = (host(&server), host(&server));
    std::thread::scope(|scope| {
        scope.spawn(|| produce(&producing.producer(&[&server.uri()], &QUICK).unwrap()));
        let consumer = consuming.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
        consume(&consuming, &consumer);
    });
    assert_all_done(&server);
}

#[test]
fn one_call_puts_all_of_them() {
    let server = Beanstalkd::start();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    let jobs: Vec<_> = (0..JOBS).map(|number| job(TUBE, number.to_string())).collect();
    let results = producer.put_many(&jobs, Some(LONG));
    let ids: BTreeSet<u64> = results.into_iter().map(|put| put.unwrap().id).collect();
    assert_eq!(ids.len(), JOBS);
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    consume(&host, &consumer);
    assert_all_done(&server);
}

#[test]
fn one_job_after_the_other_comes_and_goes() {
    let server = Beanstalkd::start();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    for number in 0..500 {
        let put = producer.put(TUBE, &[b'x'; 100], None, None).unwrap();
        let job = consumer.receive(LONG).unwrap().unwrap();
        assert_eq!(job.id(), put.id, "number {number}");
        job.delete().unwrap();
    }
    assert_eq!(server.raw().stats()["cmd-delete"], "500");
}
