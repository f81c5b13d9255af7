//! A client for the beanstalkd work queue, on tokio.
//!
//! - [`Producer`] puts jobs through a pool of connections to one or many servers;
//! - [`Consumer`] runs handlers on jobs, or hands them out one by one;
//! - [`Job`] is a reserved job: delete, release, bury or touch it;
//! - [`Connection`] is one connection with every command of the protocol.
//!
//! # Logs and traces
//! Everything is told through [`tracing`], under the target `beanwire`: a span per operation with
//! the field names that OpenTelemetry gives to messaging systems, and events for connections,
//! retries, lost jobs and drains. To hook in a log of your own, install any subscriber.

pub use beanwire_core::config::{
    ClientCertificate, Config, ConfigBuilder, Delivery, Exhausted, FailurePolicy, Roots, TlsConfig,
};
pub use beanwire_core::engine::{
    CloseReport, ConnectionHealth, ConnectionState, Health, InsertedJob, NewJob, Server,
    ServerHealth,
};
pub use beanwire_core::error::{Error, ErrorKind, Outcome, Retry};
pub use beanwire_core::stats::{JobState, JobStats, ServerStats, TubeStats};
pub use beanwire_core::types::{JobId, Priority, TubeName};
pub use beanwire_core::uri::ServerUri;

mod client;
mod connection;
mod consumer;
mod driver;
mod job;
mod peeked;
mod producer;
mod put;
mod receive;
mod telemetry;

pub use client::Uris;
pub use connection::Connection;
pub use consumer::{Consumer, Jobs};
pub use job::Job;
pub use peeked::PeekedJob;
pub use producer::Producer;
pub use put::Put;
pub use receive::{Handler, HandlerResult, Receive, ReceiveReport};
