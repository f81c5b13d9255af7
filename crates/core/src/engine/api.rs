//! What goes into the engine and what comes out of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;
use crate::protocol::{Command, Reply};
use crate::stats::{JobState, JobStats};
use crate::types::{Instant, JobId, Priority, Seconds, TubeName};
use crate::uri::ServerUri;

/// Fixed part of what a waiting put counts towards `max_pending_bytes`.
const PUT_OVERHEAD: usize = 256;

/// How long a reservation lasts unless told otherwise.
const DEFAULT_TTR: Duration = Duration::from_secs(60);

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub(super) u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// One operation. Never used twice by an engine.
    OpId,
    /// One connection, from the attempt to open it to its end. Never used twice by an engine.
    LinkId,
    /// One reservation of a job. Never used twice by an engine.
    LeaseId,
}

/// A server, by its place in the list without repetitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub(super) usize);

impl ServerId {
    /// The place, counted from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// What an engine is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Puts jobs through whichever server and connection serves best.
    Producer,
    /// Reserves jobs from these tubes on all servers; none means `default`.
    Consumer(Vec<TubeName>),
    /// One connection to the first server, for every command.
    Connection,
}

/// A job to put. `Debug` shows no more of the body than its length.
#[derive(Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Where to.
    pub tube: TubeName,
    /// Its place among the ready jobs.
    pub priority: Priority,
    /// How long it stays delayed before it is ready.
    pub delay: Seconds,
    /// Time to run: how long a reservation lasts without a touch.
    pub ttr: Seconds,
    /// Its content.
    pub body: Bytes,
}

impl fmt::Debug for NewJob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewJob")
            .field("tube", &self.tube)
            .field("priority", &self.priority)
            .field("delay", &self.delay)
            .field("ttr", &self.ttr)
            .field("body_len", &self.body.len())
            .finish()
    }
}

impl NewJob {
    /// A job with priority 1024, no delay and a TTR of 60 s.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for a tube name that is not allowed.
    pub fn new<T>(tube: T, body: impl Into<Bytes>) -> Result<Self, Error>
    where
        T: TryInto<TubeName>,
        Error: From<T::Error>,
    {
        let (priority, delay) = (Priority::default(), Seconds::ZERO);
        let ttr = Seconds::ttr(DEFAULT_TTR)?;
        Ok(Self { tube: tube.try_into()?, priority, delay, ttr, body: body.into() })
    }

    /// Sets the priority.
    #[must_use]
    pub fn priority(self, priority: impl Into<Priority>) -> Self {
        Self { priority: priority.into(), ..self }
    }

    /// Sets the delay, rounded up to whole seconds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` above 2^32-1 s.
    pub fn delay(self, delay: Duration) -> Result<Self, Error> {
        Ok(Self { delay: Seconds::from_duration("delay", delay)?, ..self })
    }

    /// Sets the TTR, rounded up to whole seconds.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` for zero and above 2^32-1 s.
    pub fn ttr(self, ttr: Duration) -> Result<Self, Error> {
        Ok(Self { ttr: Seconds::ttr(ttr)?, ..self })
    }

    /// What a waiting put of a body this long counts towards `max_pending_bytes`.
    #[must_use]
    pub const fn cost(body_len: usize) -> usize {
        body_len.saturating_add(PUT_OVERHEAD)
    }
}

/// Something to do.
#[derive(Debug, Clone)]
pub enum Request {
    /// Inserts a job. Roles: producer, connection.
    Put(NewJob),
    /// Runs one command on a server; for the connection role there is only one.
    Command {
        /// Where.
        server: ServerId,
        /// What.
        command: Command,
    },
    /// Asks for one job. Role: consumer.
    Receive,
    /// Asks every server that can be reached for a job, once and without waiting there;
    /// [`Success::Done`] if none has one. A server at which a reserve waits already is not asked
    /// again. Role: consumer.
    TryReceive,
    /// Ends a reservation.
    Finish {
        /// Which.
        lease: LeaseId,
        /// How.
        how: Finish,
    },
    /// Starts a reservation's TTR anew.
    Touch(LeaseId),
    /// Asks for a reserved job's statistics.
    JobStats(LeaseId),
    /// Waits until a connection is up.
    Ready,
}

/// How a reservation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The job is done.
    Delete,
    /// The job goes back to its tube.
    Release {
        /// Its new priority; none keeps its own.
        priority: Option<Priority>,
        /// How long it stays delayed.
        delay: Seconds,
    },
    /// The job is set aside.
    Bury {
        /// Its new priority; none keeps its own.
        priority: Option<Priority>,
    },
    /// The handler failed: what happens is up to the configured failure policy.
    Fail,
}

/// How an operation went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Success {
    /// There is nothing to tell.
    Done,
    /// A put: the job exists.
    Inserted(InsertedJob),
    /// A job was reserved.
    Reserved(ReservedJob),
    /// A command's reply, never one that means failure.
    Reply(Reply),
    /// Statistics of a reserved job.
    JobStats(Box<JobStats>),
}

/// A job that a put brought into being.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InsertedJob {
    /// Its id, unique on its server.
    pub id: JobId,
    /// The server that holds it.
    pub server: Server,
    /// Ready or delayed; buried if the server had no memory for its queue.
    pub state: JobState,
}

/// A server as results name it: cheap to clone, shown as its URI.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Server {
    pub(super) id: ServerId,
    pub(super) uri: Arc<ServerUri>,
}

impl Server {
    /// Its place in the client's list.
    #[must_use]
    pub const fn id(&self) -> ServerId {
        self.id
    }

    /// Where it is.
    #[must_use]
    pub fn uri(&self) -> &ServerUri {
        &self.uri
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

/// A job that was reserved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReservedJob {
    /// The reservation.
    pub lease: LeaseId,
    /// The connection that holds it.
    pub link: LinkId,
    /// The job.
    pub id: JobId,
    /// The server that holds it.
    pub server: Server,
    /// Its content.
    pub body: Bytes,
    /// When the reply came in.
    pub reserved_at: Instant,
}

/// What the driver has to do.
#[derive(Debug)]
pub enum Output {
    /// Open a connection; answer with `handle_connected` or `handle_closed`.
    Connect {
        /// Its name from now on.
        link: LinkId,
        /// Where to.
        server: Server,
    },
    /// There are bytes to send: call `take` until it gives none.
    Transmit(LinkId),
    /// Send what was taken, then end the sending direction.
    HalfClose(LinkId),
    /// Close it now; answer with `handle_closed`.
    Close(LinkId),
    /// An operation has ended.
    Complete(OpId, Result<Success, Error>),
    /// Something worth telling happened.
    Event(Event),
    /// All connections are closed after `close`; nothing more will come.
    Closed(CloseReport),
}

/// What a close left undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CloseReport {
    /// Operations that were ended with `CLOSED`.
    pub abandoned_operations: usize,
    /// Jobs that were still reserved; their servers make them ready again.
    pub abandoned_jobs: usize,
}

/// Something worth telling.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// A connection is up.
    Connected(Server),
    /// A connection that was up is lost.
    Disconnected {
        /// Whose.
        server: Server,
        /// Why.
        error: Error,
        /// How long until it is tried again.
        retry_in: Duration,
    },
    /// A connection could not be opened.
    ConnectFailed {
        /// Whose.
        server: Server,
        /// Why.
        error: Error,
        /// How long until it is tried again.
        retry_in: Duration,
    },
    /// A put is done again elsewhere or later.
    Retry {
        /// Which.
        op: OpId,
        /// The server where it failed.
        server: Server,
        /// Why. Mind its outcome: if it is unknown, the job may now exist twice.
        error: Error,
    },
    /// A server refuses new jobs until it is restarted.
    Draining(Server),
    /// A reservation is gone while its holder had not finished it.
    JobLost {
        /// The reservation.
        lease: LeaseId,
        /// The job.
        id: JobId,
        /// Whose.
        server: Server,
        /// Why.
        reason: LostReason,
    },
    /// What the failure policy did with a job.
    JobFailed {
        /// The job.
        id: JobId,
        /// Whose.
        server: Server,
        /// What became of it.
        action: FailAction,
    },
    /// A job that nobody holds could not be given back; it stays reserved until its TTR ends.
    GiveBackFailed {
        /// The job.
        id: JobId,
        /// Whose.
        server: Server,
        /// Why.
        error: Error,
    },
}

/// Why a reservation is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LostReason {
    /// The connection that held it was lost.
    Disconnected,
    /// The TTR ran out, going by the server's statistics.
    Expired,
    /// The server says that the job is not this connection's.
    NotFound,
    /// This connection reserved the job again.
    Superseded,
}

impl LostReason {
    /// A word for logs, the same in every language.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Expired => "expired",
            Self::NotFound => "not-found",
            Self::Superseded => "superseded",
        }
    }
}

/// What the failure policy did with a job.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailAction {
    /// It was released with this delay.
    Released(Seconds),
    /// It was buried.
    Buried,
    /// It was moved to this tube.
    DeadLettered(TubeName),
}

/// A client's view of its servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Every server, in the order of the list.
    pub servers: Vec<ServerHealth>,
    /// Operations that wait for a connection or for a job.
    pub waiting: usize,
}

/// A client's view of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerHealth {
    /// Which.
    pub server: Server,
    /// The version it told at the last connect; empty before.
    pub version: String,
    /// Whether it refuses new jobs.
    pub draining: bool,
    /// The largest body it takes, in bytes, as told at the last connect.
    pub max_job_size: Option<u64>,
    /// The last error that kept or broke a connection, until the next one is up.
    pub last_error: Option<String>,
    /// Time until the next attempt to connect, if one is held back.
    pub retry_in: Option<Duration>,
    /// Every connection.
    pub connections: Vec<ConnectionHealth>,
}

/// A client's view of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectionHealth {
    /// How far it is.
    pub state: ConnectionState,
    /// Commands without a reply.
    pub pending: usize,
    /// Reservations it holds.
    pub held: usize,
    /// Whether it waits in a reserve.
    pub waiting: bool,
}

/// How far a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Being opened, or waiting for its first replies.
    Connecting,
    /// In use.
    Up,
    /// On its way out.
    Closing,
}
