//! The host's clock.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use beanwire_core::types::Instant;
use futures::future::{Either, select};
use wasip3::clocks::monotonic_clock;

pub(crate) fn now() -> Instant {
    Instant::from_origin(Duration::from_nanos(monotonic_clock::now()))
}

pub(crate) async fn sleep_until(at: Instant) {
    let nanos = u64::try_from(at.since_origin().as_nanos()).unwrap_or(u64::MAX);
    monotonic_clock::wait_until(nanos).await;
}

/// What comes of it, if it comes in time.
pub(crate) async fn within<T>(end: Instant, what: impl Future<Output = T>) -> Option<T> {
    match select(pin!(what), pin!(sleep_until(end))).await {
        Either::Left((result, _)) => Some(result),
        Either::Right(_) => None,
    }
}
