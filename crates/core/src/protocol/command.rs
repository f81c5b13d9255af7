//! What a client can ask, how it is written, and which replies may answer it.

use bytes::{Bytes, BytesMut};

use super::Reply;
use crate::types::{JobId, Priority, Seconds, TubeName};

/// One command with valid arguments: what exists can be written without a further check.
///
/// Commands that act on the used tube carry its name; the connection sends `use` when needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Inserts a job.
    Put {
        /// Where to.
        tube: TubeName,
        /// Its place among the ready jobs.
        priority: Priority,
        /// How long it stays delayed before it is ready.
        delay: Seconds,
        /// Time to run: how long a reservation lasts without a touch.
        ttr: Seconds,
        /// At most [`MAX_BODY`](super::MAX_BODY) bytes; the server's own limit is checked later.
        body: Bytes,
    },
    /// Selects the tube for put, peek and kick.
    Use(TubeName),
    /// Adds a tube to those reserved from.
    Watch(TubeName),
    /// Removes a tube from those reserved from.
    Ignore(TubeName),
    /// Waits for a job without a limit.
    Reserve,
    /// Waits for a job this long.
    ReserveWithTimeout(Seconds),
    /// Reserves one job by id, from any tube (server 1.12 and later).
    ReserveJob(JobId),
    /// Removes a job for good.
    Delete(JobId),
    /// Gives a reserved job back.
    Release {
        /// Which.
        id: JobId,
        /// Its new priority.
        priority: Priority,
        /// How long it stays delayed.
        delay: Seconds,
    },
    /// Sets a reserved job aside until it is kicked.
    Bury {
        /// Which.
        id: JobId,
        /// Its new priority.
        priority: Priority,
    },
    /// Starts the TTR of a reserved job anew.
    Touch(JobId),
    /// Looks at a job by id.
    Peek(JobId),
    /// Looks at the next ready job of a tube.
    PeekReady(TubeName),
    /// Looks at the delayed job of a tube that is due first.
    PeekDelayed(TubeName),
    /// Looks at the job of a tube that was buried first.
    PeekBuried(TubeName),
    /// Moves buried (else delayed) jobs of a tube to ready.
    Kick {
        /// Which tube.
        tube: TubeName,
        /// At most this many.
        bound: u32,
    },
    /// Moves one buried or delayed job to ready.
    KickJob(JobId),
    /// Statistics of the server.
    Stats,
    /// Statistics of a job.
    StatsJob(JobId),
    /// Statistics of a tube.
    StatsTube(TubeName),
    /// Names of all tubes.
    ListTubes,
    /// Name of the used tube.
    ListTubeUsed,
    /// Names of the watched tubes.
    ListTubesWatched,
    /// Stops reservations from a tube for a while; zero resumes.
    PauseTube {
        /// Which tube.
        tube: TubeName,
        /// For how long.
        delay: Seconds,
    },
    /// Ends the connection; there is no reply.
    Quit,
}

impl Command {
    /// The command's word on the wire.
    #[must_use]
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Put { .. } => "put",
            Self::Use(_) => "use",
            Self::Watch(_) => "watch",
            Self::Ignore(_) => "ignore",
            Self::Reserve => "reserve",
            Self::ReserveWithTimeout(_) => "reserve-with-timeout",
            Self::ReserveJob(_) => "reserve-job",
            Self::Delete(_) => "delete",
            Self::Release { .. } => "release",
            Self::Bury { .. } => "bury",
            Self::Touch(_) => "touch",
            Self::Peek(_) => "peek",
            Self::PeekReady(_) => "peek-ready",
            Self::PeekDelayed(_) => "peek-delayed",
            Self::PeekBuried(_) => "peek-buried",
            Self::Kick { .. } => "kick",
            Self::KickJob(_) => "kick-job",
            Self::Stats => "stats",
            Self::StatsJob(_) => "stats-job",
            Self::StatsTube(_) => "stats-tube",
            Self::ListTubes => "list-tubes",
            Self::ListTubeUsed => "list-tube-used",
            Self::ListTubesWatched => "list-tubes-watched",
            Self::PauseTube { .. } => "pause-tube",
            Self::Quit => "quit",
        }
    }

    /// Writes the command's line, and for a put nothing of the body.
    pub fn encode_line(&self, out: &mut BytesMut) {
        let mut line = Line(out);
        line.0.extend_from_slice(self.verb().as_bytes());
        match self {
            Self::Put { priority, delay, ttr, body, .. } => {
                let numbers = [priority.0, delay.get(), ttr.get()].map(u64::from);
                line.numbers(&numbers);
                line.numbers(&[body.len() as u64]);
            }
            Self::Use(tube) | Self::Watch(tube) | Self::Ignore(tube) | Self::StatsTube(tube) => {
                line.word(tube.as_str());
            }
            Self::ReserveWithTimeout(timeout) => line.numbers(&[timeout.get().into()]),
            Self::ReserveJob(id)
            | Self::Delete(id)
            | Self::Touch(id)
            | Self::Peek(id)
            | Self::KickJob(id)
            | Self::StatsJob(id) => line.numbers(&[id.0]),
            Self::Release { id, priority, delay } => {
                line.numbers(&[id.0, priority.0.into(), delay.get().into()]);
            }
            Self::Bury { id, priority } => line.numbers(&[id.0, priority.0.into()]),
            Self::Kick { bound, .. } => line.numbers(&[(*bound).into()]),
            Self::PauseTube { tube, delay } => {
                line.word(tube.as_str());
                line.numbers(&[delay.get().into()]);
            }
            Self::PeekReady(_)
            | Self::PeekDelayed(_)
            | Self::PeekBuried(_)
            | Self::Reserve
            | Self::Stats
            | Self::ListTubes
            | Self::ListTubeUsed
            | Self::ListTubesWatched
            | Self::Quit => {}
        }
        line.0.extend_from_slice(b"\r\n");
    }

    /// The body that follows the line, with a line end of its own.
    #[must_use]
    pub const fn body(&self) -> Option<&Bytes> {
        match self {
            Self::Put { body, .. } => Some(body),
            _ => None,
        }
    }

    /// The tube that must be in use when this command runs.
    #[must_use]
    pub const fn acts_on(&self) -> Option<&TubeName> {
        match self {
            Self::Put { tube, .. }
            | Self::PeekReady(tube)
            | Self::PeekDelayed(tube)
            | Self::PeekBuried(tube)
            | Self::Kick { tube, .. } => Some(tube),
            _ => None,
        }
    }

    /// How long the server may hold the answer back: `None` if it answers at once, else the
    /// timeout, which is `None` for a plain `reserve`.
    #[must_use]
    pub const fn blocks(&self) -> Option<Option<Seconds>> {
        match self {
            Self::Reserve => Some(None),
            Self::ReserveWithTimeout(timeout) if timeout.get() > 0 => Some(Some(*timeout)),
            _ => None,
        }
    }

    /// Whether a job may come of it.
    #[must_use]
    pub const fn reserves(&self) -> bool {
        matches!(self, Self::Reserve | Self::ReserveWithTimeout(_) | Self::ReserveJob(_))
    }

    /// Whether the protocol allows `reply` as an answer to this command.
    #[must_use]
    pub const fn accepts(&self, reply: &Reply) -> bool {
        use Reply as R;
        if matches!(reply, R::BadFormat | R::UnknownCommand | R::OutOfMemory | R::InternalError) {
            return !matches!(self, Self::Quit);
        }
        match self {
            Self::Put { .. } => matches!(
                reply,
                R::Inserted(_)
                    | R::InsertedBuried(_)
                    | R::ExpectedCrlf
                    | R::JobTooBig
                    | R::Draining
            ),
            Self::Use(_) | Self::ListTubeUsed => matches!(reply, R::Using(_)),
            Self::Watch(_) => matches!(reply, R::Watching(_)),
            Self::Ignore(_) => matches!(reply, R::Watching(_) | R::NotIgnored),
            Self::Reserve | Self::ReserveWithTimeout(_) => {
                matches!(reply, R::Reserved(..) | R::TimedOut | R::DeadlineSoon)
            }
            Self::ReserveJob(_) => matches!(reply, R::Reserved(..) | R::NotFound),
            Self::Delete(_) => matches!(reply, R::Deleted | R::NotFound),
            Self::Release { .. } => matches!(reply, R::Released | R::Buried | R::NotFound),
            Self::Bury { .. } => matches!(reply, R::Buried | R::NotFound),
            Self::Touch(_) => matches!(reply, R::Touched | R::NotFound),
            Self::Peek(_) | Self::PeekReady(_) | Self::PeekDelayed(_) | Self::PeekBuried(_) => {
                matches!(reply, R::Found(..) | R::NotFound)
            }
            Self::Kick { .. } => matches!(reply, R::KickedCount(_)),
            Self::KickJob(_) => matches!(reply, R::Kicked | R::NotFound),
            Self::Stats | Self::ListTubes | Self::ListTubesWatched => matches!(reply, R::Ok(_)),
            Self::StatsJob(_) | Self::StatsTube(_) => matches!(reply, R::Ok(_) | R::NotFound),
            Self::PauseTube { .. } => matches!(reply, R::Paused | R::NotFound),
            Self::Quit => false,
        }
    }

    /// Whether the answer must also name what the command named: a job by id, or a tube.
    #[must_use]
    pub fn matches(&self, reply: &Reply) -> bool {
        match (self, reply) {
            (Self::ReserveJob(id), Reply::Reserved(got, _))
            | (Self::Peek(id), Reply::Found(got, _)) => id == got,
            (Self::Use(tube), Reply::Using(got)) => tube == got,
            _ => self.accepts(reply),
        }
    }

    /// Whether `reply`, legal as it is, means that client and server no longer agree on where a
    /// command starts or on the tube in use, so that nothing after it can be trusted.
    #[must_use]
    pub const fn loses_step(&self, reply: &Reply) -> bool {
        match reply {
            Reply::UnknownCommand => true,
            Reply::BadFormat | Reply::ExpectedCrlf if matches!(self, Self::Put { .. }) => true,
            // What follows would act on the wrong tube.
            reply => matches!(self, Self::Use(_)) && !matches!(reply, Reply::Using(_)),
        }
    }
}

/// The arguments of a command, each behind a space.
struct Line<'a>(&'a mut BytesMut);

impl Line<'_> {
    fn word(&mut self, word: &str) {
        self.0.extend_from_slice(b" ");
        self.0.extend_from_slice(word.as_bytes());
    }

    fn numbers(&mut self, numbers: &[u64]) {
        let mut digits = itoa::Buffer::new();
        numbers.iter().for_each(|number| self.word(digits.format(*number)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(command: &Command) -> String {
        let mut out = BytesMut::new();
        command.encode_line(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn every_command_is_written_as_the_protocol_says() {
        let tube = || TubeName::new("t").unwrap();
        let (id, priority) = (JobId(u64::MAX), Priority(7));
        let delay = Seconds::from_duration("delay", std::time::Duration::from_secs(3)).unwrap();
        let body = Bytes::from_static(b"abc");
        let put = Command::Put { tube: tube(), priority, delay, ttr: delay, body };
        for (command, expected) in [
            (put, "put 7 3 3 3"),
            (Command::Use(tube()), "use t"),
            (Command::Watch(tube()), "watch t"),
            (Command::Ignore(tube()), "ignore t"),
            (Command::Reserve, "reserve"),
            (Command::ReserveWithTimeout(delay), "reserve-with-timeout 3"),
            (Command::ReserveJob(id), "reserve-job 18446744073709551615"),
            (Command::Delete(id), "delete 18446744073709551615"),
            (Command::Release { id, priority, delay }, "release 18446744073709551615 7 3"),
            (Command::Bury { id, priority }, "bury 18446744073709551615 7"),
            (Command::Touch(id), "touch 18446744073709551615"),
            (Command::Peek(id), "peek 18446744073709551615"),
            (Command::PeekReady(tube()), "peek-ready"),
            (Command::PeekDelayed(tube()), "peek-delayed"),
            (Command::PeekBuried(tube()), "peek-buried"),
            (Command::Kick { tube: tube(), bound: 9 }, "kick 9"),
            (Command::KickJob(id), "kick-job 18446744073709551615"),
            (Command::Stats, "stats"),
            (Command::StatsJob(id), "stats-job 18446744073709551615"),
            (Command::StatsTube(tube()), "stats-tube t"),
            (Command::ListTubes, "list-tubes"),
            (Command::ListTubeUsed, "list-tube-used"),
            (Command::ListTubesWatched, "list-tubes-watched"),
            (Command::PauseTube { tube: tube(), delay }, "pause-tube t 3"),
            (Command::Quit, "quit"),
        ] {
            assert_eq!(line(&command), format!("{expected}\r\n"));
        }
    }

    #[test]
    fn the_longest_line_fits_the_servers_limit() {
        let tube = TubeName::new(&"x".repeat(200)).unwrap();
        let delay = std::time::Duration::from_secs(u64::from(u32::MAX));
        let delay = Seconds::from_duration("delay", delay).unwrap();
        assert_eq!(line(&Command::PauseTube { tube, delay }).len(), super::super::MAX_LINE);
    }

    #[test]
    fn a_reply_to_another_command_is_not_accepted() {
        assert!(!Command::Delete(JobId(1)).accepts(&Reply::Inserted(JobId(1))));
        assert!(!Command::Touch(JobId(1)).accepts(&Reply::Deleted));
        assert!(!Command::Quit.accepts(&Reply::InternalError));
        assert!(!Command::Peek(JobId(1)).matches(&Reply::Found(JobId(2), Bytes::new())));
    }
}
