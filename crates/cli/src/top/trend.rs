//! Counters that become rates.

use std::collections::VecDeque;
use std::time::Instant;

/// Points that are kept: five minutes at a point per second.
pub(crate) const POINTS: usize = 300;

/// What a counter did, as a rate per second for each of the last looks at it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trend {
    last: Option<(Instant, u64)>,
    points: VecDeque<Option<f64>>,
}

impl Trend {
    /// Notes what the counter shows. One that went back was started anew in between, and nobody knows
    /// how far it had come: this gives a gap, and no rate below zero.
    #[expect(clippy::cast_precision_loss, reason = "a rate is for people")]
    pub(crate) fn count(&mut self, at: Instant, total: u64) {
        let rate = self.last.and_then(|(then, before)| {
            let grown = total.checked_sub(before)?;
            let seconds = at.checked_duration_since(then)?.as_secs_f64();
            (seconds > 0.0).then(|| grown as f64 / seconds)
        });
        self.last = Some((at, total));
        self.push(rate);
    }

    /// Notes that there was nothing to see. The next count starts anew.
    pub(crate) fn gap(&mut self) {
        self.last = None;
        self.push(None);
    }

    /// Forgets the last count: what comes next is another counter.
    pub(crate) fn restart(&mut self) {
        self.last = None;
    }

    /// The rate at the last look, if there is one.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.points.back().copied().flatten()
    }

    /// The last `count` points, oldest first.
    pub(crate) fn last(&self, count: usize) -> impl Iterator<Item = Option<f64>> {
        self.points.iter().skip(self.points.len().saturating_sub(count)).copied()
    }

    fn push(&mut self, rate: Option<f64>) {
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        self.points.push_back(rate);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn trend(counts: &[(u64, u64)]) -> Vec<Option<f64>> {
        let start = Instant::now();
        let mut trend = Trend::default();
        for (ms, total) in counts {
            trend.count(start + Duration::from_millis(*ms), *total);
        }
        trend.last(POINTS).collect()
    }

    #[test]
    fn a_rate_is_per_second_whatever_the_interval() {
        assert_eq!(trend(&[(0, 5), (500, 15), (2500, 16)]), [None, Some(20.0), Some(0.5)]);
    }

    #[test]
    fn a_counter_that_went_back_gives_a_gap_and_goes_on_from_there() {
        let points = trend(&[(0, 1000), (1000, 1010), (2000, 3), (3000, 7)]);
        assert_eq!(points, [None, Some(10.0), None, Some(4.0)]);
    }

    #[test]
    fn two_looks_at_the_same_moment_give_no_rate() {
        assert_eq!(trend(&[(0, 1), (0, 9)]), [None, None]);
    }

    #[test]
    fn a_gap_and_a_restart_begin_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut trend = Trend::default();
        trend.count(at(0), 0);
        trend.gap();
        trend.count(at(2), 100);
        assert_eq!(trend.rate(), None);
        trend.count(at(3), 107);
        assert_eq!(trend.rate(), Some(7.0));
        trend.restart();
        trend.count(at(4), 200);
        assert_eq!(trend.rate(), None);
        assert_eq!(trend.last(2).collect::<Vec<_>>(), [Some(7.0), None]);
    }

    #[test]
    fn old_points_are_forgotten() {
        let start = Instant::now();
        let mut trend = Trend::default();
        for second in 0..1000 {
            trend.count(start + Duration::from_secs(second), second);
        }
        assert_eq!(trend.last(usize::MAX).count(), POINTS);
    }
}
