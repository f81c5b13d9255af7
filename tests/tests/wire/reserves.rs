use std::time::Duration;

use beanwire::ErrorKind;
use beanwire_tests::{Beanstalkd, wait_until};

use crate::{MINUTE, SECOND, assert_rejected, open, reserve_now, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_reserve_waits_until_a_job_comes() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    within(connection.watch("mail")).await.unwrap();
    let waiting = tokio::spawn({
        let connection = connection.clone();
        async move { connection.reserve().await }
    });
    let mut raw = server.raw();
    wait_until("the reserve waits", || raw.stats()["current-waiting"] == "1");
    assert!(connection.health().servers[0].connections[0].waiting);
    let id = raw.put("mail", "hello");
    let job = within(waiting).await.unwrap().unwrap();
    assert_eq!((job.id().0, &job.body()[..]), (id, &b"hello"[..]));
    assert_eq!(job.server(), connection.server());
    assert_eq!(raw.stats_job(id)["state"], "reserved");
    assert_eq!(raw.stats()["cmd-reserve"], "1");
}

#[tokio::test]
async fn a_reserve_with_a_timeout_takes_a_job_that_is_there() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let id = server.raw().put("default", "hello");
    let job = within(connection.reserve_with_timeout(MINUTE)).await.unwrap().unwrap();
    assert_eq!(job.id().0, id);
    let stats = within(job.stats()).await.unwrap();
    assert_eq!((stats.id.0, stats.reserves), (id, 1));
    assert_eq!(server.raw().stats()["cmd-reserve-with-timeout"], "1");
}

#[tokio::test]
async fn a_reserve_that_times_out_is_no_error() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    assert!(within(connection.reserve_with_timeout(Duration::ZERO)).await.unwrap().is_none());
    assert!(within(connection.reserve_with_timeout(SECOND / 1000)).await.unwrap().is_none());
    server.raw().put("default", "hello");
    assert_eq!(&reserve_now(&connection).await.body()[..], b"hello");
}

#[tokio::test]
async fn the_most_urgent_job_of_all_watched_tubes_comes_first() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    for (tube, body, priority) in [("a", "3", 9), ("b", "2", 5), ("a", "1", 0), ("b", "4", 9)] {
        raw.put_with(tube, body, priority, 0, 60);
    }
    for tube in ["a", "b"] {
        within(connection.watch(tube)).await.unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..4 {
        let job = reserve_now(&connection).await;
        order.extend_from_slice(job.body());
        within(job.delete()).await.unwrap();
    }
    assert_eq!(order, b"1234");
}

#[tokio::test]
async fn the_last_second_of_a_held_job_answers_every_reserve() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let id = server.raw().put_with("default", "hello", 0, 0, 2);
    let job = reserve_now(&connection).await;
    // The first waits for that second to come.
    assert_rejected(within(connection.reserve()).await, ErrorKind::DeadlineSoon);
    let result = within(connection.reserve_with_timeout(Duration::ZERO)).await;
    assert_rejected(result, ErrorKind::DeadlineSoon);
    let result = within(connection.reserve_with_timeout(MINUTE)).await;
    assert_rejected(result, ErrorKind::DeadlineSoon);
    // The warning takes nothing away, and a touch ends it.
    within(job.touch()).await.unwrap();
    assert!(within(connection.reserve_with_timeout(Duration::ZERO)).await.unwrap().is_none());
    within(job.delete()).await.unwrap();
    assert!(server.raw().stats_job(id).is_empty());
}

#[tokio::test]
async fn a_ready_job_comes_before_the_warning_of_a_deadline() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    raw.put_with("default", "short", 0, 0, 1);
    let short = reserve_now(&connection).await;
    let other = raw.put("default", "other");
    assert_eq!(reserve_now(&connection).await.id().0, other);
    let result = within(connection.reserve_with_timeout(Duration::ZERO)).await;
    assert_rejected(result, ErrorKind::DeadlineSoon);
    within(short.delete()).await.unwrap();
}

#[tokio::test]
async fn a_job_is_reserved_by_its_id_from_any_tube_and_state() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let buried = raw.put("a", "buried");
    assert_eq!(raw.reserve("a"), Some((buried, b"buried".to_vec())));
    assert_eq!(raw.command(&format!("bury {buried} 0")), "BURIED");
    let ready = raw.put("a", "ready");
    let delayed = raw.put_with("b", "delayed", 0, 60, 60);
    for (id, body) in [(ready, "ready"), (delayed, "delayed"), (buried, "buried")] {
        let job = within(connection.reserve_job(id)).await.unwrap();
        assert_eq!((job.id().0, &job.body()[..]), (id, body.as_bytes()));
        assert_eq!(raw.stats_job(id)["state"], "reserved");
        within(job.delete()).await.unwrap();
    }
}

#[tokio::test]
async fn a_job_that_is_missing_or_held_cannot_be_reserved_by_its_id() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let held = raw.put("mail", "hello");
    assert!(raw.reserve("mail").is_some());
    for id in [held, 999, u64::MAX] {
        assert_rejected(within(connection.reserve_job(id)).await, ErrorKind::NotFound);
    }
    let own = raw.put("default", "own");
    let job = reserve_now(&connection).await;
    assert_rejected(within(connection.reserve_job(own)).await, ErrorKind::NotFound);
    within(job.delete()).await.unwrap();
}
