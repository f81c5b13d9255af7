//! Arguments out of range: refused with the field and the limit, before anything is sent.

use beanwire_component_tests::types::{ErrorCode, FailurePolicy, NewJob, Outcome};
use beanwire_component_tests::{
    Component, Config, DEFAULTS, Error, Grants, Host, OPTIONS, POLICY, PutOptions, QUICK, job,
};
use beanwire_tests::{Beanstalkd, ScriptedPeer, handshake};

use crate::{LONG, TUBE, assert_fails, host, host_of_peer};

/// One millisecond more than a span may have on the wire.
const OVER: u64 = u32::MAX as u64 * 1000 + 1;

/// A tube name that is one letter too long.
fn long() -> String {
    "t".repeat(201)
}

/// A server that knows all that it was ever told.
fn peer() -> ScriptedPeer {
    ScriptedPeer::start(|_, conn| {
        if handshake(conn) {
            conn.until_eof();
        }
    })
}

/// Fails the test unless the error names the field and the limit.
fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>, parts: &[&str]) {
    let error = result.unwrap_err();
    assert_eq!((error.code, error.outcome), (ErrorCode::InvalidArgument, Outcome::NotSent));
    for part in parts {
        assert!(error.message.contains(part), "{part} in {:?}", error.message);
    }
}

/// Fails the test if the peer was sent more than what opens a connection.
fn assert_untold(peer: &ScriptedPeer) {
    let lines = peer.lines();
    assert!(lines.iter().all(|(_, line)| line == "stats"), "{lines:?}");
}

#[test]
fn a_producer_refuses_what_the_protocol_cannot_carry() {
    let peer = peer();
    let producer = host_of_peer(&peer).producer(&[&peer.uri()], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    for tube in ["", "-t", "a b", "t\r\ndelete 1", "tübe", &long()] {
        assert_refused(producer.put(tube, b"x", None, None), &["tube"]);
        let many = producer.put_many(&[job(tube, "x"), job(tube, "y")], None);
        assert_eq!(many.len(), 2);
        many.into_iter().for_each(|put| assert_refused(put, &["tube"]));
    }
    let options = [
        (PutOptions { delay_ms: Some(OVER), ..OPTIONS }, "delay"),
        (PutOptions { delay_ms: Some(u64::MAX), ..OPTIONS }, "delay"),
        (PutOptions { ttr_ms: Some(OVER), ..OPTIONS }, "ttr"),
        (PutOptions { ttr_ms: Some(0), ..OPTIONS }, "ttr"),
    ];
    for (options, field) in options {
        assert_refused(producer.put(TUBE, b"x", Some(options), None), &[field]);
        let many = [NewJob { options: Some(options), ..job(TUBE, "x") }];
        let many = producer.put_many(&many, None);
        many.into_iter().for_each(|put| assert_refused(put, &[field]));
    }
    assert_refused(producer.delete(1, 1), &["server", "1"]);
    assert_refused(producer.delete(u32::MAX, 1), &["server"]);
    assert_refused(producer.put(&long(), b"x", None, None), &["tube", "201", "200"]);
    assert_untold(&peer);
}

#[test]
fn a_body_larger_than_the_server_takes_is_not_sent() {
    let peer = peer();
    let producer = host_of_peer(&peer).producer(&[&peer.uri()], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    assert_fails(
        producer.put(TUBE, &[b'x'; 65_536], None, None),
        ErrorCode::JobTooBig,
        Outcome::NotSent,
    );
    assert_untold(&peer);
}

#[test]
fn a_consumer_refuses_what_it_cannot_take() {
    let peer = peer();
    let host = host_of_peer(&peer);
    for tube in ["", "-t", "a b", &long()] {
        assert_refused(host.consumer(&[&peer.uri()], &["good", tube], &QUICK), &["tube"]);
    }
    let consumer = host.consumer(&[&peer.uri()], &[], &QUICK).unwrap();
    consumer.ready(LONG).unwrap();
    for max in [0, 65_537, u32::MAX] {
        assert_refused(consumer.receive_many(max, LONG), &["max", "65536"]);
    }
    assert_untold(&peer);
}

#[test]
fn a_connection_refuses_what_the_protocol_cannot_carry() {
    let peer = peer();
    let connection = host_of_peer(&peer).connection(&peer.uri(), &QUICK).unwrap();
    for tube in ["", "-t", "a b", "t\r\ndelete 1", &long()] {
        let tubes = &["tube"];
        assert_refused(connection.put(tube, b"x", None, None), tubes);
        assert_refused(connection.use_tube(tube), tubes);
        assert_refused(connection.watch(tube), tubes);
        assert_refused(connection.ignore(tube), tubes);
        assert_refused(connection.peek_ready(tube), tubes);
        assert_refused(connection.peek_delayed(tube), tubes);
        assert_refused(connection.peek_buried(tube), tubes);
        assert_refused(connection.kick(tube, 1), tubes);
        assert_refused(connection.stats_tube(tube), tubes);
        assert_refused(connection.pause_tube(tube, 1000), tubes);
    }
    for span in [OVER, u64::MAX] {
        assert_refused(connection.release(1, 0, span), &["delay"]);
        assert_refused(connection.pause_tube(TUBE, span), &["delay"]);
        let options = PutOptions { delay_ms: Some(span), ..OPTIONS };
        assert_refused(connection.put(TUBE, b"x", Some(options), None), &["delay"]);
    }
    for timeout in [2_147_483_647_001, u64::MAX] {
        assert_refused(connection.reserve_with_timeout(timeout), &["timeout"]);
    }
    assert_untold(&peer);
}

#[test]
fn a_job_refuses_a_delay_out_of_range_and_stays_reserved() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put(TUBE, "x");
    let consumer = host(&server).consumer(&[&server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    for delay in [OVER, u64::MAX] {
        assert_refused(job.release(None, Some(delay)), &["delay"]);
    }
    assert_eq!(raw.stats_job(id)["state"], "reserved");
    job.delete().unwrap();
}

#[test]
fn settings_out_of_range_are_refused_by_name_and_nobody_is_dialled() {
    let peer = peer();
    let host = host_of_peer(&peer);
    let failure = |policy: FailurePolicy| Config { failure: Some(policy), ..DEFAULTS };
    let settings = [
        (Config { multiply: Some(0), ..DEFAULTS }, "multiply"),
        (Config { multiply: Some(1025), ..DEFAULTS }, "multiply"),
        (Config { max_connections: Some(1025), ..DEFAULTS }, "max_connections"),
        (Config { connect_timeout_ms: Some(0), ..DEFAULTS }, "connect_timeout"),
        (Config { command_timeout_ms: Some(3_600_001), ..DEFAULTS }, "command_timeout"),
        (Config { put_timeout_ms: Some(u64::MAX), ..DEFAULTS }, "put_timeout"),
        (Config { reserve_timeout_ms: Some(999), ..DEFAULTS }, "reserve_timeout"),
        (Config { reconnect_min_ms: Some(0), ..DEFAULTS }, "reconnect_min"),
        (Config { reconnect_max_ms: Some(99), ..DEFAULTS }, "reconnect_max"),
        (Config { max_body_size: Some(0), ..DEFAULTS }, "max_body_size"),
        (Config { max_pending_bytes: Some(4095), ..DEFAULTS }, "max_pending_bytes"),
        (failure(FailurePolicy { max_attempts: Some(0), ..POLICY }), "max_attempts"),
        (failure(FailurePolicy { delay_ms: Some(OVER), ..POLICY }), "delay"),
        (failure(FailurePolicy { max_delay_ms: Some(OVER), ..POLICY }), "max_delay"),
    ];
    for (config, field) in settings {
        let words = field.replace('_', "-");
        let named = |error: Error| {
            let message = &error.message;
            assert!(message.contains(field) || message.contains(&words), "{field}: {message}");
            assert_eq!(error.code, ErrorCode::InvalidArgument, "{message}");
        };
        named(host.producer(&[&peer.uri()], &config).unwrap_err());
        named(host.consumer(&[&peer.uri()], &[TUBE], &config).unwrap_err());
        named(host.connection(&peer.uri(), &config).unwrap_err());
    }
    assert_eq!(peer.connections(), 0);
}

#[test]
fn a_bad_uri_is_quoted() {
    let host = Host::start(Component::Plain, Grants::none());
    for uri in ["http://127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "beanstalk://:1", "[::1"] {
        let errors = [
            host.producer(&[uri], &DEFAULTS).unwrap_err(),
            host.consumer(&[uri], &[], &DEFAULTS).unwrap_err(),
            host.connection(uri, &DEFAULTS).unwrap_err(),
        ];
        for error in errors {
            assert_eq!((error.code, error.outcome), (ErrorCode::InvalidUri, Outcome::NotSent));
            assert!(error.message.contains(uri), "{uri} in {:?}", error.message);
        }
    }
    assert_refused(host.producer(&[], &DEFAULTS), &["uri"]);
    assert_refused(host.consumer(&[], &[], &DEFAULTS), &["uri"]);
}
