//! Work `latency`.

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::{Figures, Meter, Options, Result};

/// The pause before each put, in which everything falls asleep.
pub const PAUSE: Duration = Duration::from_millis(2);

/// Puts jobs one by one, and waits for the handler of each.
///
/// `handled` gives when the handler began, once it has deleted its job; the handlers of the first
/// jobs, those that stay busy, say it at once.
///
/// # Errors
/// Those of a put and of a handler.
pub async fn latency(
    options: &Options,
    mut put: impl AsyncFnMut() -> Result<()>,
    mut handled: impl AsyncFnMut() -> Result<Instant>,
    mut pause: impl AsyncFnMut(Duration),
) -> Result<Figures> {
    for _ in 0..options.busy {
        put().await?;
        handled().await?;
    }
    let mut meter = Meter::start();
    let mut latencies = Vec::with_capacity(options.total());
    for round in 0..options.total() {
        if round == options.warm_up {
            meter = Meter::start();
            latencies.clear();
        }
        pause(PAUSE).await;
        let before = Instant::now();
        put().await?;
        latencies.push(handled().await? - before);
    }
    Ok(meter.stop(options.jobs).with_latencies(latencies))
}

/// The result of a future that never waits, such as one made of blocking calls.
///
/// # Errors
/// Its own, or that it waits.
pub fn at_once<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => Err("a blocking call that does not block".into()),
    }
}
