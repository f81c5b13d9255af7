//! What the benchmarks share: summaries of many measurements.

use std::time::Duration;

/// Many measurements of the same thing.
#[derive(Debug, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, sample: Duration) {
        self.0.push(sample);
    }

    /// The value that this share of the samples, from 0 to 1, does not exceed; zero without samples.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small count"
        )]
        let rank = (last as f64 * share.clamp(0.0, 1.0)).round() as usize;
        sorted.get(rank).copied().unwrap_or_default()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_of_the_samples() {
        let mut samples = Samples::default();
        assert!(samples.is_empty());
        for ms in (1..=101).rev() {
            samples.push(Duration::from_millis(ms));
        }
        let found = [0.0, 0.5, 0.99, 1.0].map(|share| samples.quantile(share).as_millis());
        assert_eq!(found, [1, 51, 100, 101]);
        assert_eq!(samples.len(), 101);
    }
}
