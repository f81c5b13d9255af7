//! `beanwire peek`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use beanwire::{Connection, Error, ErrorKind, JobState, JobStats, PeekedJob, TubeName};
use clap::ValueEnum;
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Column, Output, Table};
use crate::tubes::TubeChoice;
use crate::{job, text};

/// How much of a body a table shows, in characters.
const PREVIEW: usize = 60;

const EXAMPLES: &str = "\
Examples:
  beanwire peek --tube mail --state buried
  beanwire peek 17 --body > body";

/// Look at jobs without taking them.
///
/// Without ids it shows, for every tube, the job that would be reserved next, the delayed one that
/// is due first, and the one that was buried first.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Ids of jobs
    #[arg(value_name = "ID", conflicts_with_all = ["globs", "state"])]
    ids: Vec<u64>,
    #[command(flatten)]
    tubes: TubeChoice,
    /// Only the first job of this state; may be repeated [default: all of them]
    #[arg(short, long, value_name = "STATE")]
    state: Vec<State>,
    /// Print nothing but the body, of exactly one job; as it is, unless on a terminal
    #[arg(short, long, conflicts_with = "output")]
    body: bool,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    Ready,
    Delayed,
    Buried,
}

/// A job as JSON shows it.
#[derive(Debug, Serialize)]
struct Row {
    server: String,
    id: u64,
    /// None if the job was gone before it could be asked for.
    tube: Option<TubeName>,
    state: Option<JobState>,
    size: usize,
    #[serde(flatten)]
    body: Body,
    /// For the table.
    #[serde(skip)]
    preview: String,
}

/// A body: as text if it is text.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Body(String),
    BodyBase64(String),
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    if args.ids.is_empty() {
        return firsts(args, context).await;
    }
    let server = context.only_server()?;
    let connection = context.connect(server).await?;
    let (mut jobs, mut missing) = (Vec::new(), Vec::new());
    for id in &args.ids {
        match connection.peek(*id).await {
            Ok(job) => jobs.push(with_stats(job).await.map_err(about(&connection))?),
            Err(error) if error.kind() == ErrorKind::NotFound => missing.push(id.to_string()),
            Err(error) => return Err(Failure::from(error).about(server)),
        }
    }
    let shown = jobs.len();
    if shown > 0 {
        let rows = jobs.into_iter().map(|job| (server.to_string(), job)).collect();
        print(&args, context, rows)?;
    }
    job::refused(&missing, "not there", shown as u64)
}

async fn firsts(args: Args, context: &Context) -> Result<(), Failure> {
    let gathered = context
        .on_each(async |connection| {
            let tubes = args.tubes.names(connection).await?;
            let mut jobs = Vec::new();
            for tube in &tubes {
                first_jobs(connection, tube, &args.state, &mut jobs)
                    .await
                    .map_err(about(connection))?;
            }
            Ok((tubes.len(), jobs))
        })
        .await?;
    let jobs = gathered
        .results
        .iter()
        .flat_map(|(server, (_, jobs))| jobs.iter().map(|job| (server.to_string(), job.clone())));
    let jobs: Vec<_> = jobs.collect();
    if !gathered.results.is_empty() {
        print(&args, context, jobs)?;
    }
    gathered.verdict(context)?;
    args.tubes.check(&gathered, |(tubes, _)| *tubes)
}

type Peeked = (PeekedJob, Option<JobStats>);

async fn first_jobs(
    connection: &Connection,
    tube: &TubeName,
    states: &[State],
    jobs: &mut Vec<Peeked>,
) -> Result<(), Error> {
    for state in State::value_variants() {
        if !states.is_empty() && !states.contains(state) {
            continue;
        }
        let job = match state {
            State::Ready => connection.peek_ready(tube).await?,
            State::Delayed => connection.peek_delayed(tube).await?,
            State::Buried => connection.peek_buried(tube).await?,
        };
        if let Some(job) = job {
            jobs.push(with_stats(job).await?);
        }
    }
    Ok(())
}

async fn with_stats(job: PeekedJob) -> Result<Peeked, Error> {
    match job.stats().await {
        Ok(stats) => Ok((job, Some(stats))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((job, None)),
        Err(error) => Err(error),
    }
}

fn about(connection: &Connection) -> impl Fn(Error) -> Failure {
    |error| Failure::from(error).about(connection.server())
}

fn print(args: &Args, context: &Context, jobs: Vec<(String, Peeked)>) -> Result<(), Failure> {
    if args.body {
        let [(_, (job, _))] = jobs.as_slice() else {
            let message = format!("--body takes exactly one job, and there are {}", jobs.len());
            return Err(Failure::refused(message).hint("give an id, or a --tube and a --state"));
        };
        return match context.stdout_terminal {
            true => output::line(&text::lines(job.body())),
            false => output::write(job.body()),
        };
    }
    let rows: Vec<_> = jobs.into_iter().map(|(server, job)| row(server, job)).collect();
    args.output.print(context, &rows, || table(&rows, context.several_servers()))
}

fn row(server: String, (job, stats): Peeked) -> Row {
    let body = match str::from_utf8(job.body()) {
        Ok(text) => Body::Body(text.to_owned()),
        Err(_) => Body::BodyBase64(BASE64.encode(job.body())),
    };
    let (tube, state) = stats.map(|stats| (stats.tube, stats.state)).unzip();
    let preview = text::preview(job.body(), PREVIEW);
    Row { server, id: job.id().0, tube, state, size: job.body().len(), body, preview }
}

fn table(rows: &[Row], several: bool) -> Table {
    let columns = [
        Column::Text("tube"),
        Column::Text("state"),
        Column::Number("id"),
        Column::Number("size"),
        Column::Text("body"),
    ];
    let mut table = Table::of_servers(several, &columns);
    for row in rows {
        let cells = [
            row.tube.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            row.state.map_or("-", job::state).to_owned(),
            row.id.to_string(),
            row.size.to_string(),
            row.preview.clone(),
        ];
        table.server_row(&row.server, cells);
    }
    table
}
