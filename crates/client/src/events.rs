//! What a client has to tell, as values.

use beanwire_core::engine::Event;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// Events that wait for a slow reader; beyond them the oldest are dropped.
pub(crate) const CAPACITY: usize = 1024;

/// What a client has to tell: connections that come and go, retries, lost and failed jobs. The first
/// reader of a client also gets what was told since it was made, all others what comes from now on.
/// The same is told through `tracing`.
///
/// A reader that falls 1,024 events behind misses the oldest: see [`missed`](Self::missed). Nothing
/// waits for a reader, and a reader does not keep the client alive.
#[derive(Debug)]
pub struct Events {
    receiver: Receiver<Event>,
    closed: CancellationToken,
    missed: u64,
}

impl Events {
    pub(crate) const fn new(receiver: Receiver<Event>, closed: CancellationToken) -> Self {
        Self { receiver, closed, missed: 0 }
    }

    /// The next event; none once the client is closed and all was read.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let received = tokio::select! {
                biased;
                received = self.receiver.recv() => received,
                () = self.closed.cancelled() => return None,
            };
            match received {
                Ok(event) => return Some(event),
                Err(RecvError::Lagged(count)) => self.missed += count,
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// How many events were dropped because they were not read in time.
    #[must_use]
    pub const fn missed(&self) -> u64 {
        self.missed
    }
}
