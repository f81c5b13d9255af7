use std::time::Duration;

use beanwire::{ErrorKind, JobState};
use beanwire_tests::Beanstalkd;

use crate::{MINUTE, assert_rejected, open, reserve_now, within};

#[tokio::test]
async fn the_statistics_of_a_server_are_those_it_tells() {
    let server = Beanstalkd::builder().max_job_size(1234).start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    raw.put_with("mail", "urgent", 1023, 0, 60);
    raw.put_with("mail", "delayed", 0, 60, 60);
    raw.put("default", "held");
    let _held = reserve_now(&connection).await;
    let told = raw.stats();
    let stats = within(connection.stats()).await.unwrap();
    let number = |key: &str| told[key].parse::<u64>().unwrap();
    for (key, value, expected) in [
        ("current-jobs-urgent", stats.current_jobs_urgent, 1),
        ("current-jobs-ready", stats.current_jobs_ready, 1),
        ("current-jobs-reserved", stats.current_jobs_reserved, 1),
        ("current-jobs-delayed", stats.current_jobs_delayed, 1),
        ("current-jobs-buried", stats.current_jobs_buried, 0),
        ("cmd-put", stats.cmd_put, 3),
        ("cmd-reserve-with-timeout", stats.cmd_reserve_with_timeout, 1),
        ("total-jobs", stats.total_jobs, 3),
        ("max-job-size", stats.max_job_size, 1234),
        ("current-tubes", stats.current_tubes, 2),
        ("current-connections", stats.current_connections, 2),
        ("current-producers", stats.current_producers, 1),
        ("current-workers", stats.current_workers, 1),
        ("current-waiting", stats.current_waiting, 0),
        ("binlog-max-size", stats.binlog_max_size, number("binlog-max-size")),
    ] {
        assert_eq!((number(key), value), (expected, expected), "{key}");
    }
    assert_eq!(stats.pid, number("pid"));
    assert_eq!(
        (&stats.version, &stats.id, &stats.hostname, &stats.os, &stats.platform),
        (&told["version"], &told["id"], &told["hostname"], &told["os"], &told["platform"]),
    );
    assert!(!stats.draining && stats.other.is_empty(), "{:?}", stats.other);
}

#[tokio::test]
async fn the_statistics_of_a_tube_are_those_the_server_tells() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    raw.put_with("true", "urgent", 0, 0, 60);
    raw.put_with("true", "delayed", 0, 60, 60);
    within(connection.watch("true")).await.unwrap();
    within(reserve_now(&connection).await.delete()).await.unwrap();
    within(connection.pause_tube("true", MINUTE)).await.unwrap();
    let stats = within(connection.stats_tube("true")).await.unwrap();
    assert_eq!(stats.name.as_str(), "true");
    assert_eq!((stats.total_jobs, stats.current_jobs_delayed, stats.cmd_delete), (2, 1, 1));
    assert_eq!((stats.current_using, stats.current_watching), (1, 1));
    assert_eq!((stats.pause, stats.cmd_pause_tube), (MINUTE, 1));
    assert!(stats.pause_time_left > Duration::ZERO && stats.pause_time_left <= MINUTE);
    assert!(stats.other.is_empty(), "{:?}", stats.other);
}

#[tokio::test]
async fn a_tube_that_does_not_exist_has_no_statistics() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    assert_rejected(within(connection.stats_tube("nowhere")).await, ErrorKind::NotFound);
    assert_eq!(within(connection.stats_tube("default")).await.unwrap().current_using, 1);
}

#[tokio::test]
async fn the_statistics_of_a_job_are_those_the_server_tells() {
    let server = Beanstalkd::builder().binlog().start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put_with("null", "hello", 7, 0, 90);
    assert!(raw.reserve("null").is_some());
    assert_eq!(raw.command(&format!("release {id} 8 0")), "RELEASED");
    assert!(raw.reserve("null").is_some());
    assert_eq!(raw.command(&format!("bury {id} 9")), "BURIED");
    assert_eq!(raw.command(&format!("kick-job {id}")), "KICKED");
    within(connection.watch("null")).await.unwrap();
    let _held = reserve_now(&connection).await;
    let stats = within(connection.stats_job(id)).await.unwrap();
    assert_eq!((stats.id.0, stats.tube.as_str()), (id, "null"));
    assert_eq!((stats.state, stats.priority.0), (JobState::Reserved, 9));
    assert_eq!((stats.delay, stats.ttr), (Duration::ZERO, Duration::from_secs(90)));
    assert_eq!((stats.reserves, stats.releases, stats.buries, stats.kicks), (3, 1, 1, 1));
    assert_eq!((stats.timeouts, stats.file), (0, 1));
    assert!((0..=90).contains(&stats.time_left), "{}", stats.time_left);
    assert!(stats.other.is_empty(), "{:?}", stats.other);
}

#[tokio::test]
async fn a_job_that_does_not_exist_has_no_statistics() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    for id in [0, u64::MAX] {
        assert_rejected(within(connection.stats_job(id)).await, ErrorKind::NotFound);
    }
}
