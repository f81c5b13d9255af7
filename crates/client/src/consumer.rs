//! Reserving jobs through a pool of connections.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::engine::{CloseReport, Health, Request, Role, Server};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::types::TubeName;
use futures_core::Stream;
use tracing::Span;

use crate::client::{Client, Uris};
use crate::driver::Call;
use crate::events::Events;
use crate::job::Job;
use crate::receive::{Handler, Receive};
use crate::telemetry::{self, Operation};

/// Reserves jobs from its tubes on one or many servers.
///
/// A reserve waits at the server on a connection that holds no job, so a job arrives as soon as it is
/// put, without polling and without holding up the deletes of others. Nothing is reserved until a
/// handler or a caller is free for it. Cloning is cheap, and all clones share the pool; it ends with
/// the last of them and the last of their jobs.
#[derive(Debug, Clone)]
pub struct Consumer {
    demand: Arc<Demand>,
}

/// What may ask for jobs. With the last of it, nothing is reserved any more and what nobody has goes
/// back, also while jobs that were handed out keep the client alive.
#[derive(Debug)]
struct Demand {
    client: Arc<Client>,
}

impl Drop for Demand {
    fn drop(&mut self) {
        self.client.driver.drive(|inner, now| inner.engine.pause_if_unused(now));
    }
}

impl Consumer {
    /// Makes a pool that watches exactly `tubes`, or `default` if there is none. Its connections come
    /// up in the background: see [`ready`](Self::ready).
    ///
    /// # Errors
    /// `INVALID_URI`, `INVALID_ARGUMENT`, or `TLS` for what cannot be used; `UNSUPPORTED` outside a
    /// tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn open<T>(
        uris: impl Uris + Send + Sync,
        tubes: impl IntoIterator<Item = T> + Send,
        config: Config,
    ) -> Result<Self, Error>
    where
        T: TryInto<TubeName>,
        Error: From<T::Error>,
    {
        let tubes: Result<Vec<_>, _> = tubes.into_iter().map(TryInto::try_into).collect();
        let role = Role::Consumer(tubes?);
        let client = Client::open(role, &uris, config).await?;
        Ok(Self { demand: Arc::new(Demand { client }) })
    }

    /// Runs `handler` on jobs as they come, `concurrency` at once, until it is told to stop. The
    /// result is a builder: say how it is to be stopped, then await it.
    pub fn receive<H: Handler>(&self, handler: H) -> Receive<'_, H> {
        Receive::new(&self.demand.client, handler)
    }

    /// Waits for one job.
    ///
    /// # Errors
    /// `CLOSED` once the consumer is closed. A lost connection is no error: it is replaced.
    ///
    /// # Cancel safety
    /// No job is lost: one that comes too late is given back.
    pub async fn next_job(&self) -> Result<Job, Error> {
        self.demand.client.receive().await
    }

    /// The jobs as a stream, for those who want to pull. It reserves one when polled, and ends when
    /// the consumer is closed. Dropping it gives back what it has not handed out.
    #[must_use]
    pub fn jobs(&self) -> Jobs {
        Jobs { demand: Arc::clone(&self.demand), call: None }
    }

    /// Whether any connection is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.demand.client.is_connected()
    }

    /// Waits until a connection is up.
    ///
    /// # Errors
    /// `DISCONNECTED` after `timeout`, with the last error as its source; the error itself once
    /// every server has failed for good, such as with a certificate that is not trusted.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        self.demand.client.ready(timeout).await
    }

    /// What it has to tell: see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.demand.client.events()
    }

    /// A snapshot of every server and connection.
    #[must_use]
    pub fn health(&self) -> Health {
        self.demand.client.health()
    }

    /// The servers, without repetitions.
    #[must_use]
    pub fn servers(&self) -> Vec<Server> {
        self.demand.client.servers()
    }

    /// Reserves nothing more, waits at most `patience` until all jobs are finished, and closes all
    /// connections. Jobs that are held then go back to their tubes, and the report counts them.
    ///
    /// # Cancel safety
    /// Closing goes on.
    pub async fn close(&self, patience: Duration) -> CloseReport {
        self.demand.client.close(patience).await
    }
}

/// The stream of [`Consumer::jobs`].
#[derive(Debug)]
pub struct Jobs {
    demand: Arc<Demand>,
    call: Option<(Call, Span)>,
}

impl Stream for Jobs {
    type Item = Result<Job, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let client = &this.demand.client;
        let (call, span) = this.call.get_or_insert_with(|| {
            let span = telemetry::span(Operation::Receive, "reserve");
            (client.driver.call(Request::Receive, None), span)
        });
        let result = ready!(Pin::new(call).poll(context));
        telemetry::record_error(span, &result);
        let result = result.and_then(|won| client.job(won, span));
        this.call = None;
        Poll::Ready(match result {
            Err(error) if error.kind() == ErrorKind::Closed => None,
            result => Some(result),
        })
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        self.call = None;
        self.demand.client.driver.drive(|inner, now| inner.engine.pause_if_unused(now));
    }
}
