//! Time from the call of a put to the first line of a handler, on an idle queue: with no other
//! handler at work, and with one that holds a job on the same consumer.
//!
//! The same way without a client library, two blocking sockets and two threads, is measured in
//! turn, as the floor that the machine and the server set.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot run should say so on the spot"
)]

use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use beanwire::{Config, Consumer, Job, Producer};
use beanwire_benches::Samples;
use beanwire_tests::{Beanstalkd, RawClient};
use tokio::sync::Notify;

const ROUNDS: usize = 10;
const PUTS: usize = 200;

/// The pause before each put, in which everything falls asleep.
const IDLE: Duration = Duration::from_millis(2);

fn main() {
    let server = Beanstalkd::start();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut floor = Samples::default();
    let mut free = Samples::default();
    let mut busy = Samples::default();
    for _ in 0..ROUNDS {
        sockets(&server, &mut floor);
        runtime.block_on(client(&server, false, &mut free));
        runtime.block_on(client(&server, true, &mut busy));
    }
    println!("put to handler, idle queue, {} puts each, alternating", floor.len());
    for (name, samples) in
        [("bare sockets", &floor), ("no handler busy", &free), ("one handler busy", &busy)]
    {
        let [p50, p99] = [0.5, 0.99].map(|share| samples.quantile(share));
        let ratio = p50.as_secs_f64() / floor.quantile(0.5).as_secs_f64();
        println!("{name:>16}: p50 {p50:>9.1?}  p99 {p99:>9.1?}  p50 to bare sockets {ratio:.2}");
    }
}

/// A blocking put on one socket, a blocking reserve on another.
fn sockets(server: &Beanstalkd, samples: &mut Samples) {
    let (mut producer, mut consumer) = (server.raw(), server.raw());
    assert_eq!(producer.command("use bare"), "USING bare");
    assert_eq!(consumer.command("watch bare"), "WATCHING 2");
    let (sender, receiver) = mpsc::channel();
    let worker = std::thread::spawn(move || {
        for _ in 0..PUTS {
            let id = take(&mut consumer);
            sender.send(Instant::now()).unwrap();
            assert_eq!(consumer.command(&format!("delete {id}")), "DELETED");
        }
    });
    for _ in 0..PUTS {
        std::thread::sleep(IDLE);
        let start = Instant::now();
        producer.send("put 1024 0 60 1\r\nx\r\n");
        assert!(producer.line().starts_with("INSERTED "));
        samples.push(receiver.recv().unwrap() - start);
    }
    worker.join().unwrap();
}

fn take(consumer: &mut RawClient) -> String {
    let reply = consumer.command("reserve");
    let id = reply.split(' ').nth(1).expect("RESERVED id n").to_owned();
    consumer.body(1);
    id
}

async fn client(server: &Beanstalkd, with_busy: bool, samples: &mut Samples) {
    let producer = Producer::open(&*server.uri(), Config::default()).await.unwrap();
    let consumer = Consumer::open(&*server.uri(), ["bench"], Config::default()).await.unwrap();
    producer.ready(Duration::from_secs(5)).await.unwrap();
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let enough = Arc::new(Notify::new());
    let until = Arc::clone(&enough);
    let handlers = consumer.clone();
    let receive = tokio::spawn(async move {
        let work = move |job: Job| {
            let (sender, until) = (sender.clone(), Arc::clone(&until));
            async move {
                sender.send(Instant::now()).unwrap();
                if &job.body()[..] == b"busy" {
                    until.notified().await;
                }
                job.delete().await
            }
        };
        let stop = async { drop(stopped.await) };
        handlers.receive(work).shutdown(stop).await
    });
    if with_busy {
        producer.put("bench", "busy").await.unwrap();
        receiver.recv().await.unwrap();
    }
    for _ in 0..PUTS {
        tokio::time::sleep(IDLE).await;
        let start = Instant::now();
        producer.put("bench", "x").await.unwrap();
        samples.push(receiver.recv().await.unwrap() - start);
    }
    enough.notify_one();
    stop.send(()).unwrap();
    let report = receive.await.unwrap().unwrap();
    assert_eq!(report.handled, PUTS + usize::from(with_busy));
    consumer.close(Duration::from_secs(5)).await;
    producer.close(Duration::from_secs(5)).await;
}
