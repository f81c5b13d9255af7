//! The ceiling: blocking sockets and nothing but what the work needs.

use std::io::Write as _;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use beanwire_bench_program::{Figures, Meter, Options, Progress, Result, Work, at_once, latency};

use crate::lane::{Lane, rounds};
use crate::wire::{Reply, Wire};

const RESERVE: &[u8] = b"reserve\r\n";

/// Most bytes of puts that are written at once.
const WRITE: usize = 256 << 10;

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

fn command(options: &Options) -> Vec<u8> {
    let head = format!("put 1024 0 60 {}\r\n", options.size);
    [head.as_bytes(), &options.body(), b"\r\n"].concat()
}

fn put(options: &Options) -> Result<Figures> {
    let mut lanes = Lane::open(options)?;
    let command = command(options);
    // What is written at once, again and again.
    let batch = command.repeat((WRITE / command.len()).clamp(1, options.in_flight));
    let fill = |lane: &mut Lane| {
        let mut left = lane.room() * command.len();
        lane.sent += lane.room();
        while left > 0 {
            let part = left.min(batch.len());
            lane.wire.write(&batch[..part])?;
            left -= part;
        }
        Ok(())
    };
    let mut put = |jobs| {
        let lanes = Lane::share(&mut lanes, options, jobs);
        lanes.iter_mut().try_for_each(fill)?;
        rounds(lanes, options, |lane| {
            while let Some(reply) = lane.wire.reply()? {
                let Reply::Inserted = reply else { return Err("not the reply of a put".into()) };
                lane.done += 1;
            }
            fill(lane)
        })
    };
    put(options.warm_up)?;
    let meter = Meter::start();
    put(options.jobs)?;
    Ok(meter.stop(options.jobs))
}

fn consume(options: &Options) -> Result<Figures> {
    let mut lanes = Lane::open(options)?;
    let progress = Progress::new(options);
    let lanes = Lane::share(&mut lanes, options, options.total());
    if let (1, [lane]) = (options.in_flight, &mut *lanes) {
        for _ in 0..options.total() {
            one(&mut lane.wire, options)?;
            progress.add(1);
        }
        return progress.figures();
    }
    for lane in &mut *lanes {
        lane.sent = lane.room();
        lane.wire.write(&RESERVE.repeat(lane.sent))?;
    }
    let mut commands = Vec::new();
    rounds(lanes, options, |lane| {
        let before = lane.done;
        while let Some(reply) = lane.wire.reply()? {
            match reply {
                Reply::Reserved { id, size } => {
                    options.check_size(size)?;
                    write!(commands, "delete {id}\r\n")?;
                    // Only as many as there are jobs: nothing behind a reserve that waits is read.
                    if lane.sent < lane.jobs {
                        commands.extend_from_slice(RESERVE);
                        lane.sent += 1;
                    }
                }
                Reply::Deleted => lane.done += 1,
                Reply::Inserted => return Err("nothing was put".into()),
            }
        }
        progress.add(lane.done - before);
        lane.wire.write(&commands)?;
        commands.clear();
        Ok(())
    })?;
    progress.figures()
}

/// Reserves a job.
fn reserve(wire: &mut Wire, options: &Options) -> Result<u64> {
    wire.write(RESERVE)?;
    let Reply::Reserved { id, size } = wire.wait()? else { return Err("no job".into()) };
    options.check_size(size)?;
    Ok(id)
}

fn delete(wire: &mut Wire, id: u64) -> Result<()> {
    wire.write(format!("delete {id}\r\n").as_bytes())?;
    let Reply::Deleted = wire.wait()? else { return Err("not deleted".into()) };
    Ok(())
}

fn one(wire: &mut Wire, options: &Options) -> Result<()> {
    let id = reserve(wire, options)?;
    delete(wire, id)
}

/// A bare blocking reserve in a thread, and a put on another socket.
fn put_to_handler(options: &Options) -> Result<Figures> {
    let (mut producer, mut consumer) = (Wire::open(options)?, Wire::open(options)?);
    let command = command(options);
    let (sender, receiver) = mpsc::channel();
    let worker = thread::spawn({
        let options = options.clone();
        move || {
            if let Err(error) = handle(&mut consumer, &options, &sender) {
                drop(sender.send(Err(error)));
            }
        }
    });
    let figures = at_once(latency(
        options,
        async || {
            producer.write(&command)?;
            let Reply::Inserted = producer.wait()? else { return Err("not inserted".into()) };
            Ok(())
        },
        async || receiver.recv()?,
        async |pause| thread::sleep(pause),
    ))?;
    worker.join().map_err(|_| "a panic")?;
    Ok(figures)
}

/// Tells when each job came. The busy ones stay reserved on this connection: the server lets it
/// wait for the next all the same.
fn handle(
    consumer: &mut Wire,
    options: &Options,
    sender: &mpsc::Sender<Result<Instant>>,
) -> Result<()> {
    let mut busy = Vec::new();
    for round in 0..options.busy + options.total() {
        let id = reserve(consumer, options)?;
        let start = Instant::now();
        if round < options.busy {
            busy.push(id);
        } else {
            delete(consumer, id)?;
        }
        sender.send(Ok(start))?;
    }
    busy.into_iter().try_for_each(|id| delete(consumer, id))
}

/// A waiting reserve in a thread, which ends with the process.
fn idle(options: &Options) -> Result<Figures> {
    let mut consumer = Wire::open(options)?;
    thread::spawn({
        let options = options.clone();
        move || reserve(&mut consumer, &options).map(drop)
    });
    thread::sleep(Duration::from_secs(1));
    let meter = Meter::start();
    thread::sleep(Duration::from_secs(options.seconds));
    Ok(meter.stop(0))
}

fn startup(options: &Options) -> Result<Figures> {
    let meter = Meter::start();
    one(&mut Wire::open(options)?, options)?;
    Ok(meter.stop(1))
}
