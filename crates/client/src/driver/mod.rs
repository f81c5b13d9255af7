//! Moves bytes between the engine and the sockets, results to their callers, and time.
//!
//! The engine sits behind one short lock. Whoever calls it collects, under the lock, what it wants
//! done, and does that after the lock is released: wake callers, write, open and close connections.
//! Writing by the caller saves a hop to another task. It is left to the connection's own task when
//! the socket refuses some of it, when so much is under way that several callers are about to write,
//! and when somebody was woken who may be about to: the task then does it once for all of them.
//!
//! Locks are taken in one order: a connection's output, then the engine.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use beanwire_core::config::Config;
use beanwire_core::engine::{
    CloseReport, Engine, Event, Finish, LeaseId, LinkId, OpId, Output, Request, Role, Server,
    Success,
};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::sorted::SortedMap;
use beanwire_core::types::Instant;
use beanwire_core::uri::ServerUri;
use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

mod call;
mod cork;
mod dial;
mod plain;
mod tls;
mod wire;

pub(crate) use call::{Call, Won};
pub use cork::corked;

use crate::events::{Events, Readers};
use crate::telemetry;
use call::Slot;
use dial::Dialer;
use wire::Wire;

/// One client: the engine and all that hangs on it.
pub(crate) struct Driver {
    inner: Mutex<Inner>,
    origin: tokio::time::Instant,
    /// Tells the timer that its alarm is to ring earlier.
    timer: Notify,
    closed: CancellationToken,
    readers: Readers,
    runtime: Handle,
    dialer: Dialer,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) engine: Engine,
    calls: SortedMap<OpId, Slot>,
    wires: SortedMap<LinkId, Arc<Wire>>,
    lost: SortedMap<LeaseId, CancellationToken>,
    /// When the timer task will wake by itself.
    alarm: Option<Instant>,
    report: CloseReport,
}

/// What is done once the lock is released.
#[derive(Debug, Default)]
struct Effects {
    wake: Vec<Waker>,
    /// Connections with something to write, and whether they are busy.
    transmit: Vec<(Arc<Wire>, bool)>,
    connect: Vec<(Arc<Wire>, Server)>,
    close: Vec<Arc<Wire>>,
    lost: Vec<CancellationToken>,
    events: Vec<Event>,
    rearm: bool,
    closed: bool,
}

impl fmt::Debug for Driver {
    /// Not the engine: it holds the bodies of jobs, which are nobody's business in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").field("servers", &self.servers()).finish_non_exhaustive()
    }
}

impl Driver {
    /// Makes a client that dials nobody until [`start`](Self::start), and checks all that can be
    /// checked without a connection.
    pub(crate) async fn new(
        role: Role,
        uris: &[ServerUri],
        config: Config,
    ) -> Result<Arc<Self>, Error> {
        let runtime = Handle::try_current().map_err(|error| {
            let message = "a client must be opened inside a tokio runtime";
            Error::not_sent(ErrorKind::Unsupported, message).with_source(error)
        })?;
        let dialer = Dialer::new(uris, &config)?;
        let validate = config.validate_uris;
        let engine = Engine::new(role, uris, config, RandomState::new().hash_one(uris))?;
        if validate {
            dialer.resolve_all(uris).await?;
        }
        let inner = Inner {
            engine,
            calls: SortedMap::new(),
            wires: SortedMap::new(),
            lost: SortedMap::new(),
            alarm: None,
            report: CloseReport::default(),
        };
        Ok(Arc::new(Self {
            inner: Mutex::new(inner),
            origin: tokio::time::Instant::now(),
            timer: Notify::new(),
            closed: CancellationToken::new(),
            readers: Readers::new(),
            runtime,
            dialer,
        }))
    }

    /// Starts the clock, and with it the first connections.
    pub(crate) fn start(self: &Arc<Self>) {
        self.runtime.spawn(Arc::clone(self).keep_time());
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_origin(self.origin.elapsed())
    }

    /// The clock's reading at a time of the engine's.
    pub(crate) fn clock(&self, at: Instant) -> std::time::Instant {
        (self.origin + at.since_origin()).into_std()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls the engine and does what it wants done.
    pub(crate) fn drive<R>(self: &Arc<Self>, call: impl FnOnce(&mut Inner, Instant) -> R) -> R {
        let mut effects = Effects::default();
        let result = self.run(&mut effects, call, |_, result| result);
        self.perform(effects, false);
        result
    }

    /// The same in a task that will yield after it, so that writes may be left to others.
    fn drive_and_yield<R>(self: &Arc<Self>, call: impl FnOnce(&mut Inner, Instant) -> R) -> R {
        let mut effects = Effects::default();
        let result = self.run(&mut effects, call, |_, result| result);
        self.perform(effects, true);
        result
    }

    /// Calls the engine and collects what it wants done; `then` sees, under the same lock, what has
    /// come of it.
    fn run<R, T>(
        &self,
        effects: &mut Effects,
        call: impl FnOnce(&mut Inner, Instant) -> R,
        then: impl FnOnce(&mut Inner, R) -> T,
    ) -> T {
        let mut inner = self.lock();
        let result = call(&mut inner, self.now());
        inner.collect(effects);
        then(&mut inner, result)
    }

    /// An operation that its first poll submits; the deadline is the engine's own unless one is
    /// given.
    pub(crate) fn call(self: &Arc<Self>, request: Request, deadline: Option<Instant>) -> Call {
        Call::new(Arc::clone(self), request, deadline)
    }

    /// Submits an operation now.
    pub(crate) fn submit(self: &Arc<Self>, request: Request, deadline: Option<Instant>) -> Call {
        let op = self.drive(|inner, now| inner.submit(now, request, deadline));
        Call::submitted(Arc::clone(self), op)
    }

    /// Submits several operations at once, so that they can leave in one write.
    pub(crate) fn submit_all(
        self: &Arc<Self>,
        requests: impl IntoIterator<Item = Request>,
        deadline: Option<Instant>,
    ) -> Vec<Call> {
        let ops: Vec<_> = self.drive(|inner, now| {
            requests.into_iter().map(|request| inner.submit(now, request, deadline)).collect()
        });
        ops.into_iter().map(|op| Call::submitted(Arc::clone(self), op)).collect()
    }

    /// Ends the client within `patience`; what is under way may finish until then.
    pub(crate) async fn close(self: &Arc<Self>, patience: Duration) -> CloseReport {
        self.start_closing(patience);
        self.closed.cancelled().await;
        self.lock().report
    }

    /// Cancelled once all connections are closed.
    pub(crate) const fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    pub(crate) fn servers(&self) -> Vec<Server> {
        self.lock().engine.servers().cloned().collect()
    }

    pub(crate) fn events(&self) -> Events {
        self.readers.add(self.closed.clone())
    }

    /// A timer that may be waited for outside the runtime, too.
    pub(crate) fn sleep(&self, span: Duration) -> tokio::time::Sleep {
        let _guard = self.runtime.enter();
        tokio::time::sleep(span)
    }

    pub(crate) fn start_closing(self: &Arc<Self>, patience: Duration) {
        self.drive(|inner, now| inner.engine.close(now, now + patience));
    }

    /// `yields` is whether the thread goes on to other tasks at once. Else what is left to a task
    /// might not be done for a while: one that this thread wakes may have to wait for it.
    fn perform(self: &Arc<Self>, effects: Effects, yields: bool) {
        // Who is woken may have something to send, too, and should not wait for this to be sent.
        let woken = !effects.wake.is_empty();
        for (wire, busy) in effects.transmit {
            cork::flush(self, wire, yields && (busy || woken));
        }
        for (wire, server) in effects.connect {
            let driver = Arc::clone(self);
            self.runtime.spawn(async move { driver.run_link(&wire, &server).await });
        }
        effects.close.iter().for_each(|wire| wire.stop());
        if effects.rearm {
            self.timer.notify_one();
        }
        // Before the callers: who learns that a touch found nothing is to see the job as lost, and
        // who closes the client then is to be told why.
        effects.lost.iter().for_each(CancellationToken::cancel);
        effects.events.iter().for_each(|event| self.readers.tell(event));
        effects.wake.into_iter().for_each(Waker::wake);
        effects.events.iter().for_each(telemetry::event);
        if effects.closed {
            self.closed.cancel();
        }
    }

    /// The life of one connection, from name lookup to the end.
    async fn run_link(self: Arc<Self>, wire: &Arc<Wire>, server: &Server) {
        let outcome = tokio::select! {
            outcome = self.serve(wire, server) => outcome,
            () = wire.stopped() => Ok(()),
        };
        let unwritten = wire.finish();
        self.drive(|inner, now| {
            inner.wires.remove(&wire.link());
            inner.engine.handle_closed(now, wire.link(), unwritten, outcome.err());
        });
    }

    async fn serve(self: &Arc<Self>, wire: &Arc<Wire>, server: &Server) -> Result<(), Error> {
        match self.dialer.dial(server.uri()).await? {
            dial::Stream::Plain(socket) => plain::serve(self, wire, socket, server).await,
            dial::Stream::Tls(stream) => tls::serve(self, wire, *stream, server).await,
        }
    }

    /// Rings the engine's alarm.
    async fn keep_time(self: Arc<Self>) {
        let _end = EndWithRuntime(Arc::clone(&self));
        while !self.closed.is_cancelled() {
            let alarm = {
                let mut inner = self.lock();
                inner.alarm = inner.engine.poll_timeout();
                inner.alarm
            };
            // What is beyond the clock's range never comes.
            let alarm = alarm.and_then(|at| self.origin.checked_add(at.since_origin()));
            let ring = async {
                match alarm {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ring => self.drive_and_yield(|inner, now| inner.engine.handle_timer(now)),
                () = self.timer.notified() => {}
                () = self.closed.cancelled() => {}
            }
        }
    }

    fn progress(&self, link: LinkId) {
        self.lock().engine.handle_progress(self.now(), link);
    }

    fn take(&self, link: LinkId, out: &mut Vec<Bytes>) {
        let moved = {
            let mut inner = self.lock();
            inner.engine.take(self.now(), link, out);
            // From now on an answer is due.
            inner.alarm_moved()
        };
        if moved {
            self.timer.notify_one();
        }
    }
}

/// Ends the client if the runtime is shut down under it: nobody would move its bytes any more, and
/// every caller would wait for ever.
struct EndWithRuntime(Arc<Driver>);

impl Drop for EndWithRuntime {
    fn drop(&mut self) {
        self.0.drive(|inner, now| {
            inner.engine.close(now, now);
            for link in std::mem::take(&mut inner.wires).keys().copied() {
                inner.engine.handle_closed(now, link, 0, None);
            }
        });
    }
}

impl Inner {
    fn submit(&mut self, now: Instant, request: Request, deadline: Option<Instant>) -> OpId {
        if let Request::Finish { lease, .. } = &request {
            // Its holder is told by the result from here on.
            self.lost.remove(lease);
        }
        let op = self.engine.submit(now, request, deadline);
        self.calls.insert(op, Slot::default());
        op
    }

    /// Hands a job back that nobody will handle.
    pub(crate) fn give_back(&mut self, now: Instant, lease: LeaseId) {
        self.lost.remove(&lease);
        self.engine.give_back(now, lease);
    }

    /// Ends a job that its handler did not finish; nobody waits for the result.
    pub(crate) fn fail(&mut self, now: Instant, lease: LeaseId) {
        self.lost.remove(&lease);
        self.engine.submit(now, Request::Finish { lease, how: Finish::Fail }, None);
    }

    fn collect(&mut self, effects: &mut Effects) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Complete(op, result) => {
                    if let Some(slot) = self.calls.get_mut(&op) {
                        let lost = match &result {
                            Ok(Success::Reserved(job)) => {
                                let token = CancellationToken::new();
                                self.lost.insert(job.lease, token.clone());
                                Some(token)
                            }
                            _ => None,
                        };
                        slot.result = Some(result.map(|success| Won { success, lost }));
                        effects.wake.extend(slot.waker.take());
                    }
                }
                Output::Transmit(link) => {
                    let busy = self.engine.is_busy(link);
                    effects
                        .transmit
                        .extend(self.wires.get(&link).cloned().map(|wire| (wire, busy)));
                }
                Output::Connect { link, server } => {
                    let wire = Arc::new(Wire::new(link));
                    self.wires.insert(link, Arc::clone(&wire));
                    effects.connect.push((wire, server));
                }
                Output::HalfClose(link) => {
                    if let Some(wire) = self.wires.get(&link) {
                        wire.end_output();
                        effects.transmit.push((Arc::clone(wire), false));
                    }
                }
                Output::Close(link) => effects.close.extend(self.wires.get(&link).cloned()),
                Output::Event(event) => {
                    if let Event::JobLost { lease, .. } = &event {
                        effects.lost.extend(self.lost.remove(lease));
                    }
                    effects.events.push(event);
                }
                Output::Closed(report) => {
                    self.report = report;
                    effects.closed = true;
                }
            }
        }
        effects.rearm = self.alarm_moved();
    }

    /// Whether the engine wants to be woken earlier than the timer knows of. The timer looks for
    /// itself once it has rung, so it need not be told of what comes later.
    fn alarm_moved(&mut self) -> bool {
        let next = self.engine.poll_timeout();
        let moved = next.is_some_and(|next| self.alarm.is_none_or(|alarm| next < alarm));
        if moved {
            self.alarm = next;
        }
        moved
    }
}
