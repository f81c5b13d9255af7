//! What the functions tell that the native client tells in another way: health, events, servers,
//! and the times of a job.

use beanwire_component_tests::types::{
    ConnectionState, ErrorCode, Event, FailAction, FailurePolicy, Health,
};
use beanwire_component_tests::{Component, Config, Grants, Host, POLICY, QUICK};
use beanwire_tests::{Beanstalkd, CuttingProxy, wait_until};

use crate::{LONG, TUBE, host};

/// The state of the only connection, if there is one.
fn state(health: &Health) -> Option<ConnectionState> {
    health.servers[0].connections.first().map(|connection| connection.state)
}

#[test]
fn a_producer_tells_its_servers_and_their_health() {
    let (one, two) = (Beanstalkd::start(), Beanstalkd::builder().max_job_size(77).start());
    let host = Host::start(Component::Plain, Grants::connect(one.addr()).and(two.addr()));
    let config = Config { multiply: Some(2), ..QUICK };
    let uris = [&*one.uri(), &two.uri(), &one.uri()];
    let producer = host.producer(&uris, &config).unwrap();
    assert_eq!(producer.servers(), [one.uri(), two.uri()]);
    producer.ready(LONG).unwrap();
    assert!(producer.is_connected());
    wait_until("all are up", || {
        let health = producer.health();
        let all = health.servers.iter().flat_map(|server| &server.connections);
        all.filter(|connection| connection.state == ConnectionState::Up).count() == 6
    });
    let health = producer.health();
    assert_eq!(health.waiting, 0);
    let sizes: Vec<_> = health.servers.iter().map(|server| server.max_job_size).collect();
    assert_eq!(sizes, [Some(65_535), Some(77)]);
    for (server, uri) in health.servers.iter().zip([one.uri(), two.uri()]) {
        assert_eq!(server.server, uri);
        assert_eq!(server.version, one.raw().stats()["version"]);
        assert!(!server.draining);
        assert_eq!((&server.last_error, server.retry_in_ms), (&None, None));
        for connection in &server.connections {
            assert_eq!((connection.pending, connection.held, connection.waiting), (0, 0, false));
        }
    }
    let events = producer.events();
    let up = |server| events.iter().filter(|event| **event == Event::Connected(server)).count();
    assert_eq!((up(0), up(1)), (4, 2), "two for each time it is named: {events:?}");
    assert_eq!(producer.events(), [], "each is told once");
    two.drain();
    let drained = || (0..9).any(|_| producer.put(TUBE, b"x", None, None).unwrap().server == 0);
    assert!(drained());
}

#[test]
fn a_producer_without_a_server_says_so() {
    let mut server = Beanstalkd::start();
    server.kill();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    assert!(!producer.is_connected());
    let health = producer.health();
    assert!(health.servers[0].last_error.is_some(), "{health:?}");
    let events = producer.events();
    assert!(matches!(&events[0], Event::ConnectFailed(failed) if failed.server == 0), "{events:?}");
    server.restart();
    producer.ready(LONG).unwrap();
    assert!(producer.is_connected());
    assert_eq!(state(&producer.health()), Some(ConnectionState::Up));
    assert!(producer.events().contains(&Event::Connected(0)));
}

#[test]
fn a_draining_server_is_told() {
    let server = Beanstalkd::start();
    let producer = host(&server).producer(&[&server.uri()], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    server.drain();
    producer.put(TUBE, b"x", None, Some(200)).unwrap_err();
    assert!(producer.health().servers[0].draining);
    assert!(producer.events().contains(&Event::Draining(0)));
}

#[test]
fn a_consumer_tells_what_it_holds_and_what_became_of_jobs() {
    let server = Beanstalkd::start();
    server.raw().put(TUBE, "x");
    let config =
        Config { failure: Some(FailurePolicy { max_attempts: Some(1), ..POLICY }), ..QUICK };
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &config).unwrap();
    assert_eq!(consumer.servers(), [server.uri()]);
    consumer.ready(LONG).unwrap();
    assert!(consumer.is_connected());
    let job = consumer.receive(LONG).unwrap().unwrap();
    assert_eq!(job.server(), server.uri());
    let health = consumer.health();
    let held: u32 = health.servers[0].connections.iter().map(|connection| connection.held).sum();
    assert_eq!((held, health.waiting), (1, 0));
    job.fail().unwrap();
    let events = consumer.events();
    let failed = events.iter().find_map(|event| match event {
        Event::JobFailed(failed) => Some(failed),
        _ => None,
    });
    let failed = failed.unwrap_or_else(|| panic!("no failed job in {events:?}"));
    assert_eq!((failed.id, failed.server), (job.id(), 0));
    assert_eq!(failed.action, FailAction::Buried);
}

#[test]
fn a_lost_job_is_told() {
    let server = Beanstalkd::start();
    server.raw().put(TUBE, "x");
    let proxy = CuttingProxy::start(server.addr());
    let host = Host::start(Component::Plain, Grants::connect(proxy.addr()));
    let consumer = host.consumer(&[&proxy.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    assert!(!job.is_lost());
    proxy.cut_now();
    wait_until("it is lost", || job.is_lost());
    let events = consumer.events();
    let lost = |event: &Event| matches!(event, Event::JobLost(lost) if lost.id == job.id());
    assert!(events.iter().any(lost), "{events:?}");
    let gone = |event: &Event| matches!(event, Event::Disconnected(gone) if gone.server == 0);
    assert!(events.iter().any(gone), "{events:?}");
}

#[test]
fn a_job_tells_its_times() {
    let server = Beanstalkd::start();
    server.raw().put_with(TUBE, "x", 5, 0, 100);
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    let early = job.held_ms();
    let after = job.touch_after_ms().unwrap();
    assert!((1..100_000).contains(&after), "{after} of 100 s");
    wait_until("time passes", || job.held_ms() > early);
    job.touch().unwrap();
    let stats = job.stats().unwrap();
    assert_eq!((stats.ttr_ms, stats.priority, stats.reserves), (100_000, 5, 1));
    job.delete().unwrap();
}

#[test]
fn many_jobs_are_deleted_at_once_with_a_result_each() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for number in 0..10 {
        raw.put(TUBE, number.to_string());
    }
    let host = host(&server);
    let one = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let two = host.consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let mut jobs = one.receive_many(5, LONG).unwrap();
    jobs.extend(two.receive_many(5, LONG).unwrap());
    assert_eq!(jobs.len(), 10);
    jobs[3].delete().unwrap();
    let results = host.delete_many(&jobs.iter().collect::<Vec<_>>());
    for (index, result) in results.iter().enumerate() {
        match index {
            3 => assert_eq!(result.as_ref().unwrap_err().code, ErrorCode::JobFinished),
            _ => assert_eq!(*result, Ok(())),
        }
    }
    assert_eq!(results.len(), 10);
    assert_eq!(host.delete_many(&[]), []);
    assert_eq!(raw.stats()["cmd-delete"], "10");
}

#[test]
fn all_defaults_need_no_settings() {
    let server = Beanstalkd::start();
    let host = host(&server);
    let producer = host.producer(&[&server.uri()], None).unwrap();
    producer.put("default", b"x", None, None).unwrap();
    let consumer = host.consumer(&[&server.uri()], &[], None).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    job.delete().unwrap();
    let connection = host.connection(&server.uri(), None).unwrap();
    assert_eq!(connection.stats().unwrap().cmd_delete, 1);
}
