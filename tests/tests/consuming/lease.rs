//! Reservations: kept by touches, lost by time, servers and connections, and told.

use std::future::Future;
use std::time::Duration;

use beanwire::{Connection, Consumer, ErrorKind, Job, JobState, Outcome, PeekedJob, Producer};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use crate::{TUBE, consumer, ended, ms, number, quick, state, told};

const SECOND: Duration = Duration::from_secs(1);

/// Waits until the server has taken a job back. It may be late with that until something is said on
/// the connection that holds the job.
async fn run_out<F: Future>(raw: &mut RawClient, id: u64, say: impl Fn() -> F) {
    let waiting = async {
        while state(raw, id) != "ready" {
            say().await;
            tokio::time::sleep(ms(20)).await;
        }
    };
    ended(waiting).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_touch_keeps_a_job_beyond_its_ttr() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 2);
    let consumer = consumer(&server, quick().auto_touch(true)).await;
    let job = ended(consumer.next_job()).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!((number(&mut raw, "job-timeouts"), state(&mut raw, id)), (0, "reserved".into()));
    assert!(!job.is_lost());
    let touches = number(&mut raw, "cmd-touch");
    assert!((2..=15).contains(&touches), "{touches} touches in 5 s");
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn auto_touch_keeps_a_job_with_the_shortest_ttr() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put_with(TUBE, "x", 0, 0, 1);
    let consumer = consumer(&server, quick().auto_touch(true)).await;
    let job = ended(consumer.next_job()).await.unwrap();
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(number(&mut raw, "job-timeouts"), 0);
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_lost_when_its_ttr_has_passed_and_a_touch_says_so_too() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 1);
    let consumer = consumer(&server, quick()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    ended(job.lost()).await;
    run_out(&mut raw, id, || job.stats()).await;
    let error = ended(job.touch()).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::NotFound | ErrorKind::JobLost), "{error}");
    assert!(job.is_lost());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touch_that_finds_the_reservation_gone_tells_the_holder() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put_with("default", "x", 0, 0, 1);
    let connection = Connection::open(server.uri(), quick().build().unwrap()).await.unwrap();
    let job = ended(connection.reserve()).await.unwrap();
    run_out(&mut raw, job.id().0, || connection.stats()).await;
    let (id, _) = raw.reserve("default").unwrap();
    assert_eq!(id, job.id().0, "somebody else has it now");
    let error = ended(job.touch()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::NotFound, Outcome::Rejected));
    ended(job.lost()).await;
    drop(job);
    connection.stats().await.unwrap();
    assert_eq!(state(&mut raw, id), "reserved", "a lost job is nobody's to release");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_lost_when_its_server_dies() {
    let mut server = Beanstalkd::start();
    server.raw().put(TUBE, "x");
    let consumer = consumer(&server, quick()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    assert!(job.lost().now_or_never().is_none());
    server.kill();
    ended(job.lost()).await;
    let error = ended(job.release()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::JobLost, Outcome::NotSent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_lost_before_anybody_looked_at_it_is_known_to_be_lost() {
    let mut server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(&server, quick()).await;
    let mut waiting = Box::pin(consumer.next_job());
    assert!((&mut waiting).now_or_never().is_none());
    wait_until("a reserve waits", || number(&mut raw, "current-waiting") == 1);
    raw.put(TUBE, "x");
    wait_until("the answer is there", || {
        consumer.health().servers[0].connections.iter().any(|connection| connection.held == 1)
    });
    server.kill();
    wait_until("it is noticed", || !consumer.is_connected());
    let job = ended(waiting).await.unwrap();
    ended(job.lost()).await;
    assert!(job.is_lost());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_ran_out_and_came_again_is_two_jobs_to_the_consumer() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 1);
    let consumer = consumer(&server, quick().max_connections(1)).await;
    let old = ended(consumer.next_job()).await.unwrap();
    let new = ended(consumer.next_job()).await.unwrap();
    assert_eq!((old.id(), new.id().0), (new.id(), id));
    ended(old.lost()).await;
    let error = ended(old.delete()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobLost);
    assert_eq!(state(&mut raw, id), "reserved", "the old handle has no power over the new one");
    ended(new.delete()).await.unwrap();
    assert!(raw.stats_job(id).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn touch_after_says_when_to_touch_and_a_touch_starts_the_ttr_anew() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 20);
    let consumer = consumer(&server, quick()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    let after = ended(job.touch_after()).await.unwrap();
    assert!(after > Duration::ZERO && after < 20 * SECOND, "{after:?}");
    let left = |raw: &mut RawClient| raw.stats_job(id)["time-left"].parse::<u64>().unwrap();
    wait_until("time passes", || left(&mut raw) < 19);
    ended(job.touch()).await.unwrap();
    assert!(left(&mut raw) >= 19);
    let again = ended(job.touch_after()).await.unwrap();
    assert!(again > Duration::ZERO && again < 20 * SECOND, "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_touch_now_and_then_keeps_a_job_without_auto_touch() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put_with(TUBE, "x", 0, 0, 2);
    let consumer = consumer(&server, quick()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    for _ in 0..3 {
        tokio::time::sleep(ended(job.touch_after()).await.unwrap()).await;
        ended(job.touch()).await.unwrap();
    }
    assert!(!job.is_lost());
    assert_eq!(number(&mut raw, "job-timeouts"), 0);
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_tells_where_it_came_from_and_its_statistics() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "body", 11, 0, 33);
    let consumer = consumer(&server, quick()).await;
    let before = std::time::Instant::now();
    let job = ended(consumer.next_job()).await.unwrap();
    assert_eq!((job.id().0, &job.body()[..]), (id, &b"body"[..]));
    assert_eq!(job.server().to_string(), server.uri());
    assert!(job.reserved_at() >= before && job.reserved_at() <= std::time::Instant::now());
    let stats = ended(job.stats()).await.unwrap();
    assert_eq!((stats.tube.as_str(), stats.state), (TUBE, JobState::Reserved));
    assert_eq!((stats.priority.0, stats.ttr, stats.reserves), (11, 33 * SECOND, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_may_ask_about_its_job_and_touch_it() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put(TUBE, "x");
    let consumer = consumer(&server, quick()).await;
    let stop = CancellationToken::new();
    let done = stop.clone();
    // Handlers move between threads, and so does what they wait for.
    let handler = move |job: Job| {
        let done = done.clone();
        async move {
            let stats = job.stats().await?;
            assert_eq!((stats.id, stats.tube.as_str()), (job.id(), TUBE));
            job.touch().await?;
            assert!(job.touch_after().await? > Duration::ZERO);
            let result = job.delete().await;
            done.cancel();
            result
        }
    };
    let report = ended(consumer.receive(handler).shutdown(stop.cancelled())).await.unwrap();
    assert_eq!(told(&report), [1, 0, 0]);
    assert_eq!(raw.stats()["cmd-touch"], "1");
    assert!(raw.stats_job(id).is_empty());
}

#[test]
fn handles_are_shared_between_threads() {
    const fn shared<T: Send + Sync>() {}
    shared::<Job>();
    shared::<Consumer>();
    shared::<Producer>();
    shared::<Connection>();
    shared::<PeekedJob>();
}
