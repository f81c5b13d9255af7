//! Putting jobs through a pool of connections.

use std::sync::Arc;
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::engine::{CloseReport, Health, InsertedJob, NewJob, Role, Server};
use beanwire_core::error::Error;
use beanwire_core::protocol::Command;
use beanwire_core::types::{JobId, TubeName};
use bytes::Bytes;

use crate::client::{Client, Uris};
use crate::events::Events;
use crate::put::Put;

/// Puts jobs through a pool of connections to one or many servers.
///
/// A put takes the least loaded connection. If that one fails before the put was sent, or its server
/// is draining or out of memory, another one takes it. If it fails after, the job may exist or not:
/// by default it is put again ([`Delivery`](crate::Delivery)). Cloning is cheap, and all clones
/// share the pool; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Producer {
    client: Arc<Client>,
}

impl Producer {
    /// Makes a pool. Its connections come up in the background: see [`ready`](Self::ready).
    ///
    /// # Errors
    /// `INVALID_URI`, `INVALID_ARGUMENT`, or `TLS` for what cannot be used; `UNSUPPORTED` outside a
    /// tokio runtime.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn open(uris: impl Uris + Send + Sync, config: Config) -> Result<Self, Error> {
        let client = Client::open(Role::Producer, &uris, config).await?;
        Ok(Self { client })
    }

    /// Puts a job into `tube`. The result is a builder: set what differs from the defaults, then
    /// await it.
    pub fn put<T>(&self, tube: T, body: impl Into<Bytes>) -> Put<'_>
    where
        T: TryInto<TubeName>,
        Error: From<T::Error>,
    {
        Put::new(&self.client, NewJob::new(tube, body))
    }

    /// Puts a job that was made before; the result is the same builder.
    pub fn put_job(&self, job: NewJob) -> Put<'_> {
        Put::new(&self.client, Ok(job))
    }

    /// Puts many jobs, with one result for each, in their order. They leave in few writes, the first
    /// ones while the rest is still read, and no more than `max_pending_bytes` wait at once.
    ///
    /// # Errors
    /// Each result is that of a put of its own: see [`Put`].
    ///
    /// # Cancel safety
    /// As with [`Put`]: what was not sent vanishes, the rest may come into being.
    pub async fn put_many<I>(&self, jobs: I) -> Vec<Result<InsertedJob, Error>>
    where
        I: IntoIterator<Item = NewJob>,
    {
        self.client.put_many(jobs).await
    }

    /// Deletes a job on the server that holds it: as the result of a put names it.
    ///
    /// # Errors
    /// `NOT_FOUND` if the job does not exist or a consumer holds it; `INVALID_ARGUMENT` for a server
    /// that is not one of this producer's; `DISCONNECTED` or `TIMEOUT`, with an unknown outcome if it
    /// was sent: it is not sent again by itself.
    ///
    /// # Cancel safety
    /// Before it was sent it vanishes; after that the job may be deleted.
    pub async fn delete(&self, server: &Server, id: impl Into<JobId> + Send) -> Result<(), Error> {
        let server = self.client.server_id(server)?;
        let command = Command::Delete(id.into());
        self.client.command(server, command).await.map(drop)
    }

    /// Whether any connection is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
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
        self.client.ready(timeout).await
    }

    /// What it has to tell: see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.client.events()
    }

    /// A snapshot of every server and connection.
    #[must_use]
    pub fn health(&self) -> Health {
        self.client.health()
    }

    /// The servers, without repetitions.
    #[must_use]
    pub fn servers(&self) -> Vec<Server> {
        self.client.servers()
    }

    /// Refuses new work, waits at most `patience` for what is under way, and closes all connections.
    ///
    /// # Cancel safety
    /// Closing goes on.
    pub async fn close(&self, patience: Duration) -> CloseReport {
        self.client.close(patience).await
    }
}
