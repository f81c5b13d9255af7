//! Running handlers on jobs, and stopping them.

use std::fmt::Display;
use std::future::{Future, IntoFuture, pending};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use beanwire_core::error::{Error, ErrorKind};
use futures_util::FutureExt as _;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error, info, warn};

use crate::client::Client;
use crate::job::Job;
use crate::telemetry::{self, Operation};

/// How long handlers may run on unless told otherwise: what most supervisors grant.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a stop by force waits for handlers that do not let go of their thread.
const FORCE_GRACE: Duration = Duration::from_secs(1);

type Signal<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// What runs on each job: an async function or closure from a [`Job`] to `()` or to
/// `Result<(), E>`.
///
/// A job that it does not finish, returning an error or panicking included, counts as failed.
pub trait Handler: Send + Sync + 'static {
    /// Handles one job; an error is a text for the log.
    fn handle(&self, job: Job) -> impl Future<Output = Result<(), String>> + Send;
}

impl<F, R> Handler for F
where
    F: Fn(Job) -> R + Send + Sync + 'static,
    R: Future + Send,
    R::Output: HandlerResult,
{
    async fn handle(&self, job: Job) -> Result<(), String> {
        self(job).await.into_result()
    }
}

/// What a handler may return.
pub trait HandlerResult: Send {
    /// The error as a text for the log.
    #[expect(clippy::missing_errors_doc, reason = "the error is the handler's own")]
    fn into_result(self) -> Result<(), String>;
}

impl HandlerResult for () {
    fn into_result(self) -> Result<(), String> {
        Ok(())
    }
}

impl<E: Display + Send> HandlerResult for Result<(), E> {
    fn into_result(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// What a [`Receive`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ReceiveReport {
    /// Handlers that ran to their end, failed ones included.
    pub handled: usize,
    /// Those of them that returned an error or panicked.
    pub failed: usize,
    /// Handlers that were stopped by force; jobs they had not finished were released.
    pub abandoned: usize,
}

/// Handlers at work; `.await` starts them.
///
/// Without [`shutdown`](Self::shutdown) they run until the consumer is closed. Handlers that outlast
/// the patience of [`Consumer::close`](crate::Consumer::close) are stopped by force.
///
/// # Errors
/// `CLOSED` if the consumer was closed before.
///
/// # Cancel safety
/// Dropping the future stops all handlers by force: their jobs are released.
#[must_use = "handlers do nothing unless awaited"]
pub struct Receive<'a, H> {
    client: &'a Arc<Client>,
    handler: H,
    shutdown: Signal<'a>,
    force: Signal<'a>,
    drain_timeout: Duration,
}

impl<H> std::fmt::Debug for Receive<'_, H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut fields = f.debug_struct("Receive");
        fields.field("drain_timeout", &self.drain_timeout).finish_non_exhaustive()
    }
}

impl<'a, H: Handler> Receive<'a, H> {
    pub(crate) fn new(client: &'a Arc<Client>, handler: H) -> Self {
        Self {
            client,
            handler,
            shutdown: Box::pin(pending()),
            force: Box::pin(pending()),
            drain_timeout: DRAIN_TIMEOUT,
        }
    }

    /// Stops cleanly once it sees that `signal` is done: no new jobs, those that no handler has go back, handlers
    /// run to their end.
    pub fn shutdown(self, signal: impl Future<Output = ()> + Send + 'a) -> Self {
        Self { shutdown: Box::pin(signal), ..self }
    }

    /// Sets how long handlers may run on after that, before they are stopped by force. Default 30 s.
    pub fn drain_timeout(self, timeout: Duration) -> Self {
        Self { drain_timeout: timeout, ..self }
    }

    /// Stops handlers by force once `signal` is done; their jobs are released.
    pub fn force(self, signal: impl Future<Output = ()> + Send + 'a) -> Self {
        Self { force: Box::pin(signal), ..self }
    }

    async fn run(self) -> Result<ReceiveReport, Error> {
        let Self { client, handler, shutdown, force, drain_timeout } = self;
        client.check_open()?;
        let mut force = force.fuse();
        let closed = client.driver.closed();
        let crew = Arc::new(Crew::new(Arc::clone(client), handler));
        let mut workers = JoinSet::new();
        // Whatever way this ends, the handlers end with it. They must know before they are aborted,
        // so that their jobs go back unharmed.
        let _abandon = Abandon(Arc::clone(&crew.is_abandoned));
        let _stop = crew.stop.clone().drop_guard();
        for _ in 0..client.config().concurrency {
            workers.spawn(Arc::clone(&crew).work());
        }
        let at_once = tokio::select! {
            () = all_ended(&mut workers) => return Ok(crew.report()),
            () = shutdown => false,
            () = &mut force => true,
            // The patience of whoever closed the consumer is over, and the jobs have gone back.
            () = closed.cancelled() => true,
        };
        info!(target: "beanwire", "drain: no new jobs, handlers may finish");
        // Before handlers are stopped: their workers must not take another job.
        crew.stop.cancel();
        // Should all workers be busy, none of them lets go of what was reserved ahead of them.
        crew.let_go();
        if !at_once {
            tokio::select! {
                () = all_ended(&mut workers) => return Ok(crew.report()),
                () = tokio::time::sleep(drain_timeout) => {}
                () = &mut force => {}
                () = closed.cancelled() => {}
            }
        }
        crew.is_abandoned.store(true, Ordering::SeqCst);
        crew.abandon.cancel();
        // A handler that blocks its thread cannot be stopped; its job is released when it ends.
        if tokio::time::timeout(FORCE_GRACE, all_ended(&mut workers)).await.is_err() {
            crew.abandoned.fetch_add(workers.len(), Ordering::Relaxed);
        }
        Ok(crew.report())
    }
}

impl<'a, H: Handler> IntoFuture for Receive<'a, H> {
    type Output = Result<ReceiveReport, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

async fn all_ended(workers: &mut JoinSet<()>) {
    while workers.join_next().await.is_some() {}
}

/// What the workers share.
struct Crew<H> {
    client: Arc<Client>,
    handler: H,
    /// No new jobs.
    stop: CancellationToken,
    /// Handlers are stopped where they are.
    abandon: CancellationToken,
    /// Then what they have not finished is no failure of theirs.
    is_abandoned: Arc<AtomicBool>,
    handled: AtomicUsize,
    failed: AtomicUsize,
    abandoned: AtomicUsize,
}

impl<H: Handler> Crew<H> {
    fn new(client: Arc<Client>, handler: H) -> Self {
        Self {
            client,
            handler,
            stop: CancellationToken::new(),
            abandon: CancellationToken::new(),
            is_abandoned: Arc::default(),
            handled: AtomicUsize::new(0),
            failed: AtomicUsize::new(0),
            abandoned: AtomicUsize::new(0),
        }
    }

    async fn work(self: Arc<Self>) {
        // Once for all jobs: to wait for them anew costs more than to go on waiting.
        let mut stop = pin!(self.stop.cancelled());
        let mut abandon = pin!(self.abandon.cancelled());
        while !self.stop.is_cancelled() {
            // A job that is there already is not worth a look at the signal.
            let job = tokio::select! {
                biased;
                job = self.client.receive() => job,
                () = &mut stop => break,
            };
            match job {
                Ok(job) if self.stop.is_cancelled() => job.give_back(),
                Ok(job) => self.handle(job, abandon.as_mut()).await,
                Err(error) => {
                    if error.kind() != ErrorKind::Closed {
                        error!(target: "beanwire", %error, "receive");
                    }
                    return;
                }
            }
        }
        self.let_go();
    }

    /// Ends the waiting reserves and gives back what no worker has, unless one still asks for jobs:
    /// the last of those to stop does it then.
    fn let_go(&self) {
        self.client.driver.drive(|inner, now| inner.engine.pause_if_unused(now));
    }

    async fn handle(&self, mut job: Job, abandon: Pin<&mut impl Future<Output = ()>>) {
        let span = telemetry::span(Operation::Process, "process");
        telemetry::record_job(&span, job.id(), job.server());
        span.record("messaging.message.body.size", job.body().len());
        job.abandon_with(Arc::clone(&self.is_abandoned));
        let id = job.id();
        let work = AssertUnwindSafe(async { self.handler.handle(job).await }).catch_unwind();
        let mut work = pin!(work.instrument(span.clone()));
        let outcome = tokio::select! {
            biased;
            outcome = &mut work => Some(outcome),
            () = abandon => None,
        };
        // What it waited for may have come between the two looks.
        let Some(outcome) = outcome.or_else(|| work.as_mut().now_or_never()) else {
            self.abandoned.fetch_add(1, Ordering::Relaxed);
            warn!(target: "beanwire", parent: &span, %id, "handler stopped by force");
            return;
        };
        self.handled.fetch_add(1, Ordering::Relaxed);
        let reason = match outcome {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error,
            Err(panic) => panic_text(&*panic),
        };
        self.failed.fetch_add(1, Ordering::Relaxed);
        span.record("error.type", "handler");
        warn!(target: "beanwire", parent: &span, %id, reason, "handler failed");
    }

    fn report(&self) -> ReceiveReport {
        ReceiveReport {
            handled: self.handled.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
            abandoned: self.abandoned.load(Ordering::Relaxed),
        }
    }
}

/// Tells handlers that are dropped that this is no failure.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("panic: {}", text.unwrap_or_else(|| "no message".to_owned()))
}
