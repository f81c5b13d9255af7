use beanwire::{ErrorKind, JobState};
use beanwire_tests::{Beanstalkd, RawClient};

use crate::{assert_rejected, open, within};

fn bury(raw: &mut RawClient, tube: &str, body: &str) -> u64 {
    let id = raw.put_with(tube, body, 0, 0, 60);
    assert_eq!(raw.reserve(tube), Some((id, body.into())));
    assert_eq!(raw.command(&format!("bury {id} 0")), "BURIED");
    id
}

#[tokio::test]
async fn a_job_is_seen_by_its_id_in_every_state() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let buried = bury(&mut raw, "mail", "buried");
    let reserved = raw.put("mail", "reserved");
    assert!(raw.reserve("mail").is_some());
    let ready = raw.put("mail", "");
    let delayed = raw.put_with("mail", "delayed", 0, 60, 60);
    for (id, body, state) in [
        (buried, "buried", JobState::Buried),
        (reserved, "reserved", JobState::Reserved),
        (ready, "", JobState::Ready),
        (delayed, "delayed", JobState::Delayed),
    ] {
        let seen = within(connection.peek(id)).await.unwrap();
        assert_eq!((seen.id().0, &seen.body()[..]), (id, body.as_bytes()));
        assert_eq!(within(seen.stats()).await.unwrap().state, state);
    }
}

#[tokio::test]
async fn a_job_that_does_not_exist_is_not_seen() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    for id in [0, 999, u64::MAX] {
        assert_rejected(within(connection.peek(id)).await, ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn nothing_is_seen_in_a_tube_that_is_empty() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    server.raw().put("other", "hello");
    for tube in ["default", "nowhere"] {
        assert!(within(connection.peek_ready(tube)).await.unwrap().is_none());
        assert!(within(connection.peek_delayed(tube)).await.unwrap().is_none());
        assert!(within(connection.peek_buried(tube)).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_first_job_of_each_state_is_seen() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let buried = bury(&mut raw, "mail", "buried first");
    bury(&mut raw, "mail", "buried second");
    raw.put_with("mail", "less urgent", 9, 0, 60);
    let ready = raw.put_with("mail", "more urgent", 1, 0, 60);
    raw.put_with("mail", "due later", 0, 600, 60);
    let delayed = raw.put_with("mail", "due first", 0, 300, 60);
    let seen = within(connection.peek_ready("mail")).await.unwrap().unwrap();
    assert_eq!((seen.id().0, &seen.body()[..]), (ready, &b"more urgent"[..]));
    let seen = within(connection.peek_delayed("mail")).await.unwrap().unwrap();
    assert_eq!((seen.id().0, &seen.body()[..]), (delayed, &b"due first"[..]));
    let seen = within(connection.peek_buried("mail")).await.unwrap().unwrap();
    assert_eq!((seen.id().0, &seen.body()[..]), (buried, &b"buried first"[..]));
    let stats = raw.stats_tube("mail");
    assert_eq!(stats["current-jobs-reserved"], "0");
}

#[tokio::test]
async fn a_job_that_was_seen_can_be_kicked_and_deleted() {
    let server = Beanstalkd::start();
    let connection = open(&server).await;
    let mut raw = server.raw();
    let id = bury(&mut raw, "mail", "hello");
    let seen = within(connection.peek_buried("mail")).await.unwrap().unwrap();
    within(seen.kick()).await.unwrap();
    assert_eq!(raw.stats_job(id)["state"], "ready");
    assert_rejected(within(seen.kick()).await, ErrorKind::NotFound);
    within(seen.delete()).await.unwrap();
    assert!(raw.stats_job(id).is_empty());
    assert_rejected(within(seen.delete()).await, ErrorKind::NotFound);
    assert_rejected(within(seen.stats()).await, ErrorKind::NotFound);
}
