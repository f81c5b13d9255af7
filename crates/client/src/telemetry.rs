//! Spans and events, named as OpenTelemetry names those of messaging systems.

use std::panic::{AssertUnwindSafe, catch_unwind};

use beanwire_core::engine::{Event, Server};
use beanwire_core::error::Error;
use beanwire_core::types::JobId;
use tracing::field::{Empty, display};
use tracing::{Span, debug, info, warn};

/// What an operation is in the terms of OpenTelemetry: the span's kind and the operation's type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Operation {
    Send,
    Receive,
    Process,
    Settle,
    Admin,
}

impl Operation {
    const fn kind(self) -> &'static str {
        match self {
            Self::Send => "producer",
            Self::Process => "consumer",
            Self::Receive | Self::Settle | Self::Admin => "client",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Process => "process",
            Self::Settle => "settle",
            Self::Admin => "admin",
        }
    }
}

/// A span for one operation; what is not known yet is recorded later.
pub(crate) fn span(operation: Operation, name: &'static str) -> Span {
    tracing::info_span!(
        target: "beanwire",
        "beanstalkd",
        otel.name = name,
        otel.kind = operation.kind(),
        messaging.system = "beanstalkd",
        messaging.operation.name = name,
        messaging.operation.type = operation.name(),
        messaging.destination.name = Empty,
        messaging.message.id = Empty,
        messaging.message.body.size = Empty,
        messaging.batch.message_count = Empty,
        server.address = Empty,
        server.port = Empty,
        error.type = Empty,
    )
}

pub(crate) fn record_job(span: &Span, id: JobId, server: &Server) {
    if span.is_disabled() {
        return;
    }
    span.record("messaging.message.id", id.0);
    match server.uri().host() {
        Some(host) => span.record("server.address", display(host)),
        None => span.record("server.address", display(server)),
    };
    if let Some(port) = server.uri().port() {
        span.record("server.port", port);
    }
}

pub(crate) fn record_error<T>(span: &Span, result: &Result<T, Error>) {
    if let Err(error) = result {
        span.record("error.type", error.code());
    }
}

/// Tells what the engine found worth telling. A subscriber that panics must not keep a connection
/// from being opened again.
pub(crate) fn event(event: &Event) {
    // The panic itself was reported by the hook for panics.
    let _ = catch_unwind(AssertUnwindSafe(|| tell(event)));
}

fn tell(event: &Event) {
    match event {
        Event::Connected(server) => info!(target: "beanwire", %server, "connected"),
        Event::Disconnected { server, error, retry_in } => {
            let code = error.code();
            warn!(target: "beanwire", %server, error.type = code, %error, ?retry_in, "disconnected");
        }
        Event::ConnectFailed { server, error, retry_in } => {
            let code = error.code();
            warn!(target: "beanwire", %server, error.type = code, %error, ?retry_in, "connect failed");
        }
        Event::Retry { op, server, error } => {
            let (code, outcome) = (error.code(), error.outcome().code());
            warn!(target: "beanwire", %op, %server, error.type = code, outcome, %error, "retry");
        }
        Event::Draining(server) => {
            warn!(target: "beanwire", %server, "the server refuses new jobs");
        }
        Event::JobLost { id, server, reason, .. } => {
            let reason = reason.code();
            warn!(target: "beanwire", %server, messaging.message.id = id.0, reason, "job lost");
        }
        Event::JobFailed { id, server, action } => {
            info!(target: "beanwire", %server, messaging.message.id = id.0, ?action, "job failed");
        }
        Event::GiveBackFailed { id, server, error } => {
            let code = error.code();
            warn!(
                target: "beanwire", %server, messaging.message.id = id.0, error.type = code, %error,
                "job not given back, it stays reserved until its TTR ends"
            );
        }
        other => debug!(target: "beanwire", ?other, "event"),
    }
}
