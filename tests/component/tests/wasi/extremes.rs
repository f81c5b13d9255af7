//! The longest spans, the most of everything, and bodies of every byte.

use beanwire_component_tests::types::ErrorCode;
use beanwire_component_tests::{Config, OPTIONS, PutOptions, QUICK, job};
use beanwire_tests::Beanstalkd;

use crate::{TUBE, host};

#[test]
fn waits_without_end_are_waits_like_any_other() {
    let server = Beanstalkd::start();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    producer.ready(u64::MAX).unwrap();
    producer.put(TUBE, b"x", None, Some(u64::MAX)).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    consumer.ready(u64::MAX).unwrap();
    consumer.receive(u64::MAX).unwrap().unwrap().delete().unwrap();
    producer.put(TUBE, b"y", None, Some(u64::MAX)).unwrap();
    let jobs = consumer.receive_many(65_536, u64::MAX).unwrap();
    assert_eq!(jobs.len(), 1);
    jobs[0].delete().unwrap();
    let connection = host.connection(&server.uri(), &QUICK).unwrap();
    connection.ready(u64::MAX).unwrap();
    assert_eq!(connection.close(u64::MAX).abandoned_operations, 0);
    assert_eq!(producer.close(u64::MAX).abandoned_operations, 0);
    assert_eq!(consumer.close(u64::MAX).abandoned_jobs, 0);
}

#[test]
fn the_largest_values_reach_the_server() {
    let server = Beanstalkd::start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    let most = u64::from(u32::MAX) * 1000;
    let options = PutOptions { priority: Some(u32::MAX), delay_ms: Some(most), ttr_ms: Some(most) };
    let tube = "t".repeat(200);
    let job = producer.put(&tube, b"x", Some(options), None).unwrap();
    let stats = server.raw().stats_job(job.id);
    for key in ["pri", "delay", "ttr"] {
        assert_eq!(stats[key], u32::MAX.to_string(), "{key}");
    }
    assert_eq!(stats["tube"], tube);
    let options = PutOptions { priority: Some(0), ..OPTIONS };
    let job = producer.put(TUBE, b"x", Some(options), None).unwrap();
    assert_eq!(server.raw().stats_job(job.id)["pri"], "0");
}

#[test]
fn large_bodies_arrive_whole() {
    const SIZE: usize = 5 << 20;
    let server = Beanstalkd::builder().max_job_size(SIZE as u64).start();
    let host = host(&server);
    // 251 is prime, so no block of the body equals another one at a rounder distance.
    let body: Vec<u8> = (0..=250).cycle().take(SIZE).collect();
    let config = Config { max_pending_bytes: Some(u32::MAX), ..QUICK };
    let producer = host.producer(&[&server.uri()], &config).unwrap();
    producer.put(TUBE, &body, None, None).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(crate::LONG).unwrap().unwrap();
    assert!(job.body() == body, "the body came through whole");
    job.delete().unwrap();
}

#[test]
fn a_body_larger_than_the_client_takes_costs_the_connection() {
    let server = Beanstalkd::start();
    server.raw().put(TUBE, [b'x'; 1000]);
    let config = Config { max_body_size: Some(999), ..QUICK };
    let host = host(&server);
    let connection = host.connection(&server.uri(), &config).unwrap();
    let error = connection.peek(1).unwrap_err();
    assert_eq!(error.code, ErrorCode::UnexpectedReply, "{error:?}");
    let config = Config { max_body_size: Some(1000), ..QUICK };
    let connection = host.connection(&server.uri(), &config).unwrap();
    assert_eq!(connection.peek(1).unwrap().body.len(), 1000);
}

#[test]
fn a_batch_larger_than_its_bound_waits_for_room() {
    let server = Beanstalkd::start();
    let config = Config { max_pending_bytes: Some(4096), ..QUICK };
    let producer = host(&server).producer(&[&server.uri()], &config).unwrap();
    // The first is larger than all the room, and goes alone.
    let mut jobs = vec![job(TUBE, [b'x'; 60_000])];
    jobs.resize(200, job(TUBE, [b'x'; 2000]));
    for put in producer.put_many(&jobs, None) {
        put.unwrap();
    }
    assert_eq!(server.raw().stats_tube(TUBE)["current-jobs-ready"], "200");
}
