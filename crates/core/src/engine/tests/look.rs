//! Callers who take a job only if there is one now.

use super::*;
use crate::config::Config;
use crate::engine::{Finish, OpId, Request, Success};
use crate::error::{Error, ErrorKind, Outcome};

const LOOK: &str = "reserve-with-timeout 0\r\n";
const NONE: &str = "TIMED_OUT\r\n";

fn look(rig: &mut Rig, count: usize) -> Vec<OpId> {
    (0..count).map(|_| rig.submit(Request::TryReceive)).collect()
}

fn found_nothing(rig: &Rig, ops: &[OpId]) -> bool {
    ops.iter().all(|op| *rig.success(*op) == Success::Done)
}

#[test]
fn a_server_is_asked_once_and_nothing_waits_there() {
    let mut rig = Rig::consumer(1, Config::default());
    let ops = look(&mut rig, 1);
    rig.expect_sent(rig.link(0), LOOK);
    rig.reply(rig.link(0), NONE);
    assert!(found_nothing(&rig, &ops) && rig.engine.is_at_rest());
    rig.expect_sent(rig.link(0), "");
    rig.advance(secs(1));
    rig.expect_sent(rig.link(0), "");
}

#[test]
fn those_who_look_get_what_there_is_and_the_others_are_told() {
    let mut rig = Rig::consumer(1, Config::default());
    let ops = look(&mut rig, 3);
    let link = rig.link(0);
    rig.expect_sent(link, LOOK);
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    assert_eq!(rig.job(ops[0]).id.0, 1);
    rig.expect_sent(link, LOOK);
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    assert_eq!(rig.job(ops[1]).id.0, 2);
    rig.expect_sent(link, LOOK);
    rig.reply(link, NONE);
    assert!(found_nothing(&rig, &ops[2..]));
    rig.expect_sent(link, "");
}

#[test]
fn every_server_is_asked_one_after_the_other() {
    let mut rig = Rig::consumer(2, Config::default());
    let ops = look(&mut rig, 1);
    let asked = [rig.sent(rig.link(0)), rig.sent(rig.link(1))];
    let first = usize::from(asked[0].is_empty());
    assert_eq!(asked[first], LOOK);
    rig.reply(rig.link(first), NONE);
    assert!(!rig.is_done(ops[0]));
    rig.expect_sent(rig.link(1 - first), LOOK);
    rig.reply(rig.link(1 - first), NONE);
    assert!(found_nothing(&rig, &ops));
}

#[test]
fn an_answer_to_an_earlier_question_does_not_count() {
    let mut rig = Rig::consumer(1, Config::default());
    let early = look(&mut rig, 1);
    rig.expect_sent(rig.link(0), LOOK);
    let late = look(&mut rig, 1);
    rig.reply(rig.link(0), NONE);
    assert!(!rig.is_done(late[0]) && !rig.is_done(early[0]));
    rig.expect_sent(rig.link(0), &LOOK.repeat(2));
    rig.reply(rig.link(0), &NONE.repeat(2));
    assert!(found_nothing(&rig, &[early[0], late[0]]));
}

#[test]
fn a_connection_that_holds_jobs_is_asked_too() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let first = look(&mut rig, 1);
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    let lease = rig.job(first[0]).lease;
    rig.sent(rig.link(0));
    let second = look(&mut rig, 1);
    rig.expect_sent(rig.link(0), LOOK);
    rig.reply(rig.link(0), NONE);
    assert!(found_nothing(&rig, &second));
    rig.finish(lease, Finish::Delete);
    rig.expect_sent(rig.link(0), "delete 1\r\n");
}

#[test]
fn a_connection_on_its_way_is_waited_for() {
    let mut rig = Rig::new(crate::engine::Role::Consumer(Vec::new()), 1, Config::default());
    let ops = look(&mut rig, 1);
    assert!(!rig.is_done(ops[0]));
    rig.up(rig.link(0));
    rig.expect_sent(rig.link(0), LOOK);
    rig.reply(rig.link(0), NONE);
    assert!(found_nothing(&rig, &ops));
}

#[test]
fn a_server_that_is_lost_has_nothing() {
    let mut rig = Rig::consumer(1, Config::default());
    let ops = look(&mut rig, 1);
    rig.cut(rig.link(0), 0);
    assert!(found_nothing(&rig, &ops));
}

#[test]
fn who_waits_gets_a_reserve_that_waits_once_it_is_clear_that_there_is_nothing() {
    let mut rig = Rig::consumer(1, Config::default());
    let waits = rig.receive();
    rig.expect_sent(rig.link(0), "reserve-with-timeout 30\r\n");
    // That reserve answers for those who look as well.
    let looks = look(&mut rig, 1);
    assert!(found_nothing(&rig, &looks));
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    assert_eq!(rig.job(waits).id.0, 1);
}

#[test]
fn one_who_gives_up_is_forgotten() {
    let mut rig = Rig::consumer(1, Config::default());
    let ops = look(&mut rig, 2);
    rig.cancel(ops[1]);
    rig.reply(rig.link(0), NONE);
    assert!(found_nothing(&rig, &ops[..1]) && !rig.is_done(ops[1]));
}

#[test]
fn a_silent_server_ends_at_the_deadline() {
    let mut rig = Rig::consumer(1, Config::default());
    let op = rig.submit_within(Request::TryReceive, ms(300));
    rig.advance(ms(300));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::NotSent));
}

#[test]
fn a_consumer_is_at_rest_once_its_reserve_is_taken_back() {
    let mut rig = Rig::consumer(1, Config::default());
    assert!(rig.engine.is_at_rest());
    let op = rig.submit_within(Request::Receive, ms(300));
    assert!(!rig.engine.is_at_rest());
    rig.advance(ms(300));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::NotSent));
    rig.pause();
    assert!(rig.is_half_closed(rig.link(0)) && !rig.engine.is_at_rest());
    rig.reply(rig.link(0), NONE);
    rig.cut(rig.link(0), 0);
    assert!(rig.engine.is_at_rest());
}

#[test]
fn looking_is_for_consumers_only() {
    let mut rig = Rig::producer(1, Config::default());
    let ops = look(&mut rig, 1);
    assert_eq!(rig.failure(ops[0]), (ErrorKind::Unsupported, Outcome::NotSent));
}

#[test]
fn what_no_server_will_ever_take_fails_at_once() {
    let forbidden = || Error::not_sent(ErrorKind::AccessDenied, "forbidden");
    let mut rig = Rig::new(crate::engine::Role::Producer, 2, Config::default());
    let waiting = rig.put("jobs", "early");
    rig.fail(rig.link(0), 0, forbidden());
    assert!(!rig.is_done(waiting), "the other server may come up");
    rig.fail(rig.link(1), 0, forbidden());
    assert_eq!(rig.failure(waiting), (ErrorKind::AccessDenied, Outcome::NotSent));
    let late = rig.put("jobs", "late");
    assert_eq!(rig.failure(late), (ErrorKind::AccessDenied, Outcome::NotSent));
    // It is tried again all the same, and may be in order by then.
    rig.advance(ms(100));
    let hopeful = rig.put("jobs", "hopeful");
    rig.connect_all();
    assert!(!rig.is_done(hopeful));
    assert!(rig.engine.is_connected());
}
