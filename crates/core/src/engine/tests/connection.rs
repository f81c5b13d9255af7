//! The single connection: what it brings back, and reserves that nobody waits for any more.

use super::*;
use crate::config::Config;
use crate::engine::{Finish, NewJob, Request, Success};
use crate::error::{ErrorKind, Outcome};
use crate::protocol::{Command, Reply};
use crate::types::{JobId, Seconds};

fn reserve(seconds: u64) -> Command {
    Command::ReserveWithTimeout(Seconds::reserve_timeout(secs(seconds)).unwrap())
}

#[test]
fn every_command_is_answered_in_its_order() {
    let mut rig = Rig::connection(Config::default());
    let list = rig.command(Command::ListTubeUsed);
    let peek = rig.command(Command::PeekReady(Rig::tube("t")));
    rig.expect_sent(rig.link(0), "list-tube-used\r\nuse t\r\npeek-ready\r\n");
    rig.reply(rig.link(0), "USING default\r\nUSING t\r\nNOT_FOUND\r\n");
    assert_eq!(rig.success(list), &Success::Reply(Reply::Using(Rig::tube("default"))));
    assert_eq!(rig.success(peek), &Success::Reply(Reply::NotFound));
}

#[test]
fn used_and_watched_tubes_come_back_with_a_new_connection() {
    let mut rig = Rig::connection(Config::default());
    rig.command(Command::Use(Rig::tube("u")));
    rig.command(Command::Watch(Rig::tube("w")));
    rig.command(Command::Ignore(Rig::tube("default")));
    rig.reply(rig.link(0), "USING u\r\nWATCHING 2\r\nWATCHING 1\r\n");
    let refused = rig.command(Command::Ignore(Rig::tube("w")));
    rig.reply(rig.link(0), "NOT_IGNORED\r\n");
    assert_eq!(rig.failure(refused), (ErrorKind::NotIgnored, Outcome::Rejected));
    rig.cut(rig.link(0), 0);
    rig.advance(ms(100));
    assert_eq!(rig.up(rig.link(1)), "stats\r\nwatch w\r\nignore default\r\nuse u\r\n");
}

#[test]
fn the_tube_of_the_last_put_is_in_use_on_a_new_connection() {
    let mut rig = Rig::connection(Config::default());
    rig.put("t", "x");
    rig.reply(rig.link(0), "USING t\r\nINSERTED 1\r\n");
    rig.cut(rig.link(0), 0);
    rig.advance(ms(100));
    assert_eq!(rig.up(rig.link(1)), "stats\r\nuse t\r\n");
    rig.put("t", "x");
    rig.expect_sent(rig.link(1), "put 1024 0 60 1\r\nx\r\n");
}

#[test]
fn a_refused_use_ends_the_connection_before_a_put_lands_elsewhere() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(Command::Use(Rig::tube("t")));
    rig.reply(rig.link(0), "OUT_OF_MEMORY\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::OutOfMemory, Outcome::Rejected));
    assert!(!rig.open().contains(&rig.link(0)));
}

#[test]
fn a_put_is_unknown_when_its_connection_is_lost_and_not_repeated() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.put("default", "x");
    rig.cut(rig.link(0), 0);
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::Unknown));
}

#[test]
fn a_put_that_is_refused_goes_nowhere_else() {
    for (word, kind) in
        [("DRAINING", ErrorKind::Draining), ("OUT_OF_MEMORY", ErrorKind::OutOfMemory)]
    {
        let mut rig = Rig::connection(Config::default());
        let op = rig.put("default", "x");
        rig.reply(rig.link(0), &format!("{word}\r\n"));
        assert_eq!(rig.failure(op), (kind, Outcome::Rejected));
    }
}

#[test]
fn a_reserve_yields_a_job_that_can_be_finished() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(reserve(10));
    rig.expect_sent(rig.link(0), "reserve-with-timeout 10\r\n");
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    let op = rig.finish(rig.job(op).lease, Finish::Delete);
    rig.expect_sent(rig.link(0), "delete 1\r\n");
    rig.reply(rig.link(0), "DELETED\r\n");
    assert_eq!(rig.success(op), &Success::Done);
}

#[test]
fn a_reserve_has_the_time_it_asked_for_and_then_that_of_a_command() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(reserve(10));
    rig.advance(secs(15) - ms(1));
    assert!(!rig.is_done(op));
    rig.advance(ms(1));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::Unknown));
}

#[test]
fn a_reserve_without_a_limit_waits_for_ever() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(Command::Reserve);
    rig.advance(LONG_AGO);
    assert!(!rig.is_done(op));
    assert_eq!(rig.open(), [rig.link(0)]);
}

#[test]
fn an_abandoned_reserve_half_closes_when_nothing_is_held() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(Command::Reserve);
    let next = rig.command(Command::ListTubeUsed);
    rig.expect_sent(rig.link(0), "reserve\r\n");
    rig.cancel(op);
    assert!(rig.is_half_closed(rig.link(0)));
    rig.up(rig.link(1));
    rig.reply(rig.link(0), "TIMED_OUT\r\n");
    rig.cut(rig.link(0), 0);
    // What stood behind it goes through the new connection.
    rig.expect_sent(rig.link(1), "list-tube-used\r\n");
    rig.reply(rig.link(1), "USING default\r\n");
    assert!(rig.is_done(next));
}

#[test]
fn what_stood_behind_an_abandoned_reserve_goes_before_newer_work() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(Command::Reserve);
    rig.command(Command::Delete(JobId(1)));
    rig.cancel(op);
    rig.command(Command::Delete(JobId(2)));
    rig.cut(rig.link(0), 0);
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), "delete 1\r\ndelete 2\r\n");
}

#[test]
fn a_job_that_an_abandoned_reserve_brings_goes_back_with_its_connection() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(Command::Reserve);
    let next = rig.command(Command::ListTubeUsed);
    rig.cancel(op);
    rig.up(rig.link(1));
    rig.events();
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    assert!(!rig.open().contains(&rig.link(0)));
    assert!(rig.events().is_empty());
    rig.reply(rig.link(1), "USING default\r\n");
    assert!(rig.is_done(next));
}

#[test]
fn an_abandoned_reserve_behind_a_delete_half_closes_too() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(reserve(10));
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    let delete = rig.finish(rig.job(op).lease, Finish::Delete);
    let op = rig.command(Command::Reserve);
    rig.cancel(op);
    assert!(rig.is_half_closed(rig.link(0)));
    rig.reply(rig.link(0), "DELETED\r\nTIMED_OUT\r\n");
    assert_eq!(rig.success(delete), &Success::Done);
}

#[test]
fn an_abandoned_reserve_beside_a_held_job_releases_what_it_brings() {
    let mut rig = Rig::connection(Config::default());
    let first = rig.command(reserve(10));
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    assert!(rig.is_done(first));
    let op = rig.command(reserve(10));
    rig.cancel(op);
    assert!(!rig.is_half_closed(rig.link(0)), "that would lose the held job");
    rig.sent(rig.link(0));
    rig.reply(rig.link(0), "RESERVED 2 1\r\nx\r\n");
    assert!(rig.sent(rig.link(0)).contains("stats-job 2\r\n"));
    rig.reply(rig.link(0), &job_stats(2, 60, 59, 0));
    rig.expect_sent(rig.link(0), "release 2 7 0\r\n");
    rig.reply(rig.link(0), "RELEASED\r\n");
    assert!(!rig.is_done(op));
}

#[test]
fn an_unsent_reserve_that_is_cancelled_leaves_no_trace() {
    let mut rig = Rig::connection(Config::default());
    rig.command(reserve(10));
    let second = rig.command(reserve(10));
    rig.cancel(second);
    let third = rig.command(Command::Delete(JobId(3)));
    rig.sent(rig.link(0));
    rig.reply(rig.link(0), "TIMED_OUT\r\n");
    rig.expect_sent(rig.link(0), "delete 3\r\n");
    rig.reply(rig.link(0), "DELETED\r\n");
    assert!(rig.is_done(third));
}

#[test]
fn work_behind_a_waiting_reserve_is_not_sent_when_its_time_is_over() {
    let mut rig = Rig::connection(Config::default());
    rig.command(Command::Reserve);
    let job = NewJob::new("default", "x").unwrap();
    let op = rig.submit_within(Request::Put(job), ms(200));
    rig.advance(ms(200));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::NotSent));
}

#[test]
fn deadline_soon_is_an_error_of_its_own() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(reserve(10));
    rig.reply(rig.link(0), "DEADLINE_SOON\r\n");
    assert_eq!(rig.failure(op).0, ErrorKind::DeadlineSoon);
}
