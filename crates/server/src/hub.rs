//! What all connections of a server share: the machine, its clock, and who is connected.
//!
//! The machine sits behind one short lock. Whoever calls it wakes, after the call, the connections
//! for which something has come of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::machine::{ClientId, Machine, Output, Settings};

#[derive(Debug)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
    /// Tells the timer to look at the clock and the alarms again.
    timer: Notify,
    pub(crate) stop: CancellationToken,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) machine: Machine,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    peers: HashMap<ClientId, Arc<Peer>>,
}

/// How a connection's task is reached.
#[derive(Debug, Default)]
pub(crate) struct Peer {
    pub(crate) wake: Notify,
    closing: AtomicBool,
}

/// How it stands with a connection after its replies were taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taken {
    /// More of it is to be read.
    pub(crate) wants_input: bool,
    /// There may be replies left, for which nobody is woken.
    pub(crate) may_have_more: bool,
}

impl Peer {
    /// Whether nothing more comes for the client, and its connection is to be closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

impl Hub {
    pub(crate) fn new(settings: Settings) -> Self {
        let clock = Clock::start();
        let machine = Machine::new(clock.now(), settings);
        let (faults, peers) = (Faults::default(), HashMap::new());
        Self {
            inner: Mutex::new(Inner { machine, clock, faults, peers }),
            timer: Notify::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Calls the machine, and wakes whom it concerns, except `caller`, who looks for itself.
    pub(crate) fn with<R>(
        &self,
        caller: Option<ClientId>,
        call: impl FnOnce(&mut Inner) -> R,
    ) -> R {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let before = inner.machine.next_tick();
        let result = call(&mut inner);
        while let Some(output) = inner.machine.poll_output() {
            let (Output::Transmit(client) | Output::Close(client)) = output;
            let Some(peer) = inner.peers.get(&client) else { continue };
            if matches!(output, Output::Close(_)) {
                peer.closing.store(true, Ordering::Release);
            }
            if caller != Some(client) {
                peer.wake.notify_one();
            }
        }
        let after = inner.machine.next_tick();
        if after.is_some_and(|after| before.is_none_or(|before| after < before)) {
            self.timer.notify_one();
        }
        result
    }

    /// Changes the clock or the faults, and has everybody look at them.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Inner)) {
        self.with(None, |inner| {
            change(inner);
            let now = inner.clock.now();
            inner.machine.tick(now);
            inner.peers.values().for_each(|peer| peer.wake.notify_one());
        });
        self.timer.notify_one();
    }

    /// Takes a connection in, unless that is to fail.
    pub(crate) fn connect(&self) -> Option<(ClientId, Arc<Peer>)> {
        self.with(None, |inner| {
            if inner.faults.refuse {
                return None;
            }
            let client = inner.machine.connect(inner.clock.now());
            let peer = Arc::new(Peer::default());
            inner.peers.insert(client, Arc::clone(&peer));
            Some((client, peer))
        })
    }

    pub(crate) fn disconnect(&self, client: ClientId) {
        self.with(Some(client), |inner| {
            inner.peers.remove(&client);
            inner.machine.disconnect(inner.clock.now(), client);
        });
    }

    pub(crate) fn receive(&self, client: ClientId, bytes: &[u8]) {
        self.with(Some(client), |inner| {
            let now = inner.clock.now();
            inner.machine.receive(now, client, bytes);
        });
    }

    pub(crate) fn end_input(&self, client: ClientId) {
        self.with(Some(client), |inner| inner.machine.end_input(inner.clock.now(), client));
    }

    /// Appends what is to be written to `client`.
    pub(crate) fn take(&self, client: ClientId, out: &mut Vec<Bytes>) -> Taken {
        self.with(Some(client), |inner| {
            let now = inner.clock.now();
            // Input that replies have held up may give more of them.
            loop {
                let before = out.len();
                inner.machine.take(now, client, out);
                let is_all = out.len() == before;
                if is_all || out.iter().map(Bytes::len).sum::<usize>() > MAX_TAKE {
                    let wants_input = inner.machine.wants_input(client);
                    return Taken { wants_input, may_have_more: !is_all };
                }
            }
        })
    }

    /// Rings the machine's alarms.
    pub(crate) async fn keep_time(self: Arc<Self>) {
        loop {
            let wait = self.with(None, |inner| {
                let now = inner.clock.now();
                inner.machine.tick(now);
                inner.machine.next_tick().and_then(|at| inner.clock.until(at))
            });
            let ring = async {
                match wait {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = ring => {}
                () = self.timer.notified() => {}
                () = self.stop.cancelled() => return,
            }
        }
    }
}

/// About how many bytes are taken for one connection at once.
const MAX_TAKE: usize = 256 * 1024;
