//! A host for the component, as those who embed it write one: grants as data, an instance per
//! [`Host`], and its resources as handles that are dropped like any value.
//!
//! Every call blocks its thread, and one that does not end fails the test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod bindings;
mod component;
mod connection;
mod consumer;
mod grants;
mod handle;
mod host;
mod producer;

pub use bindings::exports::beanwire::client::connection::PeekedJob;
pub use bindings::exports::beanwire::client::types;
pub use component::Component;
pub use connection::Connection;
pub use consumer::{Consumer, Job};
pub use grants::Grants;
pub use host::{Host, runtime};
pub use producer::Producer;
pub use types::{Config, Error, PutOptions};

use types::{FailurePolicy, NewJob, TlsConfig};

/// Settings that leave everything at its default.
pub const DEFAULTS: Config = Config {
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

/// Settings under which a lost connection comes back at once.
pub const QUICK: Config =
    Config { reconnect_min_ms: Some(1), reconnect_max_ms: Some(20), ..DEFAULTS };

/// A failure policy that leaves everything at its default.
pub const POLICY: FailurePolicy =
    FailurePolicy { delay_ms: None, max_delay_ms: None, max_attempts: None, exhausted: None };

/// TLS that leaves everything at its default.
pub const TLS: TlsConfig =
    TlsConfig { roots_pem: None, client_certificate: None, server_name: None };

/// Options that leave everything at its default.
pub const OPTIONS: PutOptions = PutOptions { priority: None, delay_ms: None, ttr_ms: None };

/// A job for `put-many`.
#[must_use]
pub fn job(tube: &str, body: impl AsRef<[u8]>) -> NewJob {
    NewJob { tube: tube.to_owned(), body: body.as_ref().to_vec(), options: None }
}
