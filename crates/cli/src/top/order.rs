//! What the user wants of a server, and what came of it.

use std::time::Duration;

use beanwire::{Connection, Error, ErrorKind, JobStats, PeekedJob, TubeName};
use bytes::Bytes;
use indicatif::HumanCount;

/// Something to be done at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Makes at most so many buried jobs ready.
    Kick(TubeName, u32),
    /// Stops reservations for so many seconds; zero resumes.
    Pause(TubeName, u32),
    Peek(TubeName),
}

/// What came of it.
#[derive(Debug, Clone)]
pub(crate) enum Done {
    /// A sentence for the user.
    Said(String),
    Peeked(TubeName, Peeked),
}

/// The next job of each of these states, where there is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Peeked {
    pub(crate) ready: Option<Found>,
    pub(crate) buried: Option<Found>,
    pub(crate) delayed: Option<Found>,
}

/// A job as it was when it was looked at.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) stats: Box<JobStats>,
    pub(crate) body: Bytes,
}

impl Order {
    pub(crate) async fn carry_out(self, connection: &Connection) -> Result<Done, Error> {
        match self {
            Self::Kick(tube, most) => kick(connection, &tube, most).await,
            Self::Pause(tube, seconds) => {
                connection.pause_tube(&tube, Duration::from_secs(seconds.into())).await?;
                Ok(Done::Said(match seconds {
                    0 => format!("{tube} goes on"),
                    _ => format!("{tube} is paused for {seconds} s"),
                }))
            }
            Self::Peek(tube) => {
                let (ready, buried, delayed) = tokio::try_join!(
                    async { found(connection.peek_ready(&tube).await?).await },
                    async { found(connection.peek_buried(&tube).await?).await },
                    async { found(connection.peek_delayed(&tube).await?).await },
                )?;
                Ok(Done::Peeked(tube, Peeked { ready, buried, delayed }))
            }
        }
    }
}

/// Kicks buried jobs only: where there is none, the server would kick delayed ones.
async fn kick(connection: &Connection, tube: &TubeName, most: u32) -> Result<Done, Error> {
    let buried = connection.stats_tube(tube).await?.current_jobs_buried;
    let bound = u32::try_from(buried).unwrap_or(u32::MAX).min(most);
    if bound == 0 {
        return Ok(Done::Said(format!("{tube} has no buried jobs any more")));
    }
    let kicked = connection.kick(tube, bound).await?;
    Ok(Done::Said(format!("{} jobs of {tube} kicked", HumanCount(kicked))))
}

/// A job may be gone by the time it is asked about.
async fn found(job: Option<PeekedJob>) -> Result<Option<Found>, Error> {
    let Some(job) = job else { return Ok(None) };
    match job.stats().await {
        Ok(stats) => Ok(Some(Found { stats: Box::new(stats), body: job.body().clone() })),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
