//! How consumers stop: cleanly, late, by force.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use beanwire::{Consumer, Error, ErrorKind, Job, ReceiveReport};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{TUBE, consumer, ended, ms, number, quick, state, told};

/// Handlers at work that wait for a gate before they delete their job.
struct Work {
    receive: JoinHandle<Result<ReceiveReport, Error>>,
    started: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
    stop: CancellationToken,
    force: CancellationToken,
}

impl Work {
    fn start(consumer: &Consumer, drain_timeout: Duration) -> Self {
        let started = Arc::new(AtomicUsize::new(0));
        let gate = Arc::new(Semaphore::new(0));
        let (stop, force) = (CancellationToken::new(), CancellationToken::new());
        let receive = tokio::spawn({
            let (started, gate) = (Arc::clone(&started), Arc::clone(&gate));
            let (stop, force) = (stop.clone(), force.clone());
            let consumer = consumer.clone();
            async move {
                let handler = move |job: Job| {
                    let (started, gate) = (Arc::clone(&started), Arc::clone(&gate));
                    async move {
                        started.fetch_add(1, Ordering::SeqCst);
                        gate.acquire().await.unwrap().forget();
                        job.delete().await
                    }
                };
                let receive = consumer.receive(handler).drain_timeout(drain_timeout);
                receive.shutdown(stop.cancelled_owned()).force(force.cancelled_owned()).await
            }
        });
        Self { receive, started, gate, stop, force }
    }

    fn wait_for(&self, handlers: usize) {
        wait_until("handlers run", || self.started.load(Ordering::SeqCst) == handlers);
    }

    async fn end(self) -> ReceiveReport {
        ended(self.receive).await.unwrap().unwrap()
    }
}

fn fill(raw: &mut RawClient, jobs: u64) {
    for _ in 0..jobs {
        raw.put_with(TUBE, "x", 7, 0, 600);
    }
}

/// Jobs that are ready with the priority they were put with, and as if nobody had failed them.
fn unharmed(raw: &mut RawClient, ids: impl Iterator<Item = u64>) -> usize {
    let stats = ids.map(|id| raw.stats_job(id)).filter(|stats| !stats.is_empty());
    stats
        .filter(|stats| stats["state"] == "ready" && stats["pri"] == "7" && stats["delay"] == "0")
        .count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_handlers_end_and_loses_nothing() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 20);
    let consumer = consumer(&server, quick().concurrency(3).prefetch(4)).await;
    let work = Work::start(&consumer, Duration::from_secs(30));
    work.wait_for(3);
    wait_until("some are ahead", || number(&mut raw, "current-jobs-reserved") == 7);
    work.stop.cancel();
    wait_until("the drain has begun", || number(&mut raw, "current-jobs-reserved") == 3);
    work.gate.add_permits(3);
    assert_eq!(told(&work.end().await), [3, 0, 0]);
    wait_until("the others are back", || number(&mut raw, "current-jobs-ready") == 17);
    assert_eq!(unharmed(&mut raw, 1..=20), 17);
    assert_eq!(number(&mut raw, "cmd-delete"), 3);
    let report = ended(consumer.close(Duration::from_secs(5))).await;
    assert_eq!((report.abandoned_jobs, report.abandoned_operations), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_nobody_handles_go_back_while_handlers_still_run() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 5);
    let consumer = consumer(&server, quick().concurrency(1).prefetch(2)).await;
    let work = Work::start(&consumer, Duration::from_secs(30));
    work.wait_for(1);
    wait_until("some are ahead", || number(&mut raw, "current-jobs-reserved") == 3);
    work.stop.cancel();
    wait_until("they are back", || number(&mut raw, "current-jobs-reserved") == 1);
    assert_eq!(unharmed(&mut raw, 2..=5), 4);
    work.gate.add_permits(1);
    assert_eq!(told(&work.end().await), [1, 0, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reserved_once_a_drain_has_begun() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 1);
    let consumer = consumer(&server, quick().concurrency(4)).await;
    let work = Work::start(&consumer, Duration::from_secs(30));
    work.wait_for(1);
    wait_until("a reserve waits", || number(&mut raw, "current-waiting") == 1);
    work.stop.cancel();
    wait_until("no reserve waits", || number(&mut raw, "current-waiting") == 0);
    fill(&mut raw, 5);
    work.gate.add_permits(10);
    assert_eq!(told(&work.end().await), [1, 0, 0]);
    assert_eq!(unharmed(&mut raw, 2..=6), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_outlast_the_drain_are_stopped_counted_and_their_jobs_released() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 5);
    let consumer = consumer(&server, quick().concurrency(3)).await;
    let work = Work::start(&consumer, ms(100));
    work.wait_for(3);
    work.gate.add_permits(1);
    work.wait_for(4);
    work.stop.cancel();
    assert_eq!(told(&work.end().await), [1, 0, 3]);
    wait_until("they are back", || unharmed(&mut raw, 1..=5) == 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn force_stops_handlers_before_and_during_a_drain() {
    for drain in [false, true] {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        fill(&mut raw, 2);
        let consumer = consumer(&server, quick()).await;
        let work = Work::start(&consumer, Duration::from_secs(3600));
        work.wait_for(2);
        if drain {
            work.stop.cancel();
        }
        work.force.cancel();
        assert_eq!(told(&work.end().await), [0, 0, 2]);
        wait_until("they are back", || unharmed(&mut raw, 1..=2) == 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_receive_stops_its_handlers_and_releases_their_jobs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 3);
    let consumer = consumer(&server, quick()).await;
    let work = Work::start(&consumer, Duration::from_secs(3600));
    work.wait_for(3);
    work.receive.abort();
    wait_until("they are back", || unharmed(&mut raw, 1..=3) == 3);
    // And the consumer is of use again.
    ended(ended(consumer.next_job()).await.unwrap().delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_waits_for_handlers_and_ends_their_receive() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 3);
    let consumer = consumer(&server, quick().concurrency(2)).await;
    let work = Work::start(&consumer, Duration::from_secs(30));
    work.wait_for(2);
    let closer = consumer.clone();
    let close = tokio::spawn(async move { closer.close(Duration::from_secs(30)).await });
    wait_until("it closes", || {
        futures_util::FutureExt::now_or_never(consumer.ready(ms(1))).is_some_and(|up| up.is_err())
    });
    work.gate.add_permits(2);
    let report = ended(close).await.unwrap();
    assert_eq!((report.abandoned_jobs, report.abandoned_operations), (0, 0));
    assert_eq!(told(&work.end().await), [2, 0, 0]);
    wait_until("it is gone", || number(&mut raw, "current-connections") == 1);
    assert_eq!(unharmed(&mut raw, 1..=3), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_reports_the_jobs_that_were_still_held_and_they_go_back() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 3);
    let consumer = consumer(&server, quick()).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(ended(consumer.next_job()).await.unwrap());
    }
    let report = ended(consumer.close(ms(50))).await;
    assert_eq!((report.abandoned_jobs, report.abandoned_operations), (3, 0));
    wait_until("they are back", || unharmed(&mut raw, 1..=3) == 3);
    for job in held {
        ended(job.lost()).await;
        assert_eq!(ended(job.delete()).await.unwrap_err().kind(), ErrorKind::JobLost);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_consumer_says_so() {
    let server = Beanstalkd::start();
    let consumer = consumer(&server, quick()).await;
    let waiting = tokio::spawn({
        let consumer = consumer.clone();
        async move { consumer.next_job().await }
    });
    wait_until("it waits", || consumer.health().waiting == 1);
    ended(consumer.close(Duration::from_secs(5))).await;
    assert_eq!(ended(waiting).await.unwrap().unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(ended(consumer.next_job()).await.unwrap_err().kind(), ErrorKind::Closed);
    let receive = consumer.receive(|_: Job| pending::<()>());
    assert_eq!(ended(receive).await.unwrap_err().kind(), ErrorKind::Closed);
    assert!(!consumer.is_connected());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_outlives_its_consumer_and_can_be_finished() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 1);
    let consumer = consumer(&server, quick()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    drop(consumer);
    assert_eq!(state(&mut raw, 1), "reserved");
    ended(job.delete()).await.unwrap();
    assert!(raw.stats_job(1).is_empty());
    wait_until("it is gone", || number(&mut raw, "current-connections") == 1);
}
