//! `beanwire drain-check`.

use std::time::{Duration, Instant};

use beanwire::{Connection, TubeStats};
use serde::Serialize;
use tokio::time::sleep;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Column, Format, Output, Table};
use crate::span;
use crate::tubes::TubeChoice;

const EXAMPLES: &str = "\
Examples:
  beanwire drain-check
  beanwire drain-check --tube 'mail.*' --wait=10m && systemctl stop mailer";

/// Tell by the exit code whether tubes are empty.
///
/// It is 0 if no job is ready, reserved or delayed, and 1 if any is.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    tubes: TubeChoice,
    /// Count buried jobs, too
    #[arg(long)]
    buried: bool,
    /// Wait until they are empty, at most this long: --wait=10m; without a span, for ever
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    #[arg(num_args = 0..=1, require_equals = true)]
    wait: Option<Option<Duration>>,
    /// How often to look, with --wait
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = pace, requires = "wait")]
    every: Duration,
    #[command(flatten)]
    output: Output,
}

fn pace(text: &str) -> Result<Duration, String> {
    match span::parse(text)? {
        span if span < Duration::from_millis(10) => Err("the limit is at least 10ms".into()),
        span => Ok(span),
    }
}

/// What JSON shows.
#[derive(Debug, Serialize)]
struct Report {
    drained: bool,
    /// The tubes that are not empty.
    tubes: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    server: String,
    tube: String,
    ready: u64,
    reserved: u64,
    delayed: u64,
    buried: u64,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let start = Instant::now();
    let limit = args.wait.map(|limit| limit.unwrap_or(Duration::MAX)).unwrap_or_default();
    loop {
        let report = look(&args, context).await?;
        let left = limit.saturating_sub(start.elapsed());
        if report.drained || left.is_zero() {
            return tell(&args, context, &report);
        }
        sleep(args.every.min(left)).await;
    }
}

async fn look(args: &Args, context: &Context) -> Result<Report, Failure> {
    let gathered = context
        .on_each(async |connection| {
            let tubes = args.tubes.stats(connection).await?;
            let left = tubes.iter().filter(|tube| has_jobs(tube, args.buried));
            Ok(left.map(|tube| row(connection, tube)).collect::<Vec<_>>())
        })
        .await?;
    // Nobody knows what is on a server that does not answer.
    gathered.verdict(context)?;
    let tubes: Vec<_> = gathered.results.into_iter().flat_map(|(_, rows)| rows).collect();
    Ok(Report { drained: tubes.is_empty(), tubes })
}

const fn has_jobs(tube: &TubeStats, buried: bool) -> bool {
    tube.current_jobs_ready > 0
        || tube.current_jobs_reserved > 0
        || tube.current_jobs_delayed > 0
        || (buried && tube.current_jobs_buried > 0)
}

fn row(connection: &Connection, tube: &TubeStats) -> Row {
    Row {
        server: connection.server().to_string(),
        tube: tube.name.to_string(),
        ready: tube.current_jobs_ready,
        reserved: tube.current_jobs_reserved,
        delayed: tube.current_jobs_delayed,
        buried: tube.current_jobs_buried,
    }
}

fn tell(args: &Args, context: &Context, report: &Report) -> Result<(), Failure> {
    match args.output.output {
        Format::Json => output::json(report)?,
        Format::Table if report.drained => output::line("drained")?,
        Format::Table => args.output.print(context, report, || table(report, context))?,
    }
    match report.tubes.len() {
        0 => Ok(()),
        1 => Err(Failure::refused("not drained: 1 tube has jobs")),
        count => Err(Failure::refused(format!("not drained: {count} tubes have jobs"))),
    }
}

fn table(report: &Report, context: &Context) -> Table {
    let several = context.several_servers();
    let columns = [
        Column::Text("tube"),
        Column::Number("ready"),
        Column::Number("reserved"),
        Column::Number("delayed"),
        Column::Number("buried"),
    ];
    let mut table = Table::of_servers(several, &columns);
    for row in &report.tubes {
        let counts = [row.ready, row.reserved, row.delayed, row.buried];
        let counts = counts.map(|count| count.to_string());
        table.server_row(&row.server, [row.tube.clone()].into_iter().chain(counts));
    }
    table
}
