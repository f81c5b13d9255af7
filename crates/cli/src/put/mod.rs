//! `beanwire put`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use beanwire::{Delivery, Error, InsertedJob, JobState, NewJob, Producer, TubeName};
use tokio::io::{AsyncRead, AsyncReadExt as _, BufReader};

use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::{output, span};

mod json;
mod lines;

/// Lines are read in pieces of this size; what is in one is put at once.
const READ: usize = 256 * 1024;

/// How long puts that are under way may take when the command ends.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  beanwire put --tube mail --delay 5m 'hello'
  beanwire put --tube images --file photo.jpg
  tail -f access.log | beanwire put --tube log --lines
  echo '{\"body\": \"hello\", \"tube\": \"mail\", \"ttr\": \"2m\"}' | beanwire put --json-lines";

/// Put jobs into a tube: from an argument, a file, standard input, lines or JSON lines.
///
/// It prints the id of every job, and where several servers are given, the server behind it.
///
/// A JSON line is an object with `body` (text) or `body_base64`, and optionally `tube`, `priority`,
/// `delay` and `ttr` in place of those of the flags; spans are numbers of seconds, or texts such as
/// "5m". Empty lines are passed over.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The body; without it and --file, standard input is read to its end
    #[arg(value_name = "BODY", conflicts_with_all = ["file", "lines", "json_lines"])]
    body: Option<OsString>,
    /// The tube
    #[arg(short, long, value_name = "TUBE", default_value = "default")]
    tube: TubeName,
    /// Read from this file; - is standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Put one job per line, without its line end
    #[arg(short, long, conflicts_with = "json_lines")]
    lines: bool,
    /// Put one job per line of JSON
    #[arg(short, long)]
    json_lines: bool,
    /// The priority: 0 is the most urgent, 4294967295 the least
    #[arg(short, long, value_name = "N", default_value_t = 1024)]
    priority: u32,
    /// How long jobs stay delayed, rounded up to whole seconds
    #[arg(short, long, value_name = "SPAN", default_value = "0", value_parser = span::parse_delay)]
    delay: Duration,
    /// How long a worker may take, rounded up to whole seconds
    #[arg(long, value_name = "SPAN", default_value = "60s", value_parser = span::parse_ttr)]
    ttr: Duration,
    /// Fail if a connection is lost before the answer, and do not put again: better no job than two
    #[arg(long)]
    at_most_once: bool,
    /// Do not print ids
    #[arg(short, long)]
    quiet: bool,
}

impl Args {
    /// A job as the flags describe it.
    fn job(&self, body: Vec<u8>) -> Result<NewJob, Error> {
        let job = NewJob::new(&self.tube, body)?;
        job.priority(self.priority).delay(self.delay)?.ttr(self.ttr)
    }
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let input = input(&args).await?;
    let mut config = context.config.clone();
    if args.at_most_once {
        config.delivery = Delivery::AtMostOnce;
    }
    let producer = Producer::open(context.uris(), config).await?;
    context.until_ready(producer.ready(context.config.connect_timeout * 2)).await?;
    let result = context.unless_forced(put_all(&args, context, &producer, input)).await;
    producer.close(PATIENCE).await;
    result
}

async fn put_all(
    args: &Args,
    context: &Context,
    producer: &Producer,
    input: Input,
) -> Result<(), Failure> {
    let sink = Sink { args, context, producer };
    // Sizes are checked here, before a body that is too big fills the memory.
    let health = producer.health();
    let limits = health.servers.iter().filter_map(|server| server.max_job_size);
    let limit = usize::try_from(limits.max().unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
    if let Some(body) = &args.body {
        return sink.put_one(body.clone().into_encoded_bytes()).await;
    }
    if args.lines || args.json_lines {
        return lines::put(&sink, BufReader::with_capacity(READ, input), limit).await;
    }
    let mut body = Vec::new();
    let mut input = input.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1));
    tokio::select! {
        read = input.read_to_end(&mut body) => read.map_err(unreadable)?,
        () = context.stop.soon.cancelled() => return Err(context.stop.failure()),
    };
    if body.len() > limit {
        return Err(too_big("the body", limit));
    }
    sink.put_one(body).await
}

type Input = Box<dyn AsyncRead + Send + Unpin>;

async fn input(args: &Args) -> Result<Input, Failure> {
    match &args.file {
        Some(path) if path.as_os_str() != "-" => match tokio::fs::File::open(path).await {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(Failure::usage(format!("--file {}: {error}", path.display()))),
        },
        _ => Ok(Box::new(tokio::io::stdin())),
    }
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::usage(format!("the input cannot be read: {error}"))
}

fn too_big(what: &str, limit: usize) -> Failure {
    let hint = "`beanwire stats` shows the server's max-job-size, beanstalkd -z sets it";
    Failure::refused(format!("{what} is larger than {limit} bytes")).hint(hint)
}

/// Where jobs go to.
struct Sink<'a> {
    args: &'a Args,
    context: &'a Context,
    producer: &'a Producer,
}

impl Sink<'_> {
    async fn put_one(&self, body: Vec<u8>) -> Result<(), Failure> {
        let job = self.producer.put_job(self.args.job(body)?).await?;
        self.tell(&[Ok(job)])
    }

    /// Prints the ids of the jobs that were put.
    fn tell(&self, results: &[Result<InsertedJob, Error>]) -> Result<(), Failure> {
        let mut ids = String::new();
        for job in results.iter().flatten() {
            if job.state == JobState::Buried {
                let message = format!("job {}: the server had no memory and buried it", job.id);
                self.context.warn(&message);
            }
            ids.push_str(&match self.context.several_servers() {
                true => format!("{} {}\n", job.id, job.server),
                false => format!("{}\n", job.id),
            });
        }
        if self.args.quiet {
            return Ok(());
        }
        match output::write(ids.as_bytes()) {
            // What is still to be put is put, also if nobody reads the ids any more.
            Err(failure) if failure.code() == Code::Quiet => Ok(()),
            written => written,
        }
    }
}
