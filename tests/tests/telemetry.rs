//! What the client tells through `tracing`: a span per operation, an event for what happens.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beanwire::{Config, Consumer, Job, Producer};
use beanwire_tests::{Beanstalkd, ScriptedPeer, handshake};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

type Fields = BTreeMap<String, String>;

/// All spans and events of the client, in the order of their beginning.
#[derive(Debug, Clone, Default)]
struct Log {
    spans: Arc<Mutex<Vec<(Id, Fields)>>>,
    events: Arc<Mutex<Vec<Fields>>>,
}

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().target() == "beanwire" {
            let mut fields = Fields::new();
            attributes.record(&mut Collect(&mut fields));
            self.spans.lock().unwrap().push((id.clone(), fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut spans = self.spans.lock().unwrap();
        // An id may be used again once its span is gone.
        if let Some((_, fields)) = spans.iter_mut().rev().find(|(span, _)| span == id) {
            values.record(&mut Collect(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "beanwire" {
            let mut fields = Fields::new();
            event.record(&mut Collect(&mut fields));
            self.events.lock().unwrap().push(fields);
        }
    }
}

impl Log {
    /// Collects what this thread tells from now on.
    fn start() -> (Self, impl Drop) {
        let log = Self::default();
        let guard = tracing_subscriber::registry().with(log.clone()).set_default();
        (log, guard)
    }

    fn span(&self, operation: &str) -> Fields {
        let spans = self.spans.lock().unwrap();
        let found = spans.iter().find(|(_, f)| f["messaging.operation.name"] == operation);
        found.unwrap_or_else(|| panic!("no span {operation} in {spans:#?}")).1.clone()
    }

    fn event(&self, message: &str) -> Option<Fields> {
        let events = self.events.lock().unwrap();
        events.iter().find(|fields| fields["message"] == message).cloned()
    }

    async fn await_event(&self, message: &str) -> Fields {
        let wait = async {
            loop {
                if let Some(fields) = self.event(message) {
                    return fields;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let found = tokio::time::timeout(Duration::from_secs(30), wait).await;
        found.unwrap_or_else(|_| panic!("no event {message:?} in {self:#?}"))
    }
}

fn expect(fields: &Fields, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        assert_eq!(fields.get(*name).map(String::as_str), Some(*value), "{name} in {fields:#?}");
    }
}

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
        expect(&span, &common);
        expect(&span, &place);
        expect(&span, &[("otel.kind", kind), ("messaging.operation.type", r#type)]);
    }
    let size = ("messaging.message.body.size", "3");
    expect(&log.span("put"), &[("messaging.destination.name", "t"), size]);
}

#[tokio::test]
async fn a_failed_operation_tells_its_code() {
    let (log, _guard) = Log::start();
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), Config::default()).await.unwrap();
    producer.ready(Duration::from_secs(10)).await.unwrap();
    let big = vec![0; 65_536];
    producer.put("t", big).await.unwrap_err();
    expect(&log.span("put"), &[("error.type", "JOB_TOO_BIG")]);
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
    expect(&gone, &[("server", &server.uri()), ("error.type", "DISCONNECTED")]);
    log.await_event("connect failed").await;
    job.lost().await;
    let lost = log.await_event("job lost").await;
    expect(&lost, &[("messaging.message.id", "1"), ("reason", "disconnected")]);
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
    expect(&log.await_event("retry").await, &[("error.type", "DRAINING"), ("outcome", "rejected")]);
    log.await_event("the server refuses new jobs").await;

    let server = Beanstalkd::start();
    let consumer = Consumer::open(server.uri(), ["t"], Config::default()).await.unwrap();
    consumer.receive(async |_: Job| {}).shutdown(std::future::ready(())).await.unwrap();
    log.await_event("drain: no new jobs, handlers may finish").await;
}
