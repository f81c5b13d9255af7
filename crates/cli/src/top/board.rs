//! What is known of one server: its last sample, its trends, and whether it answers.

use std::collections::HashMap;
use std::time::Instant;

use beanwire::{ServerStats, TubeName, TubeStats};

use super::sample::Sample;
use super::trend::Trend;

/// How a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Not heard of yet.
    Connecting,
    Up,
    /// Since then, and why.
    Down(Instant, String),
}

/// The rates of a server.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerTrends {
    pub(crate) put: Trend,
    pub(crate) reserve: Trend,
    pub(crate) delete: Trend,
    pub(crate) release: Trend,
    pub(crate) bury: Trend,
    pub(crate) kick: Trend,
    pub(crate) timeout: Trend,
    /// Processor time, in milliseconds per second.
    pub(crate) processor: Trend,
}

impl ServerTrends {
    fn all(&mut self) -> [&mut Trend; 8] {
        [
            &mut self.put,
            &mut self.reserve,
            &mut self.delete,
            &mut self.release,
            &mut self.bury,
            &mut self.kick,
            &mut self.timeout,
            &mut self.processor,
        ]
    }

    fn count(&mut self, at: Instant, stats: &ServerStats) {
        let processor = (stats.rusage_utime + stats.rusage_stime).as_millis();
        self.put.count(at, stats.total_jobs);
        self.reserve.count(at, stats.cmd_reserve.saturating_add(stats.cmd_reserve_with_timeout));
        self.delete.count(at, stats.cmd_delete);
        self.release.count(at, stats.cmd_release);
        self.bury.count(at, stats.cmd_bury);
        self.kick.count(at, stats.cmd_kick);
        self.timeout.count(at, stats.job_timeouts);
        self.processor.count(at, u64::try_from(processor).unwrap_or(u64::MAX));
    }
}

/// The rates of a tube.
#[derive(Debug, Clone, Default)]
pub(crate) struct TubeTrends {
    pub(crate) put: Trend,
    pub(crate) delete: Trend,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Board {
    pub(crate) uri: String,
    pub(crate) state: State,
    /// The last sample and when it was taken, also while the server is down.
    pub(crate) seen: Option<(Instant, Sample)>,
    pub(crate) trends: ServerTrends,
    tubes: HashMap<TubeName, TubeTrends>,
    /// The tube that keys act on.
    pub(crate) selected: Option<TubeName>,
}

impl Board {
    pub(crate) fn new(uri: String) -> Self {
        Self {
            uri,
            state: State::Connecting,
            seen: None,
            trends: ServerTrends::default(),
            tubes: HashMap::new(),
            selected: None,
        }
    }

    /// Takes a sample in.
    pub(crate) fn up(&mut self, at: Instant, sample: Sample) {
        let before = self.seen.as_ref().map(|(_, sample)| sample.server.id.as_str());
        if before.is_some_and(|id| id != sample.server.id) {
            // Another start of the server, whose counters have nothing to do with the old ones, even
            // where they are larger.
            self.restart();
        }
        self.trends.count(at, &sample.server);
        let mut tubes = HashMap::with_capacity(sample.tubes.len());
        for tube in &sample.tubes {
            let mut trends = self.tubes.remove(&tube.name).unwrap_or_default();
            trends.put.count(at, tube.total_jobs);
            trends.delete.count(at, tube.cmd_delete);
            tubes.insert(tube.name.clone(), trends);
        }
        // Those of tubes that are gone go as well.
        self.tubes = tubes;
        self.state = State::Up;
        self.seen = Some((at, sample));
    }

    /// Notes that the server did not answer.
    pub(crate) fn down(&mut self, at: Instant, error: String) {
        // The panel says which server it is.
        let own = [format!("{}: ", self.uri), format!("uri \"{}\": ", self.uri)];
        let short = own.iter().find_map(|own| error.strip_prefix(own)).map(str::to_owned);
        let error = short.unwrap_or(error);
        let since = match self.state {
            State::Down(since, _) => since,
            State::Connecting | State::Up => at,
        };
        self.state = State::Down(since, error);
        for trend in self.trends.all() {
            trend.gap();
        }
        for trends in self.tubes.values_mut() {
            trends.put.gap();
            trends.delete.gap();
        }
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }

    pub(crate) fn stats(&self) -> Option<&ServerStats> {
        self.seen.as_ref().map(|(_, sample)| &sample.server)
    }

    /// The tubes of the last sample, by name.
    pub(crate) fn tubes(&self) -> &[TubeStats] {
        self.seen.as_ref().map_or(&[], |(_, sample)| &sample.tubes)
    }

    pub(crate) fn trends_of(&self, tube: &TubeName) -> Option<&TubeTrends> {
        self.tubes.get(tube)
    }

    fn restart(&mut self) {
        for trend in self.trends.all() {
            trend.restart();
        }
        for trends in self.tubes.values_mut() {
            trends.put.restart();
            trends.delete.restart();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::fixture;
    use super::*;

    fn sample(id: &str, puts: u64, tubes: &[(&str, u64)]) -> Sample {
        let tubes: Vec<_> = tubes
            .iter()
            .map(|(name, puts)| fixture::tube(name, &[("total-jobs", *puts)]))
            .collect();
        fixture::sample(fixture::server(id, &[("total-jobs", puts)]), &tubes)
    }

    fn put_rate(board: &Board, tube: &str) -> Option<f64> {
        board.trends_of(&TubeName::new(tube).unwrap())?.put.rate()
    }

    #[test]
    fn a_restart_gives_no_rate_even_where_counters_are_larger_than_before() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut board = Board::new("a".into());
        board.up(at(0), sample("one", 10, &[("mail", 10)]));
        board.up(at(1), sample("one", 12, &[("mail", 12)]));
        assert_eq!((board.trends.put.rate(), put_rate(&board, "mail")), (Some(2.0), Some(2.0)));
        board.up(at(2), sample("two", 500, &[("mail", 500)]));
        assert_eq!((board.trends.put.rate(), put_rate(&board, "mail")), (None, None));
        board.up(at(3), sample("two", 501, &[("mail", 501)]));
        assert_eq!((board.trends.put.rate(), put_rate(&board, "mail")), (Some(1.0), Some(1.0)));
    }

    #[test]
    fn a_tube_that_is_gone_for_a_while_begins_anew() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut board = Board::new("a".into());
        board.up(at(0), sample("one", 9, &[("mail", 9)]));
        board.up(at(1), sample("one", 9, &[]));
        assert!(board.trends_of(&TubeName::new("mail").unwrap()).is_none());
        board.up(at(2), sample("one", 99, &[("mail", 90)]));
        assert_eq!(put_rate(&board, "mail"), None);
    }

    #[test]
    fn a_server_that_is_down_keeps_its_last_sample_and_the_moment_it_went() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut board = Board::new("a".into());
        board.up(at(0), sample("one", 9, &[("mail", 9)]));
        board.down(at(1), "a: refused".into());
        assert_eq!(board.state, State::Down(at(1), "refused".into()));
        board.down(at(2), "still refused".into());
        assert_eq!(board.state, State::Down(at(1), "still refused".into()));
        assert_eq!(board.tubes().len(), 1);
        assert_eq!(board.trends.put.last(9).collect::<Vec<_>>(), [None, None, None]);
        board.up(at(3), sample("one", 19, &[("mail", 9)]));
        assert!(board.is_up());
        // It is not known when in between the ten came.
        assert_eq!(board.trends.put.rate(), None);
    }
}
