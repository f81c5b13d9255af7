//! What becomes of a job whose handler failed.

use super::*;
use crate::config::{Config, Exhausted, FailurePolicy};
use crate::engine::{Event, FailAction, Finish, LeaseId, LinkId, OpId, Success};
use crate::error::{ErrorKind, Outcome};

fn failed(failure: FailurePolicy) -> (Rig, LinkId, LeaseId, OpId) {
    let config = Config { max_connections: Some(1), failure, ..Config::default() };
    let mut rig = Rig::consumer(1, config);
    let link = rig.link(0);
    let op = rig.receive();
    rig.reply(link, "RESERVED 1 3\r\nabc\r\n");
    let lease = rig.job(op).lease;
    rig.sent(link);
    let op = rig.finish(lease, Finish::Fail);
    rig.expect_sent(link, "stats-job 1\r\n");
    (rig, link, lease, op)
}

fn to_graveyard() -> FailurePolicy {
    let exhausted = Exhausted::DeadLetter(Rig::tube("graveyard"));
    FailurePolicy::default().with_max_attempts(3).with_exhausted(exhausted)
}

#[track_caller]
fn expect_action(rig: &mut Rig, expected: &FailAction) {
    match &rig.events()[..] {
        [Event::JobFailed { action, .. }] => assert_eq!(action, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failed_job_is_released_with_a_delay_that_doubles() {
    for (releases, delay) in [(0, 1), (1, 2), (4, 16), (20, 300)] {
        let (mut rig, link, _, op) = failed(FailurePolicy::default());
        rig.reply(link, &job_stats(1, 60, 59, releases));
        rig.expect_sent(link, &format!("release 1 7 {delay}\r\n"));
        rig.reply(link, "RELEASED\r\n");
        assert_eq!(rig.success(op), &Success::Done);
        let delay = crate::types::Seconds::from_duration("delay", secs(delay)).unwrap();
        expect_action(&mut rig, &FailAction::Released(delay));
    }
}

#[test]
fn a_job_that_has_had_all_its_attempts_is_buried() {
    let (mut rig, link, _, op) = failed(FailurePolicy::default().with_max_attempts(3));
    rig.reply(link, &job_stats(1, 60, 59, 2));
    rig.expect_sent(link, "bury 1 7\r\n");
    rig.reply(link, "BURIED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
    expect_action(&mut rig, &FailAction::Buried);
}

#[test]
fn or_it_is_put_into_the_dead_letter_tube_and_then_deleted() {
    let (mut rig, link, _, op) = failed(to_graveyard());
    rig.reply(link, &job_stats(1, 60, 59, 2));
    rig.expect_sent(link, "touch 1\r\n");
    rig.reply(link, "TOUCHED\r\n");
    rig.expect_sent(link, "use graveyard\r\nput 7 0 60 3\r\nabc\r\n");
    rig.reply(link, "USING graveyard\r\nINSERTED 2\r\n");
    rig.expect_sent(link, "delete 1\r\n");
    rig.reply(link, "DELETED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
    expect_action(&mut rig, &FailAction::DeadLettered(Rig::tube("graveyard")));
}

#[test]
fn a_job_of_the_dead_letter_tube_itself_is_buried() {
    let exhausted = Exhausted::DeadLetter(Rig::tube("jobs"));
    let policy = FailurePolicy::default().with_max_attempts(1).with_exhausted(exhausted);
    let (mut rig, link, ..) = failed(policy);
    rig.reply(link, &job_stats(1, 60, 59, 0));
    rig.expect_sent(link, "bury 1 7\r\n");
}

#[test]
fn a_refused_dead_letter_leaves_the_job_buried() {
    for refusal in ["OUT_OF_MEMORY", "DRAINING", "JOB_TOO_BIG", "INTERNAL_ERROR"] {
        let (mut rig, link, _, op) = failed(to_graveyard());
        rig.reply(link, &job_stats(1, 60, 59, 2));
        rig.reply(link, "TOUCHED\r\n");
        rig.sent(link);
        rig.reply(link, &format!("USING graveyard\r\n{refusal}\r\n"));
        rig.expect_sent(link, "bury 1 7\r\n");
        rig.reply(link, "BURIED\r\n");
        assert_eq!(rig.success(op), &Success::Done);
        expect_action(&mut rig, &FailAction::Buried);
    }
}

#[test]
fn a_dead_letter_is_put_once_however_slow_the_server_is() {
    let (mut rig, link, ..) = failed(to_graveyard());
    rig.reply(link, &job_stats(1, 60, 59, 2));
    rig.reply(link, "TOUCHED\r\n");
    assert!(rig.sent(link).contains("put"));
    rig.advance(secs(4));
    rig.expect_sent(link, "");
}

#[test]
fn a_failed_job_whose_connection_is_lost_goes_back_by_itself() {
    let (mut rig, link, _, op) = failed(FailurePolicy::default());
    rig.cut(link, 0);
    assert_eq!(rig.failure(op), (ErrorKind::JobLost, Outcome::NotSent));
    let told = |event: &Event| matches!(event, Event::GiveBackFailed { .. });
    assert!(!rig.events().iter().any(told));
}

#[test]
fn a_failed_job_that_is_gone_is_told() {
    let (mut rig, link, _, op) = failed(FailurePolicy::default());
    rig.reply(link, "NOT_FOUND\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::NotFound, Outcome::Rejected));
    assert!(matches!(rig.events()[..], [Event::GiveBackFailed { .. }]));
}
