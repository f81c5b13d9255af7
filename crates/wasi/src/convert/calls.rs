//! What calls ask of the engine, and what they get.

use std::time::Duration;

use beanwire_core::engine::{Engine, InsertedJob, Success};
use beanwire_core::error::{Error, ErrorKind, Outcome};
use beanwire_core::types::{Instant, JobId, TubeName};
use beanwire_core::uri::{ServerUri, Transport};

/// The names of tubes, each checked.
pub(crate) fn tubes(names: Vec<String>) -> Result<Vec<TubeName>, Error> {
    names.into_iter().map(TubeName::try_from).collect()
}

/// Refuses what a sandbox can never reach, and TLS if there is a reason why this build has none.
pub(crate) fn check_uri(uri: &ServerUri, without_tls: Option<&str>) -> Result<(), Error> {
    let reason = match (uri.transport(), without_tls) {
        (Transport::Unix { .. }, _) => "a component has no unix sockets",
        (Transport::Tls { .. }, Some(reason)) => reason,
        _ => return Ok(()),
    };
    Err(Error::not_sent(ErrorKind::Unsupported, format!("{uri}: {reason}")))
}

/// When a put has to be over; the engine's own limit holds if nothing is said. With no time at all it
/// fails unless a connection is up.
pub(crate) fn put_deadline(
    engine: &Engine,
    now: Instant,
    timeout_ms: Option<u64>,
) -> Option<Instant> {
    let mut timeout = Duration::from_millis(timeout_ms?);
    if timeout.is_zero() && engine.is_connected() {
        timeout = engine.config().command_timeout;
    }
    Some(now + timeout)
}

pub(crate) fn inserted(won: Success) -> Result<InsertedJob, Error> {
    match won {
        Success::Inserted(job) => Ok(job),
        _ => Err(surprise()),
    }
}

/// The engine answered something else than was asked.
pub(crate) fn surprise() -> Error {
    let message = "an answer to something else";
    Error::new(ErrorKind::UnexpectedReply, Outcome::Unknown, message)
}

/// A job can be finished once.
pub(crate) fn finished_before(id: JobId) -> Error {
    let message = format!("job {id} was finished or given back before");
    Error::not_sent(ErrorKind::JobFinished, message)
}
