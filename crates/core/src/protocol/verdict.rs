//! Which replies mean that a command failed, and how that reads as an error.

use super::{Command, Reply};
use crate::error::{Error, ErrorKind, Outcome};

impl Command {
    /// Turns a reply that means failure into an error, and hands on any other.
    ///
    /// No job in time and nothing to peek at are results, not failures.
    ///
    /// # Errors
    /// The server's word as a kind of its own, with [`Outcome::Rejected`].
    pub fn verdict(&self, reply: Reply) -> Result<Reply, Error> {
        let (kind, meaning) = match (&reply, self) {
            (Reply::NotFound, Self::PeekReady(_) | Self::PeekDelayed(_) | Self::PeekBuried(_)) => {
                return Ok(reply);
            }
            (Reply::NotFound, Self::StatsTube(_) | Self::PauseTube { .. }) => {
                (ErrorKind::NotFound, "the tube does not exist")
            }
            (Reply::NotFound, Self::Release { .. } | Self::Bury { .. } | Self::Touch(_)) => {
                (ErrorKind::NotFound, "the job is not reserved by this connection")
            }
            (Reply::NotFound, Self::KickJob(_)) => {
                (ErrorKind::NotFound, "the job does not exist or is neither buried nor delayed")
            }
            (Reply::NotFound, Self::Peek(_) | Self::StatsJob(_)) => {
                (ErrorKind::NotFound, "the job does not exist")
            }
            (Reply::NotFound, Self::ReserveJob(_)) => {
                (ErrorKind::NotFound, "the job does not exist or is reserved")
            }
            (Reply::NotFound, _) => {
                (ErrorKind::NotFound, "the job does not exist or another connection holds it")
            }
            (Reply::Buried, Self::Release { .. }) => {
                (ErrorKind::Buried, "the server had no memory to release the job and buried it")
            }
            (Reply::DeadlineSoon, _) => {
                (ErrorKind::DeadlineSoon, "a held job is in the last second of its TTR")
            }
            (Reply::NotIgnored, _) => {
                (ErrorKind::NotIgnored, "the only watched tube cannot be ignored")
            }
            (Reply::JobTooBig, _) => {
                (ErrorKind::JobTooBig, "the body is larger than the server's max-job-size")
            }
            (Reply::Draining, _) => (ErrorKind::Draining, "the server takes no new jobs"),
            (Reply::OutOfMemory, _) => (ErrorKind::OutOfMemory, "the server has no memory for it"),
            (Reply::InternalError, _) => (ErrorKind::InternalError, "the server has a fault"),
            (Reply::BadFormat, _) => (ErrorKind::BadFormat, "the server cannot parse the command"),
            (Reply::UnknownCommand, _) => {
                (ErrorKind::UnknownCommand, "the server does not know the command")
            }
            (Reply::ExpectedCrlf, _) => {
                (ErrorKind::ExpectedCrlf, "the server found no line end behind the body")
            }
            _ => return Ok(reply),
        };
        let message = format!("{}: {}: {meaning}", self.verb(), reply.word());
        Err(Error::new(kind, Outcome::Rejected, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{JobId, Priority, Seconds, TubeName};

    #[test]
    fn server_words_keep_their_own_kinds() {
        let delete = Command::Delete(JobId(7));
        for (reply, kind) in [
            (Reply::NotFound, ErrorKind::NotFound),
            (Reply::OutOfMemory, ErrorKind::OutOfMemory),
            (Reply::InternalError, ErrorKind::InternalError),
            (Reply::BadFormat, ErrorKind::BadFormat),
            (Reply::UnknownCommand, ErrorKind::UnknownCommand),
        ] {
            let word = reply.word();
            let error = delete.verdict(reply).unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Rejected));
            assert!(error.to_string().starts_with(&format!("delete: {word}: ")), "{error}");
        }
        assert_eq!(delete.verdict(Reply::Deleted).unwrap(), Reply::Deleted);
    }

    #[test]
    fn buried_is_what_bury_asks_for_and_a_failure_of_release() {
        let (id, priority) = (JobId(1), Priority(0));
        assert!(Command::Bury { id, priority }.verdict(Reply::Buried).is_ok());
        let release = Command::Release { id, priority, delay: Seconds::ZERO };
        assert_eq!(release.verdict(Reply::Buried).unwrap_err().kind(), ErrorKind::Buried);
    }

    #[test]
    fn an_empty_tube_is_no_failure_of_a_peek_and_a_missing_job_is() {
        let tube = TubeName::default_tube();
        assert!(Command::PeekReady(tube).verdict(Reply::NotFound).is_ok());
        assert!(Command::Peek(JobId(1)).verdict(Reply::NotFound).is_err());
        assert!(Command::Reserve.verdict(Reply::TimedOut).is_ok());
    }
}
