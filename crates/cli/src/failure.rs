//! How a command fails: what is told, and the exit code.

use std::fmt::Display;
use std::io;
use std::process::ExitCode;

use beanwire::{Error, ErrorKind, Outcome};

use crate::text;

/// The exit codes, as the help and the manual show them.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  a server said no: not found, draining, too big, not drained
  2  bad usage: a flag, a value, a file that cannot be read
  3  a server cannot be reached, or was lost
  4  partly done: it worked for some of the servers, jobs or lines
  130, 143  ended by SIGINT or SIGTERM before it was done
A reader that goes away (`| head`) ends a command quietly, with 0; only put goes on.";

/// What an exit code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Code {
    /// Nobody reads the output any more: that is no failure, and there is nobody to tell.
    Quiet,
    Refused,
    Usage,
    Unreachable,
    Partial,
    /// By the signal of this number.
    Interrupted(u8),
}

impl Code {
    const fn number(self) -> u8 {
        match self {
            Self::Quiet => 0,
            Self::Refused => 1,
            Self::Usage => 2,
            Self::Unreachable => 3,
            Self::Partial => 4,
            Self::Interrupted(signal) => 128 + signal,
        }
    }
}

/// Why a command failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: Code,
    /// None if it was told before.
    message: Option<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: Some(message.into()), hint: None }
    }

    /// A server said no.
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(Code::Refused, message)
    }

    /// The command was not used as it can be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Code::Usage, message)
    }

    /// A signal ended it.
    pub(crate) fn interrupted(signal: u8) -> Self {
        Self { code: Code::Interrupted(signal), message: None, hint: None }
    }

    /// All that is to be said about it was said before.
    pub(crate) const fn told(code: Code) -> Self {
        Self { code, message: None, hint: None }
    }

    /// The same with what to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, with what it is about in front, unless it says so itself.
    pub(crate) fn about(self, what: impl Display) -> Self {
        let what = what.to_string();
        let own = format!("uri {what:?}");
        let message = self.message.map(|message| {
            match message.starts_with(&what) || message.starts_with(&own) {
                true => message,
                false => format!("{what}: {message}"),
            }
        });
        Self { message, ..self }
    }

    /// The same, after something was done: part of the work is then behind it.
    pub(crate) fn after(self, done: u64) -> Self {
        match self.code {
            Code::Refused | Code::Unreachable if done > 0 => Self { code: Code::Partial, ..self },
            _ => self,
        }
    }

    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// Tells it on standard error.
    pub(crate) fn tell(&self, colour: bool) {
        if let Some(message) = &self.message {
            tell("error", "1;31", message, colour);
        }
        if let Some(hint) = &self.hint {
            tell("hint", "1;36", hint, colour);
        }
    }

    /// Tells it and gives the exit code.
    pub(crate) fn report(&self, colour: bool) -> ExitCode {
        self.tell(colour);
        ExitCode::from(self.code.number())
    }
}

/// A line for whoever watches.
pub(crate) fn note(text: &str) {
    // Without standard error there is nobody to tell.
    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
}

/// Tells something that is no failure of the command.
pub(crate) fn warn(message: &str, colour: bool) {
    tell("warning", "1;33", message, colour);
}

fn tell(label: &str, style: &str, message: &str, colour: bool) {
    // Servers write into messages.
    let message = text::lines(message.as_bytes());
    note(&match colour {
        true => format!("\x1b[{style}m{label}:\x1b[0m {message}"),
        false => format!("{label}: {message}"),
    });
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::Unsupported => Code::Usage,
            // URIs were checked before; this is a host whose name leads nowhere.
            ErrorKind::InvalidUri
            | ErrorKind::Disconnected
            | ErrorKind::Timeout
            | ErrorKind::Tls
            | ErrorKind::Closed => Code::Unreachable,
            _ => Code::Refused,
        };
        let doubt = match error.outcome() {
            Outcome::Unknown => "; whether it was done is unknown",
            Outcome::NotSent | Outcome::Rejected => "",
        };
        let failure = Self::new(code, format!("{error}{doubt}"));
        match hint(error.kind()) {
            Some(text) => failure.hint(text),
            None => failure,
        }
    }
}

fn hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::InvalidUri | ErrorKind::Disconnected => {
            "does beanstalkd listen there? --uri or BEANWIRE_URI say where to look"
        }
        ErrorKind::Timeout => "--timeout sets how long to wait for an answer",
        ErrorKind::Tls => {
            "--tls-ca names whom to trust, --tls-server-name the name in the certificate"
        }
        ErrorKind::JobTooBig => {
            "the limit is the server's max-job-size: `beanwire stats` shows it, beanstalkd -z sets it"
        }
        ErrorKind::Draining => "a server that drains takes no jobs until it is restarted",
        _ => return None,
    })
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::told(Code::Quiet),
            _ => Self::refused(format!("cannot write the output: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_of_the_work_makes_a_refusal_partial_and_leaves_a_misuse_alone() {
        assert_eq!(Failure::refused("no").after(0).code().number(), 1);
        assert_eq!(Failure::refused("no").after(1).code().number(), 4);
        assert_eq!(Failure::usage("no").after(1).code().number(), 2);
        assert_eq!(Failure::interrupted(15).after(1).code().number(), 143);
    }

    #[test]
    fn an_unknown_outcome_is_told() {
        let error = Error::new(ErrorKind::Disconnected, Outcome::Unknown, "lost");
        let failure = Failure::from(error).about("beanstalk://a:1");
        let message = failure.message.clone().unwrap();
        assert_eq!(failure.clone().about("beanstalk://a:1"), failure);
        assert_eq!(message, "beanstalk://a:1: lost; whether it was done is unknown");
        assert_eq!(failure.code, Code::Unreachable);
    }

    #[test]
    fn a_host_without_an_address_cannot_be_reached() {
        let message = "uri \"beanstalk://a:1\": the host cannot be resolved";
        let error = Error::new(ErrorKind::InvalidUri, Outcome::NotSent, message);
        let failure = Failure::from(error).about("beanstalk://a:1");
        assert_eq!(
            (failure.code(), failure.message.as_deref()),
            (Code::Unreachable, Some(message))
        );
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.code().number(), failure.message), (0, None));
    }
}
