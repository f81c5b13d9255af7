//! One client: the engine with its callers and connections, and what moves them.
//!
//! All work that waits for the host (sockets, the clock, readers of streams) belongs to the task of the
//! call that made the client. That task goes on after its call has returned, until the client is
//! closed. The tasks of other calls only tell the engine what they want, and wake it.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, poll_fn};
use std::ops::Deref;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use beanwire_core::engine::{
    CloseReport, Engine, Event, LinkId, OpId, Output, Request, ServerId, Success,
};
use beanwire_core::error::Error;
use beanwire_core::types::Instant;
use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::LocalBoxFuture;
use wit_bindgen::spawn_local;

use crate::call::Call;
use crate::link::{self, Wire};
use crate::time::{now, sleep_until, within};

/// Whoever is woken later than this was not let run meanwhile.
const LATE: Duration = Duration::from_millis(20);

/// How long what has come in such a time may take to be read.
const GRACE: Duration = Duration::from_millis(5);

/// What all handles of a client share. It is closed with the last of them.
pub(crate) struct Client(Rc<Driver>);

pub(crate) struct Driver {
    state: RefCell<State>,
    bell: Bell,
}

pub(crate) struct State {
    pub(crate) engine: Engine,
    /// Where the results go.
    calls: BTreeMap<OpId, oneshot::Sender<Result<Success, Error>>>,
    wires: BTreeMap<LinkId, Rc<Wire>>,
    /// Servers to which an attempt to connect has failed.
    pub(crate) failed: BTreeSet<ServerId>,
    /// Work that the client's task is to begin.
    work: Vec<LocalBoxFuture<'static, ()>>,
    /// When that task will wake by itself.
    alarm: Option<Instant>,
    /// When anything happened the last time.
    latest: Instant,
    /// Those who wait for a change that is not a result.
    watchers: Vec<Waker>,
    /// They are let go when the client begins to close.
    until_closing: Vec<oneshot::Sender<Infallible>>,
    pub(crate) report: Option<CloseReport>,
}

/// Wakes the one who listens, now or when it listens the next time.
#[derive(Debug, Default)]
struct Bell {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Bell {
    fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<()> {
        if self.rung.take() {
            return Poll::Ready(());
        }
        self.waker.replace(Some(context.waker().clone()));
        Poll::Pending
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

impl Deref for Client {
    type Target = Rc<Driver>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Client {
    /// Makes a client, whose work becomes part of the running task.
    pub(crate) fn start(engine: Engine) -> Rc<Self> {
        let state = State {
            engine,
            calls: BTreeMap::new(),
            wires: BTreeMap::new(),
            failed: BTreeSet::new(),
            work: Vec::new(),
            alarm: None,
            latest: now(),
            watchers: Vec::new(),
            until_closing: Vec::new(),
            report: None,
        };
        let driver = Rc::new(Driver { state: RefCell::new(state), bell: Bell::default() });
        spawn_local(Rc::clone(&driver).run());
        Rc::new(Self(driver))
    }

    pub(crate) async fn close(&self, timeout: Duration) -> CloseReport {
        self.start_closing(timeout);
        self.until(|state| state.report).await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.start_closing(Duration::ZERO);
    }
}

impl Driver {
    pub(crate) fn state(&self) -> RefMut<'_, State> {
        self.state.borrow_mut()
    }

    /// Tells the engine something, and does what it wants done.
    pub(crate) fn drive<R>(self: &Rc<Self>, tell: impl FnOnce(&mut State, Instant) -> R) -> R {
        let mut state = self.state();
        let now = now();
        state.excuse_rest(now);
        let result = tell(&mut state, now);
        state.perform(self);
        let rearm = state.alarm_moved();
        if rearm || !state.work.is_empty() || state.report.is_some() {
            self.bell.ring();
        }
        state.watchers.drain(..).for_each(Waker::wake);
        result
    }

    /// Begins an operation. The limits are the engine's own unless a deadline is given.
    pub(crate) fn submit(self: &Rc<Self>, request: Request, deadline: Option<Instant>) -> Call {
        let (sender, result) = oneshot::channel();
        let op = self.drive(|state, now| {
            let op = state.engine.submit(now, request, deadline);
            state.calls.insert(op, sender);
            op
        });
        Call::new(Rc::clone(self), op, result)
    }

    /// Gives an operation up.
    pub(crate) fn cancel(self: &Rc<Self>, op: OpId) {
        self.drive(|state, now| {
            state.calls.remove(&op);
            state.engine.cancel(now, op);
        });
    }

    /// Lets go of what is reserved for nobody, unless somebody still waits for a job.
    pub(crate) fn pause_if_unused(self: &Rc<Self>) {
        self.drive(|state, now| state.engine.pause_if_unused(now));
    }

    /// Waits until nothing is under way any more, unless other calls are: the last of them sees to it.
    /// A server that is silent is given up in time.
    pub(crate) async fn come_to_rest(&self) {
        let at_rest = |state: &State| state.engine.is_at_rest() || !state.calls.is_empty();
        self.until(|state| at_rest(state).then_some(())).await;
    }

    /// Waits until `done` finds what it looks for.
    pub(crate) async fn until<T>(&self, mut done: impl FnMut(&mut State) -> Option<T>) -> T {
        poll_fn(|context| {
            let mut state = self.state();
            let found = done(&mut state);
            if found.is_none() {
                state.watchers.push(context.waker().clone());
            }
            found.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }

    /// Makes something part of the client's work, unless that is over.
    pub(crate) fn begin(&self, work: impl Future<Output = ()> + 'static) {
        let mut state = self.state();
        if state.report.is_none() {
            state.work.push(Box::pin(work));
            self.bell.ring();
        }
    }

    /// Ends as soon as the client begins to close; at once if it has.
    pub(crate) fn closing(&self) -> oneshot::Receiver<Infallible> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.state();
        if state.engine.is_open() {
            state.until_closing.push(sender);
        }
        receiver
    }

    fn start_closing(self: &Rc<Self>, patience: Duration) {
        self.drive(|state, now| {
            state.until_closing.clear();
            state.engine.close(now, now + patience);
        });
    }

    /// The next bytes for a connection; from now on an answer is due.
    pub(crate) fn take(&self, link: LinkId) -> Vec<Bytes> {
        let mut pieces = Vec::new();
        let mut state = self.state();
        state.engine.take(now(), link, &mut pieces);
        if state.alarm_moved() {
            self.bell.ring();
        }
        pieces
    }

    /// The client's work: begins what is to begin, and rings the engine's alarm.
    async fn run(self: Rc<Self>) {
        loop {
            let (work, alarm) = {
                let mut state = self.state();
                if state.report.is_some() {
                    return;
                }
                state.alarm = state.engine.poll_timeout();
                (std::mem::take(&mut state.work), state.alarm)
            };
            work.into_iter().for_each(|work| drop(spawn_local(work)));
            let bell = poll_fn(|context| self.bell.poll(context));
            match alarm {
                Some(at) => within(at, bell).await.unwrap_or_default(),
                None => bell.await,
            }
            let Some(alarm) = alarm.filter(|at| *at <= now()) else { continue };
            // What has come while the host let the instance rest is read before anybody is taken for
            // silent.
            if alarm + LATE < now() {
                sleep_until(now() + GRACE).await;
            }
            self.drive(|state, now| state.engine.handle_timer(now));
        }
    }
}

impl State {
    fn perform(&mut self, driver: &Rc<Driver>) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Complete(op, result) => {
                    if let Some(call) = self.calls.remove(&op) {
                        // Whoever gave it up has said so before.
                        let _ = call.send(result);
                    }
                }
                Output::Transmit(link) => self.with_wire(link, Wire::wake),
                Output::Connect { link, server } => {
                    let wire = Rc::new(Wire::new(link, server));
                    self.wires.insert(link, Rc::clone(&wire));
                    self.work.push(Box::pin(link::run(Rc::clone(driver), wire)));
                }
                Output::HalfClose(link) => self.with_wire(link, Wire::end_output),
                Output::Close(link) => self.with_wire(link, Wire::stop),
                Output::Event(Event::ConnectFailed { server, .. }) => {
                    self.failed.insert(server.id());
                }
                Output::Event(_) => {}
                Output::Closed(report) => self.report = Some(report),
            }
        }
    }

    /// Tells the engine if the host has let the instance rest until now.
    fn excuse_rest(&mut self, now: Instant) {
        if self.alarm.is_some_and(|alarm| alarm + LATE < now) {
            self.engine.handle_rest(now.saturating_since(self.latest));
        }
        self.latest = now;
    }

    fn with_wire(&self, link: LinkId, act: impl FnOnce(&Wire)) {
        if let Some(wire) = self.wires.get(&link) {
            act(wire);
        }
    }

    pub(crate) fn forget(&mut self, link: LinkId) {
        self.wires.remove(&link);
    }

    /// Whether the engine wants to be woken earlier than the client's task knows of. That task looks for
    /// itself once its alarm has rung, so it need not be told of what comes later.
    fn alarm_moved(&mut self) -> bool {
        let next = self.engine.poll_timeout();
        let moved = next.is_some_and(|next| self.alarm.is_none_or(|alarm| next < alarm));
        if moved {
            self.alarm = next;
        }
        moved
    }
}
