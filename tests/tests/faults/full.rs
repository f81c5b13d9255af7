//! More puts than may wait.

use beanwire::{ErrorKind, NewJob, Outcome, Producer};
use beanwire_tests::{Beanstalkd, wait_until};

use crate::{ended, ms, quick, ready};

/// The tube that needs no `use`, so that only puts are counted.
const TUBE: &str = "default";

/// As many bytes as let eight puts of a body of 256 bytes wait.
const ROOM: usize = 8 * 512;

fn body() -> Vec<u8> {
    vec![b'x'; 256]
}

fn pending(producer: &Producer) -> usize {
    let health = producer.health();
    let connections = health.servers[0].connections.iter();
    health.waiting + connections.map(|connection| connection.pending).sum::<usize>()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_wait_while_the_queue_is_full_and_all_go_through_in_the_end() {
    const PUTS: usize = 100;
    let server = Beanstalkd::start();
    let config = quick().max_pending_bytes(ROOM).command_timeout(ms(60_000)).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    ready(&producer).await;
    server.stop_reading();
    let puts: Vec<_> = (0..PUTS)
        .map(|_| {
            let producer = producer.clone();
            tokio::spawn(async move { producer.put(TUBE, body()).await })
        })
        .collect();
    wait_until("the queue is full", || pending(&producer) == 8);
    let error = ended(producer.put(TUBE, body()).timeout(ms(50))).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::QueueFull, Outcome::NotSent));
    assert_eq!(pending(&producer), 8, "it does not grow");
    server.resume();
    for put in puts {
        ended(put).await.unwrap().unwrap();
    }
    assert_eq!(server.raw().stats_tube(TUBE)["total-jobs"], PUTS.to_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_no_time_to_wait_a_put_to_a_full_queue_fails_at_once() {
    let mut server = Beanstalkd::start();
    let config = quick()
        .max_pending_bytes(ROOM)
        .command_timeout(ms(60_000))
        .put_timeout(ms(0))
        .build()
        .unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    ready(&producer).await;
    server.stop_reading();
    let puts: Vec<_> = (0..8)
        .map(|_| {
            let producer = producer.clone();
            tokio::spawn(async move { producer.put(TUBE, body()).await })
        })
        .collect();
    wait_until("the queue is full", || pending(&producer) == 8);
    let error = ended(producer.put(TUBE, body())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::QueueFull, Outcome::NotSent));
    server.resume();
    for put in puts {
        ended(put).await.unwrap().unwrap();
    }
    ended(producer.put(TUBE, body())).await.unwrap();
    server.kill();
    wait_until("it is noticed", || !producer.is_connected());
    let error = ended(producer.put(TUBE, body())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::NotSent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_puts_at_once_never_fill_more_than_the_queue_and_keep_their_order() {
    let server = Beanstalkd::start();
    let config = quick().max_pending_bytes(ROOM).command_timeout(ms(60_000)).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    ready(&producer).await;
    server.stop_reading();
    let putter = producer.clone();
    let puts = tokio::spawn(async move {
        let jobs = (0..100_u8).map(|number| NewJob::new(TUBE, vec![number; 256]).unwrap());
        putter.put_many(jobs).await
    });
    wait_until("the queue is full", || pending(&producer) == 8);
    server.resume();
    let mut raw = server.raw();
    let results = ended(puts).await.unwrap();
    assert_eq!(results.len(), 100);
    for (number, result) in (0..100).zip(results) {
        let (id, body) = raw.reserve(TUBE).unwrap();
        assert_eq!((id, body), (result.unwrap().id.0, vec![number; 256]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_larger_than_all_the_room_goes_alone() {
    let server = Beanstalkd::start();
    let config = quick().max_pending_bytes(ROOM).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    let puts: Vec<_> = (0..10)
        .map(|_| {
            let producer = producer.clone();
            tokio::spawn(async move { producer.put(TUBE, vec![b'x'; 4 * ROOM]).await })
        })
        .collect();
    for put in puts {
        ended(put).await.unwrap().unwrap();
    }
}
