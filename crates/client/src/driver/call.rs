//! A caller's view of an operation.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use beanwire_core::engine::{OpId, Request, Success};
use beanwire_core::error::Error;
use beanwire_core::types::Instant;
use tokio_util::sync::CancellationToken;

use super::{Driver, Effects, Inner};

/// The result of an operation, some time. Dropping it gives the operation up.
#[derive(Debug)]
pub(crate) struct Call {
    driver: Arc<Driver>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The first poll submits it, and leaves its waker under the same lock.
    New(Request, Option<Instant>),
    Submitted(OpId),
    Done,
}

/// How an operation succeeded.
#[derive(Debug)]
pub(crate) struct Won {
    pub(crate) success: Success,
    /// For a reserved job: tells when its reservation is gone.
    pub(crate) lost: Option<CancellationToken>,
}

/// Where a caller finds its result.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) waker: Option<Waker>,
    pub(super) result: Option<Result<Won, Error>>,
}

impl Call {
    pub(super) const fn new(
        driver: Arc<Driver>,
        request: Request,
        deadline: Option<Instant>,
    ) -> Self {
        Self { driver, state: State::New(request, deadline) }
    }

    pub(super) const fn submitted(driver: Arc<Driver>, op: OpId) -> Self {
        Self { driver, state: State::Submitted(op) }
    }
}

impl Future for Call {
    type Output = Result<Won, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Wakers are cloned and dropped outside the lock: what they wake may want it, too.
        let mut waker = Some(context.waker().clone());
        let this = &mut *self;
        let (op, polled) = match std::mem::replace(&mut this.state, State::Done) {
            State::New(request, deadline) => {
                let mut effects = Effects::default();
                let (op, polled) = this.driver.run(
                    &mut effects,
                    |inner, now| inner.submit(now, request, deadline),
                    |inner, op| (op, inner.poll(op, &mut waker)),
                );
                this.driver.perform(effects, polled.is_pending());
                (op, polled)
            }
            State::Submitted(op) => (op, this.driver.lock().poll(op, &mut waker)),
            State::Done => return Poll::Pending,
        };
        if polled.is_pending() {
            this.state = State::Submitted(op);
        }
        polled
    }
}

impl Inner {
    /// The result of an operation. Without one, `waker` changes places with the one that waits.
    fn poll(&mut self, op: OpId, waker: &mut Option<Waker>) -> Poll<Result<Won, Error>> {
        let Some(slot) = self.calls.get_mut(&op) else { return Poll::Pending };
        match slot.result.take() {
            Some(result) => {
                self.calls.remove(&op);
                Poll::Ready(result)
            }
            None => {
                std::mem::swap(&mut slot.waker, waker);
                Poll::Pending
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let State::Submitted(op) = self.state else { return };
        let _waker = self.driver.drive(|inner, now| {
            let slot = inner.calls.remove(&op).unwrap_or_default();
            match slot.result {
                // It came at the last moment, and nobody will handle it.
                Some(Ok(Won { success: Success::Reserved(job), .. })) => {
                    inner.give_back(now, job.lease);
                }
                Some(_) => {}
                None => inner.engine.cancel(now, op),
            }
            slot.waker
        });
    }
}
