//! The sending side of one connection, and how the rest of the driver reaches its task.

use std::io::{self, IoSlice};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};

use beanwire_core::engine::LinkId;
use bytes::{Buf, Bytes};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Driver;
use super::plain::Writer;

/// Most pieces that go into one write.
const MAX_SLICES: usize = 64;

#[derive(Debug)]
pub(super) struct Wire {
    link: LinkId,
    /// A plain socket, which any thread may write to. TLS is written by the task alone.
    writer: OnceLock<Writer>,
    out: Mutex<Out>,
    /// Somebody has seen more to write than whoever is writing now.
    more: AtomicBool,
    /// Nothing will be written behind what there is.
    ending: AtomicBool,
    /// Wakes the task to write.
    kick: Notify,
    stop: CancellationToken,
}

/// Bytes the engine has given out and the socket has not taken.
#[derive(Debug, Default)]
pub(super) struct Out {
    pieces: Vec<Bytes>,
    /// The first of the pieces that is not written.
    at: usize,
    ended: bool,
    /// The socket has refused some of it.
    blocked: bool,
    /// Why writing is over.
    error: Option<io::Error>,
}

impl Out {
    /// Gets more from the engine if all is written; false if there is none.
    pub(super) fn refill(&mut self, driver: &Driver, link: LinkId) -> bool {
        if self.at >= self.pieces.len() {
            self.pieces.clear();
            self.at = 0;
            if self.ended {
                return false;
            }
            driver.take(link, &mut self.pieces);
        }
        !self.pieces.is_empty()
    }

    /// What is to be written next.
    pub(super) fn slices(&self) -> Vec<IoSlice<'_>> {
        let left = self.pieces.get(self.at..).unwrap_or_default();
        left.iter().take(MAX_SLICES).map(|piece| IoSlice::new(piece)).collect()
    }

    /// The next piece, for those who write one at a time.
    pub(super) fn next_piece(&self) -> Option<Bytes> {
        self.pieces.get(self.at).cloned()
    }

    /// Notes that `written` bytes have left.
    pub(super) fn advance(&mut self, mut written: usize) {
        while let Some(piece) = self.pieces.get_mut(self.at) {
            let step = written.min(piece.len());
            piece.advance(step);
            written -= step;
            if !piece.is_empty() {
                return;
            }
            self.at += 1;
        }
    }

    fn unwritten(&self) -> u64 {
        let left = self.pieces.get(self.at..).unwrap_or_default();
        left.iter().map(|piece| piece.len() as u64).sum()
    }
}

impl Wire {
    pub(super) fn new(link: LinkId) -> Self {
        Self {
            link,
            writer: OnceLock::new(),
            out: Mutex::default(),
            more: AtomicBool::new(false),
            ending: AtomicBool::new(false),
            kick: Notify::new(),
            stop: CancellationToken::new(),
        }
    }

    pub(super) const fn link(&self) -> LinkId {
        self.link
    }

    /// Makes a plain socket the one that everybody writes to.
    pub(super) fn attach(&self, writer: Writer) -> &Writer {
        self.writer.get_or_init(|| writer)
    }

    /// Has the task write.
    pub(super) fn kick(&self) {
        self.kick.notify_one();
    }

    /// Waits for a kick.
    pub(super) async fn kicked(&self) {
        self.kick.notified().await;
    }

    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Ends the sending direction once all that was taken is written.
    pub(super) fn end_output(&self) {
        self.ending.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_ending(&self) -> bool {
        self.ending.load(Ordering::SeqCst)
    }

    pub(super) fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what there is, as far as the socket takes it now. If somebody is writing already, the
    /// work is left to them.
    pub(super) fn flush(&self, driver: &Driver) {
        let Some(writer) = self.writer.get() else { return self.kick() };
        loop {
            self.more.store(true, Ordering::SeqCst);
            let mut out = match self.out.try_lock() {
                Ok(out) => out,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            while self.more.swap(false, Ordering::SeqCst) {
                self.write(writer, &mut out, driver);
            }
            drop(out);
            // Between the last look and the release somebody may have left work behind.
            if !self.more.load(Ordering::SeqCst) {
                return;
            }
        }
    }

    fn write(&self, writer: &Writer, out: &mut Out, driver: &Driver) {
        while out.refill(driver, self.link) {
            match writer.try_write_vectored(&out.slices()) {
                Ok(written) => {
                    out.advance(written);
                    if std::mem::take(&mut out.blocked) {
                        driver.progress(self.link);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    out.blocked = true;
                    return self.kick();
                }
                Err(error) => {
                    out.ended = true;
                    out.error = Some(error);
                    return self.kick();
                }
            }
        }
        if self.is_ending() && !out.ended {
            out.ended = true;
            // A socket that is gone already has no direction left to end.
            let _ = writer.shutdown_write();
        }
    }

    /// Why writing failed, if it has.
    pub(super) fn write_error(&self) -> Option<io::Error> {
        self.out().error.take()
    }

    pub(super) fn is_blocked(&self) -> bool {
        self.out().blocked
    }

    /// Ends all writing and tells how many bytes the socket never took.
    pub(super) fn finish(&self) -> u64 {
        let mut out = self.out();
        out.ended = true;
        let unwritten = out.unwritten();
        out.at = out.pieces.len();
        unwritten
    }
}
