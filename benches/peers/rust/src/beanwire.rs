//! Beanwire for Rust, through its public API, on the runtime that `#[tokio::main]` makes.

use std::future::{IntoFuture as _, poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beanwire::{Config, Consumer, Job, NewJob, Producer, ReceiveReport, TubeName, corked};
use beanwire_bench_program::{
    Failure, Figures, Meter, Options, PATIENCE, PAUSE, Progress, Result, Work,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Fewest jobs of a batch.
const BATCH: usize = 1_000;

/// Measures.
#[tokio::main]
pub(crate) async fn measure(options: &Options) -> Result<Figures> {
    match (options.client.as_str(), options.work) {
        (_, Work::Put) => put(options).await,
        ("beanwire", Work::Consume) => consume(options).await,
        ("beanwire", Work::Latency) => put_to_handler(options).await,
        ("beanwire", Work::Idle) => idle(options).await,
        ("beanwire", Work::Startup) => startup(options).await,
        _ => Err(options.unknown()),
    }
}

async fn producer(options: &Options, connections: usize) -> Result<Producer> {
    let config = Config::builder().multiply(connections).build()?;
    let producer = Producer::open(&*options.uri, config).await?;
    producer.ready(PATIENCE).await?;
    Ok(producer)
}

async fn consumer(options: &Options) -> Result<Consumer> {
    let config = Config::builder()
        .concurrency(options.in_flight)
        .max_connections(options.connections)
        .build()?;
    let consumer = Consumer::open(&*options.uri, [&*options.tube], config).await?;
    consumer.ready(PATIENCE).await?;
    Ok(consumer)
}

/// Jobs are put by a task of their own, as in most programs: the task of `main` runs on a thread
/// beside those of the runtime and hears of answers later.
async fn put(options: &Options) -> Result<Figures> {
    let producer = producer(options, options.connections).await?;
    let job = NewJob::new(TubeName::new(&options.tube)?, options.body())?;
    let figures = tokio::spawn({
        let (options, producer) = (options.clone(), producer.clone());
        async move {
            puts(&options, &producer, &job, options.warm_up).await?;
            let meter = Meter::start();
            puts(&options, &producer, &job, options.jobs).await?;
            Ok::<_, Failure>(meter.stop(options.jobs))
        }
    });
    let figures = figures.await??;
    producer.close(PATIENCE).await;
    Ok(figures)
}

async fn puts(options: &Options, producer: &Producer, job: &NewJob, jobs: usize) -> Result<()> {
    if options.client == "beanwire-put-many" {
        return batches(options, producer, job, jobs).await;
    }
    if options.in_flight == 1 {
        for _ in 0..jobs {
            producer.put_job(job.clone()).await?;
        }
        return Ok(());
    }
    // Faster than as many tasks: the puts that follow the answers of one read leave in one write.
    let puts = stream::repeat_with(|| producer.put_job(job.clone()).into_future()).take(jobs);
    let puts = puts.buffer_unordered(options.in_flight).try_for_each(|_| ready(Ok(())));
    let mut puts = pin!(puts);
    Ok(poll_fn(|context| corked(|| puts.as_mut().poll(context))).await?)
}

async fn batches(options: &Options, producer: &Producer, job: &NewJob, jobs: usize) -> Result<()> {
    let batch = (options.in_flight * 10).max(BATCH);
    let mut left = jobs;
    while left > 0 {
        let count = left.min(batch);
        for put in producer.put_many(vec![job.clone(); count]).await {
            put?;
        }
        left -= count;
    }
    Ok(())
}

async fn consume(options: &Options) -> Result<Figures> {
    let progress = Arc::new(Progress::new(options));
    let consumer = consumer(options).await?;
    let done = CancellationToken::new();
    let handler = {
        let (options, progress, done) = (options.clone(), Arc::clone(&progress), done.clone());
        move |job: Job| {
            let (size, progress, done) =
                (options.check_size(job.body().len()), Arc::clone(&progress), done.clone());
            async move {
                // A handler that fails ends it all.
                let failed = done.clone().drop_guard();
                size?;
                job.delete().await?;
                if !progress.add(1) {
                    failed.disarm();
                }
                Ok::<_, Failure>(())
            }
        }
    };
    let report = consumer.receive(handler).shutdown(done.cancelled()).await?;
    consumer.close(PATIENCE).await;
    check(report)?;
    progress.figures()
}

fn check(report: ReceiveReport) -> Result<()> {
    match report.failed {
        0 => Ok(()),
        failed => Err(format!("{failed} handlers failed").into()),
    }
}

async fn put_to_handler(options: &Options) -> Result<Figures> {
    let producer = producer(options, 1).await?;
    let consumer = consumer(options).await?;
    let (sender, receiver) = mpsc::unbounded_channel();
    let done = CancellationToken::new();
    let receive = tokio::spawn({
        let (consumer, done, stop) = (consumer.clone(), done.clone(), done.clone());
        let (begun, busy) = (Arc::new(AtomicUsize::new(0)), options.busy);
        let handler = move |job: Job| {
            let start = Instant::now();
            let is_busy = begun.fetch_add(1, Ordering::Relaxed) < busy;
            let (sender, done) = (sender.clone(), done.clone());
            async move {
                if is_busy {
                    sender.send(Ok(start))?;
                    done.cancelled().await;
                    job.delete().await?;
                } else {
                    sender.send(job.delete().await.map(|()| start))?;
                }
                Ok::<_, Failure>(())
            }
        };
        async move { consumer.receive(handler).shutdown(stop.cancelled()).await }
    });
    let job = NewJob::new(TubeName::new(&options.tube)?, options.body())?;
    let rounds = rounds(options.clone(), producer.clone(), job, receiver);
    let figures = tokio::spawn(rounds).await??;
    done.cancel();
    check(receive.await??)?;
    consumer.close(PATIENCE).await;
    producer.close(PATIENCE).await;
    Ok(figures)
}

/// The shared way to measure it, as a task of its own, for the reason that [`put`] gives.
async fn rounds(
    options: Options,
    producer: Producer,
    job: NewJob,
    mut handled: mpsc::UnboundedReceiver<std::result::Result<Instant, beanwire::Error>>,
) -> Result<Figures> {
    let mut next = async || Ok::<_, Failure>(handled.recv().await.ok_or("no more handlers")??);
    for _ in 0..options.busy {
        producer.put_job(job.clone()).await?;
        next().await?;
    }
    let mut latencies = Vec::with_capacity(options.total());
    let mut meter = Meter::start();
    for round in 0..options.total() {
        if round == options.warm_up {
            meter = Meter::start();
            latencies.clear();
        }
        tokio::time::sleep(PAUSE).await;
        let before = Instant::now();
        producer.put_job(job.clone()).await?;
        latencies.push(next().await? - before);
    }
    Ok(meter.stop(options.jobs).with_latencies(latencies))
}

async fn idle(options: &Options) -> Result<Figures> {
    let consumer = consumer(options).await?;
    let done = CancellationToken::new();
    let receive = tokio::spawn({
        let (consumer, stop) = (consumer.clone(), done.clone());
        let handler = async |job: Job| job.delete().await;
        async move { consumer.receive(handler).shutdown(stop.cancelled()).await }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let meter = Meter::start();
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let figures = meter.stop(0);
    done.cancel();
    check(receive.await??)?;
    consumer.close(PATIENCE).await;
    Ok(figures)
}

async fn startup(options: &Options) -> Result<Figures> {
    let meter = Meter::start();
    let consumer = consumer(options).await?;
    let job = consumer.next_job().await?;
    options.check_size(job.body().len())?;
    job.delete().await?;
    Ok(meter.stop(1))
}
