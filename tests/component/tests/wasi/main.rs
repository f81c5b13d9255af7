//! The component in a host: every function and error, every way a server can fail it, and nothing
//! beyond what was granted.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod arguments;
mod artifact;
mod connections;
mod cuts;
mod errors;
mod extremes;
mod functions;
mod grants;
mod idle;
mod load;
mod long_jobs;
mod provoke;
mod restarts;
mod silence;
mod tls;
mod wit;

use std::fmt::Debug;

use beanwire_component_tests::types::{ErrorCode, Outcome};
use beanwire_component_tests::{Component, Error, Grants, Host};
use beanwire_tests::{Beanstalkd, Embedded, ScriptedPeer};

/// The tube of all tests.
const TUBE: &str = "work";

/// How long a call may wait that is to end earlier, in milliseconds.
const LONG: u64 = 30_000;

/// An instance that may connect to this server.
fn host(server: &Beanstalkd) -> Host {
    Host::start(Component::Plain, Grants::connect(server.addr()))
}

fn host_of_embedded(server: &Embedded) -> Host {
    Host::start(Component::Plain, Grants::connect(server.addr()))
}

fn host_of_peer(peer: &ScriptedPeer) -> Host {
    Host::start(Component::Plain, Grants::connect(peer.addr()))
}

/// Fails the test unless the result is this error with this outcome.
fn assert_fails<T: Debug>(result: Result<T, Error>, code: ErrorCode, outcome: Outcome) {
    let error = result.unwrap_err();
    let found = (error.code, error.outcome);
    assert_eq!(found, (code, outcome), "{error:?}");
}
