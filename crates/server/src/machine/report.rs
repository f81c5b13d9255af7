//! Statistics and lists, key by key in the order of beanstalkd 1.12.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::time::Duration;

use beanwire_core::types::{Instant, JobId};

use super::client::Client;
use super::jobs::State;
use super::parse::Command;
use super::tube::Tube;
use super::{Machine, TubeId};

/// What the server says its version is: the one whose behaviour it has, and that it is not that one.
const VERSION: &str = "1.12-beanwire";

/// The largest file of a binlog, which there is none of.
const BINLOG_MAX_SIZE: usize = 10_485_760;

/// Commands that are counted, in the order of the report.
const COUNTED: [&str; 22] = [
    "put",
    "peek",
    "peek-ready",
    "peek-delayed",
    "peek-buried",
    "reserve",
    "reserve-with-timeout",
    "delete",
    "release",
    "use",
    "watch",
    "ignore",
    "bury",
    "kick",
    "touch",
    "stats",
    "stats-job",
    "stats-tube",
    "list-tubes",
    "list-tube-used",
    "list-tubes-watched",
    "pause-tube",
];

/// What is counted from the start of the server.
#[derive(Debug, Default)]
pub(super) struct Counters {
    commands: BTreeMap<&'static str, u64>,
    pub(super) timeouts: u64,
    pub(super) total_jobs: u64,
    pub(super) connections: u64,
}

impl Counters {
    pub(super) fn count(&mut self, command: &Command) {
        let verb = match command {
            Command::Put(_) => "put",
            Command::Peek(_) => "peek",
            Command::PeekReady => "peek-ready",
            Command::PeekDelayed => "peek-delayed",
            Command::PeekBuried => "peek-buried",
            Command::Reserve { timeout: None } => "reserve",
            Command::Reserve { timeout: Some(_) } => "reserve-with-timeout",
            Command::Delete(_) => "delete",
            Command::Release { .. } => "release",
            Command::Use(_) => "use",
            Command::Watch(_) => "watch",
            Command::Ignore(_) => "ignore",
            Command::Bury { .. } => "bury",
            Command::Kick(_) => "kick",
            Command::Touch(_) => "touch",
            Command::Stats => "stats",
            Command::StatsJob(_) => "stats-job",
            Command::StatsTube(_) => "stats-tube",
            Command::ListTubes => "list-tubes",
            Command::ListTubeUsed => "list-tube-used",
            Command::ListTubesWatched => "list-tubes-watched",
            Command::PauseTube { .. } => "pause-tube",
            // The report has no line for these.
            Command::ReserveJob(_) | Command::KickJob(_) | Command::Quit => return,
        };
        *self.commands.entry(verb).or_default() += 1;
    }
}

/// Lines of `key: value` behind the mark of a document.
struct Report(String);

impl Report {
    fn new() -> Self {
        Self("---\n".to_owned())
    }

    fn line(&mut self, key: impl Display, value: impl Display) {
        // Writing to memory cannot fail.
        let _ = writeln!(self.0, "{key}: {value}");
    }
}

impl Machine {
    pub(super) fn server_report(&self) -> String {
        let sum = |count: fn(&Tube) -> usize| self.tubes.values().map(count).sum::<usize>();
        let clients = |is: fn(&Client) -> bool| self.clients.values().filter(|c| is(c)).count();
        let mut report = Report::new();
        report.line("current-jobs-urgent", sum(|tube| tube.urgent));
        report.line("current-jobs-ready", sum(|tube| tube.ready.len()));
        report.line("current-jobs-reserved", sum(|tube| tube.reserved));
        report.line("current-jobs-delayed", sum(|tube| tube.delayed.len()));
        report.line("current-jobs-buried", sum(|tube| tube.buried.len()));
        for verb in COUNTED {
            let count = self.counters.commands.get(verb).copied().unwrap_or_default();
            report.line(format_args!("cmd-{verb}"), count);
        }
        report.line("job-timeouts", self.counters.timeouts);
        report.line("total-jobs", self.counters.total_jobs);
        report.line("max-job-size", self.settings.max_job_size);
        report.line("current-tubes", self.tubes.len());
        report.line("current-connections", self.clients.len());
        report.line("current-producers", clients(|client| client.is_producer));
        report.line("current-workers", clients(|client| client.is_worker));
        report.line("current-waiting", clients(Client::is_waiting));
        report.line("total-connections", self.counters.connections);
        report.line("pid", self.settings.pid);
        report.line("version", format_args!("\"{VERSION}\""));
        report.line("rusage-utime", "0.000000");
        report.line("rusage-stime", "0.000000");
        report.line("uptime", self.now.saturating_since(self.started_at).as_secs());
        report.line("binlog-oldest-index", 0);
        report.line("binlog-current-index", 0);
        report.line("binlog-records-migrated", 0);
        report.line("binlog-records-written", 0);
        report.line("binlog-max-size", BINLOG_MAX_SIZE);
        report.line("draining", self.draining);
        report.line("id", &self.settings.id);
        report.line("hostname", &self.settings.hostname);
        report.line("os", std::env::consts::OS);
        report.line("platform", std::env::consts::ARCH);
        report.0
    }

    pub(super) fn tube_report(&self, id: TubeId) -> String {
        let tube = self.tube(id);
        let mut report = Report::new();
        report.line("name", &tube.name);
        report.line("current-jobs-urgent", tube.urgent);
        report.line("current-jobs-ready", tube.ready.len());
        report.line("current-jobs-reserved", tube.reserved);
        report.line("current-jobs-delayed", tube.delayed.len());
        report.line("current-jobs-buried", tube.buried.len());
        report.line("total-jobs", tube.total_jobs);
        report.line("current-using", tube.using);
        report.line("current-watching", tube.watching);
        report.line("current-waiting", tube.waiting.len());
        report.line("cmd-delete", tube.deletes);
        report.line("cmd-pause-tube", tube.pauses);
        report.line("pause", tube.pause.map_or(0, |pause| pause.seconds));
        report.line("pause-time-left", tube.pause.map_or(0, |pause| self.seconds_to(pause.until)));
        report.0
    }

    pub(super) fn job_report(&self, id: JobId) -> Option<String> {
        let job = self.jobs.get(&id)?;
        let (state, time_left) = match job.state {
            State::Ready => ("ready", 0),
            State::Delayed { until } => ("delayed", self.seconds_to(until)),
            State::Reserved { until, .. } => ("reserved", self.seconds_to(until)),
            State::Buried { .. } => ("buried", 0),
        };
        let mut report = Report::new();
        report.line("id", id);
        report.line("tube", &self.tube(job.tube).name);
        report.line("state", state);
        report.line("pri", job.priority);
        report.line("age", self.now.saturating_since(job.created_at).as_secs());
        report.line("delay", job.delay);
        report.line("ttr", job.ttr);
        report.line("time-left", time_left);
        report.line("file", 0);
        report.line("reserves", job.reserves);
        report.line("timeouts", job.timeouts);
        report.line("releases", job.releases);
        report.line("buries", job.buries);
        report.line("kicks", job.kicks);
        Some(report.0)
    }

    pub(super) fn list<'a>(&self, tubes: impl Iterator<Item = &'a TubeId>) -> String {
        let mut text = "---\n".to_owned();
        for tube in tubes {
            let _ = writeln!(text, "- {}", self.tube(*tube).name);
        }
        text
    }

    /// Whole seconds, cut.
    fn seconds_to(&self, at: Instant) -> u64 {
        let left: Duration = at.saturating_since(self.now);
        left.as_secs()
    }
}
