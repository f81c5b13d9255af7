//! How clients come up.

use beanwire_component_tests::types::FailurePolicy;
use beanwire_component_tests::{Config, DEFAULTS, POLICY, QUICK};
use beanwire_tests::{Beanstalkd, free_port};

use crate::TUBE;
use crate::face::{Face, Seen};

/// Notes how all three clients come up.
fn open(face: &dyn Face, seen: &mut Seen, uri: &str, config: &Config) {
    seen.note("producer", face.producer(&[uri], config).map(drop));
    seen.note("consumer", face.consumer(&[uri], &[TUBE], config).map(drop));
    seen.note("connection", face.connection(uri, config).map(drop));
}

pub(crate) fn a_bad_uri_is_refused(face: &dyn Face, seen: &mut Seen) {
    let uris =
        ["", " ", "http://127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "beanstalk://:1", "[::1"];
    for uri in uris {
        seen.note("uri", uri);
        open(face, seen, uri, &DEFAULTS);
    }
}

pub(crate) fn no_uri_is_refused(face: &dyn Face, seen: &mut Seen) {
    seen.note("producer", face.producer(&[], &DEFAULTS).map(drop));
    seen.note("consumer", face.consumer(&[], &[TUBE], &DEFAULTS).map(drop));
}

pub(crate) fn settings_out_of_range_are_refused(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let hour = 3_600_000;
    let policy = |policy: FailurePolicy| Config { failure: Some(policy), ..DEFAULTS };
    let settings = [
        Config { multiply: Some(0), ..DEFAULTS },
        Config { multiply: Some(1025), ..DEFAULTS },
        Config { max_connections: Some(0), ..DEFAULTS },
        Config { max_connections: Some(1025), ..DEFAULTS },
        Config { multiply: Some(3), max_connections: Some(2), ..DEFAULTS },
        Config { connect_timeout_ms: Some(0), ..DEFAULTS },
        Config { connect_timeout_ms: Some(hour + 1), ..DEFAULTS },
        Config { command_timeout_ms: Some(0), ..DEFAULTS },
        Config { command_timeout_ms: Some(u64::MAX), ..DEFAULTS },
        Config { put_timeout_ms: Some(24 * hour + 1), ..DEFAULTS },
        Config { reserve_timeout_ms: Some(999), ..DEFAULTS },
        Config { reserve_timeout_ms: Some(hour + 1), ..DEFAULTS },
        Config { reconnect_min_ms: Some(0), ..DEFAULTS },
        Config { reconnect_min_ms: Some(5000), ..DEFAULTS },
        Config { reconnect_max_ms: Some(hour + 1), ..DEFAULTS },
        Config { max_body_size: Some(0), ..DEFAULTS },
        Config { max_body_size: Some((1 << 30) + 1), ..DEFAULTS },
        Config { max_pending_bytes: Some(4095), ..DEFAULTS },
        policy(FailurePolicy { max_attempts: Some(0), ..POLICY }),
        policy(FailurePolicy { delay_ms: Some(2), max_delay_ms: Some(1), ..POLICY }),
        policy(FailurePolicy { max_delay_ms: Some(u64::MAX), ..POLICY }),
    ];
    for (number, config) in settings.iter().enumerate() {
        seen.note("settings", number);
        open(face, seen, &server.uri(), config);
    }
    open(face, seen, &server.uri(), &DEFAULTS);
}

pub(crate) fn a_server_that_is_down_fails_a_connection_and_no_pool(
    face: &dyn Face,
    seen: &mut Seen,
) {
    let uri = format!("beanstalk://127.0.0.1:{}", free_port());
    open(face, seen, &uri, &QUICK);
    let producer = face.producer(&[&uri], &QUICK).unwrap();
    seen.note("not ready", producer.ready(100));
}

pub(crate) fn a_server_named_twice_is_one(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let (long, short) = (server.uri(), server.addr().to_string());
    let producer = face.producer(&[&long, &short, &long], &QUICK).unwrap();
    seen.note("servers", producer.servers());
    seen.note("ready", producer.ready(crate::LONG));
}
