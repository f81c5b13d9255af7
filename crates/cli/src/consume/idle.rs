//! When no job came for too long.

use std::future::pending;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// What the workers know of the last job that any of them got.
#[derive(Debug)]
pub(super) struct Idle {
    limit: Option<Duration>,
    last: Mutex<Option<Instant>>,
}

impl Idle {
    pub(super) const fn new(limit: Option<Duration>) -> Self {
        Self { limit, last: Mutex::new(None) }
    }

    /// Notes that a job came.
    pub(super) fn job_came(&self) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Waits until no worker got a job for too long, counted from now at the earliest.
    pub(super) async fn too_long(&self) {
        let start = Instant::now();
        loop {
            let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let since = last.map_or(start, |last| last.max(start));
            let Some(end) = self.limit.and_then(|limit| since.checked_add(limit)) else {
                return pending().await;
            };
            sleep_until(end).await;
            if last == *self.last.lock().unwrap_or_else(PoisonError::into_inner) {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_job_of_one_worker_counts_for_all() {
        let idle = Idle::new(Some(SECOND * 3));
        let jobs = async {
            for _ in 0..4 {
                sleep(SECOND * 2).await;
                idle.job_came();
            }
        };
        let start = Instant::now();
        tokio::join!(idle.too_long(), jobs);
        assert_eq!(start.elapsed().as_secs(), 4 * 2 + 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_was_busy_waits_from_then_on() {
        let idle = Idle::new(Some(SECOND));
        idle.job_came();
        sleep(SECOND * 10).await;
        assert!(timeout(SECOND / 2, idle.too_long()).await.is_err());
        idle.too_long().await;
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_it_is_never_too_long() {
        for limit in [None, Some(Duration::MAX)] {
            let idle = Idle::new(limit);
            assert!(timeout(SECOND * 1_000_000, idle.too_long()).await.is_err());
        }
    }
}
