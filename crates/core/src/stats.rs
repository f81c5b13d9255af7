//! What the server counts: the bodies of `stats`, `stats-tube`, `stats-job` and the lists.
//!
//! They look like YAML and are not: names stand unquoted, `#` starts no comment. So they are read
//! line by line.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Outcome, quote};
use crate::types::{JobId, Priority, TubeName};

mod value;

use value::Value;

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum JobState {
    /// Waiting to be reserved.
    Ready,
    /// Waiting for its delay to pass.
    Delayed,
    /// Held by a connection.
    Reserved,
    /// Set aside until it is kicked.
    Buried,
}

/// One table per body: field, type, key on the wire, meaning.
macro_rules! stats {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$attr:meta])* $field:ident: $type:ty = $key:literal, $doc:literal;)*
    }) => {
        $(#[$meta])*
        ///
        /// A number, flag or text that an older server lacks reads as zero, false or empty. Spans that the server
        /// reports as negative read as zero. Serialised spans are whole milliseconds.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub struct $name {
            $(#[doc = $doc] #[doc = concat!("(`", $key, "`)")] $(#[$attr])* pub $field: $type,)*
            /// Keys that this version does not know, as the server wrote them.
            pub other: BTreeMap<String, String>,
        }

        impl $name {
            /// Reads the body of the server's answer, without the CRLF behind it.
            ///
            /// # Errors
            /// `UNEXPECTED_REPLY` naming the key whose value is not of its type, or the missing key
            /// that has no default (a name, id, state or priority); also for a body that is not
            /// lines of `key: value`.
            pub fn parse(body: &[u8]) -> Result<Self, Error> {
                let mut values = Values::read(body, &[$($key),*])?;
                let stats = Self { $($field: values.next(),)* other: values.other };
                values.fault.map_or(Ok(stats), Err)
            }
        }
    };
}

stats! {
    /// The statistics of a server (`stats`), counted since it started.
    ServerStats {
        current_jobs_urgent: u64 = "current-jobs-urgent", "Ready jobs with a priority below 1024.";
        current_jobs_ready: u64 = "current-jobs-ready", "Jobs waiting to be reserved.";
        current_jobs_reserved: u64 = "current-jobs-reserved", "Jobs held by connections.";
        current_jobs_delayed: u64 = "current-jobs-delayed", "Jobs waiting for their delay to pass.";
        current_jobs_buried: u64 = "current-jobs-buried", "Jobs set aside.";
        cmd_put: u64 = "cmd-put", "`put` commands.";
        cmd_peek: u64 = "cmd-peek", "`peek` commands.";
        cmd_peek_ready: u64 = "cmd-peek-ready", "`peek-ready` commands.";
        cmd_peek_delayed: u64 = "cmd-peek-delayed", "`peek-delayed` commands.";
        cmd_peek_buried: u64 = "cmd-peek-buried", "`peek-buried` commands.";
        cmd_reserve: u64 = "cmd-reserve", "`reserve` commands.";
        cmd_reserve_with_timeout: u64 = "cmd-reserve-with-timeout", "`reserve-with-timeout` commands.";
        cmd_delete: u64 = "cmd-delete", "`delete` commands.";
        cmd_release: u64 = "cmd-release", "`release` commands.";
        cmd_use: u64 = "cmd-use", "`use` commands.";
        cmd_watch: u64 = "cmd-watch", "`watch` commands.";
        cmd_ignore: u64 = "cmd-ignore", "`ignore` commands.";
        cmd_bury: u64 = "cmd-bury", "`bury` commands.";
        cmd_kick: u64 = "cmd-kick", "`kick` commands.";
        cmd_touch: u64 = "cmd-touch", "`touch` commands.";
        cmd_stats: u64 = "cmd-stats", "`stats` commands.";
        cmd_stats_job: u64 = "cmd-stats-job", "`stats-job` commands.";
        cmd_stats_tube: u64 = "cmd-stats-tube", "`stats-tube` commands.";
        cmd_list_tubes: u64 = "cmd-list-tubes", "`list-tubes` commands.";
        cmd_list_tube_used: u64 = "cmd-list-tube-used", "`list-tube-used` commands.";
        cmd_list_tubes_watched: u64 = "cmd-list-tubes-watched", "`list-tubes-watched` commands.";
        cmd_pause_tube: u64 = "cmd-pause-tube", "`pause-tube` commands.";
        job_timeouts: u64 = "job-timeouts", "Reservations that outlived their TTR.";
        total_jobs: u64 = "total-jobs", "Jobs ever put.";
        max_job_size: u64 = "max-job-size", "Largest body the server takes, in bytes.";
        current_tubes: u64 = "current-tubes", "Tubes that exist.";
        current_connections: u64 = "current-connections", "Open connections.";
        current_producers: u64 = "current-producers", "Open connections that have put a job.";
        current_workers: u64 = "current-workers", "Open connections that have reserved a job.";
        current_waiting: u64 = "current-waiting", "Connections waiting in a reserve.";
        total_connections: u64 = "total-connections", "Connections ever made.";
        pid: u64 = "pid", "The server's process id.";
        version: String = "version", "The server's version.";
        #[cfg_attr(feature = "serde", serde(rename = "rusage_utime_ms", with = "crate::config::millis"))]
        rusage_utime: Duration = "rusage-utime", "Processor time spent in the server itself.";
        #[cfg_attr(feature = "serde", serde(rename = "rusage_stime_ms", with = "crate::config::millis"))]
        rusage_stime: Duration = "rusage-stime", "Processor time spent in the kernel for it.";
        #[cfg_attr(feature = "serde", serde(rename = "uptime_ms", with = "crate::config::millis"))]
        uptime: Duration = "uptime", "Time since the server started, in whole seconds.";
        binlog_oldest_index: u64 = "binlog-oldest-index", "Oldest binlog file, 0 without a binlog.";
        binlog_current_index: u64 = "binlog-current-index", "Binlog file being written.";
        binlog_records_migrated: u64 = "binlog-records-migrated", "Records moved by compaction.";
        binlog_records_written: u64 = "binlog-records-written", "Records written.";
        binlog_max_size: u64 = "binlog-max-size", "Largest binlog file, in bytes.";
        draining: bool = "draining", "Whether the server refuses new jobs.";
        id: String = "id", "A random text that changes with every start of the server.";
        hostname: String = "hostname", "The machine's name.";
        os: String = "os", "The operating system's version.";
        platform: String = "platform", "The machine's architecture.";
    }
}

stats! {
    /// The statistics of a tube (`stats-tube`), counted since the tube came to be: a tube without
    /// jobs, users and watchers is forgotten with its counts.
    TubeStats {
        name: TubeName = "name", "The tube.";
        current_jobs_urgent: u64 = "current-jobs-urgent", "Ready jobs with a priority below 1024.";
        current_jobs_ready: u64 = "current-jobs-ready", "Jobs waiting to be reserved.";
        current_jobs_reserved: u64 = "current-jobs-reserved", "Jobs held by connections.";
        current_jobs_delayed: u64 = "current-jobs-delayed", "Jobs waiting for their delay to pass.";
        current_jobs_buried: u64 = "current-jobs-buried", "Jobs set aside.";
        total_jobs: u64 = "total-jobs", "Jobs ever put into the tube.";
        current_using: u64 = "current-using", "Connections that put into the tube.";
        current_watching: u64 = "current-watching", "Connections that watch the tube.";
        current_waiting: u64 = "current-waiting", "Connections waiting in a reserve on the tube.";
        cmd_delete: u64 = "cmd-delete", "Jobs of the tube deleted.";
        cmd_pause_tube: u64 = "cmd-pause-tube", "`pause-tube` commands.";
        #[cfg_attr(feature = "serde", serde(rename = "pause_ms", with = "crate::config::millis"))]
        pause: Duration = "pause", "Length of the running pause, zero if there is none.";
        #[cfg_attr(feature = "serde", serde(rename = "pause_time_left_ms", with = "crate::config::millis"))]
        pause_time_left: Duration = "pause-time-left", "What is left of the pause.";
    }
}

stats! {
    /// The statistics of a job (`stats-job`).
    JobStats {
        id: JobId = "id", "The job.";
        tube: TubeName = "tube", "The tube that holds the job.";
        state: JobState = "state", "Where the job is in its life.";
        priority: Priority = "pri", "The priority of the last put, release or bury.";
        #[cfg_attr(feature = "serde", serde(rename = "age_ms", with = "crate::config::millis"))]
        age: Duration = "age", "Time since the put, in whole seconds.";
        #[cfg_attr(feature = "serde", serde(rename = "delay_ms", with = "crate::config::millis"))]
        delay: Duration = "delay", "The delay of the last put or release, in whole seconds.";
        #[cfg_attr(feature = "serde", serde(rename = "ttr_ms", with = "crate::config::millis"))]
        ttr: Duration = "ttr", "How long a reservation lasts, in whole seconds.";
        #[cfg_attr(feature = "serde", serde(rename = "time_left_s"))]
        time_left: i64 = "time-left", "Seconds until the reservation or the delay ends; means nothing in other states, and may be negative.";
        file: u64 = "file", "Oldest binlog file that holds the job, 0 without a binlog.";
        reserves: u64 = "reserves", "Times reserved.";
        timeouts: u64 = "timeouts", "Times a reservation outlived the TTR.";
        releases: u64 = "releases", "Times released.";
        buries: u64 = "buries", "Times buried.";
        kicks: u64 = "kicks", "Times kicked.";
    }
}

/// Reads the body of `list-tubes` or `list-tubes-watched`, without the CRLF behind it.
///
/// # Errors
/// `UNEXPECTED_REPLY` for a body that is not lines of `- name`, or for a name that is not allowed.
pub fn parse_list(body: &[u8]) -> Result<Vec<TubeName>, Error> {
    let names = lines(body)?.map(|line| match line.strip_prefix("- ") {
        Some(name) => read("a tube in the list", unquote(name)),
        None => Err(unexpected(format!("no list item in {}", quote(line)))),
    });
    names.collect()
}

/// The values of a body, to be taken one after the other. What does not depend on their types is
/// here and not in every kind of statistics.
struct Values<'a> {
    keys: &'static [&'static str],
    /// By the place of the key.
    found: Vec<Option<&'a str>>,
    /// The key whose value is taken next.
    next: usize,
    other: BTreeMap<String, String>,
    /// What is wrong with the first value that cannot be used. It is kept here and not given with
    /// that value: to look at every value would be most of the code.
    fault: Option<Error>,
}

impl<'a> Values<'a> {
    fn read(body: &'a [u8], keys: &'static [&'static str]) -> Result<Self, Error> {
        let (found, other) = (vec![None; keys.len()], BTreeMap::new());
        let mut this = Self { keys, found, next: 0, other, fault: None };
        let mut expected = 0;
        for line in lines(body)? {
            // To look for both characters as a text would take several times the code.
            let split = line.as_bytes().windows(2).position(|pair| pair == b": ");
            let parts = split.and_then(|at| Some((line.get(..at)?, line.get(at + 2..)?)));
            let Some((key, value)) = parts else {
                return Err(unexpected(format!("no key and value in {}", quote(line))));
            };
            // Servers mostly tell them in our order.
            let place = match keys.get(expected) {
                Some(known) if *known == key => Some(expected),
                _ => keys.iter().position(|known| *known == key),
            };
            let value = unquote(value);
            match place.and_then(|place| this.found.get_mut(place)) {
                Some(found) => *found = Some(value),
                None => drop(this.other.insert(key.to_owned(), value.to_owned())),
            }
            expected = place.map_or(expected, |place| place + 1);
        }
        Ok(this)
    }

    fn next<T: Value>(&mut self) -> T {
        let key = self.keys.get(self.next).copied().unwrap_or_default();
        let value = self.found.get(self.next).copied().flatten();
        self.next += 1;
        let value = match value {
            Some(value) => read(key, value),
            None if T::REQUIRED => Err(unexpected(format!("{key} is missing"))),
            None => Ok(T::absent()),
        };
        value.unwrap_or_else(|error| {
            self.fault.get_or_insert(error);
            T::absent()
        })
    }
}

fn lines(body: &[u8]) -> Result<impl Iterator<Item = &str>, Error> {
    let text = str::from_utf8(body)
        .map_err(|error| unexpected("the body is not UTF-8".into()).with_source(error))?;
    Ok(text.lines().filter(|line| !line.is_empty() && *line != "---"))
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

fn read<T: Value>(key: &str, value: &str) -> Result<T, Error> {
    T::read(value).ok_or_else(|| unexpected(format!("{key}: {} is not valid", quote(value))))
}

fn unexpected(message: String) -> Error {
    Error::new(ErrorKind::UnexpectedReply, Outcome::Rejected, format!("statistics: {message}"))
}

#[cfg(test)]
mod tests;
