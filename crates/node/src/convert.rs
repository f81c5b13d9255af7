//! JavaScript's numbers into the core's types, and the core's results into plain values.

use std::error::Error as _;
use std::time::Duration;

use beanwire_core::engine::{
    ConnectionHealth, ConnectionState, Event, FailAction, Health, ServerHealth, Success,
};
use beanwire_core::error::{Error, Retry};
use napi::bindgen_prelude::BigInt;

use crate::commands::surprise;
use crate::record::Completion;
use crate::value::Value;

/// A whole number that goes onto the wire.
pub(crate) fn whole(field: &str, number: f64) -> Result<u32, Error> {
    let limit = f64::from(u32::MAX);
    if number.fract() == 0.0 && (0.0..=limit).contains(&number) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it was found to be in range"
        )]
        return Ok(number as u32);
    }
    Err(Error::invalid_argument(field, &number.to_string(), "a whole number from 0 to 4294967295"))
}

/// A span given in seconds. Its upper limit is checked where it is known.
pub(crate) fn seconds(field: &str, seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds).map_err(|error| {
        let limit = "a number of seconds from 0 to 4294967295";
        Error::invalid_argument(field, &seconds.to_string(), limit).with_source(error)
    })
}

/// A span given in seconds that goes nowhere but to a clock: none below zero, and as long as can be
/// beyond all ranges.
pub(crate) fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}

/// The same given in milliseconds.
pub(crate) fn millis(millis: f64) -> Duration {
    span(millis / 1000.0)
}

pub(crate) fn id(id: &BigInt) -> Result<u64, Error> {
    match id.get_u64() {
        (_, id, true) => Ok(id),
        _ => Err(Error::invalid_argument("id", "a bigint", "0 to 18446744073709551615")),
    }
}

pub(crate) fn error(error: &Error) -> Value {
    let mut sources = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        sources.push(Value::text(cause));
        source = cause.source();
    }
    let retry = match error.retry() {
        Retry::Never => "never",
        Retry::Later => "later",
        Retry::Elsewhere => "elsewhere",
    };
    Value::object([
        ("code", Value::text(error.code())),
        ("message", Value::text(error)),
        ("outcome", Value::text(error.outcome().code())),
        ("retry", Value::text(retry)),
        ("sources", Value::List(sources)),
    ])
}

/// What an operation gives that needs no reading.
pub(crate) fn completion(success: Success) -> Result<Completion, Error> {
    match success {
        Success::Done => Ok(Completion::Done),
        Success::Inserted(job) => Ok(Completion::Inserted(job)),
        Success::Reserved(job) => Ok(Completion::Job(job)),
        other => Err(surprise(&other)),
    }
}

/// A span that is told in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Millis(pub(crate) Duration);

impl From<Millis> for Completion {
    fn from(Millis(span): Millis) -> Self {
        in_millis(span).into()
    }
}

/// A span in milliseconds.
pub(crate) fn in_millis(span: Duration) -> Value {
    Value::Number(span.as_secs_f64() * 1000.0)
}

pub(crate) fn health(health: &Health) -> Value {
    let servers = health.servers.iter().map(server_health).collect();
    Value::object([("servers", Value::List(servers)), ("waiting", Value::number(health.waiting))])
}

fn server_health(health: &ServerHealth) -> Value {
    let connections = health.connections.iter().map(connection_health).collect();
    Value::object([
        ("server", Value::text(&health.server)),
        ("version", Value::text(&health.version)),
        ("draining", Value::Bool(health.draining)),
        ("maxJobSize", Value::or_null(health.max_job_size, Value::number)),
        ("lastError", Value::or_null(health.last_error.as_ref(), Value::text)),
        ("retryIn", Value::or_null(health.retry_in, in_millis)),
        ("connections", Value::List(connections)),
    ])
}

fn connection_health(health: &ConnectionHealth) -> Value {
    let state = match health.state {
        ConnectionState::Connecting => "connecting",
        ConnectionState::Up => "up",
        _ => "closing",
    };
    Value::object([
        ("state", Value::text(state)),
        ("pending", Value::number(health.pending)),
        ("held", Value::number(health.held)),
        ("waiting", Value::Bool(health.waiting)),
    ])
}

/// An event; none for one that this version does not know.
pub(crate) fn event(event: &Event) -> Option<Value> {
    let (name, server, rest) = match event {
        Event::Connected(server) => ("connected", server, vec![]),
        Event::Disconnected { server, error: why, retry_in } => {
            ("disconnected", server, vec![("error", error(why)), ("retryIn", in_millis(*retry_in))])
        }
        Event::ConnectFailed { server, error: why, retry_in } => (
            "connect-failed",
            server,
            vec![("error", error(why)), ("retryIn", in_millis(*retry_in))],
        ),
        Event::Retry { server, error: why, .. } => ("retry", server, vec![("error", error(why))]),
        Event::Draining(server) => ("draining", server, vec![]),
        Event::JobLost { id, server, reason, .. } => {
            let reason = Value::text(reason.code());
            ("job-lost", server, vec![("id", Value::Id(id.0)), ("reason", reason)])
        }
        Event::JobFailed { id, server, action } => {
            let mut fields = vec![("id", Value::Id(id.0))];
            fields.extend(failure(action));
            ("job-failed", server, fields)
        }
        Event::GiveBackFailed { id, server, error: why } => {
            ("give-back-failed", server, vec![("id", Value::Id(id.0)), ("error", error(why))])
        }
        _ => return None,
    };
    let mut fields = vec![("type", Value::text(name)), ("server", Value::text(server))];
    fields.extend(rest);
    Some(Value::object(fields))
}

fn failure(action: &FailAction) -> Vec<(&'static str, Value)> {
    match action {
        FailAction::Released(delay) => {
            vec![("action", Value::text("released")), ("delay", Value::number(delay.get()))]
        }
        FailAction::Buried => vec![("action", Value::text("buried"))],
        FailAction::DeadLettered(tube) => {
            vec![("action", Value::text("dead-lettered")), ("tube", Value::text(tube))]
        }
        _ => vec![],
    }
}
