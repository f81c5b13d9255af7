//! What producers, consumers and connections share.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::engine::{
    CloseReport, Health, InsertedJob, NewJob, Request, Role, Server, ServerId, Success,
};
use beanwire_core::error::{Error, ErrorKind, Outcome};
use beanwire_core::protocol::{Command, Reply};
use beanwire_core::types::Instant;
use beanwire_core::uri;
use futures_util::FutureExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::{Instrument as _, Span};

use crate::driver::{Call, Driver, Won};
use crate::events::Events;
use crate::job::Job;
use crate::telemetry::{self, Operation};

/// Most puts that one call of `put_many` submits at once.
const MAX_BATCH: usize = 4096;

/// The server begins with so many of them, and goes on with so many times more, while the rest is
/// made ready.
const HEAD_START: usize = 32;
const GROWTH: usize = 8;

/// The unit in which room for waiting puts is counted, in bytes.
const ROOM_UNIT: usize = 256;

/// One or several server URIs: a text, or a list of texts.
pub trait Uris: private::Sealed {
    #[doc(hidden)]
    fn to_list(&self) -> Vec<String>;
}

mod private {
    pub trait Sealed {}
}

macro_rules! uris {
    ($([$($generic:tt)*] $type:ty: $self:ident => $list:expr;)*) => {$(
        impl<$($generic)*> private::Sealed for $type {}

        impl<$($generic)*> Uris for $type {
            fn to_list(&$self) -> Vec<String> {
                $list
            }
        }
    )*};
}

uris! {
    [] &str: self => vec![(*self).to_owned()];
    [] String: self => vec![self.clone()];
    [] &String: self => vec![(*self).clone()];
    [T: AsRef<str>] &[T]: self => self.iter().map(|uri| uri.as_ref().to_owned()).collect();
    [T: AsRef<str>] Vec<T>: self => self.iter().map(|uri| uri.as_ref().to_owned()).collect();
    [T: AsRef<str>] &Vec<T>: self => self.iter().map(|uri| uri.as_ref().to_owned()).collect();
    [T: AsRef<str>, const N: usize] [T; N]: self => {
        self.iter().map(|uri| uri.as_ref().to_owned()).collect()
    };
    [T: AsRef<str>, const N: usize] &[T; N]: self => {
        self.iter().map(|uri| uri.as_ref().to_owned()).collect()
    };
}

/// A running client. When the last handle is dropped it ends by itself.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) driver: Arc<Driver>,
    config: Config,
    /// Room for puts that have no answer yet.
    room: Semaphore,
    room_units: u32,
    put_timeout: Option<Duration>,
}

impl Client {
    pub(crate) async fn open(
        role: Role,
        uris: &impl Uris,
        config: Config,
    ) -> Result<Arc<Self>, Error> {
        let client = Self::prepare(role, uris, config).await?;
        client.driver.start();
        Ok(client)
    }

    /// A client that dials nobody until its driver is started.
    pub(crate) async fn prepare(
        role: Role,
        uris: &impl Uris,
        config: Config,
    ) -> Result<Arc<Self>, Error> {
        let uris = uri::parse_list(&uris.to_list())?;
        config.validate()?;
        let units = config.max_pending_bytes / ROOM_UNIT;
        let room_units = u32::try_from(units).unwrap_or(u32::MAX);
        let put_timeout = match role {
            Role::Connection => Some(config.command_timeout),
            _ => Some(config.put_timeout).filter(|timeout| !timeout.is_zero()),
        };
        Ok(Arc::new(Self {
            driver: Driver::new(role, &uris, config.clone()).await?,
            config,
            room: Semaphore::new(usize::try_from(room_units).unwrap_or(Semaphore::MAX_PERMITS)),
            room_units,
            put_timeout,
        }))
    }

    pub(crate) const fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn check_open(&self) -> Result<(), Error> {
        if self.driver.lock().engine.is_open() {
            return Ok(());
        }
        Err(Error::not_sent(ErrorKind::Closed, "the client is closed"))
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.driver.lock().engine.is_connected()
    }

    pub(crate) async fn ready(&self, timeout: Duration) -> Result<(), Error> {
        self.submit_ready(timeout).await.map(drop)
    }

    pub(crate) fn submit_ready(&self, timeout: Duration) -> Call {
        self.driver.submit(Request::Ready, self.deadline(timeout))
    }

    pub(crate) fn health(&self) -> Health {
        let now = self.driver.now();
        self.driver.lock().engine.health(now)
    }

    pub(crate) fn events(&self) -> Events {
        self.driver.events()
    }

    pub(crate) fn servers(&self) -> Vec<Server> {
        self.driver.servers()
    }

    pub(crate) async fn close(&self, patience: Duration) -> CloseReport {
        self.driver.close(patience).await
    }

    fn deadline(&self, timeout: Duration) -> Option<Instant> {
        Some(self.driver.now() + timeout)
    }

    /// Puts one job.
    pub(crate) async fn put(
        &self,
        job: NewJob,
        timeout: Option<Duration>,
    ) -> Result<InsertedJob, Error> {
        let span = telemetry::span(Operation::Send, "put");
        if !span.is_disabled() {
            span.record("messaging.destination.name", job.tube.as_str());
            span.record("messaging.message.body.size", job.body.len());
        }
        let work = async {
            let limit = timeout.or(self.put_timeout);
            let deadline = limit.and_then(|limit| self.deadline(limit));
            let _room = self.make_room(&job, limit).await?;
            inserted(self.driver.call(Request::Put(job), deadline).await?)
        };
        let result = work.instrument(span.clone()).await;
        if let Ok(job) = &result {
            telemetry::record_job(&span, job.id, &job.server);
        }
        telemetry::record_error(&span, &result);
        result
    }

    /// Puts many jobs; the results stand in the order of the jobs.
    pub(crate) async fn put_many(
        &self,
        jobs: impl IntoIterator<Item = NewJob>,
    ) -> Vec<Result<InsertedJob, Error>> {
        let span = telemetry::span(Operation::Send, "put_many");
        let results = self.put_batches(jobs.into_iter()).instrument(span.clone()).await;
        span.record("messaging.batch.message_count", results.len());
        if let Some(first) = results.iter().find(|result| result.is_err()) {
            telemetry::record_error(&span, first);
        }
        results
    }

    /// Submits as many puts as there is room for, and makes room by awaiting the oldest.
    async fn put_batches(
        &self,
        jobs: impl Iterator<Item = NewJob>,
    ) -> Vec<Result<InsertedJob, Error>> {
        let mut results = Vec::new();
        let mut pending: VecDeque<(Call, SemaphorePermit<'_>)> = VecDeque::new();
        let mut jobs = jobs.peekable();
        let mut most = HEAD_START;
        loop {
            let deadline = self.put_timeout.and_then(|timeout| self.deadline(timeout));
            let (mut batch, mut permits) = (Vec::new(), Vec::new());
            while batch.len() < most
                && let Some(permit) = jobs.peek().and_then(|job| self.try_room(job))
            {
                permits.push(permit);
                batch.extend(jobs.next().map(Request::Put));
            }
            let calls = self.driver.submit_all(batch, deadline);
            pending.extend(calls.into_iter().zip(permits));
            if most < MAX_BATCH && jobs.peek().is_some() {
                most = MAX_BATCH.min(most * GROWTH);
                continue;
            }
            if let Some((call, _permit)) = pending.pop_front() {
                results.push(call.await.and_then(inserted));
            } else if let Some(job) = jobs.next() {
                // Others fill the room: take a place in their queue.
                results.push(self.put(job, None).await);
            } else {
                return results;
            }
            // Answers come many at a time, and so does the room for the next batch.
            while let Some(result) = pending.front_mut().and_then(|(call, _)| call.now_or_never()) {
                results.push(result.and_then(inserted));
                pending.pop_front();
            }
        }
    }

    fn units(&self, job: &NewJob) -> u32 {
        let units = NewJob::cost(job.body.len()).div_ceil(ROOM_UNIT);
        // A job that is larger than all the room goes alone.
        u32::try_from(units).unwrap_or(u32::MAX).min(self.room_units)
    }

    fn try_room(&self, job: &NewJob) -> Option<SemaphorePermit<'_>> {
        self.room.try_acquire_many(self.units(job)).ok()
    }

    async fn make_room(
        &self,
        job: &NewJob,
        limit: Option<Duration>,
    ) -> Result<SemaphorePermit<'_>, Error> {
        if let Some(permit) = self.try_room(job) {
            return Ok(permit);
        }
        let permit = match limit {
            Some(limit) => tokio::select! {
                permit = self.room.acquire_many(self.units(job)) => permit.ok(),
                () = self.driver.sleep(limit) => None,
            },
            None => None,
        };
        permit.ok_or_else(|| {
            let bound = self.config.max_pending_bytes;
            let message = format!("puts waiting for an answer fill max_pending_bytes, {bound}");
            Error::not_sent(ErrorKind::QueueFull, message)
        })
    }

    /// This client's own id of a server that a result named.
    pub(crate) fn server_id(&self, server: &Server) -> Result<ServerId, Error> {
        let inner = self.driver.lock();
        let own = inner.engine.servers().find(|own| own.uri() == server.uri()).map(Server::id);
        own.ok_or_else(|| {
            Error::invalid_argument("server", &server.to_string(), "one of this client's servers")
        })
    }

    /// Runs a command on one server.
    pub(crate) async fn command(&self, server: ServerId, command: Command) -> Result<Reply, Error> {
        let span = telemetry::span(Operation::Admin, command.verb());
        match self.run(&span, Request::Command { server, command }).await?.success {
            Success::Reply(reply) => Ok(reply),
            other => Err(surprise(&other)),
        }
    }

    /// Runs a command that reserves a job, on one server; none if there was none in time.
    pub(crate) async fn reserve(
        self: &Arc<Self>,
        server: ServerId,
        command: Command,
    ) -> Result<Option<Job>, Error> {
        let span = telemetry::span(Operation::Receive, command.verb());
        match self.run(&span, Request::Command { server, command }).await? {
            Won { success: Success::Reply(Reply::TimedOut), .. } => Ok(None),
            won => self.job(won, &span).map(Some),
        }
    }

    /// Waits for one job.
    pub(crate) async fn receive(self: &Arc<Self>) -> Result<Job, Error> {
        let span = telemetry::span(Operation::Receive, "reserve");
        let won = self.run(&span, Request::Receive).await?;
        self.job(won, &span)
    }

    async fn run(&self, span: &Span, request: Request) -> Result<Won, Error> {
        let result = self.driver.call(request, None).instrument(span.clone()).await;
        telemetry::record_error(span, &result);
        result
    }

    /// Makes a handle of a reserved job.
    pub(crate) fn job(self: &Arc<Self>, won: Won, span: &Span) -> Result<Job, Error> {
        match won {
            Won { success: Success::Reserved(job), lost: Some(lost) } => {
                telemetry::record_job(span, job.id, &job.server);
                Ok(Job::new(Arc::clone(self), job, lost))
            }
            other => Err(surprise(&other)),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // What was submitted and not awaited, such as giving a job back, may still be answered.
        self.driver.start_closing(self.config.command_timeout);
    }
}

fn inserted(won: Won) -> Result<InsertedJob, Error> {
    match won.success {
        Success::Inserted(job) => Ok(job),
        other => Err(surprise(&other)),
    }
}

/// The engine answered something else than was asked.
pub(crate) fn surprise(found: &impl std::fmt::Debug) -> Error {
    let message = format!("an answer to something else: {found:?}");
    Error::new(ErrorKind::UnexpectedReply, Outcome::Unknown, message)
}
