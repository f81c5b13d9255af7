//! All clients of one instance, and the loop that moves bytes and time for them.
//!
//! A component has one thread and runs only while it is called. So whoever waits for its own result
//! does the work of all clients meanwhile: a job held through one is touched while another waits.

use std::cell::{Cell, RefCell};
use std::hint;
use std::rc::{Rc, Weak};
use std::time::Duration;

use beanwire_core::engine::LinkId;
use beanwire_core::types::Instant;
use wasip2::clocks::monotonic_clock;
use wasip2::io::poll::{self, Pollable};

use crate::client::{Client, State};

/// After a longer rest, what has happened meanwhile comes first: a connection may have ended.
const REST: Duration = Duration::from_millis(5);

/// Most looks at the clock in a row, and how many are enough to see whether it moves: that of some
/// hosts stands still while nothing is waited for.
const MAX_LOOKS: usize = 4096;
const FEW_LOOKS: usize = 64;

thread_local! {
    static CLIENTS: RefCell<Vec<Weak<Client>>> = const { RefCell::new(Vec::new()) };
    /// When the clients last were up to date.
    static LATEST: Cell<Option<Instant>> = const { Cell::new(None) };
    static ALARM: RefCell<Option<Alarm>> = const { RefCell::new(None) };
}

/// A timer of the host's. It may be kept for a later time: it is allowed to ring early.
struct Alarm {
    at: Instant,
    pollable: Pollable,
}

/// The host's clock.
pub(crate) fn now() -> Instant {
    Instant::from_origin(Duration::from_nanos(monotonic_clock::now()))
}

/// Has the client taken care of while others wait.
pub(crate) fn add(client: &Rc<Client>) {
    CLIENTS.with_borrow_mut(|clients| {
        clients.retain(|known| known.strong_count() > 0);
        clients.push(Rc::downgrade(client));
    });
}

/// Brings all clients up to date, without waiting, if the instance has rested.
pub(crate) fn catch_up() {
    let now = now();
    let rest = LATEST.get().map(|latest| now.saturating_since(latest));
    if rest.is_none_or(|rest| rest > REST) {
        let clients = clients();
        clients.iter().for_each(|client| client.state().rested(rest.unwrap_or_default()));
        turn(&clients, Some(now));
        step_all(&clients);
    }
}

/// Runs all clients until `done` finds what it waits for in its own.
pub(crate) fn run<T>(own: &Client, mut done: impl FnMut(&mut State) -> Option<T>) -> T {
    let clients = clients();
    loop {
        step_all(&clients);
        if let Some(result) = done(&mut own.state()) {
            return result;
        }
        turn(&clients, None);
    }
}

/// Does the same until then at the latest.
pub(crate) fn run_until<T>(
    own: &Client,
    limit: Instant,
    mut done: impl FnMut(&mut State) -> Option<T>,
) -> Option<T> {
    let clients = clients();
    loop {
        step_all(&clients);
        let result = done(&mut own.state());
        if result.is_some() || limit <= now() {
            return result;
        }
        turn(&clients, Some(limit));
    }
}

fn clients() -> Vec<Rc<Client>> {
    CLIENTS.with_borrow(|clients| clients.iter().filter_map(Weak::upgrade).collect())
}

/// Does what is due and what the engines want done.
fn step_all(clients: &[Rc<Client>]) {
    let now = now();
    LATEST.set(Some(now));
    clients.iter().for_each(|client| client.state().step(now));
}

/// Waits, at the latest until `limit`, for a connection or a timer, and takes in what has come.
fn turn(clients: &[Rc<Client>], limit: Option<Instant>) {
    look_away(clients, limit);
    for (client, link) in ready(clients, limit) {
        let now = now();
        if let Some(client) = clients.get(client) {
            client.state().link_ready(link, now);
        }
    }
}

/// Lets answers gather for a moment, if many come: to wait for each of them would take longer. Whether
/// the host has a second processor, on which the server could go on, is not to be known.
fn look_away(clients: &[Rc<Client>], limit: Option<Instant>) {
    let start = now();
    let span = clients.iter().filter_map(|client| client.state().gather(start)).max();
    let Some(until) = span.map(|span| start + span) else { return };
    let until = limit.map_or(until, |limit| limit.min(until));
    for looks in 0..MAX_LOOKS {
        let now = now();
        if now >= until || (now == start && looks == FEW_LOOKS) {
            return;
        }
        hint::spin_loop();
    }
}

/// Waits for the connections at which something has happened; none when the time has come.
fn ready(clients: &[Rc<Client>], limit: Option<Instant>) -> Vec<(usize, LinkId)> {
    let states: Vec<_> = clients.iter().map(|client| client.state()).collect();
    let mut owners = Vec::new();
    let mut pollables = Vec::new();
    for (index, state) in states.iter().enumerate() {
        for (id, pollable) in state.pollables() {
            owners.push((index, id));
            pollables.push(pollable);
        }
    }
    let alarm = states.iter().filter_map(|state| state.alarm()).chain(limit).min();
    let mut known = ALARM.take();
    pollables.extend(alarm.map(|at| ring_by(&mut known, at)));
    let found = poll::poll(&pollables);
    ALARM.set(known);
    let owner = |at: u32| owners.get(usize::try_from(at).ok()?).copied();
    let mut ready: Vec<_> = found.into_iter().filter_map(owner).collect();
    // A connection may be ready to read and to write.
    ready.dedup();
    ready
}

/// A timer that rings by `at`: the last one, if that is early enough and has not rung yet.
fn ring_by(known: &mut Option<Alarm>, at: Instant) -> &Pollable {
    let latest = LATEST.get().unwrap_or_default();
    let alarm = match known.take() {
        Some(alarm) if alarm.at <= at && alarm.at > latest => alarm,
        _ => {
            let nanos = u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX);
            Alarm { at, pollable: monotonic_clock::subscribe_instant(nanos) }
        }
    };
    &known.insert(alarm).pollable
}
