//! What becomes of reserved jobs: lost, failed, poisoned, drained.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use beanwire::{
    Config, Consumer, ErrorKind, Exhausted, FailurePolicy, Job, Outcome, ReceiveReport, TubeName,
};
use beanwire_tests::{Beanstalkd, CuttingProxy, RawClient, ScriptedPeer, wait_until};
use tokio_util::sync::CancellationToken;

use crate::{connect, count, ended, ms, peer, quick};

async fn consumer(uri: String, config: Config) -> Consumer {
    Consumer::open(uri, ["work"], config).await.unwrap()
}

async fn with_policy(server: &Beanstalkd, policy: FailurePolicy) -> Consumer {
    consumer(server.uri(), quick().failure(policy).build().unwrap()).await
}

/// Told: handled, failed, abandoned.
const fn told(report: &ReceiveReport) -> [usize; 3] {
    [report.handled, report.failed, report.abandoned]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_08_a_second_receive_on_the_same_consumer_works() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(server.uri(), quick().build().unwrap()).await;
    for _ in 0..3 {
        let id = raw.put("work", "x");
        let done = CancellationToken::new();
        let tell = done.clone();
        let receive = consumer.receive(move |job: Job| {
            let tell = tell.clone();
            async move {
                job.delete().await.unwrap();
                tell.cancel();
            }
        });
        let report = ended(receive.shutdown(done.cancelled())).await.unwrap();
        assert_eq!(told(&report), [1, 0, 0]);
        assert!(raw.stats_job(id).is_empty());
    }
}

/// Grants jobs 1 and 2, refuses to take the second one back, and takes everything else.
fn stubborn_about_releases() -> ScriptedPeer {
    peer(|_, conn| {
        let mut next = 1;
        let stats = "---\nid: 2\ntube: work\nstate: reserved\npri: 1024\nttr: 60\ntime-left: 59\n";
        while let Some(line) = conn.read_line() {
            let reply = match line.split(' ').next().unwrap() {
                "reserve-with-timeout" if next <= 2 => {
                    next += 1;
                    format!("RESERVED {} 1\r\nx\r\n", next - 1)
                }
                "reserve-with-timeout" if line.ends_with(" 0") => "TIMED_OUT\r\n".into(),
                // Waits for ever.
                "reserve-with-timeout" => String::new(),
                "stats-job" => format!("OK {}\r\n{stats}\r\n", stats.len()),
                "release" => "NOT_FOUND\r\n".into(),
                "delete" => "DELETED\r\n".into(),
                _ => return,
            };
            conn.send(reply);
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_08_a_failing_release_during_the_drain_leaves_running_handlers_their_connection() {
    let peer = Arc::new(stubborn_about_releases());
    let config = quick().concurrency(1).prefetch(1).max_connections(1).build().unwrap();
    let tubes: [&str; 0] = [];
    let consumer = Consumer::open(peer.uri(), tubes, config).await.unwrap();
    let (stop, go) = (CancellationToken::new(), CancellationToken::new());
    let gate = go.clone();
    let receive = consumer.receive(move |job: Job| {
        let gate = gate.clone();
        async move {
            gate.cancelled().await;
            assert!(!job.is_lost());
            job.delete().await.unwrap();
        }
    });
    let steps = std::thread::spawn({
        let (peer, stop) = (Arc::clone(&peer), stop.clone());
        move || {
            let granted = || count(&peer, "reserve-with-timeout") >= 2;
            wait_until("both jobs are granted", granted);
            stop.cancel();
            wait_until("the second one is refused", || count(&peer, "release 2") == 1);
            go.cancel();
        }
    });
    let report = ended(receive.shutdown(stop.cancelled())).await.unwrap();
    steps.join().unwrap();
    assert_eq!(told(&report), [1, 0, 0]);
    let lines = peer.lines();
    assert!(lines.contains(&(0, "delete 1".into())), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_10_losing_the_connection_tells_the_handler() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    server.raw().put("work", "x");
    let consumer = consumer(proxy.uri(), quick().build().unwrap()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    assert!(!job.is_lost());
    let token = job.lost_token();
    proxy.cut_now();
    ended(job.lost()).await;
    assert!(job.is_lost() && token.is_cancelled());
    let error = ended(job.touch()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::JobLost, Outcome::NotSent));
    let error = ended(job.delete()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::JobLost, Outcome::NotSent));
}

/// Grants one job and answers its delete with these, one after the other; takes a release.
fn failing_delete(replies: &'static [&'static str]) -> ScriptedPeer {
    peer(move |_, conn| {
        let mut replies = replies.iter();
        let stats = "---\nid: 1\ntube: work\nstate: reserved\npri: 9\nttr: 60\ntime-left: 59\n";
        let mut granted = false;
        while let Some(line) = conn.read_line() {
            match line.split(' ').next().unwrap() {
                "reserve-with-timeout" if !granted => {
                    granted = true;
                    conn.send("RESERVED 1 1\r\nx\r\n");
                }
                "delete" => conn.send(replies.next().unwrap()),
                "stats-job" => conn.send(format!("OK {}\r\n{stats}\r\n", stats.len())),
                "release" => conn.send("RELEASED\r\n"),
                _ => conn.send("TIMED_OUT\r\n"),
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_11_a_delete_that_failed_in_passing_is_tried_again() {
    let peer = failing_delete(&["INTERNAL_ERROR\r\n", "DELETED\r\n"]);
    let tubes: [&str; 0] = [];
    let consumer = Consumer::open(peer.uri(), tubes, quick().build().unwrap()).await.unwrap();
    let job = ended(consumer.next_job()).await.unwrap();
    ended(job.delete()).await.unwrap();
    assert_eq!((count(&peer, "delete 1"), count(&peer, "release")), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_11_a_job_that_cannot_be_deleted_is_released_and_the_error_told() {
    let peer = failing_delete(&["OUT_OF_MEMORY\r\n"; 4]);
    let tubes: [&str; 0] = [];
    let consumer = Consumer::open(peer.uri(), tubes, quick().build().unwrap()).await.unwrap();
    let job = ended(consumer.next_job()).await.unwrap();
    let error = ended(job.delete()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::OutOfMemory, Outcome::Rejected));
    wait_until("it is released", || count(&peer, "release 1 9 0") == 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_deadline_soon_is_told_to_who_reserves() {
    let server = Beanstalkd::start();
    server.raw().put_with("default", "x", 0, 0, 1);
    let connection = connect(&server.uri()).await;
    let _held = connection.reserve().await.unwrap();
    let error = ended(connection.reserve()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineSoon);
}

async fn fail_once(consumer: &Consumer, raw: &mut RawClient, id: u64) -> [String; 2] {
    let job = ended(consumer.next_job()).await.unwrap();
    assert_eq!(job.id().0, id);
    ended(job.fail()).await.unwrap();
    let mut stats = raw.stats_job(id);
    ["state", "delay"].map(|key| stats.remove(key).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_a_poison_job_backs_off_by_its_releases_and_is_buried_at_last() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with("work", "poison", 5, 0, 60);
    let consumer = with_policy(&server, FailurePolicy::default().with_max_attempts(4)).await;
    for delay in ["1", "2", "4"] {
        assert_eq!(fail_once(&consumer, &mut raw, id).await, ["delayed", delay]);
        // Instead of waiting for the delay to pass.
        assert_eq!(raw.command(&format!("kick-job {id}")), "KICKED");
    }
    assert_eq!(fail_once(&consumer, &mut raw, id).await[0], "buried");
    let stats = raw.stats_job(id);
    assert_eq!([&*stats["releases"], &*stats["buries"], &*stats["pri"]], ["3", "1", "5"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_a_job_out_of_attempts_moves_to_the_dead_letter_tube_as_it_is() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with("work", "poison", 5, 0, 77);
    let policy = FailurePolicy::default()
        .with_max_attempts(1)
        .with_exhausted(Exhausted::DeadLetter(TubeName::new("dead").unwrap()));
    let consumer = with_policy(&server, policy).await;
    ended(consumer.next_job()).await.unwrap().fail().await.unwrap();
    assert!(raw.stats_job(id).is_empty());
    let (copy, body) = raw.reserve("dead").unwrap();
    let stats = raw.stats_job(copy);
    assert_eq!((body.as_slice(), &*stats["pri"], &*stats["ttr"]), (&b"poison"[..], "5", "77"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_a_failing_handler_releases_with_a_delay_and_the_rest_goes_on() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids = ["error", "panic", "drop"].map(|body| raw.put("work", body));
    let consumer = consumer(server.uri(), quick().build().unwrap()).await;
    let (good, stop) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let counter = Arc::clone(&good);
    let receive = consumer.receive(move |job: Job| {
        let good = Arc::clone(&counter);
        async move {
            match &job.body()[..] {
                b"error" => return Err("broken"),
                b"panic" => panic!("a handler that panics"),
                b"drop" => return Ok(()),
                _ => job.delete().await.unwrap(),
            }
            good.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
    });
    let steps = std::thread::spawn({
        let stop = stop.clone();
        move || {
            for id in ids {
                wait_until("it is delayed", || raw.stats_job(id)["state"] == "delayed");
                assert_eq!(raw.stats_job(id)["delay"], "1");
            }
            for _ in 0..3 {
                raw.put("work", "good");
            }
            wait_until("the good ones are handled", || good.load(Ordering::SeqCst) == 3);
            stop.cancel();
        }
    });
    let report = ended(receive.shutdown(stop.cancelled())).await.unwrap();
    steps.join().unwrap();
    assert_eq!(report.abandoned, 0);
    assert!(report.handled >= 6 && report.failed >= 2, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_a_panic_before_the_first_await_does_not_end_the_worker() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids = [1, 2, 3].map(|_| raw.put("work", "panic"));
    let config = quick().concurrency(1).build().unwrap();
    let consumer = consumer(server.uri(), config).await;
    let stop = CancellationToken::new();
    let panics = |job: Job| -> std::future::Ready<()> { panic!("{:?} is bad", job.id()) };
    let steps = std::thread::spawn({
        let stop = stop.clone();
        move || {
            wait_until("all are delayed", || {
                ids.iter().all(|id| raw.stats_job(*id)["releases"] != "0")
            });
            stop.cancel();
        }
    });
    let report = ended(consumer.receive(panics).shutdown(stop.cancelled())).await.unwrap();
    steps.join().unwrap();
    assert!(report.handled == report.failed && report.failed >= 3, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_12_a_drain_has_a_deadline_and_gives_the_jobs_back() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with("work", "x", 8, 0, 600);
    let consumer = consumer(server.uri(), quick().build().unwrap()).await;
    let started = CancellationToken::new();
    let tell = started.clone();
    let never = move |job: Job| {
        let tell = tell.clone();
        async move {
            tell.cancel();
            pending::<()>().await;
            drop(job);
        }
    };
    let receive = consumer.receive(never).shutdown(started.cancelled()).drain_timeout(ms(50));
    assert_eq!(told(&ended(receive).await.unwrap()), [0, 0, 1]);
    wait_until("it is back", || raw.stats_job(id)["state"] == "ready");
    assert_eq!(raw.stats_job(id)["pri"], "8");
    let report = ended(consumer.close(Duration::from_secs(30))).await;
    assert_eq!((report.abandoned_jobs, report.abandoned_operations), (0, 0));
}
