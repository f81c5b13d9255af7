//! Ending a reservation: delete, release and bury.

use super::rig::job_stats_in;
use super::*;
use crate::config::Config;
use crate::engine::{Event, Finish, LeaseId, LinkId, Success};
use crate::error::{ErrorKind, Outcome};
use crate::types::{Priority, Seconds};

fn holding() -> (Rig, LinkId, LeaseId) {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    (rig, link, lease)
}

#[test]
fn a_release_without_a_priority_keeps_the_jobs_own() {
    let (mut rig, link, lease) = holding();
    let op = rig.release(lease);
    rig.expect_sent(link, "stats-job 1\r\n");
    rig.reply(link, &job_stats(1, 60, 59, 0));
    rig.expect_sent(link, "release 1 7 0\r\n");
    rig.reply(link, "RELEASED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
}

#[test]
fn a_bury_without_a_priority_keeps_the_jobs_own() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Bury { priority: None });
    rig.reply(link, &job_stats(1, 60, 59, 0));
    rig.expect_sent(link, "stats-job 1\r\nbury 1 7\r\n");
    rig.reply(link, "BURIED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
}

#[test]
fn a_given_priority_needs_no_statistics() {
    let (mut rig, link, lease) = holding();
    let delay = Seconds::from_duration("delay", secs(9)).unwrap();
    rig.finish(lease, Finish::Release { priority: Some(Priority(3)), delay });
    rig.expect_sent(link, "release 1 3 9\r\n");
}

#[test]
fn known_statistics_are_not_asked_for_again() {
    let (mut rig, link, lease) = holding();
    rig.advance(ms(400));
    rig.reply(link, &job_stats(1, 60, 59, 0));
    rig.sent(link);
    rig.release(lease);
    rig.expect_sent(link, "release 1 7 0\r\n");
}

#[test]
fn a_job_is_finished_only_once() {
    let (mut rig, link, lease) = holding();
    let first = rig.finish(lease, Finish::Delete);
    let second = rig.release(lease);
    assert_eq!(rig.failure(second), (ErrorKind::JobFinished, Outcome::NotSent));
    rig.reply(link, "DELETED\r\n");
    let third = rig.finish(lease, Finish::Delete);
    assert_eq!(rig.failure(third), (ErrorKind::JobFinished, Outcome::NotSent));
    assert_eq!(rig.success(first), &Success::Done);
    rig.expect_sent(link, "delete 1\r\n");
}

#[test]
fn a_finish_is_not_cancelled() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Delete);
    rig.cancel(op);
    rig.reply(link, "DELETED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
}

#[test]
fn no_step_is_sent_twice_however_slow_the_server_is() {
    let (mut rig, link, lease) = holding();
    rig.advance(ms(300));
    rig.finish(lease, Finish::Release { priority: Some(Priority(3)), delay: Seconds::ZERO });
    rig.expect_sent(link, "release 1 3 0\r\n");
    // The time at which the TTR would have been asked for goes by.
    rig.advance(secs(3));
    rig.expect_sent(link, "");
}

#[test]
fn deadline_soon_does_not_send_a_step_twice() {
    let (mut rig, link, lease) = holding();
    rig.receive();
    rig.release(lease);
    rig.expect_sent(link, "reserve-with-timeout 0\r\nstats-job 1\r\n");
    rig.reply(link, "DEADLINE_SOON\r\n");
    rig.expect_sent(link, "");
}

#[test]
fn not_found_ends_the_reservation() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Delete);
    rig.reply(link, "NOT_FOUND\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::NotFound, Outcome::Rejected));
    let again = rig.finish(lease, Finish::Delete);
    assert_eq!(rig.failure(again).0, ErrorKind::JobFinished);
}

#[test]
fn a_delete_whose_connection_is_lost_is_unknown() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Delete);
    rig.cut(link, 0);
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::Unknown));
    let lost =
        |event: &Event| matches!(event, Event::JobLost { .. } | Event::GiveBackFailed { .. });
    assert!(!rig.events().iter().any(lost), "its holder has the error");
}

#[test]
fn a_delete_that_did_not_leave_is_lost_and_not_sent() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Delete);
    rig.cut(link, 1);
    assert_eq!(rig.failure(op), (ErrorKind::JobLost, Outcome::NotSent));
}

#[test]
fn a_release_whose_first_step_is_lost_was_not_done() {
    let (mut rig, link, lease) = holding();
    let op = rig.release(lease);
    rig.cut(link, 0);
    assert_eq!(rig.failure(op), (ErrorKind::JobLost, Outcome::NotSent));
}

#[test]
fn a_refused_step_is_repeated_and_in_the_end_the_job_is_released() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Bury { priority: Some(Priority(3)) });
    for _ in 0..3 {
        rig.expect_sent(link, "bury 1 3\r\n");
        rig.reply(link, "OUT_OF_MEMORY\r\n");
        rig.advance(secs(1) - ms(1));
        rig.expect_sent(link, "");
        rig.advance(ms(1));
    }
    rig.expect_sent(link, "bury 1 3\r\n");
    assert!(!rig.is_done(op));
    rig.reply(link, "OUT_OF_MEMORY\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::OutOfMemory, Outcome::Rejected));
    rig.advance(secs(1));
    rig.expect_sent(link, "stats-job 1\r\n");
    rig.reply(link, &job_stats(1, 60, 59, 0));
    rig.expect_sent(link, "release 1 7 0\r\n");
    rig.reply(link, "RELEASED\r\n");
    assert!(rig.events().is_empty());
    rig.close(secs(1));
    assert_eq!(rig.report, None, "the connection says goodbye first");
    rig.expect_sent(link, "quit\r\n");
}

#[test]
fn a_job_that_cannot_even_be_released_is_told() {
    let (mut rig, link, lease) = holding();
    rig.finish(lease, Finish::Release { priority: Some(Priority(3)), delay: Seconds::ZERO });
    for _ in 0..4 {
        rig.reply(link, "INTERNAL_ERROR\r\n");
        rig.advance(secs(1));
    }
    rig.reply(link, &job_stats(1, 60, 59, 0));
    rig.reply(link, "INTERNAL_ERROR\r\n");
    let failed = |event: &Event| matches!(event, Event::GiveBackFailed { .. });
    assert_eq!(rig.events().iter().filter(|event| failed(event)).count(), 1);
    rig.advance(secs(4));
    assert_eq!(rig.sent(link).matches("release 1 3").count(), 4);
}

#[test]
fn a_refused_delete_that_is_repeated_works() {
    let (mut rig, link, lease) = holding();
    let op = rig.finish(lease, Finish::Delete);
    rig.reply(link, "INTERNAL_ERROR\r\n");
    rig.advance(secs(1));
    rig.expect_sent(link, "delete 1\r\ndelete 1\r\n");
    rig.reply(link, "DELETED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
}

#[test]
fn a_release_that_buries_is_told() {
    let (mut rig, link, lease) = holding();
    let op =
        rig.finish(lease, Finish::Release { priority: Some(Priority(3)), delay: Seconds::ZERO });
    rig.reply(link, "BURIED\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::Buried, Outcome::Rejected));
}

#[test]
fn a_job_whose_statistics_show_that_it_ran_out_is_lost() {
    let (mut rig, link, lease) = holding();
    let op = rig.release(lease);
    rig.reply(link, &job_stats_in("ready", 1, 60, 0, 0));
    assert_eq!(rig.failure(op), (ErrorKind::JobLost, Outcome::NotSent));
}
