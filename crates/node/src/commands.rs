//! Every command of the protocol, by its name in JavaScript.

use beanwire::{Connection, Error, PeekedJob, Priority, TubeName};

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

/// Runs a command; none if there is no such command.
pub(crate) async fn run(
    connection: Connection,
    name: &str,
    arguments: Arguments,
) -> Result<Completion, Error> {
    let Arguments { tube, id, first, second } = arguments;
    let tube = tube.as_str();
    Ok(match name {
        "useTube" => connection.use_tube(tube).await?.into(),
        "watch" => count(connection.watch(tube).await?),
        "ignore" => count(connection.ignore(tube).await?),
        "reserve" => connection.reserve().await?.into(),
        "reserveWithTimeout" => {
            let job = connection.reserve_with_timeout(seconds("timeout", first)?).await?;
            job.map_or(Completion::Value(Value::Null), Into::into)
        }
        "reserveJob" => connection.reserve_job(id).await?.into(),
        "delete" => connection.delete(id).await?.into(),
        "release" => {
            let (priority, delay) = (priority(first)?, seconds("delay", second)?);
            connection.release(id, priority, delay).await?.into()
        }
        "bury" => connection.bury(id, priority(first)?).await?.into(),
        "touch" => connection.touch(id).await?.into(),
        "peek" => peeked(Some(connection.peek(id).await?)),
        "peekReady" => peeked(connection.peek_ready(tube).await?),
        "peekDelayed" => peeked(connection.peek_delayed(tube).await?),
        "peekBuried" => peeked(connection.peek_buried(tube).await?),
        "kick" => count(connection.kick(tube, whole("bound", first)?).await?),
        "kickJob" => connection.kick_job(id).await?.into(),
        "stats" => statistics(&connection.stats().await?).into(),
        "statsTube" => statistics(&connection.stats_tube(tube).await?).into(),
        "statsJob" => statistics(&connection.stats_job(id).await?).into(),
        "listTubes" => names(&connection.list_tubes().await?),
        "listTubesWatched" => names(&connection.list_tubes_watched().await?),
        "listTubeUsed" => Value::text(connection.list_tube_used().await?).into(),
        "pauseTube" => connection.pause_tube(tube, seconds("delay", first)?).await?.into(),
        _ => return Err(Error::invalid_argument("command", name, "one of the protocol")),
    })
}

fn priority(number: f64) -> Result<Priority, Error> {
    whole("priority", number).map(Priority)
}

fn count(count: u64) -> Completion {
    Value::number(count).into()
}

fn names(tubes: &[TubeName]) -> Completion {
    Value::List(tubes.iter().map(Value::text).collect()).into()
}

fn peeked(job: Option<PeekedJob>) -> Completion {
    let fields = |job: PeekedJob| {
        let (id, body) = (Value::Id(job.id().0), Value::Body(job.body().clone()));
        Value::object([("id", id), ("body", body)])
    };
    Value::or_null(job, fields).into()
}
