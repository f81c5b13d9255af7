//! The native client's types as those of the component, and back.

use std::time::Duration;

use beanwire::{Delivery, Exhausted, FailurePolicy, NewJob};
use beanwire_component_tests::types::{self, JobStats, TubeStats};
use beanwire_component_tests::{Config, PutOptions};

use crate::face::{Told, Trouble};

pub(crate) fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

fn whole_ms(span: Duration) -> u64 {
    span.as_millis().try_into().unwrap()
}

impl From<beanwire::Error> for Trouble {
    fn from(error: beanwire::Error) -> Self {
        let outcome = match error.outcome() {
            beanwire::Outcome::NotSent => types::Outcome::NotSent,
            beanwire::Outcome::Rejected => types::Outcome::Rejected,
            beanwire::Outcome::Unknown => types::Outcome::Unknown,
        };
        let retry = match error.retry() {
            beanwire::Retry::Never => types::Retry::Never,
            beanwire::Retry::Later => types::Retry::Later,
            beanwire::Retry::Elsewhere => types::Retry::Elsewhere,
        };
        Self { code: format!("{:?}", error.kind()), outcome, retry }
    }
}

/// Sets in `$to` what `$from` has, in their common fields.
macro_rules! set {
    ($to:ident, $from:ident, $convert:expr, $($field:ident = $source:ident,)*) => {
        $(if let Some(value) = $from.$source {
            $to.$field = $convert(value);
        })*
    };
}

pub(crate) fn config(from: &Config) -> beanwire::Config {
    let mut to = beanwire::Config::default();
    set! { to, from, ms,
        connect_timeout = connect_timeout_ms,
        command_timeout = command_timeout_ms,
        put_timeout = put_timeout_ms,
        reserve_timeout = reserve_timeout_ms,
        reconnect_min = reconnect_min_ms,
        reconnect_max = reconnect_max_ms,
    }
    set! { to, from, |value| value as usize,
        multiply = multiply,
        max_body_size = max_body_size,
        max_pending_bytes = max_pending_bytes,
    }
    set! { to, from, |value| value,
        auto_touch = auto_touch,
        validate_uris = validate_uris,
    }
    to.max_connections = from.max_connections.map(|most| most as usize);
    if from.delivery == Some(types::Delivery::AtMostOnce) {
        to.delivery = Delivery::AtMostOnce;
    }
    to.failure = from.failure.as_ref().map(policy).unwrap_or_default();
    assert!(from.tls.is_none(), "TLS is not part of the cases");
    to
}

fn policy(from: &types::FailurePolicy) -> FailurePolicy {
    let mut to = FailurePolicy::default();
    set! { to, from, ms, delay = delay_ms, max_delay = max_delay_ms, }
    to.max_attempts = from.max_attempts;
    if let Some(types::Exhausted::DeadLetter(tube)) = &from.exhausted {
        to.exhausted = Exhausted::DeadLetter(tube.as_str().try_into().unwrap());
    }
    to
}

pub(crate) fn new_job(tube: &str, body: &[u8], options: Option<PutOptions>) -> Told<NewJob> {
    let mut job = NewJob::new(tube, body.to_vec())?;
    let Some(options) = options else { return Ok(job) };
    if let Some(priority) = options.priority {
        job = job.priority(priority);
    }
    if let Some(delay) = options.delay_ms {
        job = job.delay(ms(delay))?;
    }
    if let Some(ttr) = options.ttr_ms {
        job = job.ttr(ms(ttr))?;
    }
    Ok(job)
}

fn state(from: beanwire::JobState) -> types::JobState {
    match from {
        beanwire::JobState::Ready => types::JobState::Ready,
        beanwire::JobState::Delayed => types::JobState::Delayed,
        beanwire::JobState::Reserved => types::JobState::Reserved,
        beanwire::JobState::Buried => types::JobState::Buried,
    }
}

pub(crate) fn inserted(from: &beanwire::InsertedJob) -> types::InsertedJob {
    let server = from.server.id().index().try_into().unwrap();
    types::InsertedJob { id: from.id.0, server, state: state(from.state) }
}

pub(crate) fn report(from: beanwire::CloseReport) -> types::CloseReport {
    types::CloseReport {
        abandoned_operations: from.abandoned_operations.try_into().unwrap(),
        abandoned_jobs: from.abandoned_jobs.try_into().unwrap(),
    }
}

pub(crate) fn job_stats(from: &beanwire::JobStats) -> JobStats {
    JobStats {
        id: from.id.0,
        tube: from.tube.as_str().to_owned(),
        state: state(from.state),
        priority: from.priority.0,
        age_ms: whole_ms(from.age),
        delay_ms: whole_ms(from.delay),
        ttr_ms: whole_ms(from.ttr),
        time_left_s: from.time_left,
        file: from.file,
        reserves: from.reserves,
        timeouts: from.timeouts,
        releases: from.releases,
        buries: from.buries,
        kicks: from.kicks,
    }
}

pub(crate) fn tube_stats(from: &beanwire::TubeStats) -> TubeStats {
    TubeStats {
        name: from.name.as_str().to_owned(),
        current_jobs_urgent: from.current_jobs_urgent,
        current_jobs_ready: from.current_jobs_ready,
        current_jobs_reserved: from.current_jobs_reserved,
        current_jobs_delayed: from.current_jobs_delayed,
        current_jobs_buried: from.current_jobs_buried,
        total_jobs: from.total_jobs,
        current_using: from.current_using,
        current_watching: from.current_watching,
        current_waiting: from.current_waiting,
        cmd_delete: from.cmd_delete,
        cmd_pause_tube: from.cmd_pause_tube,
        pause_ms: whole_ms(from.pause),
        pause_time_left_ms: whole_ms(from.pause_time_left),
    }
}
