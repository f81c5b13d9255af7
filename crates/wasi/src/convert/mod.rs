//! Values of the interface from values of the core, and back. Both components share them.

use std::time::Duration;

use beanwire_core::config::{
    ClientCertificate, Config, Delivery, Exhausted, FailurePolicy, Roots, TlsConfig,
};
use beanwire_core::engine::{
    self, CloseReport, ConnectionHealth, ConnectionState, Engine, Event, FailAction, InsertedJob,
    LostReason, NewJob, Server,
};
use beanwire_core::error::{Error, ErrorKind, Outcome, Retry};
use beanwire_core::stats::JobState;
use beanwire_core::types::{Instant, TubeName};

use crate::bindings::exports::beanwire::client::types;

mod calls;
mod stats;

pub(crate) use calls::{check_uri, finished_before, inserted, put_deadline, surprise, tubes};
pub(crate) use stats::{job_stats, server_stats, tube_stats};

pub(crate) fn error(error: Error) -> types::Error {
    types::Error {
        code: code(error.kind()),
        message: error.to_string(),
        outcome: match error.outcome() {
            Outcome::NotSent => types::Outcome::NotSent,
            Outcome::Rejected => types::Outcome::Rejected,
            Outcome::Unknown => types::Outcome::Unknown,
        },
        retry: match error.retry() {
            Retry::Never => types::Retry::Never,
            Retry::Later => types::Retry::Later,
            Retry::Elsewhere => types::Retry::Elsewhere,
        },
    }
}

const fn code(kind: ErrorKind) -> types::ErrorCode {
    use types::ErrorCode as C;
    match kind {
        ErrorKind::InvalidArgument => C::InvalidArgument,
        ErrorKind::InvalidUri => C::InvalidUri,
        ErrorKind::JobTooBig => C::JobTooBig,
        ErrorKind::Disconnected => C::Disconnected,
        ErrorKind::Tls => C::Tls,
        ErrorKind::AccessDenied => C::AccessDenied,
        ErrorKind::Timeout => C::Timeout,
        ErrorKind::Closed => C::Closed,
        ErrorKind::QueueFull => C::QueueFull,
        ErrorKind::Draining => C::Draining,
        ErrorKind::OutOfMemory => C::OutOfMemory,
        ErrorKind::InternalError => C::InternalError,
        ErrorKind::BadFormat => C::BadFormat,
        ErrorKind::UnknownCommand => C::UnknownCommand,
        ErrorKind::ExpectedCrlf => C::ExpectedCrlf,
        ErrorKind::NotFound => C::NotFound,
        ErrorKind::NotIgnored => C::NotIgnored,
        ErrorKind::DeadlineSoon => C::DeadlineSoon,
        ErrorKind::Buried => C::Buried,
        ErrorKind::JobFinished => C::JobFinished,
        ErrorKind::JobLost => C::JobLost,
        ErrorKind::UnexpectedReply => C::UnexpectedReply,
        ErrorKind::Unsupported => C::Unsupported,
        _ => C::Other,
    }
}

/// The defaults, and what the caller wants otherwise. Ranges are checked by the core.
pub(crate) fn config(wanted: Option<types::Config>) -> Result<Config, Error> {
    // Nothing is reserved ahead of a call, since nothing runs between calls: `prefetch` stays 0.
    let mut config = Config::default();
    let Some(wanted) = wanted else { return Ok(config) };
    let size = |value: u32| usize::try_from(value).unwrap_or(usize::MAX);
    macro_rules! set {
        ($($field:ident: $from:ident as $convert:expr;)*) => {$(
            if let Some(value) = wanted.$from {
                config.$field = $convert(value);
            }
        )*};
    }
    set! {
        multiply: multiply as size;
        connect_timeout: connect_timeout_ms as Duration::from_millis;
        command_timeout: command_timeout_ms as Duration::from_millis;
        put_timeout: put_timeout_ms as Duration::from_millis;
        reserve_timeout: reserve_timeout_ms as Duration::from_millis;
        reconnect_min: reconnect_min_ms as Duration::from_millis;
        reconnect_max: reconnect_max_ms as Duration::from_millis;
        delivery: delivery as delivery;
        auto_touch: auto_touch as bool::from;
        max_body_size: max_body_size as size;
        max_pending_bytes: max_pending_bytes as size;
        tls: tls as tls;
        validate_uris: validate_uris as bool::from;
    }
    config.max_connections = wanted.max_connections.map(size);
    if let Some(policy) = wanted.failure {
        config.failure = failure(policy)?;
    }
    Ok(config)
}

const fn delivery(wanted: types::Delivery) -> Delivery {
    match wanted {
        types::Delivery::AtLeastOnce => Delivery::AtLeastOnce,
        types::Delivery::AtMostOnce => Delivery::AtMostOnce,
    }
}

fn failure(wanted: types::FailurePolicy) -> Result<FailurePolicy, Error> {
    let mut policy = FailurePolicy::default();
    if let Some(delay) = wanted.delay_ms {
        policy.delay = Duration::from_millis(delay);
    }
    if let Some(delay) = wanted.max_delay_ms {
        policy.max_delay = Duration::from_millis(delay);
    }
    policy.max_attempts = wanted.max_attempts;
    policy.exhausted = match wanted.exhausted {
        None | Some(types::Exhausted::Bury) => Exhausted::Bury,
        Some(types::Exhausted::DeadLetter(tube)) => {
            Exhausted::DeadLetter(TubeName::try_from(tube)?)
        }
    };
    Ok(policy)
}

fn tls(wanted: types::TlsConfig) -> TlsConfig {
    let mut tls = TlsConfig::default();
    tls.roots = wanted.roots_pem.map_or(Roots::System, Roots::Pem);
    tls.client_certificate = wanted.client_certificate.map(|certificate| ClientCertificate {
        chain_pem: certificate.chain_pem,
        key_pem: certificate.key_pem,
    });
    tls.server_name = wanted.server_name;
    tls
}

pub(crate) fn new_job(
    tube: String,
    body: Vec<u8>,
    options: Option<types::PutOptions>,
) -> Result<NewJob, Error> {
    let mut job = NewJob::new(tube, body)?;
    let Some(options) = options else { return Ok(job) };
    if let Some(priority) = options.priority {
        job = job.priority(priority);
    }
    if let Some(delay) = options.delay_ms {
        job = job.delay(Duration::from_millis(delay))?;
    }
    match options.ttr_ms {
        Some(ttr) => job.ttr(Duration::from_millis(ttr)),
        None => Ok(job),
    }
}

pub(crate) fn inserted_job(job: InsertedJob) -> types::InsertedJob {
    types::InsertedJob { id: job.id.0, server: place(&job.server), state: job_state(job.state) }
}

const fn job_state(state: JobState) -> types::JobState {
    match state {
        JobState::Ready => types::JobState::Ready,
        JobState::Delayed => types::JobState::Delayed,
        JobState::Reserved => types::JobState::Reserved,
        JobState::Buried => types::JobState::Buried,
    }
}

pub(crate) fn close_report(report: CloseReport) -> types::CloseReport {
    types::CloseReport {
        abandoned_operations: count(report.abandoned_operations),
        abandoned_jobs: count(report.abandoned_jobs),
    }
}

pub(crate) fn names(tubes: Vec<TubeName>) -> Vec<String> {
    tubes.into_iter().map(|tube| tube.to_string()).collect()
}

pub(crate) fn servers(engine: &Engine) -> Vec<String> {
    engine.servers().map(Server::to_string).collect()
}

pub(crate) fn health(engine: &Engine, now: Instant) -> types::Health {
    let health = engine.health(now);
    types::Health {
        servers: health.servers.into_iter().map(server_health).collect(),
        waiting: count(health.waiting),
    }
}

fn server_health(health: engine::ServerHealth) -> types::ServerHealth {
    types::ServerHealth {
        server: health.server.to_string(),
        version: health.version,
        draining: health.draining,
        max_job_size: health.max_job_size,
        last_error: health.last_error,
        retry_in_ms: health.retry_in.map(millis),
        connections: health.connections.into_iter().map(connection_health).collect(),
    }
}

fn connection_health(health: ConnectionHealth) -> types::ConnectionHealth {
    types::ConnectionHealth {
        state: match health.state {
            ConnectionState::Connecting => types::ConnectionState::Connecting,
            ConnectionState::Up => types::ConnectionState::Up,
            _ => types::ConnectionState::Closing,
        },
        pending: count(health.pending),
        held: count(health.held),
        waiting: health.waiting,
    }
}

pub(crate) fn event(event: Event) -> types::Event {
    use types::Event as E;
    let connection = |server: &Server, cause, retry_in| types::ConnectionEvent {
        server: place(server),
        error: error(cause),
        retry_in_ms: millis(retry_in),
    };
    match event {
        Event::Connected(server) => E::Connected(place(&server)),
        Event::Disconnected { server, error, retry_in } => {
            E::Disconnected(connection(&server, error, retry_in))
        }
        Event::ConnectFailed { server, error, retry_in } => {
            E::ConnectFailed(connection(&server, error, retry_in))
        }
        Event::Retry { server, error: cause, .. } => {
            E::Retry(types::RetryEvent { server: place(&server), error: error(cause) })
        }
        Event::Draining(server) => E::Draining(place(&server)),
        Event::JobLost { id, server, reason, .. } => E::JobLost(types::LostEvent {
            id: id.0,
            server: place(&server),
            reason: lost_reason(reason),
        }),
        Event::JobFailed { id, server, action } => E::JobFailed(types::FailedEvent {
            id: id.0,
            server: place(&server),
            action: fail_action(action),
        }),
        Event::GiveBackFailed { id, server, error: cause } => {
            E::GiveBackFailed(types::StuckEvent {
                id: id.0,
                server: place(&server),
                error: error(cause),
            })
        }
        _ => E::Other("unknown".to_owned()),
    }
}

const fn lost_reason(reason: LostReason) -> types::LostReason {
    match reason {
        LostReason::Disconnected => types::LostReason::Disconnected,
        LostReason::Expired => types::LostReason::Expired,
        LostReason::NotFound => types::LostReason::NotFound,
        LostReason::Superseded => types::LostReason::Superseded,
        _ => types::LostReason::Other,
    }
}

fn fail_action(action: FailAction) -> types::FailAction {
    match action {
        FailAction::Released(delay) => types::FailAction::Released(millis(delay.as_duration())),
        FailAction::Buried => types::FailAction::Buried,
        FailAction::DeadLettered(tube) => types::FailAction::DeadLettered(tube.to_string()),
        _ => types::FailAction::Other,
    }
}

pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn place(server: &Server) -> u32 {
    count(server.id().index())
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
