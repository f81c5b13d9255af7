//! The component's clients.

use std::time::{Duration, Instant};

use beanwire_bench_program::{Figures, Meter, Options, Progress, Result, Work, latency};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::bindings::exports::beanwire::client::types::NewJob;
use crate::instance::{Consumer, Instance, Producer};
use crate::program::Program;

/// Fewest jobs of a batch of `component-put-many`.
const BATCH: usize = 1_000;

/// Measures. The host is asynchronous, as the documentation shows it.
///
/// What it is about is done in a task, as in most hosts: the task of `main` runs on a thread beside
/// those of the runtime and hears of the sockets later.
#[tokio::main]
pub(crate) async fn measure(options: &Options) -> Result<Figures> {
    match (options.client.as_str(), options.work) {
        ("component" | "component-put-many", Work::Put) => {
            tokio::spawn(put(options.clone())).await?
        }
        ("component", Work::Consume) => tokio::spawn(consume(options.clone())).await?,
        ("component", Work::Latency) => put_to_handler(options).await,
        ("component", Work::Idle) => idle(options).await,
        ("component", Work::Startup) => tokio::spawn(startup(options.clone())).await?,
        ("component", Work::Instantiate) => instantiate(options).await,
        _ => Err(options.unknown()),
    }
}

async fn instance(options: &Options) -> Result<Instance> {
    let program = Program::open()?;
    Instance::make(&program.engine, &program.load()?, options.uri.parse()?).await
}

async fn put(options: Options) -> Result<Figures> {
    let options = &options;
    let mut producer = instance(options).await?.producer(options, options.connections).await?;
    puts(options, &mut producer, options.warm_up).await?;
    let meter = Meter::start();
    puts(options, &mut producer, options.jobs).await?;
    let figures = meter.stop(options.jobs);
    producer.close().await?;
    Ok(figures)
}

/// A put holds its instance until it is answered: several at a time are a batch.
async fn puts(options: &Options, producer: &mut Producer, jobs: usize) -> Result<()> {
    let body = options.body();
    let batch = match options.client.as_str() {
        "component-put-many" => (options.in_flight * 10).max(BATCH),
        _ => options.in_flight,
    };
    if batch == 1 {
        for _ in 0..jobs {
            producer.put(&options.tube, &body).await?;
        }
        return Ok(());
    }
    let job = NewJob { tube: options.tube.clone(), body, options: None };
    let batch = vec![job; batch];
    let mut left = jobs;
    while left > 0 {
        let some = batch.get(..left).unwrap_or(&batch);
        producer.put_many(some).await?;
        left -= some.len();
    }
    Ok(())
}

async fn consume(options: Options) -> Result<Figures> {
    let options = &options;
    let mut consumer = instance(options).await?.consumer(options).await?;
    let progress = Progress::new(options);
    let mut done = false;
    while !done {
        done = if options.in_flight == 1 {
            let job = consumer.receive().await?;
            options.check_size(consumer.size(job).await?)?;
            consumer.delete(job).await?;
            progress.add(1)
        } else {
            let jobs = consumer.receive_many(options.in_flight).await?;
            for &job in &jobs {
                options.check_size(consumer.size(job).await?)?;
            }
            consumer.delete_many(&jobs).await?;
            progress.add(jobs.len())
        };
    }
    consumer.close().await?;
    progress.figures()
}

/// The consumer in an instance and a task of its own, since a call holds its instance.
async fn put_to_handler(options: &Options) -> Result<Figures> {
    let mut producer = instance(options).await?.producer(options, 1).await?;
    let consumer = instance(options).await?.consumer(options).await?;
    let (sender, mut receiver) = unbounded_channel();
    let (end, ended) = oneshot::channel();
    let worker = tokio::spawn({
        let options = options.clone();
        async move {
            if let Err(error) = handle(consumer, &options, &sender, ended).await {
                drop(sender.send(Err(error)));
            }
        }
    });
    let body = options.body();
    let figures = latency(
        options,
        async || producer.put(&options.tube, &body).await,
        async || receiver.recv().await.ok_or("no more jobs")?,
        async |pause| tokio::time::sleep(pause).await,
    )
    .await?;
    drop(end);
    worker.await?;
    producer.close().await?;
    Ok(figures)
}

/// Tells when each job came.
async fn handle(
    mut consumer: Consumer,
    options: &Options,
    sender: &UnboundedSender<Result<Instant>>,
    ended: oneshot::Receiver<()>,
) -> Result<()> {
    let mut busy = Vec::new();
    for round in 0..options.busy + options.total() {
        let job = consumer.receive().await?;
        let start = Instant::now();
        if round < options.busy {
            busy.push(job);
        } else {
            consumer.delete(job).await?;
        }
        sender.send(Ok(start))?;
    }
    drop(ended.await);
    consumer.delete_many(&busy).await?;
    consumer.close().await
}

/// The waiting call ends with the process.
async fn idle(options: &Options) -> Result<Figures> {
    let mut consumer = instance(options).await?.consumer(options).await?;
    tokio::spawn(async move { consumer.receive().await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    let meter = Meter::start();
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    Ok(meter.stop(0))
}

async fn startup(options: Options) -> Result<Figures> {
    let options = &options;
    let meter = Meter::start();
    let start = Instant::now();
    let program = Program::open()?;
    let opened = start.elapsed();
    let prepared = program.load()?;
    let loaded = start.elapsed();
    let instance = Instance::make(&program.engine, &prepared, options.uri.parse()?).await?;
    let made = start.elapsed();
    eprintln!(
        "engine {opened:.1?}, deserialize {:.1?}, instantiate {:.1?}",
        loaded - opened,
        made - loaded
    );
    let mut consumer = instance.consumer(options).await?;
    let job = consumer.receive().await?;
    options.check_size(consumer.size(job).await?)?;
    consumer.delete(job).await?;
    Ok(meter.stop(1))
}

/// Times of loading the compiled file and making an instance of it.
async fn instantiate(options: &Options) -> Result<Figures> {
    let program = Program::open()?;
    let server = options.uri.parse()?;
    let mut meter = Meter::start();
    let mut latencies = Vec::with_capacity(options.total());
    for round in 0..options.total() {
        if round == options.warm_up {
            meter = Meter::start();
            latencies.clear();
        }
        let start = Instant::now();
        let made = Instance::make(&program.engine, &program.load()?, server).await?;
        latencies.push(start.elapsed());
        drop(made);
    }
    Ok(meter.stop(options.jobs).with_latencies(latencies))
}
