//! Finding the jobs of a tube that are not ready: the protocol shows no more than the first.
//!
//! [`Walk`] takes jobs from the head of a queue and deletes them, so that the next one shows. Its ids
//! are mostly those that follow, so it asks for the statistics of some of these in the same breath;
//! what is there is taken along. Neither reserves anything: a job reserved by its id becomes ready
//! when its connection is lost, and somebody would work on a job that was to be deleted.
//!
//! [`Survey`] finds jobs that are not to be removed one after the other, by asking for one id after
//! the other, from the head and from the highest id, until all that the server counts were found.

use std::collections::BTreeSet;
use std::ops::Range;

use beanwire::{Connection, Error, ErrorKind, JobId, JobState, JobStats, TubeName};

use crate::failure::Failure;
use crate::pipeline::{self, WINDOW};

/// How many of the ids that follow are asked for: at first, and at least.
const FIRST_REACH: u64 = 16;
const LEAST_REACH: u64 = 4;

/// How often the same job may be at the head of the queue before that is an error.
const PATIENCE: u32 = 3;

/// How many windows a survey asks for before it looks whether it is done.
const WINDOWS_PER_COUNT: u32 = 8;

/// How far above a job to look for another, where the highest id is not known.
const LEAST_GAP: u64 = 1 << 20;

/// How many peeks are under way at once: each may bring a large body.
const PEEKS: usize = 16;

/// The first job of a tube in one state.
pub(crate) async fn peek(
    connection: &Connection,
    tube: &TubeName,
    state: JobState,
) -> Result<Option<JobId>, Error> {
    let job = match state {
        JobState::Ready => connection.peek_ready(tube).await?,
        JobState::Delayed => connection.peek_delayed(tube).await?,
        JobState::Buried => connection.peek_buried(tube).await?,
        JobState::Reserved => None,
    };
    Ok(job.map(|job| job.id()))
}

/// Takes the jobs of one tube and state from the head of their queue.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    connection: &'a Connection,
    tube: &'a TubeName,
    state: JobState,
    /// The ids to ask for next, and how many they may be.
    guess: Range<u64>,
    most: u64,
    /// The job at the head, and how often it was there in a row.
    head: Option<(JobId, u32)>,
}

impl<'a> Walk<'a> {
    /// Finds at most `most` jobs at once. With one, they come strictly in the order of the queue.
    pub(crate) const fn new(
        connection: &'a Connection,
        tube: &'a TubeName,
        state: JobState,
        most: u64,
    ) -> Self {
        Self { connection, tube, state, guess: 0..0, most, head: None }
    }

    /// Deletes `ids`, with a result for each, and finds the next jobs behind that; none if there are
    /// no more.
    pub(crate) async fn step(
        &mut self,
        ids: &[JobId],
    ) -> (Vec<Result<(), Error>>, Result<Vec<JobId>, Failure>) {
        let find = pipeline::both(
            peek(self.connection, self.tube, self.state),
            pipeline::stats(self.connection, self.guess.clone()),
        );
        let (deleted, (head, guessed)) =
            pipeline::both(pipeline::delete(self.connection, ids), find).await;
        let found = self.found(head, guessed);
        let found = found.map_err(Failure::from).and_then(|found| {
            if let Some(head) = found.first() {
                self.note_head(*head, ids, &deleted)?;
            }
            Ok(found)
        });
        (deleted, found)
    }

    /// The head and those that were guessed, and the next guess.
    fn found(
        &mut self,
        head: Result<Option<JobId>, Error>,
        guessed: Result<Vec<JobStats>, Error>,
    ) -> Result<Vec<JobId>, Error> {
        let Some(head) = head? else {
            return Ok(Vec::new());
        };
        let right = |job: &JobStats| job.state == self.state && job.tube == *self.tube;
        let mut found = vec![head];
        found.extend(guessed?.into_iter().filter(right).map(|job| job.id).filter(|id| *id != head));
        let hits = found.len() as u64 - 1;
        // On from where the guess was right, else from the head.
        let start = if hits > 0 { self.guess.end } else { head.0.saturating_add(1) };
        let reach = reach(self.guess.end - self.guess.start, hits).min(self.most - 1);
        self.guess = start..start.saturating_add(reach);
        Ok(found)
    }

    fn note_head(
        &mut self,
        head: JobId,
        ids: &[JobId],
        deleted: &[Result<(), Error>],
    ) -> Result<(), Failure> {
        let times = match self.head {
            Some((before, times)) if before == head => times + 1,
            _ => 1,
        };
        self.head = Some((head, times));
        if times <= PATIENCE {
            return Ok(());
        }
        let (tube, state) = (self.tube, crate::job::state(self.state));
        let mut message =
            format!("job {head} of {tube} is still {state} after {PATIENCE} attempts");
        let answer = ids.iter().zip(deleted).find(|(id, _)| **id == head);
        if let Some((_, Err(error))) = answer {
            message = format!("{message}; the last one: {error}");
        }
        Err(Failure::refused(message))
    }
}

/// How many ids to ask for next, having asked for some and found some.
fn reach(asked: u64, hits: u64) -> u64 {
    match asked {
        0 => FIRST_REACH,
        _ if hits * 2 >= asked => asked * 2,
        _ if hits * 8 < asked => (asked / 2).max(LEAST_REACH),
        _ => asked,
    }
}

/// Finds the buried jobs of some tubes without removing them.
#[derive(Debug)]
pub(crate) struct Survey<'a> {
    connection: &'a Connection,
    tubes: BTreeSet<TubeName>,
    /// Ids still to ask for, above the first head and below it.
    up: Range<u64>,
    down: Range<u64>,
    /// How far above a job to look for another; none where the highest id is known.
    gap: Option<u64>,
    windows: u32,
    /// Jobs that were found and are still buried.
    left: u64,
    /// Buried jobs that were not found, once the survey is over.
    pub(crate) missing: u64,
}

impl<'a> Survey<'a> {
    pub(crate) async fn new(
        connection: &'a Connection,
        tubes: impl IntoIterator<Item = TubeName>,
    ) -> Result<Self, Error> {
        let tubes: BTreeSet<_> = tubes.into_iter().collect();
        let mut heads = Vec::new();
        for tubes in tubes.iter().collect::<Vec<_>>().chunks(PEEKS) {
            let peeks = tubes.iter().map(|tube| peek(connection, tube, JobState::Buried));
            for head in pipeline::all(peeks).await {
                heads.extend(head?.map(|id| id.0));
            }
        }
        let stats = connection.stats().await?;
        // Every put takes an id, so there is none above their number; but a server that read its
        // binlog goes on behind the ids in there, and nobody tells where that is.
        let known = stats.binlog_current_index == 0;
        let gap = (!known).then(|| stats.cmd_put.max(LEAST_GAP));
        let lowest = heads.iter().min().copied().unwrap_or(1);
        let highest = heads.iter().max().copied().unwrap_or(1);
        let end = highest.max(stats.cmd_put).saturating_add(gap.unwrap_or(0)).saturating_add(1);
        let (up, down) = (lowest..end, 1..lowest);
        Ok(Self { connection, tubes, up, down, gap, windows: 0, left: 0, missing: 0 })
    }

    /// Some more buried jobs, maybe none; `None` at the end. `left` of those that the step before
    /// found are still buried.
    pub(crate) async fn step(&mut self, left: u64) -> Result<Option<Vec<JobStats>>, Error> {
        self.left += left;
        let over = self.up.is_empty() && self.down.is_empty();
        if over || self.windows.is_multiple_of(WINDOWS_PER_COUNT) {
            self.missing = self.buried().await?.saturating_sub(self.left);
            if over || self.missing == 0 {
                return Ok(None);
            }
        }
        self.windows = self.windows.wrapping_add(1);
        let ids = self.next_window();
        let jobs = pipeline::stats(self.connection, ids).await?;
        if let (Some(gap), Some(highest)) = (self.gap, jobs.iter().map(|job| job.id.0).max()) {
            self.up.end = self.up.end.max(highest.saturating_add(gap));
        }
        let right =
            |job: &JobStats| job.state == JobState::Buried && self.tubes.contains(&job.tube);
        Ok(Some(jobs.into_iter().filter(right).collect()))
    }

    /// The jobs that are buried now.
    async fn buried(&self) -> Result<u64, Error> {
        let mut buried = 0;
        for tubes in self.tubes.iter().collect::<Vec<_>>().chunks(WINDOW) {
            for stats in
                pipeline::all(tubes.iter().map(|tube| self.connection.stats_tube(*tube))).await
            {
                match stats {
                    Ok(stats) => buried += stats.current_jobs_buried,
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(buried)
    }

    /// By turns below the head, above it, and below the highest id: where buried jobs mostly are.
    fn next_window(&mut self) -> Range<u64> {
        let Self { up, down, gap, windows, .. } = self;
        match *windows % 3 {
            _ if up.is_empty() => last(down),
            0 if !down.is_empty() => last(down),
            1 if gap.is_none() => last(up),
            _ => first(up),
        }
    }
}

fn first(ids: &mut Range<u64>) -> Range<u64> {
    let end = ids.start.saturating_add(WINDOW as u64).min(ids.end);
    std::mem::replace(&mut ids.start, end)..end
}

fn last(ids: &mut Range<u64>) -> Range<u64> {
    let start = ids.end.saturating_sub(WINDOW as u64).max(ids.start);
    start..std::mem::replace(&mut ids.end, start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reach_follows_the_luck() {
        assert_eq!(reach(0, 0), 16);
        assert_eq!(reach(16, 16), 32);
        assert_eq!(reach(1000, 900), 2000);
        assert_eq!(reach(16, 4), 16);
        assert_eq!(reach(16, 1), 8);
        assert_eq!(reach(4, 0), 4);
    }

    #[test]
    fn windows_come_from_both_ends() {
        let mut ids = 1..3000;
        assert_eq!(first(&mut ids), 1..1025);
        assert_eq!(last(&mut ids), 1976..3000);
        assert_eq!(last(&mut ids), 1025..1976);
        assert!(ids.is_empty());
    }
}
