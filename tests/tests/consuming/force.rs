//! Handlers that do not stop by themselves, and consumers that are let go of while jobs are held.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use beanwire::{Consumer, FailurePolicy, Job};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::{TUBE, consumer, ended, ms, number, quick, told};

fn fill(raw: &mut RawClient, jobs: usize) {
    for _ in 0..jobs {
        raw.put_with(TUBE, "x", 7, 0, 600);
    }
}

/// A handler that never ends, and how many of it have begun.
fn endless() -> (Arc<AtomicUsize>, impl Fn(Job) -> futures_util::future::BoxFuture<'static, ()>) {
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let handler = move |job: Job| {
        let count = Arc::clone(&count);
        async move {
            count.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
            drop(job);
        }
        .boxed()
    };
    (begun, handler)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_future_may_be_the_signal_to_force() {
    for _ in 0..10 {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        fill(&mut raw, 2);
        let consumer = consumer(&server, quick()).await;
        let (begun, handler) = endless();
        // An async block must not be polled again once it has ended.
        let force = async {
            while begun.load(Ordering::SeqCst) < 2 {
                tokio::time::sleep(ms(1)).await;
            }
        };
        let report = ended(consumer.receive(handler).force(force)).await.unwrap();
        assert_eq!(told(&report), [0, 0, 2]);
        wait_until("they are back", || number(&mut raw, "current-jobs-ready") == 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_blocks_its_thread_is_counted_and_not_waited_for() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 1);
    let consumer = consumer(&server, quick()).await;
    let (sender, release) = std::sync::mpsc::channel::<()>();
    let release = std::sync::Mutex::new(release);
    let begun = CancellationToken::new();
    let handler = {
        let begun = begun.clone();
        move |job: Job| {
            begun.cancel();
            let _ = release.lock().unwrap().recv();
            async move { drop(job) }
        }
    };
    // A blocked thread of tokio may be the one that was to drive timers and sockets. New work has
    // another one take over.
    let (runtime, stop) = (tokio::runtime::Handle::current(), CancellationToken::new());
    let stopped = stop.clone();
    let kicker = std::thread::spawn(move || {
        while !stopped.is_cancelled() {
            runtime.spawn(async {});
            std::thread::sleep(ms(5));
        }
    });
    let force = begun.cancelled();
    let report = ended(consumer.receive(handler).force(force)).await.unwrap();
    assert_eq!(told(&report), [0, 0, 1]);
    drop(sender);
    wait_until("it is back", || number(&mut raw, "current-jobs-ready") == 1);
    stop.cancel();
    kicker.join().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_receive_is_no_failure_of_its_jobs() {
    for _ in 0..20 {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        fill(&mut raw, 16);
        let once = FailurePolicy::default().with_max_attempts(1);
        let consumer = consumer(&server, quick().concurrency(16).failure(once)).await;
        let (begun, handler) = endless();
        let receive = tokio::spawn({
            let consumer = consumer.clone();
            async move { consumer.receive(handler).await }
        });
        wait_until("handlers run", || begun.load(Ordering::SeqCst) == 16);
        receive.abort();
        wait_until("none is reserved", || number(&mut raw, "current-jobs-reserved") == 0);
        assert_eq!(number(&mut raw, "current-jobs-buried"), 0);
        assert_eq!(number(&mut raw, "current-jobs-ready"), 16);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_ends_a_receive_whose_handlers_do_not_end() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 1);
    let consumer = consumer(&server, quick()).await;
    let (begun, handler) = endless();
    let receive = tokio::spawn({
        let consumer = consumer.clone();
        async move { consumer.receive(handler).drain_timeout(Duration::from_secs(3600)).await }
    });
    wait_until("a handler runs", || begun.load(Ordering::SeqCst) == 1);
    assert_eq!(ended(consumer.close(ms(50))).await.abandoned_jobs, 1);
    assert_eq!(told(&ended(receive).await.unwrap().unwrap()), [0, 0, 1]);
    wait_until("it is back", || number(&mut raw, "current-jobs-ready") == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_ahead_go_back_when_nobody_can_ask_for_them_any_more() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, 4);
    let consumer = consumer(&server, quick().prefetch(3)).await;
    let another = consumer.clone();
    let job = ended(consumer.next_job()).await.unwrap();
    wait_until("some are ahead", || number(&mut raw, "current-jobs-reserved") == 4);
    drop(consumer);
    assert_eq!(number(&mut raw, "current-jobs-reserved"), 4, "one handle is left");
    drop(another);
    wait_until("they are back", || number(&mut raw, "current-jobs-reserved") == 1);
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_receives_a_stream_and_a_caller_share_the_jobs() {
    const JOBS: usize = 300;
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    fill(&mut raw, JOBS);
    let consumer = consumer(&server, quick().concurrency(3)).await;
    let stop = CancellationToken::new();
    let receive = |consumer: Consumer| {
        let stop = stop.clone();
        tokio::spawn(async move {
            let handler = |job: Job| job.delete();
            consumer.receive(handler).shutdown(stop.cancelled_owned()).await.unwrap().handled
        })
    };
    let handlers = [receive(consumer.clone()), receive(consumer.clone())];
    let mut pulled = 0;
    let mut jobs = consumer.jobs();
    while pulled < 20 {
        let job = match pulled % 2 {
            0 => ended(jobs.next()).await.unwrap().unwrap(),
            _ => ended(consumer.next_job()).await.unwrap(),
        };
        ended(job.delete()).await.unwrap();
        pulled += 1;
    }
    wait_until("all are done", || number(&mut raw, "cmd-delete") == JOBS as u64);
    stop.cancel();
    let mut handled = 0;
    for handlers in handlers {
        handled += ended(handlers).await.unwrap();
    }
    assert_eq!(handled + pulled, JOBS);
    assert!(raw.stats_job(1).is_empty());
}
