//! What bindings to other languages build on: jobs finished by reference, events as values, and many
//! operations in one write.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::future::{IntoFuture as _, poll_fn};
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use beanwire::{
    Config, Consumer, ErrorKind, Event, FailAction, FailurePolicy, Finish, LostReason, Outcome,
    Priority, Producer, Seconds, corked,
};
use beanwire_server::Server;
use beanwire_tests::{Beanstalkd, ScriptedPeer, handshake};
use futures_util::future::join_all;

const SECOND: Duration = Duration::from_secs(1);

async fn consume(uri: &str) -> Consumer {
    Consumer::open(uri, ["t"], Config::default()).await.unwrap()
}

#[tokio::test]
async fn what_is_submitted_corked_leaves_in_one_write() {
    let (tell, told) = mpsc::channel();
    let peer = ScriptedPeer::start(move |_, conn| {
        if !handshake(conn) {
            return;
        }
        tell.send(conn.read_some()).unwrap();
        (1..=100).for_each(|id| conn.send(format!("INSERTED {id}\r\n")));
        conn.until_eof();
    });
    let producer = Producer::open(peer.uri(), Config::default()).await.unwrap();
    producer.ready(10 * SECOND).await.unwrap();

    let mut puts: Vec<_> =
        (0..100).map(|n| producer.put("default", format!("{n:03}")).into_future()).collect();
    poll_fn(|context| {
        corked(|| {
            // The one inside does not end the one around it.
            corked(|| assert!(puts[0].as_mut().poll(context).is_pending()));
            let rest = puts.iter_mut().skip(1);
            rest.for_each(|put| assert!(put.as_mut().poll(context).is_pending()));
        });
        Poll::Ready(())
    })
    .await;
    let expected: String = (0..100).map(|n| format!("put 1024 0 60 3\r\n{n:03}\r\n")).collect();
    assert_eq!(String::from_utf8(told.recv().unwrap()).unwrap(), expected);
    let ids: Vec<_> = join_all(puts).await.into_iter().map(|job| job.unwrap().id.0).collect();
    assert_eq!(ids, (1..=100).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_panic_in_corked_work_holds_nothing_back() {
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    producer.ready(10 * SECOND).await.unwrap();
    let mut put = producer.put("t", "x").into_future();
    let thrown = poll_fn(|context| {
        let work = std::panic::AssertUnwindSafe(|| {
            corked(|| {
                assert!(put.as_mut().poll(context).is_pending());
                std::panic::resume_unwind(Box::new("thrown"));
            })
        });
        Poll::Ready(std::panic::catch_unwind(work).is_err())
    })
    .await;
    assert!(thrown);
    assert_eq!(put.await.unwrap().id.0, 1);
}

#[tokio::test]
async fn a_job_is_finished_by_reference_and_only_once() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let priority = Some(Priority(7));
    for (how, state, expected) in [
        (Finish::Delete, "", ""),
        (Finish::Release { priority, delay: Seconds::ZERO }, "ready", "7"),
        (Finish::Bury { priority }, "buried", "7"),
        (Finish::Bury { priority: None }, "buried", "1024"),
        (Finish::Fail, "delayed", "1024"),
    ] {
        let consumer = consume(&server.uri()).await;
        let id = raw.put("t", "x");
        let job = consumer.next_job().await.unwrap();
        job.finish_by_ref(how).await.unwrap();
        let stats = raw.stats_job(id);
        assert_eq!(stats.get("state").map_or("", String::as_str), state, "{how:?}");
        assert_eq!(stats.get("pri").map_or("", String::as_str), expected, "{how:?}");
        let again = job.finish_by_ref(Finish::Delete).await.unwrap_err();
        assert_eq!((again.kind(), again.outcome()), (ErrorKind::JobFinished, Outcome::NotSent));
        job.give_back();
        let again = job.delete().await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::JobFinished);
        consumer.close(SECOND).await;
        raw.command(&format!("delete {id}"));
    }
}

#[tokio::test]
async fn a_job_that_is_given_back_has_not_failed() {
    let server = Beanstalkd::start();
    let id = server.raw().put("t", "x");
    let consumer = consume(&server.uri()).await;
    let job = consumer.next_job().await.unwrap();
    job.give_back();
    let again = consumer.next_job().await.unwrap();
    assert_eq!(again.id().0, id);
    let stats = again.stats().await.unwrap();
    assert_eq!((stats.priority, stats.buries), (Priority(1024), 0));
    // The handle of the first reservation has no say in the second.
    drop(job);
    again.delete().await.unwrap();
}

#[tokio::test]
async fn events_tell_of_connections_jobs_and_the_end() {
    let server = Server::start().await.unwrap();
    let policy = FailurePolicy::default().with_max_attempts(1);
    let config = Config::builder().failure(policy).reconnect_min(Duration::from_millis(1));
    let config = config.build().unwrap();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
    let mut events = consumer.events();
    assert!(matches!(events.next().await, Some(Event::Connected(_))));

    producer.put("t", "x").await.unwrap();
    consumer.next_job().await.unwrap().fail().await.unwrap();
    let Some(Event::JobFailed { id, action, .. }) = events.next().await else { panic!("no event") };
    assert_eq!((id.0, action), (1, FailAction::Buried));

    producer.put("t", "y").await.unwrap();
    let job = consumer.next_job().await.unwrap();
    server.cut_after_sent(0);
    assert_eq!(job.touch().await.unwrap_err().outcome(), Outcome::Unknown);
    let (mut lost, mut cut) = (None, false);
    while lost.is_none() || !cut {
        match events.next().await.unwrap() {
            Event::JobLost { reason, .. } => lost = Some(reason),
            Event::Disconnected { server: from, .. } => cut = from.to_string() == server.uri(),
            _ => {}
        }
    }
    assert_eq!(lost, Some(LostReason::Disconnected));
    drop(job);
    consumer.close(SECOND).await;
    while events.next().await.is_some() {}
    assert_eq!(events.missed(), 0);
}

#[tokio::test]
async fn a_reader_that_falls_behind_learns_how_much_it_missed() {
    let server = Server::start().await.unwrap();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    let policy = FailurePolicy::default().with_max_attempts(1);
    let config = Config::builder().failure(policy).build().unwrap();
    let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
    consumer.ready(10 * SECOND).await.unwrap();
    let mut events = consumer.events();
    for n in 0..1030 {
        producer.put("t", n.to_string()).await.unwrap();
        consumer.next_job().await.unwrap().fail().await.unwrap();
    }
    let Some(Event::JobFailed { id, .. }) = events.next().await else { panic!("no event") };
    // The connection was the first to be told of.
    assert_eq!((id.0, events.missed()), (7, 7));
}
