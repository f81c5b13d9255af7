//! Asynchronous: a task for each connection, and one more that moves its bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use beanwire_bench_program::{Failure, Figures, Meter, Options, Progress, Result, Work, latency};
use mamenoki::{BeanstalkChannel, BeanstalkClient, Job, PutCommandConfig};
use tokio::sync::Barrier;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

const CONFIG: PutCommandConfig = PutCommandConfig { priority: 1024, delay: 0, time_to_run: 60 };

/// Measures.
#[tokio::main]
pub(crate) async fn measure(options: &Options) -> Result<Figures> {
    match options.work {
        Work::Put => put(options).await,
        Work::Consume => consume(options).await,
        Work::Latency => put_to_handler(options).await,
        Work::Idle => idle(options).await,
        Work::Startup => startup(options).await,
        Work::Instantiate => Err(options.unknown()),
    }
}

async fn connect(options: &Options) -> Result<BeanstalkClient> {
    let mut channel = BeanstalkChannel::connect(&options.uri).await?;
    let client = channel.create_client();
    tokio::spawn(async move { channel.run_channel().await });
    client.use_tube(&options.tube).await?;
    client.watch_tube(&options.tube).await?;
    if options.tube != "default" {
        client.ignore_tube("default").await?;
    }
    Ok(client)
}

async fn all(options: &Options) -> Result<Vec<BeanstalkClient>> {
    let mut clients = Vec::with_capacity(options.connections);
    for _ in 0..options.connections {
        clients.push(connect(options).await?);
    }
    Ok(clients)
}

/// Calls `work` so many times, in a task for each connection.
async fn each<F>(
    clients: &[BeanstalkClient],
    times: usize,
    work: impl Fn(BeanstalkClient) -> F + Clone + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let begun = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for client in clients {
        let (client, begun, work) = (client.clone(), Arc::clone(&begun), work.clone());
        tasks.spawn(async move {
            while begun.fetch_add(1, Ordering::Relaxed) < times {
                work(client.clone()).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(task) = tasks.join_next().await {
        task??;
    }
    Ok(())
}

fn body(options: &Options) -> Result<Arc<str>> {
    Ok(String::from_utf8(options.body())?.into())
}

async fn put(options: &Options) -> Result<Figures> {
    let clients = all(options).await?;
    let body = body(options)?;
    let put = move |client: BeanstalkClient| {
        let body = body.to_string();
        async move { Ok(client.put_with_config(body, CONFIG).await.map(drop)?) }
    };
    each(&clients, options.warm_up, put.clone()).await?;
    let meter = Meter::start();
    each(&clients, options.jobs, put).await?;
    Ok(meter.stop(options.jobs))
}

async fn one(client: &BeanstalkClient, options: &Options) -> Result<()> {
    let job = client.reserve().await?;
    options.check_size(job.payload.len())?;
    Ok(client.delete(job.id).await.map(drop)?)
}

async fn consume(options: &Options) -> Result<Figures> {
    let clients = all(options).await?;
    let progress = Arc::new(Progress::new(options));
    let shared = (Arc::clone(&progress), options.clone());
    each(&clients, options.total(), move |client| {
        let (progress, options) = shared.clone();
        async move {
            one(&client, &options).await?;
            progress.add(1);
            Ok(())
        }
    })
    .await?;
    progress.figures()
}

/// What the tasks of work `latency` share.
struct Shared {
    busy: usize,
    begun: AtomicUsize,
    /// Begins and ends the deletion of the busy jobs.
    end: Barrier,
    sender: UnboundedSender<Result<Instant>>,
}

/// The tasks end with the process.
async fn put_to_handler(options: &Options) -> Result<Figures> {
    let producer = connect(options).await?;
    let (sender, mut receiver) = unbounded_channel();
    let shared = Arc::new(Shared {
        busy: options.busy,
        begun: AtomicUsize::new(0),
        end: Barrier::new(options.busy + 1),
        sender,
    });
    for client in all(options).await? {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let error = loop {
                match client.reserve().await {
                    Ok(job) => {
                        if let Err(error) = handle(&client, job, &shared).await {
                            break error;
                        }
                    }
                    Err(error) => break error.into(),
                }
            };
            drop(shared.sender.send(Err(error)));
        });
    }
    let body = body(options)?;
    let figures = latency(
        options,
        async || Ok(producer.put_with_config(body.to_string(), CONFIG).await.map(drop)?),
        async || receiver.recv().await.ok_or("no more handlers")?,
        async |pause| tokio::time::sleep(pause).await,
    )
    .await?;
    shared.end.wait().await;
    shared.end.wait().await;
    Ok(figures)
}

async fn handle(client: &BeanstalkClient, job: Job, shared: &Shared) -> Result<()> {
    let start = Instant::now();
    if shared.begun.fetch_add(1, Ordering::Relaxed) < shared.busy {
        shared.sender.send(Ok(start))?;
        shared.end.wait().await;
        let deleted = client.delete(job.id).await;
        shared.end.wait().await;
        deleted?;
    } else {
        client.delete(job.id).await?;
        shared.sender.send(Ok(start))?;
    }
    Ok(())
}

/// The waiting tasks end with the process.
async fn idle(options: &Options) -> Result<Figures> {
    for client in all(options).await? {
        tokio::spawn(async move { client.reserve().await.map(drop) });
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let meter = Meter::start();
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    Ok(meter.stop(0))
}

async fn startup(options: &Options) -> Result<Figures> {
    let meter = Meter::start();
    one(&connect(options).await?, options).await?;
    Ok(meter.stop(1))
}
