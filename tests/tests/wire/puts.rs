use beanwire::{ErrorKind, JobState, Outcome};
use beanwire_tests::Beanstalkd;

use crate::{MINUTE, SECOND, assert_rejected, open, reserve_now, within};

#[tokio::test]
async fn a_put_creates_a_ready_job_with_its_parameters() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let put = connection.put("mail", "hello").priority(7).ttr(90 * SECOND);
    let inserted = within(put).await.unwrap();
    assert_eq!(inserted.state, JobState::Ready);
    assert_eq!(&inserted.server, connection.server());
    let mut raw = server.raw();
    let stats = raw.stats_job(inserted.id.0);
    let told = ["tube", "state", "pri", "delay", "ttr"].map(|key| stats[key].as_str());
    assert_eq!(told, ["mail", "ready", "7", "0", "90"]);
    assert_eq!(raw.reserve("mail"), Some((inserted.id.0, b"hello".to_vec())));
}

#[tokio::test]
async fn a_put_without_parameters_has_the_documented_defaults() {
    let server = Beanstalkd::start();
    let inserted = within(open(&server).await.put("mail", "")).await.unwrap();
    let mut raw = server.raw();
    let stats = raw.stats_job(inserted.id.0);
    let told = ["state", "pri", "delay", "ttr"].map(|key| stats[key].as_str());
    assert_eq!(told, ["ready", "1024", "0", "60"]);
    assert_eq!(raw.reserve("mail"), Some((inserted.id.0, Vec::new())));
}

#[tokio::test]
async fn a_put_with_a_delay_creates_a_delayed_job_and_fractions_round_up() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let put = connection.put("mail", "hello").delay(MINUTE + SECOND / 2).ttr(SECOND / 1000);
    let inserted = within(put).await.unwrap();
    assert_eq!(inserted.state, JobState::Delayed);
    let stats = server.raw().stats_job(inserted.id.0);
    let told = ["state", "delay", "ttr"].map(|key| stats[key].as_str());
    assert_eq!(told, ["delayed", "61", "1"]);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes_and_one_byte_more_is_not_sent() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let body = vec![b'x'; 65_535];
    let inserted = within(connection.put("mail", body.clone())).await.unwrap();
    let error = within(connection.put("mail", vec![b'x'; 65_536])).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::JobTooBig, Outcome::NotSent));
    let mut raw = server.raw();
    assert_eq!(raw.stats()["total-jobs"], "1");
    assert_eq!(raw.reserve("mail"), Some((inserted.id.0, body)));
}

#[tokio::test]
async fn the_limit_is_the_servers_own() {
    let server = Beanstalkd::builder().max_job_size(100_000).start();
    let connection = open(&server).await;
    within(connection.watch("mail")).await.unwrap();
    within(connection.put("mail", vec![b'x'; 100_000])).await.unwrap();
    let job = reserve_now(&connection).await;
    assert_eq!(job.body().len(), 100_000);
    within(job.delete()).await.unwrap();
    let error = within(connection.put("mail", vec![b'x'; 100_001])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::JobTooBig);
    assert!(error.to_string().contains("100001") && error.to_string().contains("100000"));
}

#[tokio::test]
async fn a_server_that_starts_draining_refuses_puts_and_nothing_else() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    within(connection.watch("mail")).await.unwrap();
    within(connection.put("mail", "before")).await.unwrap();
    server.drain();
    assert_rejected(within(connection.put("mail", "after")).await, ErrorKind::Draining);
    assert!(connection.health().servers[0].draining);
    assert!(within(connection.stats()).await.unwrap().draining);
    within(reserve_now(&connection).await.delete()).await.unwrap();
    let mut raw = server.raw();
    let refused = raw.stats()["cmd-put"].clone();
    let error = within(connection.put("mail", "again")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Draining, Outcome::NotSent));
    assert_eq!(raw.stats()["cmd-put"], refused);
}

#[tokio::test]
async fn a_server_that_drains_from_the_start_is_never_sent_a_put() {
    let server = Beanstalkd::start();
    server.drain();
    let connection = open(&server).await;
    let error = within(connection.put("mail", "hello")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Draining, Outcome::NotSent));
    assert_eq!(server.raw().stats()["cmd-put"], "0");
}
