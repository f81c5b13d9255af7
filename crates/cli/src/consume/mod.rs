//! `beanwire consume`.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use beanwire::{Config, Consumer, Event, FailurePolicy, TubeName};
use humantime::format_duration;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::context::Context;
use crate::failure::{Code, Failure, note, warn};
use crate::span;

mod child;
mod crew;
mod idle;

use crew::Crew;

/// How long what was stopped by force, and giving jobs back, may take.
const GRACE: Duration = Duration::from_secs(2);

/// Longest delay of a failed job, unless --retry-delay is longer.
const MAX_DELAY: Duration = Duration::from_mins(5);

const HELP: &str = "\
What the exit code of COMMAND does to the job:
  0       it is deleted
  65      it is buried (EX_DATAERR: it will never work)
  75      it is released with --retry-delay, and not buried by --max-attempts (EX_TEMPFAIL)
  others  it has failed, as after a signal: it is released with --retry-delay, doubled each time up
          to 5 minutes, and buried after --max-attempts

COMMAND gets the body on its standard input, and BEANWIRE_JOB_ID, BEANWIRE_TUBE,
BEANWIRE_PRIORITY, BEANWIRE_ATTEMPT (from 1) and BEANWIRE_SERVER. It is killed, with what it
started, when the reservation is lost.

SIGTERM or SIGINT: no new jobs; jobs under way are finished, then it ends with 0. A second signal
kills the commands, and their jobs are released.

Examples:
  beanwire consume --tube mail --count 10
  beanwire consume --tube images --concurrency 4 --max-attempts 5 --auto-touch -- ./resize --quiet";

/// Take jobs out of tubes: print them, or run a command for each.
///
/// Without a command the body of each job is printed and the job deleted.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// A tube to take jobs from, by its name; may be repeated
    #[arg(short, long = "tube", value_name = "TUBE", default_value = "default")]
    tubes: Vec<TubeName>,
    /// How many jobs are worked on at once
    #[arg(short, long, value_name = "N", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    concurrency: u16,
    /// Stop after so many jobs, whatever became of them
    #[arg(short = 'n', long, value_name = "N")]
    count: Option<u64>,
    /// Stop when no job came for so long
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    idle: Option<Duration>,
    /// Bury a job that has failed so often; timeouts count, too [default: never]
    #[arg(long, value_name = "N")]
    max_attempts: Option<NonZeroU32>,
    /// How long a job that failed stays delayed
    #[arg(long, value_name = "SPAN", default_value = "1s", value_parser = span::parse_delay)]
    retry_delay: Duration,
    /// Touch jobs for as long as they are worked on, so that their TTR does not end
    #[arg(long)]
    auto_touch: bool,
    /// How long jobs under way may take after the first signal
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span::parse)]
    drain_timeout: Duration,
    /// End every body with a NUL byte in place of a line end
    #[arg(short = '0', long, conflicts_with = "command")]
    null: bool,
    /// What to run for each job
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Args {
    fn config(&self, context: &Context) -> Result<Config, Failure> {
        let mut config = context.config.clone();
        config.concurrency = usize::from(self.concurrency);
        config.auto_touch = self.auto_touch;
        config.failure = FailurePolicy::default()
            .with_delay(self.retry_delay)
            .with_max_delay(MAX_DELAY.max(self.retry_delay));
        config.failure.max_attempts = self.max_attempts.map(NonZeroU32::get);
        config.validate()?;
        Ok(config)
    }

    fn workers(&self) -> u64 {
        u64::from(self.concurrency).min(self.count.unwrap_or(u64::MAX))
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let config = args.config(context)?;
    let consumer = Consumer::open(context.uris(), args.tubes.clone(), config).await?;
    context.until_ready(consumer.ready(context.config.connect_timeout * 2)).await?;
    tokio::spawn(tell(consumer.clone(), context.stderr_colour));
    let drain_timeout = args.drain_timeout;
    let workers = args.workers();
    let crew = Arc::new(Crew::new(args, context, consumer.clone()));
    let mut team = JoinSet::new();
    for _ in 0..workers {
        team.spawn(Arc::clone(&crew).work());
    }
    let forced = drain(&mut team, context, drain_timeout).await;
    if forced {
        crew.kill.cancel();
        let _ = timeout(GRACE, all_ended(&mut team)).await;
    }
    consumer.close(GRACE).await;
    crew.summary();
    match crew.fault() {
        Some(failure) => Err(failure),
        None if context.stop.now.is_cancelled() => Err(context.stop.failure()),
        None if forced => {
            let message =
                format!("jobs were not done {} after the signal", format_duration(drain_timeout));
            Err(Failure::new(Code::Partial, message).hint("--drain-timeout grants more time"))
        }
        None => Ok(()),
    }
}

/// Waits until all have ended; true if they have to be made to.
async fn drain(team: &mut JoinSet<()>, context: &Context, limit: Duration) -> bool {
    tokio::select! {
        () = all_ended(team) => return false,
        () = context.stop.soon.cancelled() => {}
    }
    let limit_shown = format_duration(limit);
    note(&format!(
        "no new jobs; at most {limit_shown} for those under way; another signal kills them"
    ));
    tokio::select! {
        () = all_ended(team) => false,
        () = context.stop.now.cancelled() => true,
        () = tokio::time::sleep(limit) => true,
    }
}

async fn all_ended(team: &mut JoinSet<()>) {
    while team.join_next().await.is_some() {}
}

/// Tells of connections that come and go.
async fn tell(consumer: Consumer, colour: bool) {
    let mut events = consumer.events();
    drop(consumer);
    while let Some(event) = events.next().await {
        match event {
            Event::Disconnected { server, error, .. } => {
                warn(&format!("{server}: {error}; connecting again"), colour);
            }
            Event::ConnectFailed { server, error, retry_in } => {
                let millis = u64::try_from(retry_in.as_millis()).unwrap_or(u64::MAX);
                let retry = format_duration(Duration::from_millis(millis));
                warn(&format!("{server}: {error}; trying again in {retry}"), colour);
            }
            Event::GiveBackFailed { id, server, error } => {
                warn(&format!("{server}: job {id} could not be given back: {error}"), colour);
            }
            _ => {}
        }
    }
}
