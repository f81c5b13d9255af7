//! Servers that take bytes and do nothing with them.

use std::time::Duration;

use beanwire::{Config, Connection, Consumer, Delivery, ErrorKind, Outcome, Producer};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};
use futures_util::FutureExt as _;

use crate::{ended, ms, quick, ready};

fn impatient() -> Config {
    quick().command_timeout(ms(200)).connect_timeout(ms(200)).build().unwrap()
}

/// Waits until a server that was silent has done all that came before, and answers again.
fn settled(server: &Beanstalkd) -> RawClient {
    let mut raw = server.raw();
    raw.stats();
    raw
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_to_a_silent_server_time_out_and_work_again_once_it_goes_on() {
    let server = Beanstalkd::start();
    let connection = Connection::open(server.uri(), impatient()).await.unwrap();
    connection.use_tube("mail").await.unwrap();
    server.stop_reading();
    let error = ended(connection.stats()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    // Nothing can be sent any more, so nothing is in doubt.
    let error = ended(connection.delete(1)).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    server.resume();
    wait_until("it is connected again", || connection.is_connected());
    assert_eq!(ended(connection.list_tube_used()).await.unwrap().as_str(), "mail");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_a_silent_server_is_given_up_in_time() {
    let server = Beanstalkd::start();
    server.stop_reading();
    let error = ended(Connection::open(server.uri(), impatient())).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent));
    server.resume();
    ended(Connection::open(server.uri(), impatient())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_at_most_once_put_to_a_silent_server_times_out_and_is_not_doubled() {
    let server = Beanstalkd::start();
    let mut config = impatient();
    config.delivery = Delivery::AtMostOnce;
    let producer = Producer::open(server.uri(), config).await.unwrap();
    ready(&producer).await;
    server.stop_reading();
    let error = ended(producer.put("t", "first")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    server.resume();
    ended(producer.put("t", "second")).await.unwrap();
    let mut raw = settled(&server);
    assert_eq!(raw.reserve("t").unwrap().1, b"first", "it had reached the server");
    assert_eq!(raw.reserve("t").unwrap().1, b"second");
    assert_eq!(raw.reserve("t"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_at_least_once_put_to_a_silent_server_ends_in_doubt_or_succeeds_once_it_goes_on() {
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), impatient()).await.unwrap();
    ready(&producer).await;
    server.stop_reading();
    let error = ended(producer.put("t", "first").timeout(ms(600))).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
    let mut put = Box::pin(producer.put("t", "second").into_future());
    assert!((&mut put).now_or_never().is_none());
    server.resume();
    let job = ended(put).await.unwrap();
    assert_eq!(settled(&server).stats_job(job.id.0)["state"], "ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_on_a_silent_server_ends_in_doubt_and_the_consumer_goes_on_afterwards() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put("t", "first");
    let consumer = Consumer::open(server.uri(), ["t"], impatient()).await.unwrap();
    let job = ended(consumer.next_job()).await.unwrap();
    let lost = job.lost_token();
    server.stop_reading();
    let error = ended(job.delete()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    assert!(!lost.is_cancelled(), "the delete tells its holder itself");
    server.resume();
    let id = settled(&server).put("t", "second");
    let job = ended(consumer.next_job()).await.unwrap();
    assert_eq!(job.id().0, id, "the delete had reached the server");
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_is_not_waited_for_for_ever_however_long_the_job_was_held_before() {
    let server = Beanstalkd::start();
    server.raw().put_with("t", "x", 0, 0, 3600);
    let consumer = Consumer::open(server.uri(), ["t"], impatient()).await.unwrap();
    let job = ended(consumer.next_job()).await.unwrap();
    // Long enough for every alarm that came with the job to have rung.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    server.stop_reading();
    let error = ended(job.delete()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_learns_that_the_server_of_its_job_fell_silent() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let consumer = Consumer::open(server.uri(), ["t"], impatient()).await.unwrap();
    let job = ended(consumer.next_job()).await.unwrap();
    server.stop_reading();
    let error = ended(job.stats()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    ended(job.lost()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_of_a_silent_server_close_in_time() {
    let server = Beanstalkd::start();
    let config = quick().build().unwrap();
    let producer = Producer::open(server.uri(), config.clone()).await.unwrap();
    let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
    server.raw().put("t", "x");
    let job = ended(consumer.next_job()).await.unwrap();
    ready(&producer).await;
    server.stop_reading();
    let mut put = Box::pin(producer.put("t", "x").into_future());
    assert!((&mut put).now_or_never().is_none());
    assert_eq!(ended(producer.close(ms(50))).await.abandoned_operations, 1);
    let error = ended(put).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::Unknown));
    assert_eq!(ended(consumer.close(ms(50))).await.abandoned_jobs, 1);
    ended(job.lost()).await;
    server.resume();
    wait_until("the job is back", || server.raw().stats()["current-jobs-reserved"] == "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_consumer_notices_a_silent_server_when_its_reserve_is_overdue() {
    let server = Beanstalkd::start();
    let config = quick()
        .command_timeout(ms(200))
        .connect_timeout(ms(200))
        .reserve_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
    let mut waiting = Box::pin(consumer.next_job());
    assert!((&mut waiting).now_or_never().is_none());
    wait_until("a reserve waits", || server.raw().stats()["current-waiting"] == "1");
    server.stop_reading();
    wait_until("it is noticed", || consumer.health().servers[0].last_error.is_some());
    assert!(!consumer.is_connected());
    server.resume();
    let id = settled(&server).put("t", "x");
    assert_eq!(ended(waiting).await.unwrap().id().0, id);
}
