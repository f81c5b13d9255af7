use std::time::Duration;

use beanwire::{Config, Connection, Consumer, Error, ErrorKind, Job, NewJob, Producer};
use beanwire_tests::Beanstalkd;
use futures_util::StreamExt as _;

use crate::{MINUTE, assert_refused, connection, producer, within};

fn assert_closed<T>(result: Result<T, Error>) {
    assert_refused(result, ErrorKind::Closed, &["closed"]);
}

#[tokio::test]
async fn a_closed_producer_refuses_everything() {
    let server = Beanstalkd::start();
    let producer = producer(&server).await;
    let other = producer.clone();
    within(producer.close(MINUTE)).await;
    for producer in [producer, other] {
        assert_closed(within(producer.put("mail", "hello")).await);
        let jobs = ["a", "b"].map(|body| NewJob::new("mail", body).unwrap());
        let results = within(producer.put_many(jobs)).await;
        assert_eq!(results.len(), 2);
        results.into_iter().for_each(assert_closed);
        let own = &producer.servers()[0];
        assert_closed(within(producer.delete(own, 1)).await);
        assert_closed(within(producer.ready(MINUTE)).await);
        assert!(!producer.is_connected());
    }
    let told = server.raw().stats();
    assert_eq!((told["cmd-put"].as_str(), told["cmd-delete"].as_str()), ("0", "0"));
}

#[tokio::test]
async fn a_closed_consumer_refuses_everything() {
    let server = Beanstalkd::start();
    let open = Consumer::open(server.uri(), ["mail"], Config::default());
    let consumer = within(open).await.unwrap();
    within(consumer.ready(MINUTE)).await.unwrap();
    server.raw().put("mail", "hello");
    within(consumer.close(MINUTE)).await;
    assert_closed(within(consumer.next_job()).await);
    assert_closed(within(consumer.receive(|job: Job| job.delete())).await);
    assert_closed(within(consumer.ready(MINUTE)).await);
    assert!(within(consumer.jobs().next()).await.is_none());
    assert_eq!(server.raw().stats_tube("mail")["current-jobs-ready"], "1");
}

#[tokio::test]
async fn a_client_that_was_closed_before_it_was_up_refuses_everything() {
    let server = Beanstalkd::start();
    let producer = within(Producer::open(server.uri(), Config::default())).await.unwrap();
    within(producer.close(Duration::ZERO)).await;
    assert_closed(within(producer.put("mail", "hello")).await);
    within(producer.close(MINUTE)).await;
    assert_closed(within(producer.put("mail", "hello")).await);
}

#[tokio::test]
async fn a_closed_connection_refuses_commands_and_its_jobs_are_lost() {
    let server = Beanstalkd::start();
    let connection = connection(&server).await;
    server.raw().put("default", "hello");
    let job = within(connection.reserve()).await.unwrap();
    within(connection.close(Duration::ZERO)).await;
    assert_closed(within(connection.put("mail", "hello")).await);
    assert_closed(within(connection.stats()).await);
    assert_closed(within(connection.reserve()).await);
    let lost = ErrorKind::JobLost;
    assert_refused(within(job.touch()).await, lost, &["gone"]);
    assert_refused(within(job.stats()).await, lost, &["gone"]);
    assert_refused(within(job.delete()).await, lost, &["gone"]);
}

#[tokio::test]
async fn a_bad_argument_to_a_closed_client_is_told_first() {
    let server = Beanstalkd::start();
    let connection: Connection = connection(&server).await;
    within(connection.close(MINUTE)).await;
    let error = within(connection.put("a b", "hello")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}
