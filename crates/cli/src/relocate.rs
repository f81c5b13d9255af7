//! `beanwire move`: first a copy in the other tube, then the original goes.

use std::time::Duration;

use beanwire::{
    Connection, Error, ErrorKind, FailurePolicy, InsertedJob, Job, JobId, JobState, JobStats,
    NewJob, Server, TubeName, TubeStats,
};
use bytes::Bytes;
use clap::ValueEnum;

use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline;
use crate::progress::Progress;
use crate::search::Walk;

/// How many jobs are on their way at once, at most: as many can be in both tubes after a crash.
const BATCH: u64 = 100;

/// How much memory their bodies may take, in bytes, if more than one is to be on its way.
const ROOM: u64 = 64 << 20;

const EXAMPLES: &str = "\
Examples:
  beanwire move mail mail.slow --limit 1000
  beanwire move mail.failed mail --state buried";

/// Move jobs from one tube to another of the same server.
///
/// Every job is copied with its priority and TTR, and a delayed one with the rest of its delay;
/// only then is the original deleted. So nothing is lost if this is killed or the connection breaks,
/// and at most 100 jobs are then in both tubes. A copy has an id of its own; that of a buried job is
/// ready. Jobs that come into the tube meanwhile stay there.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The tube to take jobs from
    #[arg(value_name = "FROM")]
    from: TubeName,
    /// The tube to put them into
    #[arg(value_name = "TO")]
    to: TubeName,
    /// Which jobs to move
    #[arg(short, long, value_enum, default_value_t = Which::Ready, value_name = "STATE")]
    state: Which,
    /// Stop after so many jobs
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Ready,
    Delayed,
    Buried,
    All,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    if args.from == args.to {
        return Err(Failure::usage(format!("FROM and TO are the same tube, {}", args.to)));
    }
    context.unless_forced(move_all(args, context)).await
}

async fn move_all(args: Args, context: &Context) -> Result<(), Failure> {
    let progress = Progress::new(context, "moved");
    let mut run = Run { args: &args, context, progress };
    let gathered = context
        .on_each(async |connection| {
            let before = run.progress.done();
            let result = run.on_server(connection).await;
            let done = run.progress.done() - before;
            result.map_err(|failure| failure.about(connection.server()).after(done))
        })
        .await?;
    if !gathered.results.is_empty() || run.progress.done() > 0 {
        run.progress.finish()?;
    }
    drop(run);
    gathered.verdict(context)?;
    context.finished()?;
    if gathered.results.iter().all(|(_, exists)| !exists) {
        let message = format!("there is no tube {}", args.from);
        return Err(Failure::refused(message).hint("`beanwire tubes` lists the tubes that exist"));
    }
    Ok(())
}

struct Run<'a> {
    args: &'a Args,
    context: &'a Context,
    progress: Progress,
}

/// A copy of a job, which is to be deleted.
struct Copied<T> {
    original: T,
    copy: JobId,
}

impl Run<'_> {
    /// Whether the tube exists there.
    async fn on_server(&mut self, connection: &Connection) -> Result<bool, Failure> {
        let stats = match connection.stats_tube(&self.args.from).await {
            Ok(stats) => stats,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        for (which, state) in [
            (Which::Ready, JobState::Ready),
            (Which::Delayed, JobState::Delayed),
            (Which::Buried, JobState::Buried),
        ] {
            if self.args.state == which || self.args.state == Which::All {
                self.state(connection, &stats, state).await?;
            }
        }
        Ok(true)
    }

    async fn state(
        &mut self,
        connection: &Connection,
        stats: &TubeStats,
        state: JobState,
    ) -> Result<(), Failure> {
        let count = match state {
            JobState::Ready => stats.current_jobs_ready,
            JobState::Delayed => stats.current_jobs_delayed,
            JobState::Buried => stats.current_jobs_buried,
            JobState::Reserved => 0,
        };
        let room = self.args.limit.unwrap_or(u64::MAX).saturating_sub(self.progress.done());
        let goal = count.min(room);
        self.progress.expect(goal);
        match state {
            // Nobody reserves from a paused tube, this one included.
            JobState::Ready if stats.pause.is_zero() => self.reserved(connection, goal).await,
            _ => self.waiting(connection, state, goal).await,
        }
    }

    /// Moves ready jobs: nobody else can take them meanwhile.
    async fn reserved(&mut self, connection: &Connection, mut goal: u64) -> Result<(), Failure> {
        if goal == 0 {
            return Ok(());
        }
        let connection = &self.reserving(connection.server()).await?;
        while goal > 0 && !self.context.stop.is_asked() {
            let jobs = reserve(connection, goal.min(batch(connection))).await?;
            if jobs.is_empty() {
                return Ok(());
            }
            goal -= goal.min(jobs.len() as u64);
            let jobs = refresh(jobs).await?;
            let (copied, failure) = self.copy(connection, jobs).await;
            let (originals, copies): (Vec<_>, Vec<_>) =
                copied.into_iter().map(|copied| (copied.original, copied.copy)).unzip();
            let deleted = pipeline::all(originals.into_iter().map(Job::delete)).await;
            self.settle(connection, &copies, deleted).await?;
            if let Some(failure) = failure {
                return Err(failure.into());
            }
        }
        Ok(())
    }

    /// A connection that reserves from the one tube only, and gives back at once what fails.
    async fn reserving(&self, server: &Server) -> Result<Connection, Error> {
        let mut config = self.context.config.clone();
        config.failure = FailurePolicy::default().with_delay(Duration::ZERO);
        let connection = Connection::open(server.to_string(), config).await?;
        let default = TubeName::default_tube();
        connection.watch(&self.args.from).await?;
        if self.args.from != default {
            connection.ignore(default).await?;
        }
        Ok(connection)
    }

    /// Moves jobs that cannot be reserved without a change of their state that a crash would leave.
    async fn waiting(
        &mut self,
        connection: &Connection,
        state: JobState,
        mut goal: u64,
    ) -> Result<(), Failure> {
        let tube = &self.args.from;
        let most = if self.args.limit.is_some() { 1 } else { batch(connection) };
        let mut walk = Walk::new(connection, tube, state, most);
        let (mut originals, mut copies) = (Vec::new(), Vec::new());
        let mut failure = None;
        loop {
            let (deleted, next) = walk.step(&originals).await;
            self.settle(connection, &copies, deleted).await?;
            if let Some(failure) = failure {
                return Err(Failure::from(failure));
            }
            let mut ids = next?;
            ids.truncate(usize::try_from(goal).unwrap_or(usize::MAX));
            if ids.is_empty() || self.context.stop.is_asked() {
                return Ok(());
            }
            goal -= goal.min(ids.len() as u64);
            let jobs = look(connection, tube, state, &ids).await?;
            let copied;
            (copied, failure) = self.copy(connection, jobs).await;
            (originals, copies) =
                copied.into_iter().map(|copied| (copied.original, copied.copy)).unzip();
        }
    }

    /// Puts copies into the other tube. Those that could not be put are left out, and why the first
    /// of them could not is told.
    async fn copy<T>(
        &self,
        connection: &Connection,
        jobs: Vec<(T, Bytes, JobStats)>,
    ) -> (Vec<Copied<T>>, Option<Error>) {
        let puts = jobs.iter().map(|(_, body, stats)| self.put(connection, body, stats));
        let answers = pipeline::all(puts).await;
        let (mut copied, mut failure) = (Vec::new(), None);
        for ((original, ..), answer) in jobs.into_iter().zip(answers) {
            match answer {
                Ok(job) => copied.push(Copied { original, copy: job.id }),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        (copied, failure)
    }

    async fn put(
        &self,
        connection: &Connection,
        body: &Bytes,
        stats: &JobStats,
    ) -> Result<InsertedJob, Error> {
        let left = match stats.state {
            // The server rounds down, and a job must not be early.
            JobState::Delayed => {
                Duration::from_secs(u64::try_from(stats.time_left).unwrap_or(0).saturating_add(1))
            }
            _ => Duration::ZERO,
        };
        let job = NewJob::new(&self.args.to, body.clone())?.priority(stats.priority);
        connection.put_job(job.delay(left)?.ttr(stats.ttr)?).await
    }

    /// Counts the originals that were deleted. One that is not there any more was taken by somebody
    /// else, who does its work: its copy is taken back.
    async fn settle(
        &mut self,
        connection: &Connection,
        copies: &[JobId],
        deleted: Vec<Result<(), Error>>,
    ) -> Result<(), Failure> {
        let (mut moved, mut undo, mut failure) = (0, Vec::new(), None);
        for (copy, result) in copies.iter().zip(deleted) {
            match result {
                Ok(()) => moved += 1,
                Err(error) if is_gone(&error) => undo.push(*copy),
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        self.progress.add(moved);
        for (copy, result) in undo.iter().zip(pipeline::delete(connection, &undo).await) {
            if result.is_err() {
                let to = &self.args.to;
                let message =
                    format!("job {copy} of {to} is a copy of a job that somebody else has, too");
                self.context.warn(&message);
            }
        }
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// How many jobs to have on their way at a server whose bodies may be large.
fn batch(connection: &Connection) -> u64 {
    let health = connection.health();
    let largest = health.servers.iter().filter_map(|server| server.max_job_size).max();
    (ROOM / largest.unwrap_or(ROOM).max(1)).clamp(1, BATCH)
}

fn is_gone(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::JobLost)
}

/// Reserves as many jobs as are there, up to a number.
async fn reserve(connection: &Connection, most: u64) -> Result<Vec<Job>, Error> {
    let reserves = (0..most).map(|_| connection.reserve_with_timeout(Duration::ZERO));
    let mut jobs = Vec::new();
    for answer in pipeline::all(reserves).await {
        match answer {
            Ok(job) => jobs.extend(job),
            // It stands for "no job" while one with a TTR of a second is held.
            Err(error) if error.kind() == ErrorKind::DeadlineSoon => {}
            Err(error) => return Err(error),
        }
    }
    Ok(jobs)
}

/// Starts the TTRs anew, which proves that the jobs are still ours, and asks what to copy.
async fn refresh(jobs: Vec<Job>) -> Result<Vec<(Job, Bytes, JobStats)>, Error> {
    let answers = pipeline::all(jobs.iter().map(|job| pipeline::both(job.touch(), job.stats())));
    let answers = answers.await;
    let mut fresh = Vec::new();
    for (job, (touched, stats)) in jobs.into_iter().zip(answers) {
        match touched.and(stats) {
            Ok(stats) => {
                let body = job.body().clone();
                fresh.push((job, body, stats));
            }
            Err(error) if is_gone(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(fresh)
}

/// Looks at jobs that nobody holds; those that have left the tube or the state are left out.
async fn look(
    connection: &Connection,
    tube: &TubeName,
    state: JobState,
    ids: &[JobId],
) -> Result<Vec<(JobId, Bytes, JobStats)>, Error> {
    let looks =
        ids.iter().map(|id| pipeline::both(connection.stats_job(*id), connection.peek(*id)));
    let mut jobs = Vec::new();
    for (id, (stats, job)) in ids.iter().zip(pipeline::all(looks).await) {
        match (stats, job) {
            (Ok(stats), Ok(job)) if stats.state == state && stats.tube == *tube => {
                jobs.push((*id, job.body().clone(), stats));
            }
            (Ok(_), Ok(_)) => {}
            (Err(error), _) | (_, Err(error)) if is_gone(&error) => {}
            (Err(error), _) | (_, Err(error)) => return Err(error),
        }
    }
    Ok(jobs)
}
