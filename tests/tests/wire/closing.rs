use std::time::Duration;

use beanwire::{CloseReport, ErrorKind, Outcome};
use beanwire_tests::{Beanstalkd, ScriptedPeer, wait_until};

use crate::calls::{CALLS, serve};
use crate::{MINUTE, connect, open, reserve_now, within};

#[tokio::test(flavor = "multi_thread")]
async fn a_close_says_quit_and_the_server_lets_the_connection_go() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    assert_eq!(raw.stats()["current-connections"], "2");
    assert_eq!(within(connection.close(MINUTE)).await, CloseReport::default());
    wait_until("the connection is gone", || raw.stats()["current-connections"] == "1");
    assert!(!connection.is_connected());
    let peer = ScriptedPeer::start(|_, conn| serve(conn, |_| None));
    within(connect(&peer.uri()).await.close(MINUTE)).await;
    let lines = ["stats", "quit"].map(|line| (0, line.to_owned()));
    wait_until("quit has come", || peer.lines() == lines);
}

#[tokio::test]
async fn a_closed_connection_refuses_every_command() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    within(connection.close(MINUTE)).await;
    for (verb, call) in CALLS {
        let error = within(call(connection.clone())).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Closed, Outcome::NotSent), "{verb}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_that_does_not_wait_gives_held_jobs_back_and_counts_them() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let id = server.raw().put("default", "hello");
    let job = reserve_now(&connection).await;
    let report = within(connection.close(Duration::ZERO)).await;
    assert_eq!((report.abandoned_jobs, report.abandoned_operations), (1, 0));
    assert!(job.is_lost());
    assert_eq!(within(job.delete()).await.unwrap_err().kind(), ErrorKind::JobLost);
    let mut raw = server.raw();
    wait_until("the job is ready", || raw.stats_job(id)["state"] == "ready");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_waits_for_a_held_job() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let id = server.raw().put("default", "hello");
    let job = reserve_now(&connection).await;
    let closing = tokio::spawn({
        let connection = connection.clone();
        async move { connection.close(MINUTE).await }
    });
    within(async {
        while connection.delete(999).await.unwrap_err().kind() != ErrorKind::Closed {}
    })
    .await;
    assert!(!closing.is_finished());
    within(job.delete()).await.unwrap();
    assert_eq!(within(closing).await.unwrap(), CloseReport::default());
    assert!(server.raw().stats_job(id).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_close_ends_a_reserve_that_waits() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let waiting = tokio::spawn({
        let connection = connection.clone();
        async move { connection.reserve().await }
    });
    let mut raw = server.raw();
    wait_until("the reserve waits", || raw.stats()["current-waiting"] == "1");
    let report = within(connection.close(Duration::ZERO)).await;
    assert_eq!((report.abandoned_jobs, report.abandoned_operations), (0, 1));
    assert_eq!(within(waiting).await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    wait_until("the connection is gone", || raw.stats()["current-connections"] == "1");
}
