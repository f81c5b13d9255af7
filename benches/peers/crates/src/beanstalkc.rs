//! Blocking, so with a thread for each connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use beanstalkc::Beanstalkc;
use beanwire_bench_program::{Figures, Meter, Options, Progress, Result, Work, at_once, latency};

const PRIORITY: u32 = 1024;
const DELAY: Duration = Duration::ZERO;
const TTR: Duration = Duration::from_secs(60);

/// Measures.
pub(crate) fn measure(options: &Options) -> Result<Figures> {
    match options.work {
        Work::Put => put(options),
        Work::Consume => consume(options),
        Work::Latency => put_to_handler(options),
        Work::Idle => idle(options),
        Work::Startup => startup(options),
        Work::Instantiate => Err(options.unknown()),
    }
}

fn connect(options: &Options) -> Result<Beanstalkc> {
    let (host, port) = options.uri.rsplit_once(':').ok_or("no port")?;
    Ok(Beanstalkc::new().host(host).port(port.parse()?).connect()?)
}

fn consumer(options: &Options) -> Result<Beanstalkc> {
    let mut consumer = connect(options)?;
    consumer.watch(&options.tube)?;
    if options.tube != "default" {
        consumer.ignore("default")?;
    }
    Ok(consumer)
}

fn producer(options: &Options) -> Result<Beanstalkc> {
    let mut producer = connect(options)?;
    producer.use_tube(&options.tube)?;
    Ok(producer)
}

fn all(
    options: &Options,
    open: impl Fn(&Options) -> Result<Beanstalkc>,
) -> Result<Vec<Beanstalkc>> {
    (0..options.connections).map(|_| open(options)).collect()
}

/// Calls `work` so many times, in a thread for each connection.
fn each(
    connections: &mut [Beanstalkc],
    times: usize,
    work: impl Fn(&mut Beanstalkc) -> Result<()> + Sync,
) -> Result<()> {
    let begun = AtomicUsize::new(0);
    let run = |connection: &mut Beanstalkc| {
        while begun.fetch_add(1, Ordering::Relaxed) < times {
            work(connection)?;
        }
        Ok(())
    };
    if let [connection] = connections {
        return run(connection);
    }
    thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> =
            connections.iter_mut().map(|connection| scope.spawn(move || run(connection))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a panic")?)
    })
}

fn put(options: &Options) -> Result<Figures> {
    let mut producers = all(options, producer)?;
    let body = options.body();
    let put =
        |producer: &mut Beanstalkc| Ok(producer.put(&body, PRIORITY, DELAY, TTR).map(drop)?);
    each(&mut producers, options.warm_up, put)?;
    let meter = Meter::start();
    each(&mut producers, options.jobs, put)?;
    Ok(meter.stop(options.jobs))
}

fn one(consumer: &mut Beanstalkc, options: &Options) -> Result<()> {
    let mut job = consumer.reserve()?;
    options.check_size(job.body().len())?;
    Ok(job.delete()?)
}

fn consume(options: &Options) -> Result<Figures> {
    let mut consumers = all(options, consumer)?;
    let progress = Progress::new(options);
    each(&mut consumers, options.total(), |consumer| {
        one(consumer, options)?;
        progress.add(1);
        Ok(())
    })?;
    progress.figures()
}

/// What the threads of work `latency` share.
struct Shared {
    busy: usize,
    begun: AtomicUsize,
    /// Begins and ends the deletion of the busy jobs.
    end: Barrier,
    sender: Sender<Result<Instant>>,
}

/// The threads end with the process.
fn put_to_handler(options: &Options) -> Result<Figures> {
    let mut producer = producer(options)?;
    let (sender, receiver) = channel();
    let shared = Arc::new(Shared {
        busy: options.busy,
        begun: AtomicUsize::new(0),
        end: Barrier::new(options.busy + 1),
        sender,
    });
    for mut consumer in all(options, consumer)? {
        let shared = Arc::clone(&shared);
        thread::spawn(move || {
            let error = loop {
                if let Err(error) = handle(&mut consumer, &shared) {
                    break error;
                }
            };
            drop(shared.sender.send(Err(error)));
        });
    }
    let body = options.body();
    let figures = at_once(latency(
        options,
        async || Ok(producer.put(&body, PRIORITY, DELAY, TTR).map(drop)?),
        async || receiver.recv()?,
        async |pause| thread::sleep(pause),
    ))?;
    shared.end.wait();
    shared.end.wait();
    Ok(figures)
}

/// Takes one job.
fn handle(consumer: &mut Beanstalkc, shared: &Shared) -> Result<()> {
    let mut job = consumer.reserve()?;
    let start = Instant::now();
    if shared.begun.fetch_add(1, Ordering::Relaxed) < shared.busy {
        shared.sender.send(Ok(start))?;
        shared.end.wait();
        let deleted = job.delete();
        shared.end.wait();
        Ok(deleted?)
    } else {
        job.delete()?;
        Ok(shared.sender.send(Ok(start))?)
    }
}

/// The waiting threads end with the process.
fn idle(options: &Options) -> Result<Figures> {
    for mut consumer in all(options, consumer)? {
        thread::spawn(move || consumer.reserve().map(drop));
    }
    thread::sleep(Duration::from_secs(1));
    let meter = Meter::start();
    thread::sleep(Duration::from_secs(options.seconds));
    Ok(meter.stop(0))
}

fn startup(options: &Options) -> Result<Figures> {
    let meter = Meter::start();
    one(&mut consumer(options)?, options)?;
    Ok(meter.stop(1))
}
