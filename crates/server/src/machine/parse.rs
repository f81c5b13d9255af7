//! Command lines as the server reads them (protocol, sections "Producer Commands" to "Other
//! Commands").

use beanwire_core::types::{JobId, TubeName};

/// One line that makes sense.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    Put(Put),
    Use(TubeName),
    Watch(TubeName),
    Ignore(TubeName),
    /// With no timeout it waits without a limit.
    Reserve {
        timeout: Option<u32>,
    },
    ReserveJob(JobId),
    Delete(JobId),
    Release {
        id: JobId,
        priority: u32,
        delay: u32,
    },
    Bury {
        id: JobId,
        priority: u32,
    },
    Touch(JobId),
    Peek(JobId),
    PeekReady,
    PeekDelayed,
    PeekBuried,
    Kick(u32),
    KickJob(JobId),
    Stats,
    StatsJob(JobId),
    StatsTube(TubeName),
    ListTubes,
    ListTubeUsed,
    ListTubesWatched,
    PauseTube {
        tube: TubeName,
        delay: u32,
    },
    Quit,
}

/// The numbers of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Put {
    pub(super) priority: u32,
    pub(super) delay: u32,
    pub(super) ttr: u32,
    pub(super) size: u32,
    /// Something stands behind the size. The size itself is checked first.
    pub(super) garbage: bool,
}

/// Why a line is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    BadFormat,
    UnknownCommand,
}

/// Commands that take no argument.
const BARE: [(&[u8], Command); 9] = [
    (b"reserve", Command::Reserve { timeout: None }),
    (b"peek-ready", Command::PeekReady),
    (b"peek-delayed", Command::PeekDelayed),
    (b"peek-buried", Command::PeekBuried),
    (b"stats", Command::Stats),
    (b"list-tubes", Command::ListTubes),
    (b"list-tube-used", Command::ListTubeUsed),
    (b"list-tubes-watched", Command::ListTubesWatched),
    (b"quit", Command::Quit),
];

/// Reads a line without its CRLF.
pub(super) fn parse(line: &[u8]) -> Result<Command, Refusal> {
    if line.iter().any(|byte| matches!(byte, 0 | b'\r')) {
        return Err(Refusal::BadFormat);
    }
    match line.iter().position(|byte| *byte == b' ') {
        Some(space) => {
            let (verb, rest) = line.split_at(space + 1);
            with_arguments(verb, Arguments(rest)).unwrap_or_else(|| bare(line))
        }
        None => bare(line),
    }
}

fn bare(line: &[u8]) -> Result<Command, Refusal> {
    if let Some((_, command)) = BARE.iter().find(|(verb, _)| *verb == line) {
        return Ok(command.clone());
    }
    // beanstalkd takes a line for the command that it begins with, and this one, too, has no space
    // in its name there.
    let verbs = BARE.iter().map(|(verb, _)| *verb).chain([b"pause-tube".as_slice()]);
    let begins = verbs.into_iter().any(|verb| line.starts_with(verb));
    Err(if begins { Refusal::BadFormat } else { Refusal::UnknownCommand })
}

fn with_arguments(verb: &[u8], arguments: Arguments<'_>) -> Option<Result<Command, Refusal>> {
    use Command as C;
    Some(match verb {
        b"put " => put(arguments).map(C::Put),
        b"use " => arguments.last_tube().map(C::Use),
        b"watch " => arguments.last_tube().map(C::Watch),
        b"ignore " => arguments.last_tube().map(C::Ignore),
        b"reserve-with-timeout " => arguments.last_up_to(i32::MAX.unsigned_abs()).map(|timeout| {
            let timeout = Some(timeout);
            C::Reserve { timeout }
        }),
        b"reserve-job " => arguments.last_id().map(C::ReserveJob),
        b"delete " => arguments.last_id().map(C::Delete),
        b"release " => release(arguments),
        b"bury " => bury(arguments),
        b"touch " => arguments.last_id().map(C::Touch),
        b"peek " => arguments.last_id().map(C::Peek),
        b"kick " => arguments.last_up_to(u32::MAX).map(C::Kick),
        b"kick-job " => arguments.last_id().map(C::KickJob),
        b"stats-job " => arguments.last_id().map(C::StatsJob),
        b"stats-tube " => arguments.last_tube().map(C::StatsTube),
        b"pause-tube " => pause_tube(arguments),
        _ => return None,
    })
}

fn put(mut arguments: Arguments<'_>) -> Result<Put, Refusal> {
    let (priority, delay) = (arguments.u32()?, arguments.u32()?);
    let (ttr, size) = (arguments.u32()?, arguments.u32()?);
    Ok(Put { priority, delay, ttr, size, garbage: !arguments.0.is_empty() })
}

fn release(mut arguments: Arguments<'_>) -> Result<Command, Refusal> {
    let (id, priority) = (JobId(arguments.u64()?), arguments.u32()?);
    Ok(Command::Release { id, priority, delay: arguments.last_up_to(u32::MAX)? })
}

fn bury(mut arguments: Arguments<'_>) -> Result<Command, Refusal> {
    let id = JobId(arguments.u64()?);
    Ok(Command::Bury { id, priority: arguments.last_up_to(u32::MAX)? })
}

fn pause_tube(mut arguments: Arguments<'_>) -> Result<Command, Refusal> {
    let tube = arguments.tube()?;
    Ok(Command::PauseTube { tube, delay: arguments.last_up_to(u32::MAX)? })
}

/// What stands behind the verb. Numbers may have any number of spaces in front of them.
struct Arguments<'a>(&'a [u8]);

impl Arguments<'_> {
    fn skip_spaces(&mut self) {
        while let [b' ', rest @ ..] = self.0 {
            self.0 = rest;
        }
    }

    fn u64(&mut self) -> Result<u64, Refusal> {
        self.skip_spaces();
        let end = self.0.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        // An empty text is no number either.
        let text = str::from_utf8(digits).map_err(|_| Refusal::BadFormat)?;
        text.parse().map_err(|_| Refusal::BadFormat)
    }

    fn u32(&mut self) -> Result<u32, Refusal> {
        u32::try_from(self.u64()?).map_err(|_| Refusal::BadFormat)
    }

    fn tube(&mut self) -> Result<TubeName, Refusal> {
        self.skip_spaces();
        let end = self.0.iter().position(|byte| *byte == b' ').unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        tube(name)
    }

    fn end(self) -> Result<(), Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(Refusal::BadFormat) }
    }

    fn last_up_to(mut self, limit: u32) -> Result<u32, Refusal> {
        let number = self.u32().and_then(|number| {
            if number <= limit { Ok(number) } else { Err(Refusal::BadFormat) }
        })?;
        self.end().map(|()| number)
    }

    fn last_id(mut self) -> Result<JobId, Refusal> {
        let id = self.u64()?;
        self.end().map(|()| JobId(id))
    }

    /// All of it is the name: not even a space in front is allowed.
    fn last_tube(self) -> Result<TubeName, Refusal> {
        tube(self.0)
    }
}

fn tube(name: &[u8]) -> Result<TubeName, Refusal> {
    let name = str::from_utf8(name).map_err(|_| Refusal::BadFormat)?;
    TubeName::new(name).map_err(|_| Refusal::BadFormat)
}
