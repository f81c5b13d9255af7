use std::time::Duration;

use beanwire::{ErrorKind, TubeName};
use beanwire_tests::Beanstalkd;

use crate::{MINUTE, assert_rejected, open, reserve_now, within};

fn names(tubes: &[TubeName]) -> Vec<&str> {
    let mut names: Vec<_> = tubes.iter().map(TubeName::as_str).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn use_selects_a_tube() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    assert_eq!(within(connection.list_tube_used()).await.unwrap().as_str(), "default");
    within(connection.use_tube("mail")).await.unwrap();
    assert_eq!(within(connection.list_tube_used()).await.unwrap().as_str(), "mail");
    assert_eq!(server.raw().stats_tube("mail")["current-using"], "1");
}

#[tokio::test]
async fn calls_that_take_a_tube_select_it() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let used = || async { within(connection.list_tube_used()).await.unwrap() };
    within(connection.put("a", "hello")).await.unwrap();
    assert_eq!(used().await.as_str(), "a");
    assert!(within(connection.peek_ready("b")).await.unwrap().is_none());
    assert_eq!(used().await.as_str(), "b");
    assert!(within(connection.peek_ready("a")).await.unwrap().is_some());
    assert!(within(connection.peek_delayed("c")).await.unwrap().is_none());
    assert_eq!(used().await.as_str(), "c");
    assert!(within(connection.peek_buried("d")).await.unwrap().is_none());
    assert_eq!(used().await.as_str(), "d");
    assert_eq!(within(connection.kick("e", 1)).await.unwrap(), 0);
    assert_eq!(used().await.as_str(), "e");
    within(connection.stats_tube("a")).await.unwrap();
    within(connection.pause_tube("a", Duration::ZERO)).await.unwrap();
    assert_eq!(used().await.as_str(), "e");
}

#[tokio::test]
async fn watch_adds_tubes_and_tells_their_number() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    assert_eq!(within(connection.watch("a")).await.unwrap(), 2);
    assert_eq!(within(connection.watch("b")).await.unwrap(), 3);
    assert_eq!(within(connection.watch("b")).await.unwrap(), 3);
    let watched = within(connection.list_tubes_watched()).await.unwrap();
    assert_eq!(names(&watched), ["a", "b", "default"]);
    assert_eq!(server.raw().stats_tube("b")["current-watching"], "1");
    server.raw().put("b", "hello");
    assert_eq!(&reserve_now(&connection).await.body()[..], b"hello");
}

#[tokio::test]
async fn ignore_removes_tubes_and_never_the_last() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    within(connection.watch("a")).await.unwrap();
    assert_eq!(within(connection.ignore("default")).await.unwrap(), 1);
    assert_eq!(within(connection.ignore("not-watched")).await.unwrap(), 1);
    assert_rejected(within(connection.ignore("a")).await, ErrorKind::NotIgnored);
    assert_eq!(names(&within(connection.list_tubes_watched()).await.unwrap()), ["a"]);
    server.raw().put("default", "ignored");
    assert!(within(connection.reserve_with_timeout(Duration::ZERO)).await.unwrap().is_none());
}

#[tokio::test]
async fn list_tubes_names_all_that_exist() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    assert_eq!(names(&within(connection.list_tubes()).await.unwrap()), ["default"]);
    // Names that a parser of YAML would take for something else.
    let tricky = ["+1", "0x1F", "1e3", "default", "false", "null", "true", "yes"];
    let mut raw = server.raw();
    for tube in tricky {
        raw.put(tube, "hello");
    }
    assert_eq!(names(&within(connection.list_tubes()).await.unwrap()), tricky);
}

#[tokio::test]
async fn a_tube_name_may_have_every_allowed_byte_and_the_full_length() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    for tube in ["AZaz09+/;.$_()-".to_owned(), "x".repeat(200)] {
        let job = within(connection.put(&tube, "hello")).await.unwrap();
        assert_eq!(server.raw().stats_job(job.id.0)["tube"], tube);
        assert_eq!(within(connection.watch(&tube)).await.unwrap(), 2);
        within(reserve_now(&connection).await.delete()).await.unwrap();
        assert_eq!(within(connection.ignore(&tube)).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_paused_tube_hands_out_nothing_until_it_is_resumed() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = raw.put("mail", "hello");
    within(connection.watch("mail")).await.unwrap();
    within(connection.pause_tube("mail", MINUTE)).await.unwrap();
    let stats = raw.stats_tube("mail");
    assert_eq!((stats["pause"].as_str(), stats["cmd-pause-tube"].as_str()), ("60", "1"));
    assert!(within(connection.reserve_with_timeout(Duration::ZERO)).await.unwrap().is_none());
    within(connection.pause_tube("mail", Duration::ZERO)).await.unwrap();
    assert_eq!(reserve_now(&connection).await.id().0, id);
}

#[tokio::test]
async fn a_tube_that_does_not_exist_cannot_be_paused() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    assert_rejected(within(connection.pause_tube("no", MINUTE)).await, ErrorKind::NotFound);
    assert!(within(connection.list_tubes()).await.is_ok());
}
