//! Reservations: how long they last, how they are kept, and who is told when they are gone.

use super::rig::job_stats_in;
use super::*;
use crate::config::Config;
use crate::engine::{Event, Finish, LeaseId, LinkId, LostReason, Request, Success};
use crate::error::{ErrorKind, Outcome};
use crate::types::JobId;

fn touching() -> Config {
    Config { auto_touch: true, max_connections: Some(1), ..Config::default() }
}

fn holding(config: Config) -> (Rig, LinkId, LeaseId) {
    let mut rig = Rig::consumer(1, config);
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    (rig, link, lease)
}

/// Lets the statistics be asked for, and answers with this TTR and time left.
fn probe(rig: &mut Rig, link: LinkId, ttr: u64, left: i64) {
    rig.advance(ms(400));
    rig.expect_sent(link, "stats-job 1\r\n");
    rig.reply(link, &job_stats(1, ttr, left, 0));
}

fn losses(rig: &mut Rig) -> Vec<(LeaseId, LostReason)> {
    let loss = |event| match event {
        Event::JobLost { lease, reason, .. } => Some((lease, reason)),
        _ => None,
    };
    rig.events().into_iter().filter_map(loss).collect()
}

#[test]
fn a_job_that_is_finished_soon_costs_no_statistics() {
    let (mut rig, link, lease) = holding(Config::default());
    rig.advance(ms(399));
    rig.finish(lease, Finish::Delete);
    rig.expect_sent(link, "delete 1\r\n");
    rig.advance(ms(100));
    rig.expect_sent(link, "");
}

#[test]
fn the_holder_is_told_when_the_ttr_has_passed() {
    let (mut rig, link, lease) = holding(Config::default());
    probe(&mut rig, link, 10, 9);
    rig.advance(ms(9599));
    assert!(losses(&mut rig).is_empty());
    rig.advance(ms(1));
    assert_eq!(losses(&mut rig), [(lease, LostReason::Expired)]);
    rig.advance(LONG_AGO);
    assert!(losses(&mut rig).is_empty(), "told once");
}

#[test]
fn an_expired_job_may_still_be_deleted() {
    let (mut rig, link, lease) = holding(Config::default());
    probe(&mut rig, link, 10, 9);
    rig.advance(secs(10));
    let op = rig.finish(lease, Finish::Delete);
    rig.expect_sent(link, "delete 1\r\n");
    rig.reply(link, "DELETED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
}

#[test]
fn a_job_is_touched_before_its_end_for_as_long_as_it_is_held() {
    let (mut rig, link, lease) = holding(touching());
    probe(&mut rig, link, 10, 9);
    for _ in 0..5 {
        rig.advance(ms(4500));
        rig.expect_sent(link, "");
        rig.advance(ms(500));
        rig.expect_sent(link, "touch 1\r\n");
        rig.reply(link, "TOUCHED\r\n");
    }
    assert!(losses(&mut rig).is_empty());
    rig.finish(lease, Finish::Delete);
    rig.expect_sent(link, "delete 1\r\n");
}

#[test]
fn the_shortest_ttr_is_kept_alive_too() {
    let (mut rig, link, _) = holding(touching());
    probe(&mut rig, link, 1, 0);
    let mut touches = 0;
    for _ in 0..100 {
        rig.advance(ms(100));
        if rig.sent(link).contains("touch 1\r\n") {
            touches += 1;
            rig.reply(link, "TOUCHED\r\n");
        }
    }
    assert!(losses(&mut rig).is_empty());
    assert!((15..=25).contains(&touches), "{touches}");
}

#[test]
fn a_touch_without_an_answer_does_not_hide_the_end() {
    let (mut rig, link, lease) = holding(touching());
    probe(&mut rig, link, 4, 3);
    rig.advance(ms(3599));
    rig.expect_sent(link, "touch 1\r\n");
    assert!(losses(&mut rig).is_empty());
    rig.advance(ms(1));
    assert_eq!(losses(&mut rig), [(lease, LostReason::Expired)]);
}

#[test]
fn nothing_is_touched_unless_asked_for() {
    let (mut rig, link, _) = holding(Config::default());
    probe(&mut rig, link, 10, 9);
    rig.advance(secs(60));
    rig.expect_sent(link, "");
}

#[test]
fn a_touch_that_is_not_found_loses_the_job() {
    let (mut rig, link, lease) = holding(touching());
    probe(&mut rig, link, 10, 9);
    rig.advance(secs(5));
    rig.reply(link, "NOT_FOUND\r\n");
    assert_eq!(losses(&mut rig), [(lease, LostReason::NotFound)]);
    let op = rig.finish(lease, Finish::Delete);
    assert_eq!(rig.failure(op), (ErrorKind::JobLost, Outcome::NotSent));
}

#[test]
fn statistics_that_show_another_state_mean_that_the_job_has_expired() {
    let (mut rig, link, lease) = holding(Config::default());
    rig.advance(ms(400));
    rig.reply(link, &job_stats_in("ready", 1, 10, 0, 0));
    assert_eq!(losses(&mut rig), [(lease, LostReason::Expired)]);
}

#[test]
fn statistics_that_could_not_be_had_are_asked_for_again() {
    let (mut rig, link, _) = holding(Config::default());
    rig.advance(ms(400));
    for answer in ["OUT_OF_MEMORY\r\n", "OK 3\r\n---\r\n"] {
        rig.expect_sent(link, "stats-job 1\r\n");
        rig.reply(link, answer);
        rig.advance(secs(1) - ms(1));
        rig.expect_sent(link, "");
        rig.advance(ms(1));
    }
    rig.expect_sent(link, "stats-job 1\r\n");
}

#[test]
fn a_disconnect_loses_every_job_of_the_connection() {
    let (mut rig, link, lease) = holding(Config::default());
    rig.cut(link, 0);
    assert_eq!(losses(&mut rig), [(lease, LostReason::Disconnected)]);
    for _ in 0..2 {
        let op = rig.finish(lease, Finish::Delete);
        let code = rig.failure(op).0;
        assert!(matches!(code, ErrorKind::JobLost | ErrorKind::JobFinished));
    }
}

#[test]
fn a_job_that_comes_again_on_the_same_connection_supersedes_its_old_handle() {
    let (mut rig, link, lease) = holding(Config::default());
    let op = rig.receive();
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    assert_eq!(losses(&mut rig), [(lease, LostReason::Superseded)]);
    rig.sent(link);
    let old = rig.finish(lease, Finish::Delete);
    assert_eq!(rig.failure(old), (ErrorKind::JobLost, Outcome::NotSent));
    rig.expect_sent(link, "");
    rig.finish(rig.job(op).lease, Finish::Delete);
    rig.expect_sent(link, "delete 1\r\n");
}

#[test]
fn a_delete_that_hits_the_newer_reservation_is_told_to_its_holder() {
    let (mut rig, link, lease) = holding(Config::default());
    let second = rig.receive();
    let old = rig.finish(lease, Finish::Delete);
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    rig.events();
    rig.reply(link, "DELETED\r\n");
    assert_eq!(rig.success(old), &Success::Done);
    assert_eq!(losses(&mut rig), [(rig.job(second).lease, LostReason::NotFound)]);
}

#[test]
fn an_explicit_touch_starts_the_ttr_anew_even_if_its_caller_has_gone() {
    let (mut rig, link, lease) = holding(Config::default());
    probe(&mut rig, link, 10, 9);
    rig.advance(secs(9));
    let op = rig.submit(Request::Touch(lease));
    rig.expect_sent(link, "touch 1\r\n");
    rig.cancel(op);
    rig.reply(link, "TOUCHED\r\n");
    rig.advance(secs(10) - ms(1));
    assert!(losses(&mut rig).is_empty());
    rig.advance(ms(1));
    assert_eq!(losses(&mut rig), [(lease, LostReason::Expired)]);
}

#[test]
fn an_explicit_touch_that_is_not_found_fails_and_loses_the_job() {
    let (mut rig, link, lease) = holding(Config::default());
    let op = rig.submit(Request::Touch(lease));
    rig.reply(link, "NOT_FOUND\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::NotFound, Outcome::Rejected));
    assert_eq!(losses(&mut rig), [(lease, LostReason::NotFound)]);
}

#[test]
fn statistics_of_a_held_job_tell_when_to_touch_it() {
    let (mut rig, link, lease) = holding(Config::default());
    assert_eq!(rig.engine.touch_after(rig.now, lease), None);
    let op = rig.submit(Request::JobStats(lease));
    rig.reply(link, &job_stats(1, 60, 59, 3));
    assert!(matches!(rig.success(op), Success::JobStats(stats) if stats.id == JobId(1)));
    assert_eq!(rig.engine.touch_after(rig.now, lease), Some(secs(55)));
}

#[test]
fn a_prefetched_job_that_expires_is_handed_to_nobody() {
    let config = Config { prefetch: 1, max_connections: Some(1), ..Config::default() };
    let mut rig = Rig::consumer(1, config);
    let link = rig.link(0);
    let first = rig.receive_job(link, 1);
    rig.sent(link);
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    rig.finish(first, Finish::Delete);
    rig.reply(link, "DELETED\r\n");
    rig.sent(link);
    rig.advance(ms(400));
    rig.expect_sent(link, "stats-job 2\r\n");
    rig.reply(link, &job_stats(2, 2, 1, 0));
    rig.advance(secs(2));
    let op = rig.receive();
    assert!(!rig.is_done(op));
    assert!(losses(&mut rig).is_empty(), "nobody had it");
}
