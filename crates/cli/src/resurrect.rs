//! `beanwire resurrect`: what to do with buried jobs.

use std::time::Duration;

use beanwire::{Connection, ErrorKind, JobState, JobStats, TubeName, TubeStats};
use clap::Subcommand;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Column, Output, Table};
use crate::pipeline::{self, WINDOW};
use crate::progress::Progress;
use crate::search::{Survey, Walk};
use crate::span;
use crate::tubes::TubeChoice;

/// Most jobs that one command kicks: the server does nothing else meanwhile.
const KICK_BATCH: u64 = 1000;

const EXAMPLES: &str = "\
Examples:
  beanwire resurrect info
  beanwire resurrect kick --tube 'mail.*' --limit 100
  beanwire resurrect delete --older-than 7days --dry-run";

/// Look at buried jobs, bring them back to work, or delete them.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show how many jobs are buried where, and the first of each tube
    Info(InfoArgs),
    /// Make buried jobs ready again; delayed jobs are left alone
    Kick(WorkArgs),
    /// Delete buried jobs
    Delete(WorkArgs),
}

#[derive(Debug, clap::Args)]
struct InfoArgs {
    #[command(flatten)]
    tubes: TubeChoice,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
struct WorkArgs {
    #[command(flatten)]
    tubes: TubeChoice,
    /// Only jobs that were put at least this long ago
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    older_than: Option<Duration>,
    /// Stop after so many jobs; those buried first come first, unless --older-than is given
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<u64>,
    /// Do nothing, only tell what would be done
    #[arg(long)]
    dry_run: bool,
}

/// What is done to a buried job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kick,
    Delete,
}

impl Fate {
    const fn verb(self, dry_run: bool) -> &'static str {
        match (self, dry_run) {
            (Self::Kick, false) => "kicked",
            (Self::Delete, false) => "deleted",
            (Self::Kick, true) => "would be kicked",
            (Self::Delete, true) => "would be deleted",
        }
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    match args.what {
        What::Info(args) => context.unless_stopped(info(args, context)).await,
        What::Kick(args) => context.unless_forced(work(args, Fate::Kick, context)).await,
        What::Delete(args) => context.unless_forced(work(args, Fate::Delete, context)).await,
    }
}

/// A tube with buried jobs, and the first of them.
#[derive(Debug, Serialize)]
struct Row {
    server: String,
    tube: TubeName,
    buried: u64,
    /// None if it was gone before it could be asked for.
    first: Option<JobStats>,
}

async fn info(args: InfoArgs, context: &Context) -> Result<(), Failure> {
    let gathered = context
        .on_each(async |connection| {
            let stats = args.tubes.stats(connection).await?;
            let chosen = stats.len();
            let mut rows = Vec::new();
            for stats in stats.into_iter().filter(|stats| stats.current_jobs_buried > 0) {
                rows.push(info_row(connection, stats).await?);
            }
            Ok((chosen, rows))
        })
        .await?;
    let rows: Vec<_> = gathered.results.iter().flat_map(|(_, (_, rows))| rows).collect();
    if !gathered.results.is_empty() {
        args.output.print(context, &rows, || table(&rows, context.several_servers()))?;
    }
    gathered.verdict(context)?;
    args.tubes.check(&gathered, |(chosen, _)| *chosen)
}

async fn info_row(connection: &Connection, tube: TubeStats) -> Result<Row, Failure> {
    let about = |error| Failure::from(error).about(connection.server());
    let first = match connection.peek_buried(&tube.name).await.map_err(about)? {
        Some(job) => match job.stats().await {
            Ok(stats) => Some(stats),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(about(error)),
        },
        None => None,
    };
    let server = connection.server().to_string();
    Ok(Row { server, tube: tube.name, buried: tube.current_jobs_buried, first })
}

fn table(rows: &[&Row], several: bool) -> Table {
    let columns = [
        Column::Text("tube"),
        Column::Number("buried"),
        Column::Number("first"),
        Column::Number("age"),
        Column::Number("reserves"),
        Column::Number("timeouts"),
        Column::Number("releases"),
        Column::Number("buries"),
        Column::Number("kicks"),
    ];
    let mut table = Table::of_servers(several, &columns);
    for Row { server, tube, buried, first } in rows {
        let job: [String; 7] = match first {
            Some(job) => [
                job.id.to_string(),
                span::show(job.age),
                job.reserves.to_string(),
                job.timeouts.to_string(),
                job.releases.to_string(),
                job.buries.to_string(),
                job.kicks.to_string(),
            ],
            None => std::array::from_fn(|_| "-".to_owned()),
        };
        let cells = [tube.to_string(), buried.to_string()];
        table.server_row(server, cells.into_iter().chain(job));
    }
    table
}

/// One run of `kick` or `delete` over all servers.
struct Run<'a> {
    context: &'a Context,
    args: &'a WorkArgs,
    fate: Fate,
    progress: Progress,
}

async fn work(args: WorkArgs, fate: Fate, context: &Context) -> Result<(), Failure> {
    let progress = Progress::new(context, fate.verb(args.dry_run));
    let mut run = Run { context, args: &args, fate, progress };
    let gathered = context
        .on_each(async |connection| {
            let before = run.progress.done();
            let result = run.on_server(connection).await;
            let done = run.progress.done() - before;
            result.map_err(|failure| failure.about(connection.server()).after(done))
        })
        .await?;
    if args.dry_run {
        run.progress.line(&format!("{} in all {}", run.progress.done(), fate.verb(true)))?;
    } else if !gathered.results.is_empty() || run.progress.done() > 0 {
        run.progress.finish()?;
    }
    drop(run);
    gathered.verdict(context)?;
    context.finished()?;
    args.tubes.check(&gathered, |chosen| *chosen)
}

impl Run<'_> {
    /// The number of tubes that were chosen.
    async fn on_server(&mut self, connection: &Connection) -> Result<usize, Failure> {
        let mut tubes = self.args.tubes.stats(connection).await?;
        let chosen = tubes.len();
        tubes.retain(|tube| tube.current_jobs_buried > 0);
        let buried: u64 = tubes.iter().map(|tube| tube.current_jobs_buried).sum();
        self.progress.expect(buried.min(self.room()));
        if let Some(age) = self.args.older_than {
            self.older(connection, tubes, age).await?;
            return Ok(chosen);
        }
        for tube in &tubes {
            if self.room() == 0 || self.context.stop.is_asked() {
                break;
            }
            let before = self.progress.done();
            let result = match (self.args.dry_run, self.fate) {
                (true, _) => {
                    self.progress.add(tube.current_jobs_buried.min(self.room()));
                    Ok(())
                }
                (false, Fate::Kick) => self.kick(connection, &tube.name).await,
                (false, Fate::Delete) => self.delete(connection, &tube.name).await,
            };
            self.report(connection, &tube.name, self.progress.done() - before)?;
            result?;
        }
        Ok(chosen)
    }

    /// How many jobs the limit still allows.
    fn room(&self) -> u64 {
        self.args.limit.unwrap_or(u64::MAX).saturating_sub(self.progress.done())
    }

    fn report(&self, connection: &Connection, tube: &TubeName, count: u64) -> Result<(), Failure> {
        let place = self.context.place(&connection.server().to_string(), tube.as_str());
        let verb = self.fate.verb(self.args.dry_run);
        self.progress.line(&format!("{place}: {count} {verb}"))
    }

    /// Kicks what is buried now and not what is buried later, or a job that fails would go round
    /// for ever. A kick that finds no buried job takes delayed ones: the number of buried jobs
    /// comes with each answer, and no more are kicked than that.
    async fn kick(&mut self, connection: &Connection, tube: &TubeName) -> Result<(), Failure> {
        let mut buried = count(connection.stats_tube(tube).await)?;
        let mut goal = buried.min(self.room());
        while goal.min(buried) > 0 && !self.context.stop.is_asked() {
            let batch = u32::try_from(goal.min(buried).min(KICK_BATCH)).unwrap_or(u32::MAX);
            let (kicked, stats) =
                pipeline::both(connection.kick(tube, batch), connection.stats_tube(tube)).await;
            let kicked = kicked?;
            self.progress.add(kicked);
            if kicked == 0 {
                break;
            }
            goal = goal.saturating_sub(kicked);
            buried = count(stats)?;
        }
        Ok(())
    }

    /// Deletes as many as are buried now.
    async fn delete(&mut self, connection: &Connection, tube: &TubeName) -> Result<(), Failure> {
        let mut goal = count(connection.stats_tube(tube).await)?.min(self.room());
        // A limit means the jobs that were buried first.
        let most = if self.args.limit.is_some() { 1 } else { WINDOW as u64 };
        let mut walk = Walk::new(connection, tube, JobState::Buried, most);
        let mut ids = Vec::new();
        loop {
            let (deleted, next) = walk.step(&ids).await;
            let count = self.settle(deleted)?;
            goal = goal.saturating_sub(count);
            ids = next?;
            ids.truncate(usize::try_from(goal).unwrap_or(usize::MAX));
            if ids.is_empty() || self.context.stop.is_asked() {
                return Ok(());
            }
        }
    }

    /// Counts what was done. A job that is not there any more was somebody else's, and is no error.
    fn settle(&mut self, results: Vec<Result<(), beanwire::Error>>) -> Result<u64, Failure> {
        let mut count = 0;
        let mut failure = None;
        for result in results {
            match result {
                Ok(()) => count += 1,
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => failure = failure.or(Some(error)),
            }
        }
        self.progress.add(count);
        match failure {
            Some(error) => Err(error.into()),
            None => Ok(count),
        }
    }

    /// Looks at every buried job, and does it to those that are old enough.
    async fn older(
        &mut self,
        connection: &Connection,
        tubes: Vec<TubeStats>,
        age: Duration,
    ) -> Result<(), Failure> {
        let names: Vec<_> = tubes.into_iter().map(|tube| tube.name).collect();
        let mut counts = vec![0; names.len()];
        let result = self.survey(connection, &names, &mut counts, age).await;
        for (name, count) in names.iter().zip(counts).filter(|(_, count)| *count > 0) {
            self.report(connection, name, count)?;
        }
        let missing = result?;
        if missing > 0 && self.room() > 0 && !self.context.stop.is_asked() {
            let server = connection.server();
            let message = format!(
                "{server}: {missing} buried jobs came or went meanwhile, or have ids out of reach"
            );
            self.context.warn(&message);
        }
        Ok(())
    }

    async fn survey(
        &mut self,
        connection: &Connection,
        names: &[TubeName],
        counts: &mut [u64],
        age: Duration,
    ) -> Result<u64, Failure> {
        // The oldest are mostly buried first, and to find them there takes no search.
        if !self.args.dry_run {
            for (name, count) in names.iter().zip(&mut *counts) {
                *count += self.older_heads(connection, name, age).await?;
            }
        }
        let mut survey = Survey::new(connection, names.iter().cloned()).await?;
        let mut left = 0;
        while self.room() > 0 && !self.context.stop.is_asked() {
            let Some(mut jobs) = survey.step(left).await? else { break };
            let found = jobs.len() as u64;
            jobs.retain(|job| job.age >= age);
            jobs.truncate(usize::try_from(self.room()).unwrap_or(usize::MAX));
            let results = self.apply(connection, &jobs).await;
            for (job, _) in jobs.iter().zip(&results).filter(|(_, result)| result.is_ok()) {
                let place = names.iter().position(|name| *name == job.tube);
                if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
                    *count += 1;
                }
            }
            let touched = if self.args.dry_run { 0 } else { jobs.len() as u64 };
            left = found.saturating_sub(touched);
            self.settle(results)?;
        }
        Ok(survey.missing)
    }

    /// Works on the jobs of a tube from the head of its queue, up to the first that is too young.
    async fn older_heads(
        &mut self,
        connection: &Connection,
        tube: &TubeName,
        age: Duration,
    ) -> Result<u64, Failure> {
        let mut goal = count(connection.stats_tube(tube).await)?.min(self.room());
        let mut walk = Walk::new(connection, tube, JobState::Buried, WINDOW as u64);
        let mut all = 0;
        while goal > 0 && !self.context.stop.is_asked() {
            let ids = walk.step(&[]).await.1?;
            let mut jobs = pipeline::stats(connection, ids.iter().map(|id| id.0)).await?;
            jobs.retain(|job| job.state == JobState::Buried && job.age >= age);
            let young = ids.first().is_some_and(|head| jobs.iter().all(|job| job.id != *head));
            jobs.truncate(usize::try_from(goal).unwrap_or(usize::MAX));
            let results = self.apply(connection, &jobs).await;
            let count = self.settle(results)?;
            all += count;
            goal -= goal.min(jobs.len() as u64);
            if ids.is_empty() || young {
                break;
            }
        }
        Ok(all)
    }

    async fn apply(
        &self,
        connection: &Connection,
        jobs: &[JobStats],
    ) -> Vec<Result<(), beanwire::Error>> {
        let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
        match (self.args.dry_run, self.fate) {
            (true, _) => ids.iter().map(|_| Ok(())).collect(),
            (false, Fate::Kick) => pipeline::kick(connection, &ids).await,
            (false, Fate::Delete) => pipeline::delete(connection, &ids).await,
        }
    }
}

/// The jobs that are buried in a tube; none if it is gone.
fn count(stats: Result<TubeStats, beanwire::Error>) -> Result<u64, beanwire::Error> {
    match stats {
        Ok(stats) => Ok(stats.current_jobs_buried),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}
