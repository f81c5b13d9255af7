//! The main job on real input: a server, a producer, a consumer, and figures.
//!
//! `demo [--jobs N] [--uri URI]`: without a URI it has the embedded server run in its own process.
//! Ctrl-C stops early and cleanly.

use std::error::Error;
use std::io::{IsTerminal, Write, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beanwire::{Config, Connection, Consumer, Job, Producer};
use beanwire_server::Server;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;

mod options;

use options::Options;

/// Puts that await their answers at once.
const IN_FLIGHT: usize = 100;

/// Puts on an idle queue, one after the other, after the bulk of the jobs.
const SINGLE_PUTS: usize = 500;

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::parse(std::env::args().skip(1))? else {
        return Ok(());
    };
    // From the very start, or an early Ctrl-C would end it uncleanly.
    let stop = CancellationToken::new();
    let interrupt = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            interrupt.cancel();
        }
    });
    match options.uri {
        Some(uri) => {
            println!("server    {uri}");
            run(&uri, options.jobs, &stop).await
        }
        None => {
            let server = Server::start().await?;
            println!("server    {}, embedded; another one with --uri", server.uri());
            run(server.uri(), options.jobs, &stop).await
        }
    }
}

async fn run(uri: &str, jobs: usize, stop: &CancellationToken) -> Result<(), Box<dyn Error>> {
    // Its own, whoever else runs a demo on the same server.
    let tube = format!("beanwire-demo-{}", std::process::id());
    let producer = Producer::open(uri, Config::default()).await?;
    let consumer = Consumer::open(uri, [tube.as_str()], Config::default()).await?;
    tokio::select! {
        ready = async { tokio::try_join!(producer.ready(PATIENCE), consumer.ready(PATIENCE)) } => drop(ready?),
        () = stop.cancelled() => return Ok(()),
    }
    let (sender, latencies) = unbounded_channel();
    let epoch = Instant::now();
    let handlers = consumer.clone();
    let until = stop.child_token();
    let finished = until.clone();
    let receive = tokio::spawn(async move {
        let handler = move |job: Job| handle(job, epoch, sender.clone());
        handlers.receive(handler).shutdown(until.cancelled_owned()).await
    });

    let summary = work(&producer, &tube, jobs, epoch, latencies, stop).await;
    finished.cancel();
    let report = receive.await??;
    producer.close(PATIENCE).await;
    consumer.close(PATIENCE).await;
    summary?.print();
    println!("handled   {} jobs, {} failed", report.handled, report.failed);
    if stop.is_cancelled() {
        let left = clear(uri, &tube).await?;
        println!("stopped   {left} jobs that were still to be handled are deleted");
    }
    Ok(())
}

/// Deletes what is left in a tube.
async fn clear(uri: &str, tube: &str) -> Result<usize, beanwire::Error> {
    let connection = Connection::open(uri, Config::default()).await?;
    connection.watch(tube).await?;
    connection.ignore("default").await?;
    let mut left = 0;
    while let Some(job) = connection.reserve_with_timeout(Duration::ZERO).await? {
        job.delete().await?;
        left += 1;
    }
    connection.close(PATIENCE).await;
    Ok(left)
}

/// The body says when the put was called.
async fn handle(job: Job, epoch: Instant, sender: UnboundedSender<Duration>) -> Result<(), String> {
    let now = epoch.elapsed();
    let text = std::str::from_utf8(job.body()).map_err(|error| error.to_string())?;
    let sent: u64 = text.trim_end().parse().map_err(|_| "not a job of this demo".to_owned())?;
    job.delete().await.map_err(|error| error.to_string())?;
    // The receiver is gone once the demo has been stopped.
    let _ = sender.send(now.saturating_sub(Duration::from_nanos(sent)));
    Ok(())
}

fn body(epoch: Instant) -> String {
    format!("{:<100}", epoch.elapsed().as_nanos())
}

#[derive(Debug, Default)]
struct Summary {
    bulk: Vec<Duration>,
    bulk_time: Duration,
    single: Vec<Duration>,
}

async fn work(
    producer: &Producer,
    tube: &str,
    jobs: usize,
    epoch: Instant,
    mut latencies: UnboundedReceiver<Duration>,
    stop: &CancellationToken,
) -> Result<Summary, beanwire::Error> {
    let mut summary = Summary::default();
    let start = Instant::now();
    let done = Arc::new(AtomicUsize::new(0));
    let puts = stream::iter(0..jobs)
        .map(|_| async { producer.put(tube, body(epoch)).await })
        .buffer_unordered(IN_FLIGHT)
        .try_for_each(|_| std::future::ready(Ok(())));
    let collect = async {
        while summary.bulk.len() < jobs {
            let Some(latency) = latencies.recv().await else { break };
            summary.bulk.push(latency);
            done.store(summary.bulk.len(), Ordering::Relaxed);
        }
        Ok(())
    };
    tokio::select! {
        done = async { tokio::try_join!(puts, collect) } => drop(done?),
        () = progress(&done, jobs) => {}
        () = stop.cancelled() => {}
    }
    println!();
    summary.bulk_time = start.elapsed();
    for _ in 0..SINGLE_PUTS {
        if stop.is_cancelled() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
        producer.put(tube, body(epoch)).await?;
        tokio::select! {
            Some(latency) = latencies.recv() => summary.single.push(latency),
            () = stop.cancelled() => {}
        }
    }
    Ok(summary)
}

/// Never ends: it shows how far things are while something else does.
async fn progress(done: &AtomicUsize, jobs: usize) {
    let terminal = stdout().is_terminal();
    let mut tick = tokio::time::interval(Duration::from_millis(if terminal { 50 } else { 500 }));
    loop {
        tick.tick().await;
        let done = done.load(Ordering::Relaxed);
        let line = format!("progress  {done} of {jobs}");
        if terminal {
            print!("\r{line}");
            drop(stdout().flush());
        } else {
            println!("{line}");
        }
    }
}

impl Summary {
    fn print(mut self) {
        let rate = self.bulk.len() as f64 / self.bulk_time.as_secs_f64();
        println!(
            "bulk      {} jobs put, handled and deleted in {:.2?}: {rate:.0} jobs per second",
            self.bulk.len(),
            self.bulk_time,
        );
        print_quantiles("latency   put to handler in the bulk ", &mut self.bulk);
        print_quantiles("latency   put to handler, idle queue ", &mut self.single);
    }
}

fn print_quantiles(name: &str, samples: &mut [Duration]) {
    samples.sort_unstable();
    let quantile = |percent: usize| samples.get(samples.len().saturating_sub(1) * percent / 100);
    if let (Some(p50), Some(p99)) = (quantile(50), quantile(99)) {
        println!("{name} p50 {p50:.1?}, p99 {p99:.1?} ({} jobs)", samples.len());
    }
}
