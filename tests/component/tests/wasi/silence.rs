//! Servers that take bytes and do nothing with them: every call ends by itself.

use std::time::Duration;

use beanwire_component_tests::types::{Delivery, ErrorCode, Outcome};
use beanwire_component_tests::{Config, QUICK, job};
use beanwire_tests::{Beanstalkd, Embedded, RawClient, wait_until};

use crate::{LONG, TUBE, assert_fails, host, host_of_embedded};

const IMPATIENT: Config =
    Config { command_timeout_ms: Some(300), connect_timeout_ms: Some(1500), ..QUICK };

/// Waits until a server that was silent has done all that came before, and answers again.
fn settled(server: &Beanstalkd) -> RawClient {
    let mut raw = server.raw();
    raw.stats();
    raw
}

#[test]
fn commands_time_out_in_doubt_and_work_again_once_the_server_goes_on() {
    let server = Beanstalkd::start();
    let connection = host(&server).connection(&server.uri(), &IMPATIENT).unwrap();
    connection.use_tube("mail").unwrap();
    server.stop_reading();
    assert_fails(connection.stats(), ErrorCode::Timeout, Outcome::Unknown);
    let error = connection.delete(1).unwrap_err();
    assert_eq!(error.outcome, Outcome::NotSent, "{error:?}");
    server.resume();
    connection.ready(LONG).unwrap();
    assert_eq!(connection.list_tube_used().unwrap(), "mail");
}

#[test]
fn opening_is_given_up_in_time() {
    let server = Beanstalkd::start();
    server.stop_reading();
    let host = host(&server);
    assert_fails(host.connection(&server.uri(), &IMPATIENT), ErrorCode::Timeout, Outcome::NotSent);
    let producer = host.producer(&[&server.uri()], &IMPATIENT).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &IMPATIENT).unwrap();
    assert!(!producer.is_connected() && !consumer.is_connected());
    assert_fails(producer.ready(300), ErrorCode::Disconnected, Outcome::NotSent);
    server.resume();
    producer.put(TUBE, b"x", None, None).unwrap();
    consumer.receive(LONG).unwrap().unwrap().delete().unwrap();
}

#[test]
fn a_put_ends_in_doubt_and_is_not_doubled_unless_asked_for() {
    let server = Beanstalkd::start();
    let config = Config { delivery: Some(Delivery::AtMostOnce), ..IMPATIENT };
    let producer = host(&server).producer(&[&server.uri()], &config).unwrap();
    producer.ready(LONG).unwrap();
    server.stop_reading();
    assert_fails(producer.put(TUBE, b"first", None, None), ErrorCode::Timeout, Outcome::Unknown);
    server.resume();
    producer.put(TUBE, b"second", None, None).unwrap();
    let mut raw = settled(&server);
    assert_eq!(raw.reserve(TUBE).unwrap().1, b"first", "it had reached the server");
    assert_eq!(raw.reserve(TUBE).unwrap().1, b"second");
    assert_eq!(raw.reserve(TUBE), None);
}

#[test]
fn many_puts_end_in_time_all_of_them() {
    let server = Beanstalkd::start();
    let producer = host(&server).producer(&[&server.uri()], &IMPATIENT).unwrap();
    producer.ready(LONG).unwrap();
    server.stop_reading();
    let results = producer.put_many(&vec![job(TUBE, "x"); 50], Some(600));
    assert_eq!(results.len(), 50);
    for put in results {
        let error = put.unwrap_err();
        assert!([ErrorCode::Timeout, ErrorCode::Disconnected].contains(&error.code), "{error:?}");
        assert_eq!(error.outcome, Outcome::Unknown, "{error:?}");
    }
    server.resume();
    producer.put(TUBE, b"x", None, None).unwrap();
}

#[test]
fn a_receive_finds_nothing_and_goes_on_afterwards() {
    let server = Beanstalkd::start();
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &IMPATIENT).unwrap();
    consumer.ready(LONG).unwrap();
    server.stop_reading();
    assert!(consumer.receive(0).unwrap().is_none());
    assert!(consumer.receive(500).unwrap().is_none());
    assert_eq!(consumer.receive_many(3, 500).unwrap().len(), 0);
    server.resume();
    let id = settled(&server).put(TUBE, "x");
    let job = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(job.id(), id);
    job.delete().unwrap();
}

#[test]
fn a_job_ends_in_doubt_and_is_lost() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put(TUBE, "first");
    raw.put(TUBE, "second");
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &IMPATIENT).unwrap();
    let first = consumer.receive(LONG).unwrap().unwrap();
    let second = consumer.receive(LONG).unwrap().unwrap();
    server.stop_reading();
    assert_fails(first.delete(), ErrorCode::Timeout, Outcome::Unknown);
    wait_until("the other is lost as well", || second.stats().is_err() && second.is_lost());
    server.resume();
    let again = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(again.body(), b"second", "the delete had reached the server");
    again.delete().unwrap();
}

#[test]
fn closing_takes_no_longer_than_it_is_given() {
    let server = Beanstalkd::start();
    let host = host(&server);
    server.raw().put(TUBE, "x");
    let producer = host.producer(&[&server.uri()], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    let connection = host.connection(&server.uri(), &QUICK).unwrap();
    server.stop_reading();
    assert_eq!(producer.close(50).abandoned_jobs, 0);
    assert_eq!(consumer.close(50).abandoned_jobs, 1);
    assert_eq!(connection.close(50).abandoned_jobs, 0);
    assert!(job.is_lost());
    server.resume();
    wait_until("the job is back", || server.raw().stats()["current-jobs-reserved"] == "0");
}

#[test]
fn dropping_a_job_of_a_silent_server_ends_too() {
    let server = Embedded::start();
    server.raw().put(TUBE, "x");
    let host = host_of_embedded(&server);
    let consumer = host.consumer(&[server.uri()], &[TUBE], &IMPATIENT).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    server.delay_replies(Duration::MAX);
    drop(job);
    drop(consumer);
    server.clear_faults();
    let mut raw = server.raw();
    wait_until("nobody holds it", || raw.stats()["current-jobs-reserved"] == "0");
}

#[test]
fn slow_answers_are_waited_for() {
    let server = Embedded::start();
    let host = host_of_embedded(&server);
    server.delay_replies(Duration::from_millis(50));
    let producer = host.producer(&[server.uri()], &QUICK).unwrap();
    let put = producer.put(TUBE, b"x", None, None).unwrap();
    let consumer = host.consumer(&[server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(job.id(), put.id);
    job.delete().unwrap();
}
