//! Puts: what is sent, where to, and what each answer means.

use bytes::Bytes;

use super::*;
use crate::config::{Config, Delivery};
use crate::engine::{Event, NewJob, OpId, Request, Success};
use crate::error::{ErrorKind, Outcome};
use crate::stats::JobState;

fn inserted(rig: &Rig, op: OpId) -> (u64, usize, JobState) {
    match rig.success(op) {
        Success::Inserted(job) => (job.id.0, job.server.id().0, job.state),
        other => panic!("{other:?}"),
    }
}

fn at_most_once() -> Config {
    Config { delivery: Delivery::AtMostOnce, ..Config::default() }
}

#[test]
fn puts_are_pipelined_and_use_is_sent_only_on_change() {
    let mut rig = Rig::producer(1, Config::default());
    let link = rig.link(0);
    let ops = [rig.put("a", "abc"), rig.put("a", ""), rig.put("b", "x"), rig.put("a", "y")];
    rig.expect_sent(
        link,
        "use a\r\nput 1024 0 60 3\r\nabc\r\nput 1024 0 60 0\r\n\r\n\
         use b\r\nput 1024 0 60 1\r\nx\r\nuse a\r\nput 1024 0 60 1\r\ny\r\n",
    );
    rig.reply(link, "USING a\r\nINSERTED 1\r\nINSERTED 2\r\nUSING b\r\nINSERTED 3\r\n");
    rig.reply(link, "USING a\r\nINSERTED 4\r\n");
    assert_eq!(ops.map(|op| inserted(&rig, op).0), [1, 2, 3, 4]);
}

#[test]
fn a_delayed_put_is_inserted_as_delayed() {
    let mut rig = Rig::producer(1, Config::default());
    let job = NewJob::new("default", "x").unwrap().delay(ms(1500)).unwrap();
    let op = rig.submit(Request::Put(job));
    rig.expect_sent(rig.link(0), "put 1024 2 60 1\r\nx\r\n");
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    assert_eq!(inserted(&rig, op), (1, 0, JobState::Delayed));
}

#[test]
fn a_buried_id_is_an_insertion_and_never_a_retry() {
    let mut rig = Rig::producer(2, Config::default());
    let op = rig.put("default", "x");
    let open = rig.open();
    let sender = open.into_iter().find(|link| !rig.sent(*link).is_empty()).unwrap();
    rig.reply(sender, "BURIED 9\r\n");
    assert_eq!(inserted(&rig, op), (9, rig.server_of(sender), JobState::Buried));
    assert!(rig.open().into_iter().all(|link| rig.sent(link).is_empty()));
}

/// The connection that the only put went to, and the other one.
fn sender(rig: &mut Rig) -> (crate::engine::LinkId, crate::engine::LinkId) {
    let open = rig.open();
    let sent = open.iter().map(|link| rig.sent(*link).is_empty()).collect::<Vec<_>>();
    assert_eq!(sent.iter().filter(|empty| !**empty).count(), 1);
    if sent[0] { (open[1], open[0]) } else { (open[0], open[1]) }
}

#[test]
fn a_put_that_did_not_leave_goes_through_another_connection() {
    let mut rig = Rig::producer(2, at_most_once());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.cut(first, 1);
    rig.expect_sent(second, "put 1024 0 60 1\r\nx\r\n");
    rig.reply(second, "INSERTED 5\r\n");
    assert_eq!(inserted(&rig, op).0, 5);
}

#[test]
fn a_put_that_may_have_been_done_is_done_again_and_told_under_at_least_once() {
    let mut rig = Rig::producer(2, Config::default());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.cut(first, 0);
    rig.expect_sent(second, "put 1024 0 60 1\r\nx\r\n");
    let doubt = |event: &Event| matches!(event, Event::Retry { op: o, error, .. } if *o == op && error.outcome() == Outcome::Unknown);
    assert_eq!(rig.events().iter().filter(|event| doubt(event)).count(), 1);
    rig.reply(second, "INSERTED 5\r\n");
    assert_eq!(inserted(&rig, op).0, 5);
}

#[test]
fn a_put_that_may_have_been_done_is_unknown_under_at_most_once() {
    let mut rig = Rig::producer(2, at_most_once());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.cut(first, 0);
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::Unknown));
    rig.expect_sent(second, "");
}

#[test]
fn a_put_that_is_retried_in_vain_keeps_its_doubt() {
    let mut rig = Rig::producer(1, Config::default());
    let op = rig.put("default", "x");
    rig.cut(rig.link(0), 0);
    rig.advance(secs(15));
    assert_eq!(rig.failure(op).1, Outcome::Unknown);

    let mut rig = Rig::producer(2, Config::default());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.cut(first, 0);
    rig.reply(second, "JOB_TOO_BIG\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::JobTooBig, Outcome::Unknown));
}

#[test]
fn retried_puts_keep_their_order() {
    let mut rig = Rig::producer(1, Config::default());
    rig.put("default", "a");
    rig.put("default", "b");
    rig.cut(rig.link(0), 3);
    rig.put("default", "c");
    rig.advance(ms(100));
    rig.up(rig.link(1));
    let sent = "put 1024 0 60 1\r\na\r\nput 1024 0 60 1\r\nb\r\nput 1024 0 60 1\r\nc\r\n";
    rig.expect_sent(rig.link(1), sent);
}

#[test]
fn a_draining_server_is_flagged_and_another_one_takes_the_put() {
    let mut rig = Rig::producer(2, Config::default());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.reply(first, "DRAINING\r\n");
    rig.expect_sent(second, "put 1024 0 60 1\r\nx\r\n");
    rig.reply(second, "INSERTED 5\r\n");
    assert_eq!(inserted(&rig, op).0, 5);
    let told = rig.events().iter().filter(|event| matches!(event, Event::Draining(_))).count();
    assert_eq!(told, 1);
    for _ in 0..20 {
        rig.put("default", "x");
    }
    rig.expect_sent(first, "");
}

#[test]
fn puts_fail_at_once_and_nothing_reconnects_when_all_servers_drain() {
    let mut rig = Rig::producer(2, Config::default());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.reply(first, "DRAINING\r\n");
    rig.reply(second, "DRAINING\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::Draining, Outcome::Rejected));
    let next = rig.put("default", "x");
    assert_eq!(rig.failure(next), (ErrorKind::Draining, Outcome::NotSent));
    rig.advance(secs(60));
    assert_eq!(rig.made(), 2);
}

#[test]
fn a_restarted_server_takes_puts_again() {
    let mut rig = Rig::producer(1, Config::default());
    let op = rig.put("default", "x");
    rig.reply(rig.link(0), "DRAINING\r\n");
    assert_eq!(rig.failure(op).0, ErrorKind::Draining);
    rig.cut(rig.link(0), 0);
    rig.advance(ms(100));
    rig.up(rig.link(1));
    let op = rig.put("default", "x");
    rig.reply(rig.link(1), "INSERTED 1\r\n");
    assert_eq!(inserted(&rig, op).0, 1);
}

#[test]
fn a_server_without_memory_sends_the_put_elsewhere_and_stays_in_use() {
    let mut rig = Rig::producer(2, Config::default());
    let op = rig.put("default", "x");
    let (first, second) = sender(&mut rig);
    rig.reply(first, "OUT_OF_MEMORY\r\n");
    rig.expect_sent(second, "put 1024 0 60 1\r\nx\r\n");
    rig.reply(second, "OUT_OF_MEMORY\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::OutOfMemory, Outcome::Rejected));
    for _ in 0..10 {
        rig.put("default", "x");
    }
    assert!(!rig.sent(first).is_empty() && !rig.sent(second).is_empty());
}

#[test]
fn a_job_above_the_known_limit_fails_without_being_sent() {
    let mut rig = Rig::producer(1, Config::default());
    let job = NewJob::new("default", Bytes::from(vec![0; 65536])).unwrap();
    let op = rig.submit(Request::Put(job));
    assert_eq!(rig.failure(op), (ErrorKind::JobTooBig, Outcome::NotSent));
    rig.expect_sent(rig.link(0), "");
}

#[test]
fn a_job_that_the_server_finds_too_big_harms_no_connection() {
    let mut rig = Rig::producer(1, Config::default());
    let (op, next) = (rig.put("default", "x"), rig.put("default", "y"));
    rig.reply(rig.link(0), "JOB_TOO_BIG\r\nINSERTED 2\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::JobTooBig, Outcome::Rejected));
    assert_eq!(inserted(&rig, next).0, 2);
    assert_eq!(rig.open(), [rig.link(0)]);
}

#[test]
fn a_put_that_costs_the_step_fails_for_good_and_only_what_was_behind_is_in_doubt() {
    for word in ["BAD_FORMAT", "EXPECTED_CRLF", "UNKNOWN_COMMAND"] {
        let mut rig = Rig::producer(1, at_most_once());
        let (op, next) = (rig.put("default", "x"), rig.put("default", "y"));
        rig.reply(rig.link(0), &format!("{word}\r\nINSERTED 2\r\n"));
        let (kind, outcome) = rig.failure(op);
        assert_eq!((kind.code(), outcome), (word, Outcome::Rejected));
        assert_eq!(rig.failure(next), (ErrorKind::UnexpectedReply, Outcome::Unknown));
        assert!(!rig.open().contains(&rig.link(0)));
    }
}

#[test]
fn an_answer_to_another_command_ends_the_connection() {
    let mut rig = Rig::producer(1, at_most_once());
    let op = rig.put("default", "x");
    rig.reply(rig.link(0), "DELETED\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::UnexpectedReply, Outcome::Unknown));
    assert!(!rig.open().contains(&rig.link(0)));
}

#[test]
fn puts_beyond_the_bound_are_refused_until_an_answer_makes_room() {
    let mut rig = Rig::producer(1, Config { max_pending_bytes: 4096, ..Config::default() });
    let big = || Request::Put(NewJob::new("default", Bytes::from(vec![0; 3000])).unwrap());
    let (first, second) = (rig.submit(big()), rig.submit(big()));
    assert_eq!(rig.failure(second), (ErrorKind::QueueFull, Outcome::NotSent));
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    assert!(rig.is_done(first));
    let third = rig.submit(big());
    rig.cancel(third);
    let fourth = rig.submit(big());
    assert!(!rig.is_done(fourth));
    rig.cut(rig.link(0), 0);
    rig.advance(secs(15));
    assert_eq!(rig.failure(fourth).0, ErrorKind::Disconnected);
    let fifth = rig.submit(big());
    assert!(!rig.is_done(fifth), "nothing is pending any more");
}

#[test]
fn one_put_alone_passes_the_bound() {
    let mut rig = Rig::producer(1, Config { max_pending_bytes: 4096, ..Config::default() });
    let big = NewJob::new("default", Bytes::from(vec![0; 9000])).unwrap();
    let op = rig.submit(Request::Put(big));
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    assert_eq!(inserted(&rig, op).0, 1);
}

#[test]
fn puts_spread_over_the_least_loaded_connections() {
    let mut rig = Rig::producer(1, Config { multiply: 3, ..Config::default() });
    for _ in 0..9 {
        rig.put("default", "x");
    }
    for link in rig.open() {
        assert_eq!(rig.sent(link).matches("put").count(), 3);
    }
}
