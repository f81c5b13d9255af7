//! Servers that take no new jobs.

use std::time::Duration;

use beanwire::{Consumer, ErrorKind, Outcome, Producer};
use beanwire_tests::{Beanstalkd, wait_until};

use crate::{ended, quick, ready, up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puts_go_to_the_other_server_while_one_drains() {
    let (one, two) = (Beanstalkd::start(), Beanstalkd::start());
    let config = quick().build().unwrap();
    let producer = Producer::open([one.uri(), two.uri()], config).await.unwrap();
    wait_until("both are up", || up(&producer.health()) == 2);
    // The producer does not know yet: the first put to it is refused, and goes to the other one.
    one.drain();
    for _ in 0..50 {
        let job = ended(producer.put("t", "x")).await.unwrap();
        assert_eq!(job.server.to_string(), two.uri());
    }
    assert_eq!(two.raw().stats_tube("t")["total-jobs"], "50");
    let mut raw = one.raw();
    assert!(raw.stats()["cmd-put"].parse::<u32>().unwrap() <= 1, "it was asked again and again");
    assert!(producer.health().servers[0].draining);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_fails_with_draining_where_there_is_no_other_server() {
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    ready(&producer).await;
    ended(producer.put("t", "before")).await.unwrap();
    server.drain();
    let error = ended(producer.put("t", "asked")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Draining, Outcome::Rejected));
    let error = ended(producer.put("t", "known")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Draining, Outcome::NotSent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_restarted_after_its_drain_gets_puts_again() {
    let mut server = Beanstalkd::start();
    server.drain();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    ready(&producer).await;
    assert_eq!(ended(producer.put("t", "x")).await.unwrap_err().kind(), ErrorKind::Draining);
    server.restart();
    wait_until("the new one is known", || {
        let health = producer.health();
        up(&health) == 1 && !health.servers[0].draining
    });
    ended(producer.put("t", "x")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_works_a_draining_server_off() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids = [1, 2, 3].map(|_| raw.put("t", "x"));
    server.drain();
    let consumer = Consumer::open(server.uri(), ["t"], quick().build().unwrap()).await.unwrap();
    let mut seen = Vec::new();
    for _ in ids {
        let job = ended(consumer.next_job()).await.unwrap();
        seen.push(job.id().0);
        if seen.len() == 1 {
            ended(job.release_with(None, Duration::from_secs(1000))).await.unwrap();
        } else {
            ended(job.delete()).await.unwrap();
        }
    }
    assert_eq!(seen, ids);
    let stats = raw.stats_tube("t");
    assert_eq!((&*stats["current-jobs-delayed"], &*stats["cmd-delete"]), ("1", "2"));
}
