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
//! retries, lost jobs and drains. Any subscriber shows them; with an OpenTelemetry layer the spans
//! become traces. Two hooks, one for what is good to know and one for what went wrong, are a layer
//! of a few lines:
//!
//! ```
//! use tracing::field::{Field, Visit};
//! use tracing::{Event, Level, Subscriber};
//! use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
//!
//! struct Hooks {
//!     info: fn(&str),
//!     error: fn(&str),
//! }
//!
//! struct Line(String);
//!
//! impl Visit for Line {
//!     fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
//!         self.0 += &format!(" {field}={value:?}");
//!     }
//! }
//!
//! impl<S: Subscriber> Layer<S> for Hooks {
//!     fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
//!         if event.metadata().target() == "beanwire" {
//!             let mut line = Line(String::new());
//!             event.record(&mut line);
//!             let bad = *event.metadata().level() <= Level::WARN;
//!             if bad { (self.error)(&line.0) } else { (self.info)(&line.0) }
//!         }
//!     }
//! }
//!
//! let hooks = Hooks { info: |line| println!("info:{line}"), error: |line| eprintln!("error:{line}") };
//! let subscriber = tracing_subscriber::registry().with(hooks);
//! tracing::subscriber::with_default(subscriber, || {
//!     tracing::info!(target: "beanwire", server = "beanstalk://127.0.0.1:11300", "connected");
//! });
//! ```

pub use beanwire_core::config::{
    ClientCertificate, Config, ConfigBuilder, Delivery, Exhausted, FailurePolicy, Next, Roots,
    TlsConfig,
};
pub use beanwire_core::engine::{
    CloseReport, ConnectionHealth, ConnectionState, Event, FailAction, Finish, Health, InsertedJob,
    LostReason, NewJob, Server, ServerHealth, ServerId,
};
pub use beanwire_core::error::{Error, ErrorKind, Outcome, Retry};
pub use beanwire_core::stats::{JobState, JobStats, ServerStats, TubeStats};
pub use beanwire_core::types::{JobId, Priority, Seconds, TubeName};
pub use beanwire_core::uri::{Host, ServerUri, Transport};

mod client;
mod connection;
mod consumer;
mod driver;
mod events;
mod job;
mod peeked;
mod producer;
mod put;
mod receive;
mod telemetry;

pub use client::Uris;
pub use connection::Connection;
pub use consumer::{Consumer, Jobs};
pub use driver::corked;
pub use events::Events;
pub use job::Job;
pub use peeked::PeekedJob;
pub use producer::Producer;
pub use put::Put;
pub use receive::{Handler, HandlerResult, Receive, ReceiveReport};
