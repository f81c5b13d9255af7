//! What a connection tells through `tracing` about its calls.

use beanwire::{Config, Connection};
use beanwire_tests::log::{Fields, Log, assert_fields};
use beanwire_tests::{ScriptedPeer, handshake};

use crate::calls::{CALLS, Call, serve};
use crate::within;

/// The spans of one call to a server that gives all commands this answer, or else the right ones.
async fn spans(call: Call, answer: Option<&'static str>) -> Vec<Fields> {
    let peer = ScriptedPeer::start(move |_, conn| {
        if handshake(conn) {
            serve(conn, |_| answer.map(|word| format!("{word}\r\n")));
        }
    });
    let connection = within(Connection::open(peer.uri(), Config::default())).await.unwrap();
    let (log, _guard) = Log::start();
    // With what becomes of a job that is dropped.
    let result = within(call(connection)).await;
    assert_eq!(result.is_err(), answer.is_some(), "{result:?}");
    log.spans()
}

/// The span's kind and the operation's type.
fn kind(verb: &str) -> [(&str, &str); 2] {
    let (kind, r#type) = match verb {
        "put" => ("producer", "send"),
        "reserve" | "reserve-with-timeout" | "reserve-job" => ("client", "receive"),
        _ => ("client", "admin"),
    };
    [("otel.kind", kind), ("messaging.operation.type", r#type)]
}

#[tokio::test]
async fn every_call_is_exactly_one_span_with_its_verb() {
    for (verb, call) in CALLS {
        let spans = spans(*call, None).await;
        assert_eq!(spans.len(), 1, "{verb}: {spans:#?}");
        assert_fields(&spans[0], &[("otel.name", verb), ("messaging.operation.name", verb)]);
        assert_fields(&spans[0], &[("messaging.system", "beanstalkd")]);
        assert_fields(&spans[0], &kind(verb));
        assert_eq!(spans[0].get("error.type"), None, "{verb}");
    }
}

#[tokio::test]
async fn every_call_that_fails_is_exactly_one_span_with_its_code() {
    for (verb, call) in CALLS {
        let spans = spans(*call, Some("OUT_OF_MEMORY")).await;
        assert_eq!(spans.len(), 1, "{verb}: {spans:#?}");
        assert_fields(&spans[0], &[("messaging.operation.name", verb)]);
        assert_fields(&spans[0], &[("error.type", "OUT_OF_MEMORY")]);
    }
}

#[tokio::test]
async fn every_call_that_reserves_names_its_job() {
    for (_, call) in CALLS.iter().filter(|(verb, _)| verb.starts_with("reserve")) {
        let spans = spans(*call, None).await;
        assert_fields(&spans[0], &[("messaging.message.id", "7")]);
        assert_fields(&spans[0], &[("server.address", "127.0.0.1")]);
    }
}
