//! What becomes of a job whose handler failed.

use std::time::Duration;

use super::{MAX_WIRE_SPAN, within};
use crate::error::Error;
use crate::types::{Seconds, TubeName};

/// What a consumer does with a job whose handler failed: release it with a growing delay, and at
/// last set it aside.
///
/// The server counts releases and timeouts per job, so the policy holds across consumers and
/// restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct FailurePolicy {
    /// Delay of the first release, doubled with every release the job has had; rounded up to whole
    /// seconds. Default 1 s, 0 to 2^32-1 s and at most `max_delay`.
    ///
    /// Hazard: 0 stays 0, and a job that always fails then spins.
    #[cfg_attr(feature = "serde", serde(rename = "delay_ms", with = "super::millis"))]
    pub delay: Duration,
    /// Longest delay. Default 300 s, 0 to 2^32-1 s.
    #[cfg_attr(feature = "serde", serde(rename = "max_delay_ms", with = "super::millis"))]
    pub max_delay: Duration,
    /// Attempts a job gets before it is `exhausted`, at least 1. Every release and every timeout
    /// of its reservation was one. Default none: it is tried for ever.
    pub max_attempts: Option<u32>,
    /// What becomes of a job that has had all its attempts. Default: it is buried.
    pub exhausted: Exhausted,
}

/// What becomes of a job that has had all its attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum Exhausted {
    /// It is buried in its tube until someone kicks or deletes it.
    #[default]
    Bury,
    /// It is put into this tube and then deleted from its own.
    ///
    /// Hazard: the two steps are not one. If the connection is lost between them the job is in
    /// both tubes; the copy has a new id.
    DeadLetter(TubeName),
}

/// What to do with a failed job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Release it.
    Release {
        /// How long it stays delayed.
        delay: Seconds,
    },
    /// It has had all its attempts: see [`FailurePolicy::exhausted`].
    Exhausted,
}

impl Default for FailurePolicy {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(300),
            max_attempts: None,
            exhausted: Exhausted::Bury,
        }
    }
}

impl FailurePolicy {
    /// Sets [`delay`](Self::delay).
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Sets [`max_delay`](Self::max_delay).
    #[must_use]
    pub fn with_max_delay(self, max_delay: Duration) -> Self {
        Self { max_delay, ..self }
    }

    /// Sets [`max_attempts`](Self::max_attempts).
    #[must_use]
    pub fn with_max_attempts(self, attempts: u32) -> Self {
        Self { max_attempts: Some(attempts), ..self }
    }

    /// Sets [`exhausted`](Self::exhausted).
    #[must_use]
    pub fn with_exhausted(self, exhausted: Exhausted) -> Self {
        Self { exhausted, ..self }
    }

    /// What to do with a job that failed just now, having been released and timed out so many
    /// times before: this was attempt number `releases + timeouts + 1`.
    #[must_use]
    pub fn next(&self, releases: u64, timeouts: u64) -> Next {
        let attempt = releases.saturating_add(timeouts).saturating_add(1);
        if self.max_attempts.is_some_and(|most| attempt >= u64::from(most)) {
            return Next::Exhausted;
        }
        // 32 doublings take one second past every limit.
        let doubled = whole_seconds(self.delay).saturating_mul(1 << releases.min(32));
        let delay = Duration::from_secs(doubled.min(whole_seconds(self.max_delay)));
        Next::Release { delay: Seconds::from_duration("delay", delay).unwrap_or_default() }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        within("failure.max_delay", self.max_delay, Duration::ZERO..=MAX_WIRE_SPAN)?;
        within("failure.delay", self.delay, Duration::ZERO..=self.max_delay)?;
        within("failure.max_attempts", self.max_attempts.unwrap_or(1), 1..=u32::MAX)
    }
}

/// Rounds up to whole seconds, at most what the wire carries.
fn whole_seconds(span: Duration) -> u64 {
    let span = span.min(MAX_WIRE_SPAN);
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(policy: &FailurePolicy, releases: &[u64]) -> Vec<u32> {
        let delay = |&releases| match policy.next(releases, 0) {
            Next::Release { delay } => delay.get(),
            Next::Exhausted => panic!("exhausted after {releases} releases"),
        };
        releases.iter().map(delay).collect()
    }

    #[test]
    fn the_delay_doubles_with_each_release_up_to_its_limit() {
        let policy = FailurePolicy::default();
        assert_eq!(delays(&policy, &[0, 1, 2, 8, 9, 64, u64::MAX]), [1, 2, 4, 256, 300, 300, 300]);
        let half = policy.clone().with_delay(Duration::from_millis(500));
        assert_eq!(delays(&half, &[0, 1]), [1, 2]);
        let none = policy.clone().with_delay(Duration::ZERO);
        assert_eq!(delays(&none, &[0, 1, u64::MAX]), [0, 0, 0]);
        let longest = policy.with_delay(Duration::MAX).with_max_delay(Duration::MAX);
        assert_eq!(delays(&longest, &[0, 32]), [u32::MAX, u32::MAX]);
    }

    #[test]
    fn timeouts_do_not_lengthen_the_delay() {
        let delay = Seconds::from_duration("delay", Duration::from_secs(2)).unwrap();
        assert_eq!(FailurePolicy::default().next(1, 50), Next::Release { delay });
    }

    #[test]
    fn releases_and_timeouts_count_as_attempts() {
        let policy = FailurePolicy::default().with_max_attempts(3);
        assert!(matches!(policy.next(0, 0), Next::Release { .. }));
        assert!(matches!(policy.next(1, 0), Next::Release { .. }));
        assert_eq!(policy.next(2, 0), Next::Exhausted);
        assert_eq!(policy.next(1, 1), Next::Exhausted);
        assert_eq!(policy.next(u64::MAX, u64::MAX), Next::Exhausted);
        assert_eq!(policy.with_max_attempts(1).next(0, 0), Next::Exhausted);
    }
}
