//! What the client tells through `tracing`: a span per operation, an event for what happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::time::Duration;

use beanwire::{Config, Connection, Consumer, Error, Job, NewJob, Producer};
use beanwire_tests::log::{Fields, Log, assert_fields};
use beanwire_tests::{Beanstalkd, ScriptedPeer, handshake};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

#[tokio::test]
async fn every_operation_has_a_span_with_the_names_of_opentelemetry() {
    let (log, _guard) = Log::start();
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    let consumer = Consumer::open(server.uri(), ["t"], Config::default()).await.unwrap();
    producer.put("t", "abc").await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let done = stop.clone();
    let handler = move |job: Job| {
        let done = done.clone();
        async move {
            let deleted = job.delete().await;
            done.cancel();
            deleted
        }
    };
    consumer.receive(handler).shutdown(stop.cancelled()).await.unwrap();

    let port = server.port().to_string();
    let place = [("server.address", "127.0.0.1"), ("server.port", port.as_str())];
    let common = [("messaging.system", "beanstalkd"), ("messaging.message.id", "1")];
    for (operation, kind, r#type) in [
        ("put", "producer", "send"),
        ("reserve", "client", "receive"),
        ("process", "consumer", "process"),
        ("delete", "client", "settle"),
    ] {
        let span = log.span(operation);
        assert_fields(&span, &common);
        assert_fields(&span, &place);
        assert_fields(&span, &[("otel.kind", kind), ("messaging.operation.type", r#type)]);
    }
    let size = ("messaging.message.body.size", "3");
    assert_fields(&log.span("put"), &[("messaging.destination.name", "t"), size]);
}

#[tokio::test]
async fn a_failed_operation_tells_its_code() {
    let (log, _guard) = Log::start();
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    producer.ready(Duration::from_secs(10)).await.unwrap();
    let big = vec![0; 65_536];
    producer.put("t", big).await.unwrap_err();
    assert_fields(&log.span("put"), &[("error.type", "JOB_TOO_BIG")]);
}

#[tokio::test]
async fn connections_that_come_and_go_are_told() {
    let (log, _guard) = Log::start();
    let mut server = Beanstalkd::start();
    let consumer = Consumer::open(server.uri(), ["t"], Config::default()).await.unwrap();
    log.await_event("connected").await;
    server.raw().put("t", "x");
    let job = consumer.next_job().await.unwrap();
    server.kill();
    let gone = log.await_event("disconnected").await;
    assert_fields(&gone, &[("server", &server.uri()), ("error.type", "DISCONNECTED")]);
    log.await_event("connect failed").await;
    job.lost().await;
    let lost = log.await_event("job lost").await;
    assert_fields(&lost, &[("messaging.message.id", "1"), ("reason", "disconnected")]);
}

#[tokio::test]
async fn a_retry_and_a_drain_are_told() {
    let (log, _guard) = Log::start();
    let refusing = ScriptedPeer::start(|_, conn| {
        if handshake(conn) {
            assert_eq!(conn.read_line().as_deref(), Some("put 1024 0 60 1"));
            conn.read_exact(3);
            conn.send("DRAINING\r\n");
            conn.until_eof();
        }
    });
    let config = Config::builder().put_timeout(Duration::from_secs(10)).build().unwrap();
    let producer = Producer::open(refusing.uri(), config).await.unwrap();
    producer.put("default", "x").await.unwrap_err();
    assert_fields(
        &log.await_event("retry").await,
        &[("error.type", "DRAINING"), ("outcome", "rejected")],
    );
    log.await_event("the server refuses new jobs").await;

    let server = Beanstalkd::start();
    let consumer = Consumer::open(server.uri(), ["t"], Config::default()).await.unwrap();
    consumer.receive(async |_: Job| {}).shutdown(std::future::ready(())).await.unwrap();
    log.await_event("drain: no new jobs, handlers may finish").await;
}

#[tokio::test]
async fn many_puts_are_one_span_with_their_number() {
    let (log, _guard) = Log::start();
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    producer.ready(Duration::from_secs(10)).await.unwrap();
    let jobs = |size| [3, size, 3].map(|size| NewJob::new("t", vec![b'x'; size]).unwrap());
    let results = producer.put_many(jobs(3)).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    let good = only_span(&log);
    let kind = [("otel.kind", "producer"), ("messaging.operation.type", "send")];
    let name = [("otel.name", "put_many"), ("messaging.operation.name", "put_many")];
    for expected in [kind, name, [("messaging.system", "beanstalkd"), COUNT]] {
        assert_fields(&good, &expected);
    }
    assert_eq!(good.get("error.type"), None);
    producer.put_many(jobs(65_536)).await;
    assert_fields(&only_span(&log), &[COUNT, ("error.type", "JOB_TOO_BIG")]);
}

const COUNT: (&str, &str) = ("messaging.batch.message_count", "3");

/// The only span since the last look.
fn only_span(log: &Log) -> Fields {
    let mut spans = log.spans();
    log.clear();
    assert_eq!(spans.len(), 1, "{spans:#?}");
    spans.remove(0)
}

type JobCall = fn(Job) -> BoxFuture<'static, Result<(), Error>>;

/// What a job's calls name their spans, and the type of the operation.
const JOB_CALLS: [(&str, &str, JobCall); 9] = [
    ("delete", "settle", |job| job.delete().boxed()),
    ("release", "settle", |job| job.release().boxed()),
    ("release", "settle", |job| job.release_with(None, Duration::from_secs(1)).boxed()),
    ("bury", "settle", |job| job.bury().boxed()),
    ("bury", "settle", |job| job.bury_with(7).boxed()),
    ("fail", "settle", |job| job.fail().boxed()),
    ("touch", "admin", |job| async move { job.touch().await }.boxed()),
    ("stats-job", "admin", |job| async move { job.stats().await.map(drop) }.boxed()),
    ("stats-job", "admin", |job| async move { job.touch_after().await.map(drop) }.boxed()),
];

#[tokio::test]
async fn every_call_of_a_job_is_one_span_that_names_the_job() {
    let (log, _guard) = Log::start();
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for (name, r#type, call) in JOB_CALLS {
        // One for each, for `touch_after` asks the server only once for each job.
        let connection = Connection::open(server.uri(), Config::default()).await.unwrap();
        let id = raw.put_with("t", "x", 0, 0, 3600);
        let job = connection.reserve_job(id).await.unwrap();
        log.clear();
        call(job).await.unwrap();
        let span = only_span(&log);
        assert_fields(&span, &[("otel.name", name), ("messaging.operation.name", name)]);
        assert_fields(&span, &[("otel.kind", "client"), ("messaging.operation.type", r#type)]);
        let (id, port) = (id.to_string(), server.port().to_string());
        assert_fields(&span, &[("messaging.message.id", &id), ("server.port", &port)]);
        assert_fields(&span, &[("server.address", "127.0.0.1")]);
        assert_eq!(span.get("error.type"), None, "{name}");
    }
}

#[tokio::test]
async fn a_call_of_a_job_that_fails_tells_its_code() {
    let (log, _guard) = Log::start();
    let mut server = Beanstalkd::start();
    for (name, _, call) in JOB_CALLS {
        let connection = Connection::open(server.uri(), Config::default()).await.unwrap();
        let id = server.raw().put("t", "x");
        let job = connection.reserve_job(id).await.unwrap();
        server.restart();
        job.lost().await;
        log.clear();
        call(job).await.unwrap_err();
        let error = ("error.type", "JOB_LOST");
        assert_fields(&only_span(&log), &[("messaging.operation.name", name), error]);
    }
}

#[tokio::test]
async fn a_job_that_was_finished_by_its_id_is_given_back_by_nobody() {
    type Finish = fn(Connection) -> BoxFuture<'static, Result<(), Error>>;
    let calls: [(&str, &'static str, Finish); 3] = [
        ("delete 7", "DELETED\r\n", |c| async move { c.delete(7).await }.boxed()),
        ("release 7 0 0", "RELEASED\r\n", |c| {
            async move { c.release(7, 0, Duration::ZERO).await }.boxed()
        }),
        ("bury 7 0", "BURIED\r\n", |c| async move { c.bury(7, 0).await }.boxed()),
    ];
    for (line, reply, call) in calls {
        let (log, _guard) = Log::start();
        let peer = ScriptedPeer::start(move |_, conn| {
            if handshake(conn) && conn.read_line().as_deref() == Some("reserve") {
                conn.send("RESERVED 7 1\r\nx\r\n");
                assert_eq!(conn.read_line().as_deref(), Some(line));
                conn.send(reply);
                // What would still be asked about the job is not there any more.
                while conn.read_line().is_some_and(|line| line != "quit") {
                    conn.send("NOT_FOUND\r\n");
                }
            }
        });
        let connection = Connection::open(peer.uri(), Config::default()).await.unwrap();
        let job = connection.reserve().await.unwrap();
        call(connection.clone()).await.unwrap();
        drop(job);
        // Behind whatever the drop has sent.
        connection.close(Duration::from_secs(10)).await;
        let lines: Vec<_> = peer.lines().into_iter().map(|(_, line)| line).collect();
        assert_eq!(lines, ["stats", "reserve", line, "quit"]);
        assert_eq!(log.event("job not given back, it stays reserved until its TTR ends"), None);
        assert_eq!(log.event("job failed"), None);
    }
}
