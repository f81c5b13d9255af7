//! A caller's view of an operation.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use beanwire_core::engine::{OpId, Success};
use beanwire_core::error::Error;

use super::Driver;

/// The result of an operation, some time. Dropping it gives the operation up.
#[derive(Debug)]
pub(crate) struct Call {
    driver: Arc<Driver>,
    op: OpId,
    done: bool,
}

impl Call {
    pub(super) const fn new(driver: Arc<Driver>, op: OpId) -> Self {
        Self { driver, op, done: false }
    }
}

impl Future for Call {
    type Output = Result<Success, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let op = self.op;
        // Wakers are cloned and dropped outside the lock: what they wake may want it, too.
        let waker = context.waker().clone();
        let (result, _old) = {
            let mut inner = self.driver.lock();
            let Some(slot) = inner.calls.get_mut(&op) else { return Poll::Pending };
            match slot.result.take() {
                Some(result) => (result, inner.calls.remove(&op).and_then(|slot| slot.waker)),
                None => {
                    let old = slot.waker.replace(waker);
                    drop(inner);
                    drop(old);
                    return Poll::Pending;
                }
            }
        };
        self.done = true;
        Poll::Ready(result)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let op = self.op;
        let _waker = self.driver.drive(|inner, now| {
            let slot = inner.calls.remove(&op).unwrap_or_default();
            match slot.result {
                // It came at the last moment, and nobody will handle it.
                Some(Ok(Success::Reserved(job))) => {
                    inner.forget_lost_token(job.lease);
                    inner.engine.give_back(now, job.lease);
                }
                Some(_) => {}
                None => inner.engine.cancel(now, op),
            }
            slot.waker
        });
    }
}
