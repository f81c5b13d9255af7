//! The experimental component for WASI 0.3: calls that run at once in one instance, and a stream of
//! jobs.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod artifact;
mod functions;
mod grants;
mod guest;
mod host;
mod restarts;
mod stream;
mod together;

use std::fmt::Debug;
use std::time::Duration;

use beanwire_component_tests::Grants;
use beanwire_tests::{Beanstalkd, RawClient};

use bindings::exports::beanwire::client::types::{Config, Error, ErrorCode, Outcome};
use host::Host;

/// The tube of all tests.
const TUBE: &str = "work";

/// How long a call may wait that is to end earlier, in milliseconds.
const LONG: u64 = 30_000;

/// Settings that leave everything at its default.
const DEFAULTS: Config = Config {
    multiply: None,
    max_connections: None,
    connect_timeout_ms: None,
    command_timeout_ms: None,
    put_timeout_ms: None,
    reserve_timeout_ms: None,
    reconnect_min_ms: None,
    reconnect_max_ms: None,
    delivery: None,
    auto_touch: None,
    failure: None,
    max_body_size: None,
    max_pending_bytes: None,
    tls: None,
    validate_uris: None,
};

#[allow(missing_docs, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit", "../../wit/async"],
        world: "beanwire:client-async/client-async",
        exports: { default: async | store },
        additional_derives: [PartialEq],
    });
}

/// An instance that may connect to this server.
fn host(server: &Beanstalkd) -> Host {
    Host::start(Grants::connect(server.addr()))
}

/// Fails the test unless the result is this error with this outcome.
fn assert_fails<T: Debug>(result: Result<T, Error>, code: ErrorCode, outcome: Outcome) {
    let error = result.unwrap_err();
    assert_eq!((error.code, error.outcome), (code, outcome), "{error:?}");
}

/// Waits, while the instance runs, until the condition holds.
async fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let mut rounds = 0;
    while !condition() {
        rounds += 1;
        assert!(rounds < 2000, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A number of the tube's statistics; 0 if there is no such tube.
fn count(raw: &mut RawClient, name: &str) -> u64 {
    raw.stats_tube(TUBE).get(name).map_or(0, |count| count.parse().unwrap())
}
