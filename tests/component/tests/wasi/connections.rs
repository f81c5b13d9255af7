//! The functions of `connection`, against the server's own view.

use std::collections::BTreeMap;

use beanwire_component_tests::types::{ConnectionState, Event, JobState, ServerStats};
use beanwire_component_tests::{Component, Connection, Grants, Host, OPTIONS, PutOptions, QUICK};
use beanwire_tests::{Beanstalkd, CuttingProxy, wait_until};

use crate::{LONG, TUBE, host};

fn connect(server: &Beanstalkd) -> Connection {
    host(server).connection(&server.uri(), &QUICK).unwrap()
}

/// The statistics that no other connection changes, with the server's names.
fn steady(stats: &ServerStats) -> BTreeMap<&'static str, String> {
    let numbers = [
        ("current-jobs-urgent", stats.current_jobs_urgent),
        ("current-jobs-ready", stats.current_jobs_ready),
        ("current-jobs-reserved", stats.current_jobs_reserved),
        ("current-jobs-delayed", stats.current_jobs_delayed),
        ("current-jobs-buried", stats.current_jobs_buried),
        ("cmd-put", stats.cmd_put),
        ("cmd-peek", stats.cmd_peek),
        ("cmd-peek-ready", stats.cmd_peek_ready),
        ("cmd-peek-delayed", stats.cmd_peek_delayed),
        ("cmd-peek-buried", stats.cmd_peek_buried),
        ("cmd-reserve", stats.cmd_reserve),
        ("cmd-reserve-with-timeout", stats.cmd_reserve_with_timeout),
        ("cmd-delete", stats.cmd_delete),
        ("cmd-release", stats.cmd_release),
        ("cmd-use", stats.cmd_use),
        ("cmd-watch", stats.cmd_watch),
        ("cmd-ignore", stats.cmd_ignore),
        ("cmd-bury", stats.cmd_bury),
        ("cmd-kick", stats.cmd_kick),
        ("cmd-touch", stats.cmd_touch),
        ("cmd-stats-job", stats.cmd_stats_job),
        ("cmd-stats-tube", stats.cmd_stats_tube),
        ("cmd-list-tubes", stats.cmd_list_tubes),
        ("cmd-list-tube-used", stats.cmd_list_tube_used),
        ("cmd-list-tubes-watched", stats.cmd_list_tubes_watched),
        ("cmd-pause-tube", stats.cmd_pause_tube),
        ("job-timeouts", stats.job_timeouts),
        ("total-jobs", stats.total_jobs),
        ("max-job-size", stats.max_job_size),
        ("current-tubes", stats.current_tubes),
        ("current-connections", stats.current_connections),
        ("current-producers", stats.current_producers),
        ("current-workers", stats.current_workers),
        ("current-waiting", stats.current_waiting),
        ("total-connections", stats.total_connections),
        ("pid", stats.pid),
        ("binlog-oldest-index", stats.binlog_oldest_index),
        ("binlog-current-index", stats.binlog_current_index),
        ("binlog-records-migrated", stats.binlog_records_migrated),
        ("binlog-records-written", stats.binlog_records_written),
        ("binlog-max-size", stats.binlog_max_size),
    ];
    let texts = [
        ("version", &stats.version),
        ("id", &stats.id),
        ("hostname", &stats.hostname),
        ("os", &stats.os),
        ("platform", &stats.platform),
    ];
    let numbers = numbers.map(|(key, number)| (key, number.to_string()));
    let texts = texts.map(|(key, text)| (key, text.clone()));
    let draining = ("draining", stats.draining.to_string());
    numbers.into_iter().chain(texts).chain([draining]).collect()
}

#[test]
fn every_command_is_counted_and_every_count_is_read() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.stats();
    let connection = connect(&server);
    let urgent = PutOptions { priority: Some(1), ..OPTIONS };
    for number in 0..5 {
        connection.put(TUBE, &[number], Some(urgent), None).unwrap();
    }
    connection.watch(TUBE).unwrap();
    connection.ignore("default").unwrap();
    let first = connection.reserve().unwrap();
    let second = connection.reserve_with_timeout(LONG).unwrap().unwrap();
    connection.touch(first.id()).unwrap();
    connection.release(first.id(), 0, 1000).unwrap();
    connection.bury(second.id(), 0).unwrap();
    connection.peek(first.id()).unwrap();
    assert!(connection.peek_ready(TUBE).unwrap().is_some());
    assert_eq!(connection.peek_delayed(TUBE).unwrap().map(|job| job.id), Some(first.id()));
    assert_eq!(connection.peek_buried(TUBE).unwrap().map(|job| job.id), Some(second.id()));
    assert_eq!(connection.kick(TUBE, 10).unwrap(), 1);
    connection.kick_job(first.id()).unwrap();
    connection.delete(5).unwrap();
    connection.stats_job(4).unwrap();
    connection.stats_tube(TUBE).unwrap();
    connection.pause_tube(TUBE, 1000).unwrap();
    connection.list_tubes().unwrap();
    connection.list_tubes_watched().unwrap();
    connection.use_tube("default").unwrap();
    connection.list_tube_used().unwrap();
    let stats = connection.stats().unwrap();
    let expected = raw.stats();
    for (key, value) in steady(&stats) {
        assert_eq!(expected[key], value, "{key}");
    }
    let own = ["put", "peek", "peek-ready", "peek-delayed", "peek-buried", "reserve", "delete"];
    for verb in own.iter().chain(&["release", "watch", "ignore", "bury", "kick", "touch"]) {
        assert_ne!(expected[&format!("cmd-{verb}")], "0", "{verb} reached the server");
    }
    assert!(stats.cmd_stats >= 2 && stats.uptime_ms.is_multiple_of(1000), "{stats:?}");
}

#[test]
fn a_connection_tells_its_server_health_and_events() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let host = Host::start(Component::Plain, Grants::connect(proxy.addr()));
    let connection = host.connection(&proxy.uri(), &QUICK).unwrap();
    assert_eq!(connection.server(), proxy.uri());
    assert!(connection.is_connected());
    assert_eq!(connection.events(), [Event::Connected(0)]);
    assert_eq!(connection.health().servers[0].connections[0].state, ConnectionState::Up);
    proxy.cut_now();
    wait_until("it is noticed", || {
        let events = connection.events();
        events.iter().any(|event| matches!(event, Event::Disconnected(_)))
    });
    connection.ready(LONG).unwrap();
    assert!(connection.is_connected());
    connection.stats().unwrap();
}

#[test]
fn a_lost_connection_uses_and_watches_the_same_tubes_again() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let host = Host::start(Component::Plain, Grants::connect(proxy.addr()));
    let connection = host.connection(&proxy.uri(), &QUICK).unwrap();
    connection.use_tube("used").unwrap();
    connection.watch("watched").unwrap();
    connection.ignore("default").unwrap();
    proxy.cut_now();
    wait_until("it is noticed", || {
        let events = connection.events();
        events.iter().any(|event| matches!(event, Event::Disconnected(_)))
    });
    connection.ready(LONG).unwrap();
    assert_eq!(connection.list_tube_used().unwrap(), "used");
    assert_eq!(connection.list_tubes_watched().unwrap(), ["watched"]);
}

#[test]
fn what_a_command_finds_is_the_job_itself() {
    let server = Beanstalkd::start();
    let connection = connect(&server);
    let body: Vec<u8> = (0..=255).collect();
    let inserted = connection.put(TUBE, &body, None, None).unwrap();
    assert_eq!((inserted.server, inserted.state), (0, JobState::Ready));
    let peeked = connection.peek(inserted.id).unwrap();
    assert_eq!((peeked.id, &peeked.body), (inserted.id, &body));
    let job = connection.reserve_job(inserted.id).unwrap();
    assert_eq!((job.id(), job.server()), (inserted.id, server.uri()));
    assert_eq!(job.body(), body);
    assert_eq!(job.stats().unwrap().tube, TUBE);
    job.bury(None).unwrap();
    assert_eq!(server.raw().stats_job(inserted.id)["state"], "buried");
}

#[test]
fn a_reserve_waits_until_there_is_a_job() {
    let server = Beanstalkd::start();
    let connection = connect(&server);
    let job = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut raw = server.raw();
            wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
            raw.put("default", "late");
        });
        connection.reserve().unwrap()
    });
    assert_eq!(job.body(), b"late");
    job.delete().unwrap();
}
