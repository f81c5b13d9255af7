//! The figures of a load, for people and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use beanwire::TubeName;
use hdrhistogram::Histogram;
use indicatif::HumanCount;
use serde::Serialize;

use super::Args;
use super::load::Phase;
use crate::context::Context;

/// Length of the longest bar.
const BAR: u64 = 40;

/// Where the rows of the histogram begin, in nanoseconds: each ends at twice the one before.
const FIRST_ROW: u64 = 1000;

/// All figures, with the field names of the JSON.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    servers: Vec<String>,
    tube: String,
    jobs: u64,
    size: u64,
    connections: u16,
    in_flight: u16,
    put: Figures,
    consume: Figures,
}

#[derive(Debug, Serialize)]
struct Figures {
    jobs: u64,
    seconds: f64,
    per_second: f64,
    latency_us: Latency,
}

/// In microseconds.
#[derive(Debug, Serialize)]
struct Latency {
    p50: f64,
    p90: f64,
    p99: f64,
    p99_9: f64,
    max: f64,
}

impl Report {
    pub(crate) fn new(
        context: &Context,
        tube: &TubeName,
        args: &Args,
        put: &Phase,
        consume: &Phase,
    ) -> Self {
        Self {
            servers: context.uris(),
            tube: tube.to_string(),
            jobs: args.jobs,
            size: args.size,
            connections: args.connections,
            in_flight: args.in_flight,
            put: Figures::new(put),
            consume: Figures::new(consume),
        }
    }

    /// The figures as text, with a histogram of each phase.
    pub(crate) fn text(&self, put: &Phase, consume: &Phase) -> String {
        let mut text = format!(
            "servers  {}\ntube     {}\nload     {} jobs of {} bytes, {} under way at once, {} {} per \
             server\n\n",
            self.servers.join(", "),
            self.tube,
            HumanCount(self.jobs),
            HumanCount(self.size),
            self.in_flight,
            self.connections,
            if self.connections == 1 { "connection" } else { "connections" },
        );
        let phases = [("put", &self.put), ("consume", &self.consume)];
        text += &format!("{:<9}{:>10}{:>10}", "", "jobs/s", "seconds");
        for name in ["p50", "p90", "p99", "p99.9", "max"] {
            let _ = write!(text, "{name:>10}");
        }
        text.push('\n');
        for (name, figures) in phases {
            let Figures { seconds, per_second, latency_us: latency, .. } = figures;
            let _ = write!(text, "{name:<9}{:>10}{seconds:>10.3}", whole(*per_second));
            for us in [latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max] {
                let _ = write!(text, "{:>10}", micros(us));
            }
            text.push('\n');
        }
        for (name, phase) in [("put", put), ("consume", consume)] {
            let _ = write!(text, "\n{name}, jobs by latency\n{}", rows(&phase.latency));
        }
        text
    }
}

impl Figures {
    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    fn new(phase: &Phase) -> Self {
        let (jobs, seconds) = (phase.latency.len(), phase.time.as_secs_f64());
        let at = |quantile| phase.latency.value_at_quantile(quantile) as f64 / 1e3;
        let latency_us = Latency {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p99_9: at(0.999),
            max: phase.latency.max() as f64 / 1e3,
        };
        Self { jobs, seconds, per_second: jobs as f64 / seconds, latency_us }
    }
}

/// A line for each span of latencies that has any, and those between.
fn rows(latency: &Histogram<u64>) -> String {
    let rows: Vec<_> = latency
        .iter_log(FIRST_ROW, 2.0)
        .map(|row| (row.value_iterated_to(), row.count_since_last_iteration()))
        .skip_while(|(_, count)| *count == 0)
        .collect();
    let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let mut text = String::new();
    for (end, count) in rows {
        // No row with jobs is without a mark.
        let bar = (count * BAR).div_ceil(most.max(1));
        let bar = "#".repeat(usize::try_from(bar).unwrap_or(0));
        let end = format!("{:.1?}", Duration::from_nanos(end.saturating_add(1)));
        let row = format!("  up to {end:>9}  {:>10}  {bar}", HumanCount(count).to_string());
        let _ = writeln!(text, "{}", row.trim_end());
    }
    text
}

fn micros(us: f64) -> String {
    format!("{:.1?}", Duration::from_secs_f64(us / 1e6))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is no less than 0"
)]
fn whole(rate: f64) -> String {
    HumanCount(rate.round() as u64).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(micros: &[(u64, u64)]) -> Histogram<u64> {
        let mut histogram = Histogram::new(3).unwrap();
        for (value, count) in micros {
            histogram.record_n(value * 1000, *count).unwrap();
        }
        histogram
    }

    #[test]
    fn rows_double_and_bars_are_shares_of_the_longest() {
        let expected = [
            "  up to    64.0µs         200  ########################################\n",
            "  up to   128.0µs         100  ####################\n",
            "  up to   256.0µs           0\n",
            "  up to   512.0µs           1  #\n",
        ];
        assert_eq!(rows(&histogram(&[(50, 200), (100, 100), (400, 1)])), expected.concat());
        assert_eq!(rows(&histogram(&[])), "");
    }

    #[test]
    fn figures_come_from_the_histogram() {
        let latency = histogram(&[(100, 90), (1000, 10)]);
        let figures = Figures::new(&Phase { time: Duration::from_millis(500), latency });
        assert_eq!((figures.jobs, figures.per_second), (100, 200.0));
        let Latency { p50, p90, p99, p99_9, max } = figures.latency_us;
        assert!([p50, p90].iter().all(|us| (99.0..101.0).contains(us)), "{p50} {p90}");
        assert!([p99, p99_9, max].iter().all(|us| (999.0..1002.0).contains(us)), "{p99} {max}");
    }
}
