//! The server's time, which tests may stop and push forward.

use std::time::Duration;

use beanwire_core::types::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    /// What it showed when it was last set going or stopped.
    base: Duration,
    /// Since when it runs; none while it stands.
    running: Option<tokio::time::Instant>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { base: Duration::ZERO, running: Some(tokio::time::Instant::now()) }
    }

    pub(crate) fn now(&self) -> Instant {
        let elapsed = self.running.map_or(Duration::ZERO, |since| since.elapsed());
        Instant::from_origin(self.base.saturating_add(elapsed))
    }

    pub(crate) fn freeze(&mut self) {
        self.base = self.now().since_origin();
        self.running = None;
    }

    pub(crate) fn resume(&mut self) {
        self.running.get_or_insert_with(tokio::time::Instant::now);
    }

    pub(crate) fn advance(&mut self, span: Duration) {
        self.base = self.base.saturating_add(span);
    }

    /// How long until it shows `at`; none if it stands.
    pub(crate) fn until(&self, at: Instant) -> Option<Duration> {
        self.running.map(|_| at.saturating_since(self.now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_runs_stands_and_jumps() {
        let second = Duration::from_secs(1);
        let shown = |clock: &Clock| clock.now().since_origin();
        let mut clock = Clock::start();
        tokio::time::advance(second).await;
        assert_eq!(shown(&clock), second);
        assert_eq!(clock.until(Instant::from_origin(3 * second)), Some(2 * second));
        clock.freeze();
        tokio::time::advance(second).await;
        assert_eq!(shown(&clock), second);
        assert_eq!(clock.until(Instant::from_origin(3 * second)), None);
        clock.advance(5 * second);
        clock.resume();
        clock.resume();
        tokio::time::advance(second).await;
        assert_eq!(shown(&clock), 7 * second);
    }
}
