//! A put on its way.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use beanwire_core::engine::{InsertedJob, NewJob};
use beanwire_core::error::Error;
use beanwire_core::types::Priority;

use crate::client::Client;

/// A put with its parameters; `.await` sends it.
///
/// # Errors
/// What the await may give:
/// - `INVALID_ARGUMENT`: the tube, delay or TTR is outside its limits; nothing was sent.
/// - `JOB_TOO_BIG`: the body is larger than every server takes.
/// - `DISCONNECTED`, `TIMEOUT`: no connection, or no answer, in time; see the error's outcome.
/// - `DRAINING`, `OUT_OF_MEMORY`: every server says so.
/// - `QUEUE_FULL`: no room for one more waiting put in time.
/// - `CLOSED`: the client was closed.
///
/// # Cancel safety
/// Dropping the future gives the put up: before it was sent it vanishes, after that the job may
/// come into being and its id is lost.
#[derive(Debug)]
#[must_use = "a put does nothing unless awaited"]
pub struct Put<'a> {
    client: &'a Client,
    job: Result<NewJob, Error>,
    timeout: Option<Duration>,
}

impl<'a> Put<'a> {
    pub(crate) const fn new(client: &'a Client, job: Result<NewJob, Error>) -> Self {
        Self { client, job, timeout: None }
    }

    /// Sets the priority: 0 is the most urgent. Default 1024.
    pub fn priority(self, priority: impl Into<Priority>) -> Self {
        Self { job: self.job.map(|job| job.priority(priority)), ..self }
    }

    /// Sets how long the job stays delayed, rounded up to whole seconds. Default none.
    pub fn delay(self, delay: Duration) -> Self {
        Self { job: self.job.and_then(|job| job.delay(delay)), ..self }
    }

    /// Sets how long a reservation lasts, rounded up to whole seconds. Default 60 s, at least 1 s.
    pub fn ttr(self, ttr: Duration) -> Self {
        Self { job: self.job.and_then(|job| job.ttr(ttr)), ..self }
    }

    /// Sets how long the put may take as a whole; zero fails at once unless a connection is up.
    /// Default `put_timeout` of the configuration, and
    /// `command_timeout` on a single connection.
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout: Some(timeout), ..self }
    }
}

impl<'a> IntoFuture for Put<'a> {
    type Output = Result<InsertedJob, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.client.put(self.job?, self.timeout).await })
    }
}
