//! Which jobs come, how many at once, and to whom.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use beanwire::{Consumer, Job};
use beanwire_tests::{Beanstalkd, wait_until};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{TUBE, consumer, ended, number, quick, state, told};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_run_as_many_at_once_as_configured_and_never_more() {
    const JOBS: usize = 30;
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..JOBS {
        raw.put(TUBE, "x");
    }
    let consumer = consumer(&server, quick().concurrency(3)).await;
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gate, stop) = (Arc::new(Semaphore::new(0)), CancellationToken::new());
    let receive = tokio::spawn({
        let (running, most, gate) = (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
        let until = stop.clone();
        async move {
            let handler = move |job: Job| {
                let (running, most, gate) =
                    (Arc::clone(&running), Arc::clone(&most), Arc::clone(&gate));
                async move {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    gate.acquire().await.unwrap().forget();
                    tokio::task::yield_now().await;
                    running.fetch_sub(1, Ordering::SeqCst);
                    job.delete().await.unwrap();
                }
            };
            consumer.receive(handler).shutdown(until.cancelled_owned()).await
        }
    });
    wait_until("three run", || running.load(Ordering::SeqCst) == 3);
    assert_eq!(number(&mut raw, "current-jobs-reserved"), 3, "none is reserved ahead");
    gate.add_permits(JOBS);
    wait_until("all are done", || raw.stats_tube(TUBE)["cmd-delete"] == JOBS.to_string());
    stop.cancel();
    assert_eq!(told(&ended(receive).await.unwrap().unwrap()), [JOBS, 0, 0]);
    assert_eq!(most.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_come_from_all_servers_each_once() {
    const JOBS: usize = 100;
    let servers = [Beanstalkd::start(), Beanstalkd::start()];
    for (which, server) in servers.iter().enumerate() {
        let mut raw = server.raw();
        for number in 0..JOBS {
            raw.put(TUBE, format!("{which}-{number}"));
        }
    }
    let uris = servers.each_ref().map(Beanstalkd::uri);
    let config = quick().concurrency(4).build().unwrap();
    let consumer = Consumer::open(&uris, [TUBE], config).await.unwrap();
    let (seen, all) = (Arc::new(Mutex::new(BTreeSet::new())), CancellationToken::new());
    let (handled, tell) = (Arc::clone(&seen), all.clone());
    let handler = move |job: Job| {
        let (handled, tell) = (Arc::clone(&handled), tell.clone());
        async move {
            let body = format!("{} {}", job.server(), String::from_utf8_lossy(job.body()));
            job.delete().await.unwrap();
            let mut handled = handled.lock().unwrap();
            assert!(handled.insert(body));
            if handled.len() == 2 * JOBS {
                tell.cancel();
            }
        }
    };
    let receive = consumer.receive(handler).shutdown(all.cancelled());
    assert_eq!(told(&ended(receive).await.unwrap()), [2 * JOBS, 0, 0]);
    let expected: BTreeSet<_> = (0..2)
        .flat_map(|which| (0..JOBS).map(move |number| (which, number)))
        .map(|(which, number)| format!("{} {which}-{number}", uris[which]))
        .collect();
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_still_brings_jobs_while_one_is_held() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(&server, quick().max_connections(1)).await;
    raw.put(TUBE, "held");
    let held = ended(consumer.next_job()).await.unwrap();
    for _ in 0..5 {
        let mut waiting = Box::pin(consumer.next_job());
        assert!((&mut waiting).now_or_never().is_none());
        let id = raw.put(TUBE, "next");
        let job = ended(waiting).await.unwrap();
        assert_eq!(job.id().0, id);
        ended(job.delete()).await.unwrap();
    }
    // This client and the one connection.
    assert_eq!(number(&mut raw, "total-connections"), 3, "the first one asked whether it is up");
    ended(held.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_are_reserved_ahead_only_as_configured() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..10 {
        raw.put(TUBE, "x");
    }
    let consumer = consumer(&server, quick().prefetch(3)).await;
    let job = ended(consumer.next_job()).await.unwrap();
    wait_until("three are ahead", || number(&mut raw, "current-jobs-reserved") == 4);
    ended(job.delete()).await.unwrap();
    let mut last = 1;
    for _ in 0..9 {
        let job = ended(consumer.next_job()).await.unwrap();
        assert!(job.id().0 > last, "in the order of the tube");
        last = job.id().0;
        assert!(number(&mut raw, "current-jobs-reserved") <= 4);
        ended(job.delete()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_gives_every_job_and_ends_with_the_consumer() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids: Vec<_> = (0..20).map(|_| raw.put(TUBE, "x")).collect();
    let consumer = consumer(&server, quick()).await;
    let mut jobs = consumer.jobs();
    for id in ids {
        let job = ended(jobs.next()).await.unwrap().unwrap();
        assert_eq!(job.id().0, id);
        ended(job.delete()).await.unwrap();
    }
    let closer = consumer.clone();
    let end = tokio::spawn(async move { jobs.next().await.is_none() });
    wait_until("a reserve waits", || number(&mut raw, "current-waiting") == 1);
    ended(closer.close(crate::ms(1000))).await;
    assert!(ended(end).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_gives_back_what_it_has_not_handed_out() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids: Vec<_> = (0..5).map(|_| raw.put_with(TUBE, "x", 7, 0, 60)).collect();
    let consumer = consumer(&server, quick().prefetch(3)).await;
    let mut jobs = consumer.jobs();
    let job = ended(jobs.next()).await.unwrap().unwrap();
    wait_until("three are ahead", || number(&mut raw, "current-jobs-reserved") == 4);
    drop(jobs);
    wait_until("they are back", || number(&mut raw, "current-jobs-ready") == 4);
    for id in &ids[1..] {
        assert_eq!(raw.stats_job(*id)["pri"], "7");
    }
    assert_eq!((job.id().0, state(&mut raw, ids[0])), (ids[0], "reserved".into()));
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_wait_for_a_job_loses_none() {
    const JOBS: usize = 50;
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(&server, quick()).await;
    for round in 0..JOBS {
        let mut waiting = Box::pin(consumer.next_job());
        assert!((&mut waiting).now_or_never().is_none_or(|job| job.is_ok()));
        raw.put(TUBE, "x");
        if round % 2 == 0 {
            // The others are dropped while the job is on its way.
            wait_until("it has come", || number(&mut raw, "current-waiting") == 0);
        }
        drop(waiting);
    }
    wait_until("all are there", || {
        let stats = raw.stats_tube(TUBE);
        stats["total-jobs"] == JOBS.to_string() && stats["cmd-delete"] == "0"
    });
    let mut seen = BTreeSet::new();
    for _ in 0..JOBS {
        let job = ended(consumer.next_job()).await.unwrap();
        assert!(seen.insert(job.id()));
        ended(job.delete()).await.unwrap();
    }
    assert_eq!(number(&mut raw, "job-timeouts"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_that_wait_get_a_job_each() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(&server, quick()).await;
    let waiting: Vec<_> = (0..5)
        .map(|_| {
            let consumer = consumer.clone();
            tokio::spawn(async move { consumer.next_job().await })
        })
        .collect();
    wait_until("a reserve waits", || number(&mut raw, "current-waiting") == 1);
    let put: BTreeSet<_> = (0..5).map(|_| raw.put(TUBE, "x")).collect();
    let mut held = Vec::new();
    for job in waiting {
        held.push(ended(job).await.unwrap().unwrap());
    }
    assert_eq!(held.iter().map(|job| job.id().0).collect::<BTreeSet<_>>(), put);
    assert_eq!(number(&mut raw, "current-jobs-reserved"), 5);
}
