//! A caller's view of an operation.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use beanwire_core::engine::{OpId, Success};
use beanwire_core::error::{Error, ErrorKind};
use futures::channel::oneshot;
use futures::future::FusedFuture;

use crate::driver::Driver;

/// The result of an operation, some time. Dropping it gives the operation up.
pub(crate) struct Call {
    driver: Rc<Driver>,
    op: OpId,
    result: oneshot::Receiver<Result<Success, Error>>,
}

impl Call {
    pub(crate) const fn new(
        driver: Rc<Driver>,
        op: OpId,
        result: oneshot::Receiver<Result<Success, Error>>,
    ) -> Self {
        Self { driver, op, result }
    }
}

impl Future for Call {
    type Output = Result<Success, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(Pin::new(&mut self.result).poll(context));
        let closed = |_| Err(Error::not_sent(ErrorKind::Closed, "the client is closed"));
        Poll::Ready(result.unwrap_or_else(closed))
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if self.result.is_terminated() {
            return;
        }
        match self.result.try_recv() {
            // It came at the last moment, and nobody will handle it.
            Ok(Some(Ok(Success::Reserved(job)))) => {
                self.driver.drive(|state, now| state.engine.give_back(now, job.lease));
            }
            Ok(None) => self.driver.cancel(self.op),
            _ => {}
        }
    }
}
