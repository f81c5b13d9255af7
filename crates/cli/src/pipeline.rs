//! Many commands on one connection without waiting for each answer.

use std::future::poll_fn;
use std::pin::pin;

use beanwire::{Connection, Error, ErrorKind, JobId, JobStats};
use futures_util::future::{join, join_all};

/// Most commands sent before their answers are read: that fills the network and bounds the memory.
pub(crate) const WINDOW: usize = 1024;

/// Runs all of them at once, in their order, and leaves in as few writes as may be.
pub(crate) async fn all<F: Future>(commands: impl IntoIterator<Item = F>) -> Vec<F::Output> {
    let mut all = pin!(join_all(commands));
    poll_fn(|context| beanwire::corked(|| all.as_mut().poll(context))).await
}

/// The statistics of those of the jobs that exist.
pub(crate) async fn stats(
    connection: &Connection,
    ids: impl IntoIterator<Item = u64>,
) -> Result<Vec<JobStats>, Error> {
    let answers = all(ids.into_iter().map(|id| connection.stats_job(id))).await;
    let existing = answers.into_iter().filter_map(|answer| match answer {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        answer => Some(answer),
    });
    existing.collect()
}

/// Deletes these jobs; one result each.
pub(crate) async fn delete(connection: &Connection, ids: &[JobId]) -> Vec<Result<(), Error>> {
    all(ids.iter().map(|id| connection.delete(*id))).await
}

/// Kicks these jobs; one result each.
pub(crate) async fn kick(connection: &Connection, ids: &[JobId]) -> Vec<Result<(), Error>> {
    all(ids.iter().map(|id| connection.kick_job(*id))).await
}

/// Runs both at once, the first in front of the second.
pub(crate) async fn both<A: Future, B: Future>(first: A, second: B) -> (A::Output, B::Output) {
    let mut both = pin!(join(first, second));
    poll_fn(|context| beanwire::corked(|| both.as_mut().poll(context))).await
}
