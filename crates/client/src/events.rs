//! What a client has to tell, as values.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use beanwire_core::engine::Event;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Events that wait for a slow reader; beyond them the oldest are dropped.
const CAPACITY: usize = 1024;

/// What a client has to tell: connections that come and go, retries, lost and failed jobs. The first
/// reader of a client also gets what was told since it was made, all others what comes from now on.
/// The same is told through `tracing`.
///
/// A reader that falls 1,024 events behind misses the oldest: see [`missed`](Self::missed). Nothing
/// waits for a reader, and a reader does not keep the client alive.
#[derive(Debug)]
pub struct Events {
    queue: Arc<Queue>,
    closed: CancellationToken,
}

impl Events {
    /// The next event; none once the client is closed and all was read.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.queue.lock().events.pop_front() {
                return Some(event);
            }
            tokio::select! {
                () = self.queue.filled.notified() => {}
                // What was told last may have come since the look above.
                () = self.closed.cancelled() => return self.queue.lock().events.pop_front(),
            }
        }
    }

    /// How many events were dropped because they were not read in time.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.queue.lock().missed
    }
}

/// All readers of one client.
#[derive(Debug)]
pub(crate) struct Readers(Mutex<Places>);

#[derive(Debug)]
struct Places {
    /// What is kept for the first reader until there is one.
    first: Option<Queue>,
    readers: Vec<Weak<Queue>>,
}

impl Readers {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Places { first: Some(Queue::default()), readers: Vec::new() }))
    }

    /// One reader more; `closed` ends it.
    pub(crate) fn add(&self, closed: CancellationToken) -> Events {
        let mut places = self.lock();
        let queue = Arc::new(places.first.take().unwrap_or_default());
        places.readers.push(Arc::downgrade(&queue));
        Events { queue, closed }
    }

    pub(crate) fn tell(&self, event: &Event) {
        let mut places = self.lock();
        if let Some(first) = &places.first {
            return first.push(event.clone());
        }
        places.readers.retain(|reader| match reader.upgrade() {
            Some(queue) => {
                queue.push(event.clone());
                true
            }
            None => false,
        });
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one reader has not read yet.
#[derive(Debug, Default)]
struct Queue {
    unread: Mutex<Unread>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Unread {
    events: VecDeque<Event>,
    missed: u64,
}

impl Queue {
    fn push(&self, event: Event) {
        let mut unread = self.lock();
        if unread.events.len() == CAPACITY {
            unread.events.pop_front();
            unread.missed += 1;
        }
        unread.events.push_back(event);
        drop(unread);
        self.filled.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
