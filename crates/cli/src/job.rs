//! `beanwire job`.

use beanwire::{ErrorKind, JobState, JobStats};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Column, Output, Table};
use crate::{pipeline, span};

/// Show the statistics of jobs by their ids.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Ids of jobs, as `put` prints them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<u64>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Row {
    server: String,
    #[serde(flatten)]
    stats: JobStats,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let server = context.only_server()?;
    let connection = context.connect(server).await?;
    let (mut rows, mut missing) = (Vec::new(), Vec::new());
    for ids in args.ids.chunks(pipeline::WINDOW) {
        let answers = pipeline::all(ids.iter().map(|id| connection.stats_job(*id))).await;
        for (id, answer) in ids.iter().zip(answers) {
            match answer {
                Ok(stats) => rows.push(Row { server: server.to_string(), stats }),
                Err(error) if error.kind() == ErrorKind::NotFound => missing.push(id.to_string()),
                Err(error) => return Err(Failure::from(error).about(server)),
            }
        }
    }
    if !rows.is_empty() {
        args.output.print(context, &rows, || table(&rows))?;
    }
    refused(&missing, "not there", rows.len() as u64)
}

/// A failure that names the jobs that something was not done to, if there are any.
pub(crate) fn refused(ids: &[String], why: &str, done: u64) -> Result<(), Failure> {
    match ids {
        [] => Ok(()),
        [id] => Err(Failure::refused(format!("job {id}: {why}")).after(done)),
        ids => Err(Failure::refused(format!("jobs {}: {why}", ids.join(" "))).after(done)),
    }
}

pub(crate) const fn state(state: JobState) -> &'static str {
    match state {
        JobState::Ready => "ready",
        JobState::Delayed => "delayed",
        JobState::Reserved => "reserved",
        JobState::Buried => "buried",
    }
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new(&[
        Column::Number("id"),
        Column::Text("tube"),
        Column::Text("state"),
        Column::Number("priority"),
        Column::Number("age"),
        Column::Number("delay"),
        Column::Number("ttr"),
        Column::Number("left"),
        Column::Number("reserves"),
        Column::Number("timeouts"),
        Column::Number("releases"),
        Column::Number("buries"),
        Column::Number("kicks"),
    ]);
    for Row { stats, .. } in rows {
        let left = match stats.state {
            JobState::Reserved | JobState::Delayed => format!("{}s", stats.time_left),
            JobState::Ready | JobState::Buried => "-".to_owned(),
        };
        let counts = [stats.reserves, stats.timeouts, stats.releases, stats.buries, stats.kicks];
        let cells = [
            stats.id.to_string(),
            stats.tube.to_string(),
            state(stats.state).to_owned(),
            stats.priority.0.to_string(),
            span::show(stats.age),
            span::show(stats.delay),
            span::show(stats.ttr),
            left,
        ];
        table.row(cells.into_iter().chain(counts.map(|count| count.to_string())));
    }
    table
}
