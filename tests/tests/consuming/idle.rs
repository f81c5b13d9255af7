//! No polling and no spinning, counted by the server.

use std::sync::Arc;
use std::time::Duration;

use beanwire::{Config, Consumer, Job};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};
use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{TUBE, consumer, ended, number, quick, told};

/// Most reserves per second that count as waiting.
const FEW: u64 = 20;

const SECOND: Duration = Duration::from_secs(1);

fn reserves(raw: &mut RawClient) -> u64 {
    number(raw, "cmd-reserve-with-timeout") + number(raw, "cmd-reserve")
}

async fn reserves_in_a_second(raw: &mut RawClient) -> u64 {
    let before = reserves(raw);
    tokio::time::sleep(SECOND).await;
    reserves(raw) - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_comes_while_a_handler_is_busy_is_handled_without_polling() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut config = Config::default();
    config.concurrency = 2;
    let consumer = Consumer::open(server.uri(), [TUBE], config).await.unwrap();
    let (go, stop) = (Arc::new(Notify::new()), CancellationToken::new());
    let receive = tokio::spawn({
        let (gate, until) = (Arc::clone(&go), stop.clone());
        async move {
            let handler = move |job: Job| {
                let gate = Arc::clone(&gate);
                async move {
                    if job.body() == "busy" {
                        gate.notified().await;
                    }
                    job.delete().await.unwrap();
                }
            };
            consumer.receive(handler).shutdown(until.cancelled_owned()).await
        }
    });
    raw.put(TUBE, "busy");
    wait_until("one is busy", || number(&mut raw, "current-jobs-reserved") == 1);
    wait_until("a reserve waits", || number(&mut raw, "current-waiting") == 1);
    assert!(reserves_in_a_second(&mut raw).await < FEW);
    for count in 1..=5 {
        raw.put(TUBE, "quick");
        wait_until("it is handled", || number(&mut raw, "cmd-delete") == count);
        assert_eq!(number(&mut raw, "current-jobs-reserved"), 1, "the busy one is still at it");
    }
    assert!(reserves(&mut raw) < FEW);
    go.notify_one();
    stop.cancel();
    assert_eq!(told(&ended(receive).await.unwrap().unwrap()), [6, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_consumer_asks_once_and_waits() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(&server, quick()).await;
    let waiting = tokio::spawn(async move { consumer.next_job().await });
    wait_until("a reserve waits", || number(&mut raw, "current-waiting") == 1);
    assert_eq!(reserves_in_a_second(&mut raw).await, 0);
    assert_eq!(reserves(&mut raw), 1);
    waiting.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_asks_while_nobody_is_free() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(&server, quick()).await;
    raw.put(TUBE, "first");
    let _held = ended(consumer.next_job()).await.unwrap();
    raw.put(TUBE, "second");
    let before = reserves(&mut raw);
    assert_eq!(reserves_in_a_second(&mut raw).await, 0, "after {before}");
    assert_eq!(number(&mut raw, "current-jobs-ready"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_soon_makes_nobody_spin() {
    for config in [quick(), quick().max_connections(1)] {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        raw.put_with(TUBE, "x", 0, 0, 1);
        let consumer = consumer(&server, config).await;
        let held = ended(consumer.next_job()).await.unwrap();
        // From its first moment on every reserve on this connection is answered at once.
        let mut waiting = Box::pin(consumer.next_job());
        assert!((&mut waiting).now_or_never().is_none());
        ended(held.lost()).await;
        assert!(reserves(&mut raw) < 2 * FEW);
        // What ran out comes again, once the server looks after the connection that held it.
        let _ = ended(held.stats()).await;
        assert_eq!(ended(waiting).await.unwrap().id(), held.id());
    }
}
