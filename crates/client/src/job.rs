//! A reserved job.

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use beanwire_core::engine::{Finish, Request, ReservedJob, Server, Success};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::stats::JobStats;
use beanwire_core::types::{JobId, Priority, Seconds};
use bytes::Bytes;
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};
use tracing::Instrument as _;

use crate::client::{Client, surprise};
use crate::telemetry::{self, Operation};

type Hook = Box<dyn FnOnce(JobId) + Send>;

/// A reserved job: yours until it is deleted, released or buried, or until its reservation is lost.
///
/// The calls that finish it consume it, so it cannot be finished twice. A job that is dropped
/// unfinished counts as failed: the [`FailurePolicy`](crate::FailurePolicy) says what becomes of it,
/// in the background.
///
/// # Cancel safety of the finishing calls
/// Once polled, a finishing call runs to its end at the server even if its future is dropped; only
/// its result and the hook are then lost. Dropped before that, the job counts as failed.
pub struct Job {
    client: Arc<Client>,
    job: ReservedJob,
    lost: CancellationToken,
    /// Whether dropping it is no failure any more: its receiver is being stopped by force.
    abandon: Option<Arc<AtomicBool>>,
    finished: AtomicBool,
    /// Behind a lock that nobody waits for: a hook need not be [`Sync`], and the job is all the same.
    hook: Mutex<Option<Hook>>,
}

impl Job {
    pub(crate) fn new(client: Arc<Client>, job: ReservedJob, lost: CancellationToken) -> Self {
        Self {
            client,
            job,
            lost,
            abandon: None,
            finished: AtomicBool::new(false),
            hook: Mutex::default(),
        }
    }

    pub(crate) fn abandon_with(&mut self, flag: Arc<AtomicBool>) {
        self.abandon = Some(flag);
    }

    /// Its id, unique on its server.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.job.id
    }

    /// The server that holds it.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.job.server
    }

    /// Its content.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.job.body
    }

    /// When the server's answer came in.
    #[must_use]
    pub fn reserved_at(&self) -> Instant {
        self.client.driver.clock(self.job.reserved_at)
    }

    /// Its statistics, asked for anew with each call.
    ///
    /// # Errors
    /// `JOB_LOST` if the connection that holds it is gone, `NOT_FOUND` if the job is, `TIMEOUT`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn stats(&self) -> Result<JobStats, Error> {
        match self.ask(Request::JobStats(self.job.lease), "stats-job").await? {
            Success::JobStats(stats) => Ok(*stats),
            other => Err(surprise(&other)),
        }
    }

    /// Starts its TTR anew.
    ///
    /// # Errors
    /// `NOT_FOUND` or `JOB_LOST` if the reservation is gone, `TIMEOUT`.
    ///
    /// # Cancel safety
    /// The touch may happen or not.
    pub async fn touch(&self) -> Result<(), Error> {
        self.ask(Request::Touch(self.job.lease), "touch").await.map(drop)
    }

    /// How long until it should be touched to keep its reservation with a margin; zero if that is
    /// overdue. Asks the server if the TTR is not known yet.
    ///
    /// # Errors
    /// Those of [`stats`](Self::stats).
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn touch_after(&self) -> Result<Duration, Error> {
        if let Some(span) = self.known_touch_after() {
            return Ok(span);
        }
        self.stats().await?;
        Ok(self.known_touch_after().unwrap_or_default())
    }

    fn known_touch_after(&self) -> Option<Duration> {
        let now = self.client.driver.now();
        self.client.driver.lock().engine.touch_after(now, self.job.lease)
    }

    /// Whether the reservation is known to be gone.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.is_cancelled()
    }

    /// Waits until the reservation is gone: its connection was lost, its TTR ran out, or a touch
    /// found it gone. Never ends if that does not happen.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub fn lost(&self) -> WaitForCancellationFuture<'_> {
        self.lost.cancelled()
    }

    /// A token that is cancelled when the reservation is gone, for work that does not hold the job.
    #[must_use]
    pub fn lost_token(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Has `hook` called once a finishing call of this handle has succeeded, instead of any earlier
    /// hook.
    pub fn on_finish(&mut self, hook: impl FnOnce(JobId) + Send + 'static) {
        *self.hook.get_mut().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(hook));
    }

    /// Deletes it: the work is done.
    ///
    /// # Errors
    /// `NOT_FOUND` if the reservation ran out, `JOB_LOST` if its connection is gone, otherwise what
    /// the server says. An unknown outcome means that it may be deleted.
    pub async fn delete(self) -> Result<(), Error> {
        self.finish(Finish::Delete, "delete").await
    }

    /// Gives it back with its own priority, ready at once.
    ///
    /// # Errors
    /// As [`delete`](Self::delete); `BURIED` if the server had no memory and buried it.
    pub async fn release(self) -> Result<(), Error> {
        self.finish(Finish::Release { priority: None, delay: Seconds::ZERO }, "release").await
    }

    /// Gives it back with this priority (none keeps its own), after this delay, rounded up to whole
    /// seconds.
    ///
    /// # Errors
    /// As [`release`](Self::release); `INVALID_ARGUMENT` for a delay above 2^32-1 s, and the job
    /// counts as failed.
    pub async fn release_with(
        self,
        priority: impl Into<Option<Priority>> + Send,
        delay: Duration,
    ) -> Result<(), Error> {
        let delay = Seconds::from_duration("delay", delay)?;
        self.finish(Finish::Release { priority: priority.into(), delay }, "release").await
    }

    /// Sets it aside with its own priority until somebody kicks it.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub async fn bury(self) -> Result<(), Error> {
        self.finish(Finish::Bury { priority: None }, "bury").await
    }

    /// Sets it aside with this priority.
    ///
    /// # Errors
    /// As [`delete`](Self::delete).
    pub async fn bury_with(self, priority: impl Into<Priority> + Send) -> Result<(), Error> {
        self.finish(Finish::Bury { priority: Some(priority.into()) }, "bury").await
    }

    /// Says that the work failed: the [`FailurePolicy`](crate::FailurePolicy) decides. Dropping the
    /// job does the same without telling the result.
    ///
    /// # Errors
    /// As [`release`](Self::release).
    pub async fn fail(self) -> Result<(), Error> {
        self.finish(Finish::Fail, "fail").await
    }

    /// Finishes it and keeps the handle, for those who cannot give it up, such as bindings to other
    /// languages.
    ///
    /// # Errors
    /// `JOB_FINISHED` if that was done before; otherwise those of the calls that consume it.
    pub async fn finish_by_ref(&self, how: Finish) -> Result<(), Error> {
        let name = match how {
            Finish::Delete => "delete",
            Finish::Release { .. } => "release",
            Finish::Bury { .. } => "bury",
            Finish::Fail => "fail",
        };
        self.finish(how, name).await
    }

    /// Gives it back in the background as if it had never been reserved: this counts neither as a
    /// release nor as a failure where that can be avoided. Does nothing if it is finished.
    pub fn give_back(&self) {
        if !self.finished.swap(true, Ordering::SeqCst) {
            self.client.driver.drive(|inner, now| inner.give_back(now, self.job.lease));
        }
    }

    async fn ask(&self, request: Request, name: &'static str) -> Result<Success, Error> {
        let span = telemetry::span(Operation::Admin, name);
        telemetry::record_job(&span, self.job.id, &self.job.server);
        let result = self.client.driver.call(request, None).instrument(span.clone()).await;
        telemetry::record_error(&span, &result);
        result.map(|won| won.success)
    }

    async fn finish(&self, how: Finish, name: &'static str) -> Result<(), Error> {
        let span = telemetry::span(Operation::Settle, name);
        telemetry::record_job(&span, self.job.id, &self.job.server);
        if self.finished.swap(true, Ordering::SeqCst) {
            let message = format!("job {} was finished or given back before", self.job.id);
            return Err(Error::not_sent(ErrorKind::JobFinished, message));
        }
        let request = Request::Finish { lease: self.job.lease, how };
        let result = self.client.driver.call(request, None).instrument(span.clone()).await;
        telemetry::record_error(&span, &result);
        result?;
        let hook = self.hook.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(hook) = hook {
            hook(self.job.id);
        }
        Ok(())
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if mem::replace(self.finished.get_mut(), true) {
            return;
        }
        let lease = self.job.lease;
        let abandoned = self.abandon.as_ref().is_some_and(|flag| flag.load(Ordering::SeqCst));
        self.client.driver.drive(|inner, now| {
            if abandoned {
                inner.give_back(now, lease);
            } else {
                inner.fail(now, lease);
            }
        });
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.job.id)
            .field("server", &self.job.server.to_string())
            .field("body_len", &self.job.body.len())
            .field("lost", &self.is_lost())
            .finish_non_exhaustive()
    }
}
