//! Servers killed and started again under load.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use beanwire::{Consumer, Job, Producer};
use beanwire_tests::{Beanstalkd, wait_until};
use tokio_util::sync::CancellationToken;

use crate::{ended, quick};

const KILLS: usize = 3;

type Bodies = Arc<Mutex<BTreeSet<Vec<u8>>>>;

fn len(bodies: &Bodies) -> usize {
    bodies.lock().unwrap().len()
}

/// Puts until told to stop, and keeps what was acknowledged.
async fn put_on(producer: Producer, name: usize, acknowledged: Bodies, stop: CancellationToken) {
    for number in 0.. {
        let body = format!("{name}-{number}").into_bytes();
        // No answer to one put may keep the others from going on.
        if producer.put("load", body.clone()).await.is_ok() {
            acknowledged.lock().unwrap().insert(body);
        }
        if stop.is_cancelled() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_put_outlives_the_kills_of_its_server() {
    let mut server = Beanstalkd::builder().binlog().start();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    let (acknowledged, stop) = (Bodies::default(), CancellationToken::new());
    let workers: Vec<_> = (0..4)
        .map(|name| {
            let (producer, stop) = (producer.clone(), stop.clone());
            tokio::spawn(put_on(producer, name, Arc::clone(&acknowledged), stop))
        })
        .collect();
    for kill in 1..=KILLS {
        wait_until("puts go on", || len(&acknowledged) >= kill * 50);
        server.restart();
    }
    let so_far = len(&acknowledged);
    wait_until("puts go on", || len(&acknowledged) >= so_far + 50);
    stop.cancel();
    for worker in workers {
        ended(worker).await.unwrap();
    }
    let mut raw = server.raw();
    let mut found = BTreeSet::new();
    while let Some((id, body)) = raw.reserve("load") {
        found.insert(body);
        assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
    }
    let lost: Vec<_> = acknowledged.lock().unwrap().difference(&found).cloned().collect();
    assert!(lost.is_empty(), "{} acknowledged puts are gone: {lost:?}", lost.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_goes_on_after_the_kills_of_its_server_until_no_job_is_left() {
    const JOBS: usize = 200;
    let mut server = Beanstalkd::builder().binlog().start();
    let mut raw = server.raw();
    for number in 0..JOBS {
        raw.put("load", number.to_string());
    }
    let config = quick().concurrency(4).build().unwrap();
    let consumer = Consumer::open(server.uri(), ["load"], config).await.unwrap();
    let (handled, stop) = (Bodies::default(), CancellationToken::new());
    let (seen, until) = (Arc::clone(&handled), stop.clone());
    let receive = tokio::spawn(async move {
        let handler = move |job: Job| {
            let seen = Arc::clone(&seen);
            async move {
                tokio::time::sleep(Duration::from_millis(2)).await;
                seen.lock().unwrap().insert(job.body().to_vec());
                // If this gets no answer, the job may come again.
                let _ = job.delete().await;
            }
        };
        consumer.receive(handler).shutdown(until.cancelled_owned()).await
    });
    for kill in 1..=KILLS {
        wait_until("jobs are handled", || len(&handled) >= kill * 30);
        server.restart();
    }
    wait_until("all are handled", || len(&handled) == JOBS);
    let mut raw = server.raw();
    wait_until("all are deleted", || {
        let stats = raw.stats();
        ["ready", "reserved", "delayed", "buried"]
            .iter()
            .all(|state| stats[&format!("current-jobs-{state}")] == "0")
    });
    stop.cancel();
    assert!(ended(receive).await.unwrap().unwrap().handled >= JOBS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_was_idle_during_a_restart_watches_its_tubes_again() {
    let mut server = Beanstalkd::start();
    let config = quick().build().unwrap();
    let consumer = Consumer::open(server.uri(), ["a", "b"], config).await.unwrap();
    for round in 0..3 {
        let mut raw = server.raw();
        raw.put("default", "not for this one");
        let tube = if round % 2 == 0 { "a" } else { "b" };
        let id = raw.put(tube, "for this one");
        let job = ended(consumer.next_job()).await.unwrap();
        assert_eq!(job.id().0, id);
        job.delete().await.unwrap();
        server.restart();
    }
}
