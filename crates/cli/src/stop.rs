//! What SIGINT and SIGTERM do: the first asks for a clean end, the second for the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// Whether the program was asked to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    /// Cancelled by the first signal.
    pub(crate) soon: CancellationToken,
    /// Cancelled by the second.
    pub(crate) now: CancellationToken,
    signal: Arc<AtomicU8>,
}

impl Stop {
    /// Listens from now on: signals no longer end the process by themselves.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let stop = Self::default();
        let mut signals = Signals::new()
            .map_err(|error| Failure::refused(format!("cannot listen for signals: {error}")))?;
        let own = stop.clone();
        tokio::spawn(async move {
            own.signal.store(signals.next().await, Ordering::SeqCst);
            own.soon.cancel();
            signals.next().await;
            own.now.cancel();
        });
        Ok(stop)
    }

    /// Whether the first signal came.
    pub(crate) fn is_asked(&self) -> bool {
        self.soon.is_cancelled()
    }

    /// The failure of what was ended early.
    pub(crate) fn failure(&self) -> Failure {
        Failure::interrupted(self.signal.load(Ordering::SeqCst))
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// The number of the next signal.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.interrupt.recv() => 2,
            _ = self.terminate.recv() => 15,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> u8 {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        2
    }
}
