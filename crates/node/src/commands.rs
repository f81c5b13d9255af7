//! Every command of the protocol, by its name in JavaScript.

use beanwire_core::engine::Success;
use beanwire_core::error::{Error, ErrorKind, Outcome};
use beanwire_core::protocol::{Command, Reply};
use beanwire_core::stats::{self, JobStats, ServerStats, TubeStats};
use beanwire_core::types::{JobId, Priority, Seconds, TubeName};
use bytes::Bytes;

use crate::convert::{seconds, whole};
use crate::record::Completion;
use crate::value::{Value, statistics};

/// The arguments of a command; which of them count depends on it.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) tube: String,
    pub(crate) id: u64,
    pub(crate) first: f64,
    pub(crate) second: f64,
}

/// How the reply to a command is read.
pub(crate) type Read = fn(Success) -> Result<Completion, Error>;

/// The command, and how its reply is read.
pub(crate) fn command(name: &str, arguments: &Arguments) -> Result<(Command, Read), Error> {
    let &Arguments { ref tube, id, first, second } = arguments;
    let (id, tube) = (JobId(id), || TubeName::new(tube));
    Ok(match name {
        "useTube" => (Command::Use(tube()?), done),
        "watch" => (Command::Watch(tube()?), count),
        "ignore" => (Command::Ignore(tube()?), count),
        "reserve" => (Command::Reserve, reserved),
        "reserveWithTimeout" => {
            let timeout = Seconds::reserve_timeout(seconds("timeout", first)?)?;
            (Command::ReserveWithTimeout(timeout), reserved)
        }
        "reserveJob" => (Command::ReserveJob(id), reserved),
        "delete" => (Command::Delete(id), done),
        "release" => {
            let priority = priority(first)?;
            (Command::Release { id, priority, delay: delay(second)? }, done)
        }
        "bury" => (Command::Bury { id, priority: priority(first)? }, done),
        "touch" => (Command::Touch(id), done),
        "peek" => (Command::Peek(id), peeked),
        "peekReady" => (Command::PeekReady(tube()?), peeked),
        "peekDelayed" => (Command::PeekDelayed(tube()?), peeked),
        "peekBuried" => (Command::PeekBuried(tube()?), peeked),
        "kick" => (Command::Kick { tube: tube()?, bound: whole("bound", first)? }, count),
        "kickJob" => (Command::KickJob(id), done),
        "stats" => (Command::Stats, |won| Ok(statistics(&ServerStats::parse(&text(won)?)?).into())),
        "statsTube" => (Command::StatsTube(tube()?), |won| {
            Ok(statistics(&TubeStats::parse(&text(won)?)?).into())
        }),
        "statsJob" => {
            (Command::StatsJob(id), |won| Ok(statistics(&JobStats::parse(&text(won)?)?).into()))
        }
        "listTubes" => (Command::ListTubes, names),
        "listTubesWatched" => (Command::ListTubesWatched, names),
        "listTubeUsed" => (Command::ListTubeUsed, |won| match won {
            Success::Reply(Reply::Using(tube)) => Ok(Value::text(tube).into()),
            other => Err(surprise(&other)),
        }),
        "pauseTube" => (Command::PauseTube { tube: tube()?, delay: delay(first)? }, done),
        _ => return Err(Error::invalid_argument("command", name, "one of the protocol")),
    })
}

fn priority(number: f64) -> Result<Priority, Error> {
    whole("priority", number).map(Priority)
}

fn delay(span: f64) -> Result<Seconds, Error> {
    Seconds::from_duration("delay", seconds("delay", span)?)
}

/// The reply to a command that has nothing to tell.
pub(crate) fn done(won: Success) -> Result<Completion, Error> {
    match won {
        Success::Reply(_) => Ok(Completion::Done),
        other => Err(surprise(&other)),
    }
}

fn count(won: Success) -> Result<Completion, Error> {
    match won {
        Success::Reply(Reply::Watching(count) | Reply::KickedCount(count)) => {
            Ok(Value::number(count).into())
        }
        other => Err(surprise(&other)),
    }
}

fn reserved(won: Success) -> Result<Completion, Error> {
    match won {
        Success::Reserved(job) => Ok(Completion::Job(job)),
        Success::Reply(Reply::TimedOut) => Ok(Value::Null.into()),
        other => Err(surprise(&other)),
    }
}

fn text(won: Success) -> Result<Bytes, Error> {
    match won {
        Success::Reply(Reply::Ok(text)) => Ok(text),
        other => Err(surprise(&other)),
    }
}

fn names(won: Success) -> Result<Completion, Error> {
    let tubes = stats::parse_list(&text(won)?)?;
    Ok(Value::List(tubes.iter().map(Value::text).collect()).into())
}

fn peeked(won: Success) -> Result<Completion, Error> {
    match won {
        Success::Reply(Reply::Found(id, body)) => {
            let fields = [("id", Value::Id(id.0)), ("body", Value::Body(body))];
            Ok(Value::object(fields).into())
        }
        Success::Reply(Reply::NotFound) => Ok(Value::Null.into()),
        other => Err(surprise(&other)),
    }
}

/// The engine answered something else than was asked.
pub(crate) fn surprise(found: &Success) -> Error {
    let message = format!("an answer to something else: {found:?}");
    Error::new(ErrorKind::UnexpectedReply, Outcome::Unknown, message)
}
