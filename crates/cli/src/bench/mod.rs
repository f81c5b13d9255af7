//! `bench`: a quick load on servers, and how fast they were.
//!
//! `tube` looks that nobody is disturbed and leaves nothing behind, `load` puts and consumes,
//! `report` shows the figures.

mod load;
mod report;
mod tube;

use std::hash::{BuildHasher as _, RandomState};

use beanwire::TubeName;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Format, Output};
use load::Load;
use report::Report;

/// Most jobs: their ids are kept in memory, to know them from those of others.
const MOST_JOBS: u64 = 10_000_000;

const HELP: &str = "\
Jobs are put first, as many at once as --in-flight says, and then consumed: each reserved and \
deleted. A put takes from the call to its answer; a consume from asking for a job to the answer to \
its delete.

Only jobs of its own are deleted. Others that come first in a tube shared by force are held and \
given back. What is left after an error or Ctrl-C is deleted; after a kill it stays in a tube named \
beanwire-bench-*.";

/// Measure how fast a server is.
#[derive(Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Args {
    /// Jobs to put and consume: 1 to 10,000,000
    #[arg(short, long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=MOST_JOBS))]
    jobs: u64,
    /// Bytes of each body
    #[arg(short, long, value_name = "BYTES", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=1 << 30))]
    size: u64,
    /// Connections to each server: 1 to 1024
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    connections: u16,
    /// Puts, and later jobs, that are under way at once: 1 to 65535
    #[arg(short, long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..))]
    in_flight: u16,
    /// The tube [default: one of its own, beanwire-bench-*]
    #[arg(short, long, value_name = "NAME")]
    tube: Option<TubeName>,
    /// Use the tube even if it has jobs, or somebody watches it who would take the jobs
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    output: Output,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let (tube, own) = match &args.tube {
        Some(tube) => (tube.clone(), false),
        None => (TubeName::new(&own_tube())?, true),
    };
    context.unless_stopped(tube::check(context, &tube, &args)).await?;
    let load = Load::new(context, tube.clone(), &args);
    let result = context.unless_forced(load.run(context)).await;
    let left = load.left();
    // Also after an error: what was put stays nobody's business but this one's.
    let swept = context.unless_forced(tube::sweep(context, &tube, own, left)).await;
    let (put, consume) = result?;
    let removed = swept?;
    if context.stop.is_asked() {
        if removed > 0 {
            context.warn(&format!("stopped: {removed} jobs that were left are deleted"));
        }
        return Err(context.stop.failure());
    }
    let report = Report::new(context, &tube, &args, &put, &consume);
    match args.output.output {
        Format::Json => output::json(&report),
        Format::Table => output::write(report.text(&put, &consume).as_bytes()),
    }
}

fn own_tube() -> String {
    format!("beanwire-bench-{:016x}", RandomState::new().hash_one(std::process::id()))
}
