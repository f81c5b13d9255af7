//! Jobs that nobody waits for, and a consumer that pauses.

use super::*;
use crate::config::Config;
use crate::engine::{Event, Finish, LinkId};

const PARK: &str = "reserve-with-timeout 30\r\n";

/// A consumer of two servers, one of which has brought a job beyond the demand.
fn surplus(config: Config) -> (Rig, LinkId) {
    let mut rig = Rig::consumer(2, config);
    rig.receive_job(rig.link(0), 1);
    rig.sent(rig.link(1));
    let link = rig.link(1);
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    (rig, link)
}

#[test]
fn a_job_beyond_the_demand_is_given_back_after_a_moment() {
    let (mut rig, link) = surplus(Config::default());
    rig.advance(ms(99));
    assert!(rig.open().contains(&link));
    rig.advance(ms(1));
    assert!(!rig.open().contains(&link), "closing gives the job back unchanged");
    assert_eq!(rig.open().len(), 2, "and another connection comes in its place");
    assert!(rig.events().is_empty());
    rig.up(rig.link(2));
    rig.expect_sent(rig.link(2), "");
}

#[test]
fn an_early_alarm_forgets_no_time() {
    let (mut rig, link) = surplus(Config::default());
    rig.ring();
    rig.advance(ms(100));
    assert!(!rig.open().contains(&link));
}

#[test]
fn a_pause_takes_back_reserves_that_have_not_left() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let link = rig.link(0);
    rig.receive_job(link, 1);
    rig.stall(true);
    let op = rig.receive();
    rig.cancel(op);
    rig.pause();
    rig.stall(false);
    rig.expect_sent(link, "");
    rig.receive();
    rig.expect_sent(link, "reserve-with-timeout 0\r\n");
}

#[test]
fn a_job_beyond_the_demand_goes_to_a_caller_who_comes_in_time() {
    let (mut rig, link) = surplus(Config::default());
    rig.advance(ms(50));
    let op = rig.receive();
    assert_eq!(rig.job(op).id.0, 2);
    rig.advance(ms(200));
    assert!(rig.open().contains(&link));
}

#[test]
fn a_surplus_job_beside_another_one_is_released_with_its_own_priority() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let link = rig.link(0);
    rig.receive_job(link, 1);
    let op = rig.receive();
    rig.sent(link);
    rig.cancel(op);
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    rig.advance(ms(100));
    rig.expect_sent(link, "stats-job 2\r\n");
    rig.reply(link, &job_stats(2, 60, 59, 0));
    rig.expect_sent(link, "release 2 7 0\r\n");
    rig.reply(link, "RELEASED\r\n");
    assert!(rig.events().is_empty());
}

#[test]
fn a_pause_half_closes_the_waiting_connection_and_a_caller_resumes() {
    let mut rig = Rig::consumer(1, Config::default());
    let op = rig.receive();
    rig.expect_sent(rig.link(0), PARK);
    rig.cancel(op);
    rig.pause();
    assert!(rig.is_half_closed(rig.link(0)));
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), "");
    // The half-closed one has not ended yet: that must not hold up a new caller.
    let op = rig.receive();
    rig.expect_sent(rig.link(1), PARK);
    rig.reply(rig.link(0), "TIMED_OUT\r\n");
    rig.cut(rig.link(0), 0);
    rig.reply(rig.link(1), "RESERVED 1 1\r\nx\r\n");
    assert_eq!(rig.job(op).id.0, 1);
    assert!(rig.events().iter().all(|event| matches!(event, Event::Connected(_))));
}

#[test]
fn a_job_that_came_to_a_half_closed_connection_is_left_to_its_end() {
    let mut rig = Rig::consumer(1, Config::default());
    let op = rig.receive();
    rig.cancel(op);
    rig.pause();
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    assert_eq!(rig.engine.health(rig.now).servers[0].connections[0].held, 0);
    assert!(!rig.is_done(op));
    rig.cut(rig.link(0), 0);
    assert!(rig.events().is_empty());
}

#[test]
fn a_half_closed_connection_that_does_not_end_is_closed() {
    let mut rig = Rig::consumer(1, Config::default());
    let op = rig.receive();
    rig.cancel(op);
    rig.pause();
    rig.advance(secs(5) - ms(1));
    assert!(rig.open().contains(&rig.link(0)));
    rig.advance(ms(1));
    assert!(!rig.open().contains(&rig.link(0)));
}

#[test]
fn a_pause_hands_back_jobs_that_no_caller_has() {
    let (mut rig, link) = surplus(Config::default());
    rig.pause();
    assert!(!rig.open().contains(&link));
    assert!(rig.open().contains(&rig.link(0)), "handed-out jobs are not touched");
}

#[test]
fn a_refill_that_comes_back_with_a_job_during_a_pause_is_released() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    let op = rig.receive();
    rig.cancel(op);
    rig.pause();
    rig.expect_sent(link, "reserve-with-timeout 0\r\n");
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    rig.expect_sent(link, "stats-job 2\r\n");
    rig.reply(link, &job_stats(2, 60, 59, 0));
    rig.reply(link, "RELEASED\r\n");
    // The counts are right: one caller means one reserve.
    rig.sent(link);
    rig.finish(lease, Finish::Delete);
    rig.reply(link, "DELETED\r\n");
    rig.receive();
    assert_eq!(rig.sent(link).matches("reserve").count(), 1);
}

#[test]
fn a_job_that_is_given_back_goes_back() {
    let mut rig = Rig::consumer(1, Config::default());
    let lease = rig.receive_job(rig.link(0), 1);
    rig.give_back(lease);
    assert!(!rig.open().contains(&rig.link(0)));
    assert!(rig.events().is_empty());
}

#[test]
fn a_job_that_is_being_finished_is_not_given_back() {
    let mut rig = Rig::consumer(1, Config::default());
    let lease = rig.receive_job(rig.link(0), 1);
    let op = rig.finish(lease, Finish::Delete);
    rig.reply(rig.link(0), "INTERNAL_ERROR\r\n");
    rig.give_back(lease);
    rig.advance(secs(1));
    rig.reply(rig.link(0), "DELETED\r\n");
    assert!(rig.is_done(op));
}
