//! One connection, and every command of the protocol.

use std::sync::Arc;
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::engine::{CloseReport, Health, NewJob, Role, Server};
use beanwire_core::error::Error;
use beanwire_core::protocol::{Command, Reply};
use beanwire_core::stats::{self, JobStats, ServerStats, TubeStats};
use beanwire_core::types::{JobId, Priority, Seconds, TubeName};
use bytes::Bytes;

use crate::client::{Client, surprise};
use crate::events::Events;
use crate::job::Job;
use crate::peeked::PeekedJob;
use crate::put::Put;

/// One connection to one server, for those who want the protocol itself.
///
/// Commands run in the order of their calls; many may be under way at once. Behind a waiting
/// [`reserve`](Self::reserve) everything waits, for the server does not read it: use a
/// [`Producer`](crate::Producer) and a [`Consumer`](crate::Consumer) where that matters. A lost
/// connection is opened again with the same tubes used and watched; what was under way then fails
/// with an unknown outcome and is never sent again by itself.
///
/// Every call may fail with `INVALID_ARGUMENT` before anything is sent, with `DISCONNECTED`,
/// `TIMEOUT` (after `command_timeout`), `CLOSED`, and with what the server says: `OUT_OF_MEMORY`,
/// `INTERNAL_ERROR`, `BAD_FORMAT`, `UNKNOWN_COMMAND`. What else is possible stands at each.
///
/// # Cancel safety
/// Of every call: before it was sent it vanishes; after that it may be done. A reserved job that
/// comes too late is released.
#[derive(Debug, Clone)]
pub struct Connection {
    client: Arc<Client>,
    server: Server,
}

impl Connection {
    /// Opens a connection and waits until it is up.
    ///
    /// # Errors
    /// Why it could not be opened, at the first attempt: `INVALID_URI`, `INVALID_ARGUMENT`,
    /// `DISCONNECTED`, `TIMEOUT` or `TLS`.
    ///
    /// # Cancel safety
    /// Nothing is left behind.
    pub async fn open(uri: impl AsRef<str> + Send, config: Config) -> Result<Self, Error> {
        let connect_timeout = config.connect_timeout;
        let uris: [String; 1] = [uri.as_ref().to_owned()];
        let client = Client::prepare(Role::Connection, &uris, config).await?;
        // Asked before anything is dialled, or the first attempt could fail unseen. The engine's own
        // limit comes first and tells more.
        let ready = client.submit_ready(connect_timeout * 2);
        client.driver.start();
        ready.await?;
        let server = client.servers().into_iter().next().ok_or_else(|| surprise(&uris))?;
        Ok(Self { client, server })
    }

    /// The server.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Waits until it is up again after it was lost.
    ///
    /// # Errors
    /// `DISCONNECTED` after `timeout`, with the last error as its source, or the error itself if it is
    /// one for good.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        self.client.ready(timeout).await
    }

    /// Whether it is up.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.client.is_connected()
    }

    /// What it has to tell: see [`Events`].
    #[must_use]
    pub fn events(&self) -> Events {
        self.client.events()
    }

    /// A snapshot of its state.
    #[must_use]
    pub fn health(&self) -> Health {
        self.client.health()
    }

    /// Inserts a job (`put`), with a `use` before it if another tube is in use. The result is a
    /// builder: set what differs from the defaults, then await it. `DRAINING` and `JOB_TOO_BIG` are
    /// possible.
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

    /// Selects the tube that [`list_tube_used`](Self::list_tube_used) tells (`use`). Calls that take a
    /// tube select it themselves.
    ///
    /// # Errors
    /// See the type.
    pub async fn use_tube<T>(&self, tube: T) -> Result<(), Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::Use(tube.try_into()?);
        self.run(command).await.map(drop)
    }

    /// Adds a tube to those reserved from (`watch`), and tells how many there are then.
    ///
    /// # Errors
    /// See the type.
    pub async fn watch<T>(&self, tube: T) -> Result<u64, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::Watch(tube.try_into()?);
        self.count(command).await
    }

    /// Removes a tube from those reserved from (`ignore`), and tells how many there are then.
    ///
    /// # Errors
    /// `NOT_IGNORED` for the last one; see the type.
    pub async fn ignore<T>(&self, tube: T) -> Result<u64, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::Ignore(tube.try_into()?);
        self.count(command).await
    }

    /// Waits for a job without a limit (`reserve`). A server that falls silent meanwhile is noticed
    /// only by the system's keepalive; [`reserve_with_timeout`](Self::reserve_with_timeout) is better
    /// at that.
    ///
    /// # Errors
    /// `DEADLINE_SOON` if a held job is in the last second of its TTR; see the type.
    pub async fn reserve(&self) -> Result<Job, Error> {
        let job = self.reserved(Command::Reserve).await?;
        job.ok_or_else(|| surprise(&"no job and no timeout"))
    }

    /// Waits for a job at most this long, rounded up to whole seconds (`reserve-with-timeout`); none
    /// if there was none. Zero does not wait.
    ///
    /// # Errors
    /// `DEADLINE_SOON` if a held job is in the last second of its TTR; `INVALID_ARGUMENT` above
    /// 2^31-1 s; see the type.
    pub async fn reserve_with_timeout(&self, timeout: Duration) -> Result<Option<Job>, Error> {
        let timeout = Seconds::reserve_timeout(timeout)?;
        self.reserved(Command::ReserveWithTimeout(timeout)).await
    }

    /// Reserves one job by its id, from any tube (`reserve-job`; servers since 1.12).
    ///
    /// # Errors
    /// `NOT_FOUND` if it does not exist or is reserved; `UNKNOWN_COMMAND` or `BAD_FORMAT` from an
    /// older server; see the type.
    pub async fn reserve_job(&self, id: impl Into<JobId> + Send) -> Result<Job, Error> {
        let job = self.reserved(Command::ReserveJob(id.into())).await?;
        job.ok_or_else(|| surprise(&"no job and no timeout"))
    }

    /// Removes a job (`delete`): one that this connection has reserved, or one that nobody has.
    ///
    /// # Errors
    /// `NOT_FOUND`; see the type.
    pub async fn delete(&self, id: impl Into<JobId> + Send) -> Result<(), Error> {
        self.run(Command::Delete(id.into())).await.map(drop)
    }

    /// Gives a reserved job back (`release`), after a delay rounded up to whole seconds.
    ///
    /// # Errors
    /// `NOT_FOUND` if this connection has not reserved it; `BURIED` if the server had no memory and
    /// buried it; see the type.
    pub async fn release(
        &self,
        id: impl Into<JobId> + Send,
        priority: impl Into<Priority> + Send,
        delay: Duration,
    ) -> Result<(), Error> {
        let delay = Seconds::from_duration("delay", delay)?;
        let (id, priority) = (id.into(), priority.into());
        self.run(Command::Release { id, priority, delay }).await.map(drop)
    }

    /// Sets a reserved job aside (`bury`).
    ///
    /// # Errors
    /// `NOT_FOUND` if this connection has not reserved it; see the type.
    pub async fn bury(
        &self,
        id: impl Into<JobId> + Send,
        priority: impl Into<Priority> + Send,
    ) -> Result<(), Error> {
        let (id, priority) = (id.into(), priority.into());
        self.run(Command::Bury { id, priority }).await.map(drop)
    }

    /// Starts the TTR of a reserved job anew (`touch`).
    ///
    /// # Errors
    /// `NOT_FOUND` if this connection has not reserved it; see the type.
    pub async fn touch(&self, id: impl Into<JobId> + Send) -> Result<(), Error> {
        self.run(Command::Touch(id.into())).await.map(drop)
    }

    /// Looks at a job by its id (`peek`).
    ///
    /// # Errors
    /// `NOT_FOUND`; see the type.
    pub async fn peek(&self, id: impl Into<JobId> + Send) -> Result<PeekedJob, Error> {
        let job = self.peeked(Command::Peek(id.into())).await?;
        job.ok_or_else(|| surprise(&"no job and no error"))
    }

    /// Looks at the ready job of a tube that would be reserved next (`peek-ready`); none if there is
    /// none.
    ///
    /// # Errors
    /// See the type.
    pub async fn peek_ready<T>(&self, tube: T) -> Result<Option<PeekedJob>, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::PeekReady(tube.try_into()?);
        self.peeked(command).await
    }

    /// Looks at the delayed job of a tube that is due first (`peek-delayed`); none if there is none.
    ///
    /// # Errors
    /// See the type.
    pub async fn peek_delayed<T>(&self, tube: T) -> Result<Option<PeekedJob>, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::PeekDelayed(tube.try_into()?);
        self.peeked(command).await
    }

    /// Looks at the job of a tube that was buried first (`peek-buried`); none if there is none.
    ///
    /// # Errors
    /// See the type.
    pub async fn peek_buried<T>(&self, tube: T) -> Result<Option<PeekedJob>, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::PeekBuried(tube.try_into()?);
        self.peeked(command).await
    }

    /// Makes at most `bound` jobs of a tube ready (`kick`): buried ones if there are any, else delayed
    /// ones. Tells how many.
    ///
    /// # Errors
    /// See the type.
    pub async fn kick<T>(&self, tube: T, bound: u32) -> Result<u64, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::Kick { tube: tube.try_into()?, bound };
        self.count(command).await
    }

    /// Makes one buried or delayed job ready (`kick-job`).
    ///
    /// # Errors
    /// `NOT_FOUND` if it does not exist or is neither; see the type.
    pub async fn kick_job(&self, id: impl Into<JobId> + Send) -> Result<(), Error> {
        self.run(Command::KickJob(id.into())).await.map(drop)
    }

    /// Statistics of the server (`stats`).
    ///
    /// # Errors
    /// `UNEXPECTED_REPLY` for statistics that cannot be read; see the type.
    pub async fn stats(&self) -> Result<ServerStats, Error> {
        ServerStats::parse(&self.text(Command::Stats).await?)
    }

    /// Statistics of a tube (`stats-tube`).
    ///
    /// # Errors
    /// `NOT_FOUND` if the tube does not exist; `UNEXPECTED_REPLY` for statistics that cannot be read;
    /// see the type.
    pub async fn stats_tube<T>(&self, tube: T) -> Result<TubeStats, Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let command = Command::StatsTube(tube.try_into()?);
        TubeStats::parse(&self.text(command).await?)
    }

    /// Statistics of a job (`stats-job`).
    ///
    /// # Errors
    /// `NOT_FOUND` if the job does not exist; `UNEXPECTED_REPLY` for statistics that cannot be read;
    /// see the type.
    pub async fn stats_job(&self, id: impl Into<JobId> + Send) -> Result<JobStats, Error> {
        JobStats::parse(&self.text(Command::StatsJob(id.into())).await?)
    }

    /// Names of all tubes (`list-tubes`).
    ///
    /// # Errors
    /// `UNEXPECTED_REPLY` for a list that cannot be read; see the type.
    pub async fn list_tubes(&self) -> Result<Vec<TubeName>, Error> {
        stats::parse_list(&self.text(Command::ListTubes).await?)
    }

    /// Names of the tubes reserved from (`list-tubes-watched`).
    ///
    /// # Errors
    /// `UNEXPECTED_REPLY` for a list that cannot be read; see the type.
    pub async fn list_tubes_watched(&self) -> Result<Vec<TubeName>, Error> {
        stats::parse_list(&self.text(Command::ListTubesWatched).await?)
    }

    /// Name of the tube in use (`list-tube-used`).
    ///
    /// # Errors
    /// See the type.
    pub async fn list_tube_used(&self) -> Result<TubeName, Error> {
        match self.run(Command::ListTubeUsed).await? {
            Reply::Using(tube) => Ok(tube),
            other => Err(surprise(&other)),
        }
    }

    /// Stops reservations from a tube for this long, rounded up to whole seconds (`pause-tube`); zero
    /// resumes.
    ///
    /// # Errors
    /// `NOT_FOUND` if the tube does not exist; see the type.
    pub async fn pause_tube<T>(&self, tube: T, delay: Duration) -> Result<(), Error>
    where
        T: TryInto<TubeName> + Send,
        Error: From<T::Error>,
    {
        let delay = Seconds::from_duration("delay", delay)?;
        let command = Command::PauseTube { tube: tube.try_into()?, delay };
        self.run(command).await.map(drop)
    }

    /// Waits at most `patience` for what is under way and for jobs that are held, says `quit`, and
    /// closes the connection. A waiting [`reserve`](Self::reserve) counts as under way: drop it first.
    pub async fn close(&self, patience: Duration) -> CloseReport {
        self.client.close(patience).await
    }

    async fn run(&self, command: Command) -> Result<Reply, Error> {
        self.client.command(self.server.id(), command).await
    }

    async fn count(&self, command: Command) -> Result<u64, Error> {
        match self.run(command).await? {
            Reply::Watching(count) | Reply::KickedCount(count) => Ok(count),
            other => Err(surprise(&other)),
        }
    }

    async fn text(&self, command: Command) -> Result<Bytes, Error> {
        match self.run(command).await? {
            Reply::Ok(text) => Ok(text),
            other => Err(surprise(&other)),
        }
    }

    async fn peeked(&self, command: Command) -> Result<Option<PeekedJob>, Error> {
        match self.run(command).await? {
            Reply::Found(id, body) => Ok(Some(PeekedJob::new(self.clone(), id, body))),
            Reply::NotFound => Ok(None),
            other => Err(surprise(&other)),
        }
    }

    async fn reserved(&self, command: Command) -> Result<Option<Job>, Error> {
        self.client.reserve(self.server.id(), command).await
    }
}
