//! What was measured, and what it comes to.

use std::collections::BTreeMap;

use clap::ValueEnum;

use crate::clients::{Client, Program, client};
use crate::points::{Point, SIZE, Settings};
use crate::program::Line;
use crate::stats::{Spread, percentile};

/// What a client does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Work {
    Put,
    Consume,
    Latency,
    Idle,
    Startup,
    /// Making instances of the component.
    Instantiate,
}

impl Work {
    /// What the programs call it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Put => "put",
            Self::Consume => "consume",
            Self::Latency => "latency",
            Self::Idle => "idle",
            Self::Startup => "startup",
            Self::Instantiate => "instantiate",
        }
    }
}

/// One thing that is measured, in every round anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Case {
    pub client: &'static str,
    pub work: Work,
    pub settings: Settings,
    /// Handlers that hold a job meanwhile.
    pub busy: usize,
}

impl Case {
    /// Puts or consuming with those settings.
    pub(crate) const fn new(client: &'static str, work: Work, settings: Settings) -> Self {
        Self { client, work, settings, busy: 0 }
    }

    /// What that client does at a point, if it is measured there.
    pub(crate) fn at(client: &Client, work: Work, point: Point) -> Option<Self> {
        let way = match work {
            Work::Put => client.put?,
            _ => client.consume?,
        };
        let settings = point.settings(way)?;
        point.takes(client).then_some(Self::new(client.name, work, settings))
    }

    /// What the client of that name does at a point.
    pub(crate) fn of(name: &str, work: Work, point: Point) -> Option<Self> {
        Self::at(client(name)?, work, point)
    }

    /// What a consumer with a few handlers does. It has a connection for each at most: on one that is
    /// held by a busy handler, some clients cannot wait for jobs.
    pub(crate) fn consumer(client: &Client, work: Work, busy: usize) -> Option<Self> {
        let settings = Settings::new(SIZE, HANDLERS, HANDLERS);
        let fits = work != Work::Instantiate || client.program == Program::Component;
        (client.consumer && fits).then_some(Self { client: client.name, work, settings, busy })
    }
}

/// The handlers of consumers that wait for jobs.
pub(crate) const HANDLERS: usize = 4;

/// How many of them hold a job while the latency is measured.
pub(crate) const BUSY: [usize; 3] = [0, 1, 3];

/// What came of a case in one round.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub line: Line,
    /// From the start of the process to its line, in seconds.
    pub ready: f64,
    /// Reserves that the server got while nothing was to be had.
    pub reserves: u64,
}

/// A figure of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Jobs per second.
    Rate,
    /// Seconds of the processor per job.
    Cpu,
    /// Bytes.
    Memory,
    /// That percentile of the latencies, in seconds.
    Latency(usize),
    /// Seconds from the start to the first job done.
    Ready,
    /// Reserves while idle.
    Reserves,
    /// The share of a processor.
    Share,
}

impl Quantity {
    /// That figure of a sample, if it has one.
    pub(crate) fn of(self, sample: &Sample) -> Option<f64> {
        let line = &sample.line;
        let jobs = line.jobs as f64;
        match self {
            Self::Rate => Some(jobs / line.seconds),
            Self::Cpu => Some(line.cpu / jobs),
            Self::Memory => Some(line.peak_memory as f64),
            Self::Latency(percent) => {
                percentile(&line.latencies, percent).map(|nanoseconds| nanoseconds as f64 / 1e9)
            }
            Self::Ready => Some(sample.ready),
            Self::Reserves => Some(sample.reserves as f64),
            Self::Share => Some(line.cpu / line.seconds),
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Results {
    samples: BTreeMap<Case, BTreeMap<usize, Sample>>,
    failures: BTreeMap<Case, Vec<String>>,
}

impl Results {
    /// Notes what came of a case in a round.
    pub(crate) fn add(&mut self, case: Case, round: usize, result: Result<Sample, String>) {
        match result {
            Ok(sample) => {
                self.samples.entry(case).or_default().insert(round, sample);
            }
            Err(error) => self.failures.entry(case).or_default().push(error),
        }
    }

    /// Whether it was measured in that round.
    pub(crate) fn has(&self, case: &Case, round: usize) -> bool {
        self.samples.get(case).is_some_and(|rounds| rounds.contains_key(&round))
    }

    /// Whether it has failed in any round.
    pub(crate) fn failed(&self, case: &Case) -> bool {
        self.failures.contains_key(case)
    }

    /// What failed, and how.
    pub(crate) fn failures(&self) -> impl Iterator<Item = (&Case, &[String])> {
        self.failures.iter().map(|(case, errors)| (case, errors.as_slice()))
    }

    /// The figures of all rounds, by round.
    fn figures(&self, case: &Case, quantity: Quantity) -> BTreeMap<usize, f64> {
        let rounds = self.samples.get(case).into_iter().flatten();
        let figures = rounds.filter_map(|(round, sample)| Some((*round, quantity.of(sample)?)));
        figures.collect()
    }

    /// The figures of all rounds in short.
    pub(crate) fn spread(&self, case: &Case, quantity: Quantity) -> Option<Spread> {
        Spread::of(self.figures(case, quantity).into_values())
    }

    /// How many times the figures of another case, in the same rounds.
    pub(crate) fn ratio(&self, case: &Case, other: &Case, quantity: Quantity) -> Option<Spread> {
        let others = self.figures(other, quantity);
        let figures = self.figures(case, quantity);
        let ratios = figures.into_iter().filter_map(|(round, figure)| {
            let other = others.get(&round).filter(|other| **other > 0.0)?;
            Some(figure / other)
        });
        Spread::of(ratios)
    }

    /// The case with the highest median, or with the lowest one.
    pub(crate) fn best(
        &self,
        cases: impl IntoIterator<Item = Case>,
        quantity: Quantity,
        highest: bool,
    ) -> Option<Case> {
        let medians = cases.into_iter().filter_map(|case| {
            let median = self.spread(&case, quantity)?.median;
            Some((case, if highest { median } else { -median }))
        });
        medians.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(case, _)| case)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::points::BASE;

    /// A sample of a client that took so long for 1,000 jobs, half of the time on the processor.
    pub(crate) fn sample(seconds: f64) -> Sample {
        let latencies = (1..=100).map(|n| n * 10_000).collect();
        let line =
            Line { jobs: 1_000, seconds, cpu: seconds / 2.0, peak_memory: 1 << 20, latencies };
        Sample { line, ready: 0.25, reserves: 3 }
    }

    fn case(client: &str) -> Case {
        Case::of(client, Work::Put, BASE).unwrap()
    }

    #[test]
    fn quantities_are_per_job_and_per_second() {
        let mut results = Results::default();
        results.add(case("limit"), 0, Ok(sample(0.5)));
        let median = |quantity| results.spread(&case("limit"), quantity).unwrap().median;
        assert_eq!(median(Quantity::Rate), 2_000.0);
        assert_eq!(median(Quantity::Cpu), 0.000_25);
        assert_eq!(median(Quantity::Memory), 1_048_576.0);
        assert_eq!(median(Quantity::Latency(50)), 0.000_5);
        assert_eq!(median(Quantity::Latency(100)), 0.001);
        assert_eq!(median(Quantity::Ready), 0.25);
        assert_eq!(median(Quantity::Reserves), 3.0);
        assert_eq!(median(Quantity::Share), 0.5);
    }

    #[test]
    fn a_ratio_is_that_of_the_same_round() {
        let mut results = Results::default();
        for (round, (limit, ours)) in [(1.0, 2.0), (4.0, 5.0), (1.0, 1.0)].into_iter().enumerate() {
            results.add(case("limit"), round, Ok(sample(limit)));
            results.add(case("beanwire"), round, Ok(sample(ours)));
        }
        results.add(case("beanwire"), 3, Ok(sample(0.1)));
        let ratio = results.ratio(&case("beanwire"), &case("limit"), Quantity::Rate).unwrap();
        assert_eq!((ratio.median, ratio.min, ratio.max), (0.8, 0.5, 1.0));
        assert_eq!(results.ratio(&case("beanwire"), &case("prep"), Quantity::Rate), None);
    }

    #[test]
    fn failures_are_kept_apart() {
        let mut results = Results::default();
        results.add(case("prep"), 0, Err("lost".into()));
        results.add(case("prep"), 1, Ok(sample(1.0)));
        assert!(results.failed(&case("prep")) && !results.failed(&case("limit")));
        assert!(results.has(&case("prep"), 1) && !results.has(&case("prep"), 0));
        let failures: Vec<_> = results.failures().collect();
        assert_eq!(failures, [(&case("prep"), ["lost".to_owned()].as_slice())]);
    }

    #[test]
    fn the_best_is_the_highest_or_the_lowest_median() {
        let mut results = Results::default();
        results.add(case("jackd"), 0, Ok(sample(1.0)));
        results.add(case("fivebeans"), 0, Ok(sample(2.0)));
        let cases = || ["jackd", "fivebeans", "node-beanstalk"].map(case);
        let best = |highest| results.best(cases(), Quantity::Rate, highest).unwrap().client;
        assert_eq!((best(true), best(false)), ("jackd", "fivebeans"));
        assert_eq!(results.best([], Quantity::Rate, true), None);
    }

    #[test]
    fn a_call_for_many_puts_is_no_consumer() {
        let consumer = |name| Case::consumer(client(name).unwrap(), Work::Latency, 1);
        assert_eq!(consumer("beanwire").unwrap().settings.to_string(), "4 × 4");
        assert_eq!(consumer("component-put-many"), None);
        assert!(Case::consumer(client("component").unwrap(), Work::Instantiate, 0).is_some());
        assert_eq!(Case::consumer(client("beanwire").unwrap(), Work::Instantiate, 0), None);
    }
}
