//! Deleting, releasing and burying.

use std::sync::mpsc;
use std::time::Duration;

use beanwire::{ErrorKind, FailurePolicy, Job, Priority};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};

use crate::{TUBE, consumer, ended, ms, quick, state};

/// One job of priority 5 in the hands of a consumer.
async fn held(server: &Beanstalkd) -> (RawClient, Job) {
    let mut raw = server.raw();
    raw.put_with(TUBE, "x", 5, 0, 60);
    let consumer = consumer(server, quick()).await;
    let job = ended(consumer.next_job()).await.unwrap();
    (raw, job)
}

fn facts<const N: usize>(raw: &mut RawClient, id: u64, keys: [&str; N]) -> [String; N] {
    let stats = raw.stats_job(id);
    keys.map(|key| stats[key].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_keeps_the_priority_and_has_no_delay() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    ended(job.release()).await.unwrap();
    assert_eq!(facts(&mut raw, id, ["state", "pri", "releases"]), ["ready", "5", "1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_with_a_priority_and_a_delay_sets_both() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    ended(job.release_with(Priority(9), Duration::from_secs(77))).await.unwrap();
    assert_eq!(facts(&mut raw, id, ["state", "pri", "delay"]), ["delayed", "9", "77"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_with_only_a_delay_keeps_the_priority() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    ended(job.release_with(None, ms(1))).await.unwrap();
    assert_eq!(facts(&mut raw, id, ["pri", "delay", "releases"]), ["5", "1", "1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_with_a_delay_that_is_not_allowed_counts_as_a_failure() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    let error = ended(job.release_with(None, Duration::MAX)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    wait_until("the policy acts", || state(&mut raw, id) == "delayed");
    assert_eq!(facts(&mut raw, id, ["delay"]), ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bury_keeps_the_priority_or_sets_it() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    ended(job.bury()).await.unwrap();
    assert_eq!(facts(&mut raw, id, ["state", "pri", "buries"]), ["buried", "5", "1"]);
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    ended(job.bury_with(123)).await.unwrap();
    assert_eq!(facts(&mut raw, id, ["state", "pri", "buries"]), ["buried", "123", "1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_job_counts_as_failed_and_is_released() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    drop(job);
    wait_until("it is released", || state(&mut raw, id) == "delayed");
    assert_eq!(facts(&mut raw, id, ["pri", "delay", "releases"]), ["5", "1", "1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_job_is_ready_at_once_if_the_policy_says_so() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 5, 0, 60);
    let policy = FailurePolicy::default().with_delay(Duration::ZERO);
    let consumer = consumer(&server, quick().failure(policy)).await;
    for releases in ["1", "2", "3"] {
        drop(ended(consumer.next_job()).await.unwrap());
        wait_until("it is released", || {
            facts(&mut raw, id, ["releases", "state"]) == [releases, "ready"]
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finishing_call_that_is_dropped_once_polled_is_done_all_the_same() {
    let server = Beanstalkd::start();
    let (mut raw, job) = held(&server).await;
    let id = job.id().0;
    let mut delete = Box::pin(job.delete());
    let _ = futures_util::FutureExt::now_or_never(&mut delete);
    drop(delete);
    wait_until("it is deleted", || raw.stats_job(id).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hook_runs_once_after_a_finish_that_succeeded() {
    let server = Beanstalkd::start();
    for how in ["delete", "release", "bury", "fail"] {
        let (_raw, mut job) = held(&server).await;
        let (tell, told) = mpsc::channel();
        job.on_finish(|_| panic!("the later hook takes its place"));
        job.on_finish(move |id| tell.send(id).unwrap());
        let id = job.id();
        match how {
            "delete" => ended(job.delete()).await.unwrap(),
            "release" => ended(job.release_with(None, Duration::from_secs(99))).await.unwrap(),
            "bury" => ended(job.bury()).await.unwrap(),
            _ => ended(job.fail()).await.unwrap(),
        }
        assert_eq!(told.iter().collect::<Vec<_>>(), [id], "{how}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hook_does_not_run_where_nothing_was_finished() {
    let mut server = Beanstalkd::start();
    let (_raw, mut job) = held(&server).await;
    let (tell, told) = mpsc::channel();
    job.on_finish(move |id| tell.send(id).unwrap());
    server.kill();
    ended(job.lost()).await;
    assert_eq!(ended(job.delete()).await.unwrap_err().kind(), ErrorKind::JobLost);
    assert_eq!(told.iter().count(), 0);
}
