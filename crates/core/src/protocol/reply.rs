//! What a server can answer.

use bytes::Bytes;

use crate::types::{JobId, TubeName};

/// One whole reply (protocol, sections "Producer Commands" to "Other Commands").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `INSERTED id`: the job is ready or delayed.
    Inserted(JobId),
    /// `BURIED id` to a put, which did insert the job.
    InsertedBuried(JobId),
    /// `BURIED`: to bury, success; to release, the server had no memory to do it.
    Buried,
    /// `USING tube`.
    Using(TubeName),
    /// `WATCHING n`: how many tubes the connection watches now.
    Watching(u64),
    /// `RESERVED id n` and the body.
    Reserved(JobId, Bytes),
    /// `FOUND id n` and the body.
    Found(JobId, Bytes),
    /// `OK n` and the text.
    Ok(Bytes),
    /// `DELETED`.
    Deleted,
    /// `RELEASED`.
    Released,
    /// `TOUCHED`.
    Touched,
    /// `KICKED n` to kick.
    KickedCount(u64),
    /// `KICKED` to kick-job.
    Kicked,
    /// `PAUSED`.
    Paused,
    /// `TIMED_OUT`: no job came in time.
    TimedOut,
    /// `DEADLINE_SOON`: a job held by this connection is in the last second of its TTR.
    DeadlineSoon,
    /// `NOT_FOUND`.
    NotFound,
    /// `NOT_IGNORED`.
    NotIgnored,
    /// `JOB_TOO_BIG`.
    JobTooBig,
    /// `DRAINING`.
    Draining,
    /// `OUT_OF_MEMORY`.
    OutOfMemory,
    /// `INTERNAL_ERROR`.
    InternalError,
    /// `BAD_FORMAT`.
    BadFormat,
    /// `UNKNOWN_COMMAND`.
    UnknownCommand,
    /// `EXPECTED_CRLF`.
    ExpectedCrlf,
}

impl Reply {
    /// The word the reply starts with on the wire.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Inserted(_) => "INSERTED",
            Self::InsertedBuried(_) | Self::Buried => "BURIED",
            Self::Using(_) => "USING",
            Self::Watching(_) => "WATCHING",
            Self::Reserved(..) => "RESERVED",
            Self::Found(..) => "FOUND",
            Self::Ok(_) => "OK",
            Self::Deleted => "DELETED",
            Self::Released => "RELEASED",
            Self::Touched => "TOUCHED",
            Self::KickedCount(_) | Self::Kicked => "KICKED",
            Self::Paused => "PAUSED",
            Self::TimedOut => "TIMED_OUT",
            Self::DeadlineSoon => "DEADLINE_SOON",
            Self::NotFound => "NOT_FOUND",
            Self::NotIgnored => "NOT_IGNORED",
            Self::JobTooBig => "JOB_TOO_BIG",
            Self::Draining => "DRAINING",
            Self::OutOfMemory => "OUT_OF_MEMORY",
            Self::InternalError => "INTERNAL_ERROR",
            Self::BadFormat => "BAD_FORMAT",
            Self::UnknownCommand => "UNKNOWN_COMMAND",
            Self::ExpectedCrlf => "EXPECTED_CRLF",
        }
    }
}
