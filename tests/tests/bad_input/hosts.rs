//! Names that no resolver knows.

use std::time::Duration;

use beanwire::{
    Config, Connection, ConnectionState, Consumer, ErrorKind, Outcome, Producer, ServerHealth,
};
use beanwire_tests::{Beanstalkd, wait_until};

use crate::{MINUTE, assert_refused, within};

/// The domain is reserved for names that do not exist.
const NOWHERE: &str = "beanstalk://beanwire.invalid:11300";

/// One letter more than a part of a name may have: refused without asking anybody, however often.
const IMPOSSIBLE: &str =
    "beanstalk://xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.invalid:11300";

fn patient() -> Config {
    let soon = Duration::from_millis(20);
    let config = Config::builder().validate_uris(false).reconnect_min(soon).reconnect_max(soon);
    config.build().unwrap()
}

#[tokio::test]
async fn a_name_that_nobody_knows_is_refused_at_once() {
    let parts = ["beanwire.invalid", "cannot be resolved"];
    for uri in [NOWHERE, "beanstalks://beanwire.invalid", "beanwire.invalid"] {
        let config = Config::default();
        let producer = within(Producer::open(uri, config.clone())).await;
        assert_refused(producer, ErrorKind::InvalidUri, &parts);
        let consumer = within(Consumer::open(uri, ["mail"], config.clone())).await;
        assert_refused(consumer, ErrorKind::InvalidUri, &parts);
        let connection = within(Connection::open(uri, config)).await;
        assert_refused(connection, ErrorKind::InvalidUri, &parts);
    }
}

#[tokio::test]
async fn one_name_that_nobody_knows_refuses_the_whole_list() {
    let server = Beanstalkd::start();
    let uris = [server.uri(), NOWHERE.to_owned()];
    let producer = within(Producer::open(&uris, Config::default())).await;
    assert_refused(producer, ErrorKind::InvalidUri, &["beanwire.invalid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_may_come_up_later_is_tried_again_and_again() {
    let producer = within(Producer::open(IMPOSSIBLE, patient())).await.unwrap();
    let known = |wanted: fn(&ServerHealth) -> bool| wanted(&producer.health().servers[0]);
    wait_until("the first attempt has failed", || known(|server| server.last_error.is_some()));
    wait_until("another one is made", || {
        known(|server| {
            let connecting = |connection: &beanwire::ConnectionHealth| {
                connection.state == ConnectionState::Connecting
            };
            server.last_error.is_some() && server.connections.iter().any(connecting)
        })
    });
    let error = producer.health().servers[0].last_error.clone().unwrap();
    assert!(error.contains(IMPOSSIBLE), "{error}");
    let timeout = Duration::from_millis(50);
    for result in [
        within(producer.ready(timeout)).await,
        within(producer.put("mail", "hello").timeout(timeout)).await.map(drop),
    ] {
        let error = result.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::Disconnected, Outcome::NotSent), "{error}");
        assert!(error.to_string().contains(IMPOSSIBLE), "{error}");
    }
}

#[tokio::test]
async fn a_single_connection_fails_at_its_first_attempt() {
    let error = within(Connection::open(IMPOSSIBLE, patient())).await.unwrap_err();
    let found = (error.kind(), error.outcome());
    assert_eq!(found, (ErrorKind::Disconnected, Outcome::NotSent), "{error}");
    assert!(error.to_string().contains(IMPOSSIBLE), "{error}");
}

#[tokio::test]
async fn a_name_that_nobody_knows_does_no_harm_to_the_other_servers() {
    let server = Beanstalkd::start();
    let uris = [IMPOSSIBLE.to_owned(), server.uri()];
    let producer = within(Producer::open(&uris, patient())).await.unwrap();
    let consumer = within(Consumer::open(&uris, ["mail"], patient())).await.unwrap();
    within(producer.ready(MINUTE)).await.unwrap();
    for _ in 0..10 {
        let inserted = within(producer.put("mail", "hello")).await.unwrap();
        assert_eq!(inserted.server.to_string(), server.uri());
        within(within(consumer.next_job()).await.unwrap().delete()).await.unwrap();
    }
}
