//! Connections that are cut, at every byte of an answer and in the middle of a wait.

use beanwire_component_tests::types::{Delivery, ErrorCode, Event, Outcome};
use beanwire_component_tests::{Component, Config, Grants, Host, QUICK, job};
use beanwire_tests::{Beanstalkd, CuttingProxy, Embedded, wait_until};

use crate::{LONG, TUBE, host_of_embedded};

/// A server behind a proxy, and an instance that knows the proxy alone.
fn scene() -> (Beanstalkd, CuttingProxy, Host) {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let host = Host::start(Component::Plain, Grants::connect(proxy.addr()));
    (server, proxy, host)
}

#[test]
fn a_put_whose_answer_is_cut_anywhere_is_done_again() {
    let (server, proxy, host) = scene();
    let producer = host.producer(&[&proxy.uri()], &QUICK).unwrap();
    producer.put("default", b"first", None, None).unwrap();
    // "INSERTED 10\r\n" at most.
    for bytes in 0..13 {
        proxy.cut_after_to_client(bytes);
        std::thread::scope(|scope| {
            let put = scope.spawn(|| producer.put("default", b"x", None, Some(LONG)));
            let before = proxy.connections();
            wait_until("it dials again or is done", || {
                proxy.connections() > before || put.is_finished()
            });
            proxy.forward_all();
            put.join().unwrap().unwrap();
        });
    }
    let jobs: usize = server.raw().stats()["current-jobs-ready"].parse().unwrap();
    assert!((14..=27).contains(&jobs), "each at least once and at most twice: {jobs}");
}

#[test]
fn a_put_done_again_is_told_with_its_doubt() {
    let server = Embedded::start();
    let producer = host_of_embedded(&server).producer(&[server.uri()], &QUICK).unwrap();
    producer.put("default", b"first", None, None).unwrap();
    producer.events();
    server.cut_after_sent(0);
    producer.put("default", b"second", None, None).unwrap();
    let events = producer.events();
    let retry = events.iter().find_map(|event| match event {
        Event::Retry(retry) => Some(retry),
        _ => None,
    });
    let retry = retry.unwrap_or_else(|| panic!("no retry in {events:?}"));
    assert_eq!((retry.server, retry.error.outcome), (0, Outcome::Unknown));
    assert_eq!(server.raw().stats()["current-jobs-ready"], "3");
}

#[test]
fn an_at_most_once_put_is_in_doubt_only_if_it_was_sent() {
    let server = Embedded::start();
    let config = Config { delivery: Some(Delivery::AtMostOnce), ..QUICK };
    let producer = host_of_embedded(&server).producer(&[server.uri()], &config).unwrap();
    producer.put("default", b"first", None, None).unwrap();
    server.cut_after_sent(0);
    let error = producer.put("default", b"second", None, None).unwrap_err();
    let found = (error.code, error.outcome);
    assert_eq!(found, (ErrorCode::Disconnected, Outcome::Unknown), "{error:?}");
    producer.put("default", b"third", None, None).unwrap();
    assert_eq!(server.raw().stats()["current-jobs-ready"], "3");
}

#[test]
fn many_puts_outlive_a_cut_in_their_middle() {
    const JOBS: usize = 2000;
    let (server, proxy, host) = scene();
    let producer = host.producer(&[&proxy.uri()], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    proxy.cut_after_to_client(5000);
    let jobs: Vec<_> = (0..JOBS).map(|number| job(TUBE, number.to_string())).collect();
    let results = std::thread::scope(|scope| {
        let puts = scope.spawn(|| producer.put_many(&jobs, Some(LONG)));
        let before = proxy.connections();
        wait_until("it dials again", || proxy.connections() > before);
        proxy.forward_all();
        puts.join().unwrap()
    });
    let mut raw = server.raw();
    for (number, put) in results.into_iter().enumerate() {
        let reply = raw.ask(&format!("peek {}", put.unwrap().id));
        assert!(reply.ends_with(&format!("\r\n{number}")), "{number}: {reply:?}");
    }
}

#[test]
fn a_receive_outlives_cuts_while_it_waits() {
    let (server, proxy, host) = scene();
    let consumer = host.consumer(&[&proxy.uri()], &[TUBE], &QUICK).unwrap();
    let job = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut raw = server.raw();
            for _ in 0..3 {
                let before = proxy.connections();
                wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
                proxy.cut_now();
                wait_until("it dials again", || proxy.connections() > before);
            }
            raw.put(TUBE, "after the cuts");
        });
        consumer.receive(LONG).unwrap().unwrap()
    });
    assert_eq!(job.body(), b"after the cuts");
    job.delete().unwrap();
}

#[test]
fn a_job_whose_answer_is_cut_anywhere_comes_again() {
    let (server, proxy, host) = scene();
    let mut raw = server.raw();
    let id = raw.put(TUBE, "body");
    let consumer = host.consumer(&[&proxy.uri()], &[TUBE], &QUICK).unwrap();
    consumer.ready(LONG).unwrap();
    // "RESERVED 1 4\r\nbody\r\n".
    for bytes in 0..20 {
        proxy.cut_after_to_client(bytes);
        let job = std::thread::scope(|scope| {
            let receive = scope.spawn(|| consumer.receive(LONG).unwrap().unwrap());
            let before = proxy.connections();
            wait_until("it dials again", || proxy.connections() > before);
            proxy.forward_all();
            receive.join().unwrap()
        });
        assert_eq!((job.id(), job.body()), (id, b"body".to_vec()));
        job.release(None, None).unwrap();
    }
}

#[test]
fn a_server_that_refuses_connections_is_tried_again() {
    let server = Embedded::start();
    server.refuse_connections(true);
    let host = host_of_embedded(&server);
    let producer = host.producer(&[server.uri()], &QUICK).unwrap();
    producer.put(TUBE, b"x", None, Some(100)).unwrap_err();
    assert!(!producer.is_connected());
    server.refuse_connections(false);
    producer.put(TUBE, b"x", None, None).unwrap();
}
