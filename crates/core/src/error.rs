//! The one error type of every face: a kind with a stable code, what became of the work, and
//! whether to try again.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;

/// Longest piece of a caller's value that an error quotes, in bytes.
const QUOTED: usize = 64;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $retry:ident;)*) => {
        /// What went wrong. Kinds may be added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum ErrorKind { $($(#[$doc])* $name,)* }

        impl ErrorKind {
            /// Every kind, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code that stays the same across versions and languages.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Whether the same call may succeed later, left to itself.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)* }
            }
        }
    };
}

kinds! {
    /// An argument breaks a rule; the message names the field, the value and the limit.
    InvalidArgument = "INVALID_ARGUMENT", Never;
    /// A server's URI cannot be used; the message quotes it.
    InvalidUri = "INVALID_URI", Never;
    /// The body is larger than the server's `max-job-size`.
    JobTooBig = "JOB_TOO_BIG", Never;
    /// The connection was lost, or none was up in time.
    Disconnected = "DISCONNECTED", Later;
    /// The TLS set-up or handshake failed: certificate, name, or protocol.
    Tls = "TLS", Never;
    /// The system, or the host of a sandbox, forbids the connection or the name lookup.
    AccessDenied = "ACCESS_DENIED", Never;
    /// The time allowed for the call ran out.
    Timeout = "TIMEOUT", Later;
    /// The client was closed.
    Closed = "CLOSED", Never;
    /// More work is waiting than the client's bound allows.
    QueueFull = "QUEUE_FULL", Later;
    /// The server is draining: it takes no new jobs (`DRAINING`).
    Draining = "DRAINING", Elsewhere;
    /// The server is out of memory (`OUT_OF_MEMORY`).
    OutOfMemory = "OUT_OF_MEMORY", Elsewhere;
    /// The server reported a fault of its own (`INTERNAL_ERROR`).
    InternalError = "INTERNAL_ERROR", Later;
    /// The server could not parse the command (`BAD_FORMAT`).
    BadFormat = "BAD_FORMAT", Never;
    /// The server does not know the command (`UNKNOWN_COMMAND`).
    UnknownCommand = "UNKNOWN_COMMAND", Never;
    /// The server found no line end behind the body (`EXPECTED_CRLF`).
    ExpectedCrlf = "EXPECTED_CRLF", Never;
    /// The job or tube does not exist, or the job is not this connection's (`NOT_FOUND`).
    NotFound = "NOT_FOUND", Never;
    /// The only watched tube cannot be ignored (`NOT_IGNORED`).
    NotIgnored = "NOT_IGNORED", Never;
    /// A job held by this connection is in the last second of its TTR (`DEADLINE_SOON`).
    DeadlineSoon = "DEADLINE_SOON", Later;
    /// The server buried the job, having no memory to release it (`BURIED`).
    Buried = "BURIED", Never;
    /// The job was deleted, released or buried before.
    JobFinished = "JOB_FINISHED", Never;
    /// The reservation is gone: the connection that held it was lost, or the job was reserved anew.
    JobLost = "JOB_LOST", Never;
    /// The server's answer is not one the protocol allows here; the connection was closed.
    UnexpectedReply = "UNEXPECTED_REPLY", Later;
    /// The system or build cannot do this (for example unix sockets on Windows).
    Unsupported = "UNSUPPORTED", Never;
}

/// What became of the command that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Nothing of it reached a server: doing it again cannot double it.
    NotSent,
    /// A server answered and did not do it.
    Rejected,
    /// It was sent and no answer came: it may have been done.
    Unknown,
}

impl Outcome {
    /// The code that stays the same across versions and languages.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotSent => "not-sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether trying again makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retry {
    /// The same call will fail the same way.
    Never,
    /// The same call may succeed later.
    Later,
    /// Another server may accept it now.
    Elsewhere,
}

/// An error of any operation.
///
/// Match on [`kind`](Error::kind) or [`code`](Error::code); the text is for people and may change.
/// Cloning is cheap.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    outcome: Outcome,
    message: String,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind`, of a command that met `outcome`.
    #[must_use]
    pub fn new(kind: ErrorKind, outcome: Outcome, message: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, outcome, message: message.into(), source: None }))
    }

    /// Nothing was sent.
    #[must_use]
    pub fn not_sent(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self::new(kind, Outcome::NotSent, message)
    }

    /// `field` was given `value`, which breaks `limit`.
    #[must_use]
    pub fn invalid_argument(field: &str, value: &str, limit: &str) -> Self {
        let message = format!("{field}: {} is not allowed, the limit is {limit}", quote(value));
        Self::not_sent(ErrorKind::InvalidArgument, message)
    }

    /// `uri` cannot be used because of `reason`.
    #[must_use]
    pub fn invalid_uri(uri: &str, reason: impl fmt::Display) -> Self {
        let message = format!("uri {}: {reason}", quote(uri));
        Self::not_sent(ErrorKind::InvalidUri, message)
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The same error, of a command that met `outcome`.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The stable code of the kind, the same in every language.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.kind.code()
    }

    /// What became of the command.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Whether trying again makes sense. Mind [`outcome`](Error::outcome): a retry of a put whose
    /// outcome is unknown may double the job.
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.kind.retry()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, outcome, message, source } = &*self.0;
        let mut fields = f.debug_struct("Error");
        fields.field("kind", kind).field("outcome", outcome).field("message", message);
        if let Some(source) = source {
            fields.field("source", source);
        }
        fields.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| &**source as _)
    }
}

impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// Quotes a value cut to a length that is safe to log, control characters escaped.
pub(crate) fn quote(value: &str) -> String {
    if value.len() <= QUOTED {
        return format!("{value:?}");
    }
    let cut = value.floor_char_boundary(QUOTED);
    format!("{:?}... ({} bytes)", value.get(..cut).unwrap_or_default(), value.len())
}

#[cfg(test)]
mod tests;
