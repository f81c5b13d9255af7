//! Deadlines and cancellation: what the caller is told, and that replies stay in step.

use super::*;
use crate::config::Config;
use crate::engine::{NewJob, Request, Success};
use crate::error::{ErrorKind, Outcome};
use crate::protocol::{Command, Reply};
use crate::types::JobId;

fn put(body: &'static str) -> Request {
    Request::Put(NewJob::new("default", body).unwrap())
}

#[test]
fn a_put_waits_for_a_connection_until_its_deadline_and_is_not_sent() {
    let mut rig = Rig::producer(1, Config::default());
    rig.cut(rig.link(0), 0);
    let op = rig.put("default", "x");
    rig.advance(secs(15) - ms(1));
    assert!(!rig.is_done(op));
    rig.advance(ms(1));
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::NotSent));
}

#[test]
fn without_a_put_timeout_a_put_fails_at_once_when_no_connection_is_up() {
    let mut rig = Rig::producer(1, Config { put_timeout: ms(0), ..Config::default() });
    rig.cut(rig.link(0), 0);
    let op = rig.put("default", "x");
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::NotSent));
}

#[test]
fn a_sent_put_whose_time_is_over_is_unknown_and_its_late_reply_is_swallowed() {
    let mut rig = Rig::producer(1, Config::default());
    let op = rig.submit_within(put("x"), ms(300));
    rig.advance(ms(300));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::Unknown));
    let next = rig.put("default", "y");
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    assert!(!rig.is_done(next), "that was the late reply");
    rig.reply(rig.link(0), "INSERTED 2\r\n");
    assert!(matches!(rig.success(next), Success::Inserted(job) if job.id == JobId(2)));
}

#[test]
fn a_put_behind_a_full_pipeline_is_not_sent_when_its_time_is_over() {
    let mut rig = Rig::producer(1, Config::default());
    for _ in 0..1024 {
        rig.put("default", "x");
    }
    let op = rig.submit_within(put("late"), ms(300));
    rig.advance(ms(300));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::NotSent));
    rig.sent(rig.link(0));
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    rig.expect_sent(rig.link(0), "");
}

#[test]
fn a_full_pipeline_goes_on_with_the_next_reply() {
    let mut rig = Rig::producer(1, Config::default());
    for _ in 0..1025 {
        rig.put("default", "x");
    }
    assert_eq!(rig.sent(rig.link(0)).matches("put").count(), 1024);
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    rig.expect_sent(rig.link(0), "put 1024 0 60 1\r\nx\r\n");
}

#[test]
fn cancelled_work_vanishes_unsent_and_is_answered_to_nobody_when_sent() {
    let mut rig = Rig::producer(1, Config::default());
    let sent = rig.put("default", "x");
    rig.cancel(sent);
    let next = rig.put("default", "y");
    rig.reply(rig.link(0), "INSERTED 1\r\nINSERTED 2\r\n");
    assert!(!rig.is_done(sent));
    assert!(matches!(rig.success(next), Success::Inserted(job) if job.id == JobId(2)));

    rig.cut(rig.link(0), 0);
    let waiting = rig.put("default", "z");
    rig.cancel(waiting);
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), "");
}

#[test]
fn a_silent_server_loses_its_connection_after_the_command_timeout() {
    let mut rig = Rig::producer(1, Config::default());
    rig.put("default", "x");
    rig.advance(secs(3));
    rig.put("default", "y");
    rig.advance(secs(2) - ms(1));
    assert_eq!(rig.open(), [rig.link(0)]);
    rig.advance(ms(1));
    assert!(!rig.open().contains(&rig.link(0)));
}

#[test]
fn any_sign_of_life_starts_the_command_timeout_anew() {
    let mut rig = Rig::producer(1, Config::default());
    rig.put("default", "x");
    rig.put("default", "y");
    rig.advance(secs(4));
    rig.reply(rig.link(0), "INSERTED 1\r\n");
    rig.advance(secs(4));
    assert_eq!(rig.open(), [rig.link(0)]);
    rig.advance(secs(1));
    assert!(!rig.open().contains(&rig.link(0)));
}

#[test]
fn an_idle_connection_is_never_overdue() {
    let mut rig = Rig::producer(1, Config::default());
    rig.advance(LONG_AGO);
    assert_eq!(rig.open(), [rig.link(0)]);
    rig.put("default", "x");
    rig.advance(secs(4));
    assert_eq!(rig.open(), [rig.link(0)], "the wait begins with the put");
}

#[test]
fn a_command_that_may_have_been_done_is_not_done_again_and_one_that_was_not_is() {
    let mut rig = Rig::producer(1, Config::default());
    let (done, unsent) = (rig.command(Command::Kick { tube: Rig::tube("t"), bound: 1 }), {
        rig.command(Command::KickJob(JobId(4)))
    });
    rig.expect_sent(rig.link(0), "use t\r\nkick 1\r\nkick-job 4\r\n");
    rig.cut(rig.link(0), 1);
    assert_eq!(rig.failure(done), (ErrorKind::Disconnected, Outcome::Unknown));
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), "kick-job 4\r\n");
    rig.reply(rig.link(1), "KICKED\r\n");
    assert_eq!(rig.success(unsent), &Success::Reply(Reply::Kicked));
}

#[test]
fn a_role_refuses_what_it_does_not_do() {
    let mut rig = Rig::producer(1, Config::default());
    let op = rig.receive();
    assert_eq!(rig.failure(op), (ErrorKind::Unsupported, Outcome::NotSent));
    let mut rig = Rig::consumer(1, Config::default());
    let op = rig.put("default", "x");
    assert_eq!(rig.failure(op), (ErrorKind::Unsupported, Outcome::NotSent));
}

#[test]
fn a_server_that_still_reads_a_large_job_is_not_silent() {
    let mut rig = Rig::producer(1, Config::default());
    let link = rig.link(0);
    let op = rig.put("default", "large");
    for _ in 0..3 {
        rig.advance(secs(4));
        rig.engine.handle_progress(rig.now, link);
    }
    rig.reply(link, "INSERTED 1\r\n");
    assert!(matches!(rig.success(op), Success::Inserted(_)));
    assert_eq!(rig.open(), [link]);
}

#[test]
fn a_command_to_a_server_that_is_down_tells_why_it_is_down() {
    let mut rig = Rig::producer(2, Config::default());
    let (up, down) = (rig.link(0), rig.link(1));
    rig.cut(down, 0);
    let server = rig.engine.servers().nth(rig.server_of(down)).unwrap().id();
    let op = rig.submit(Request::Command { server, command: Command::Delete(JobId(1)) });
    for _ in 0..5 {
        rig.advance(secs(1));
        rig.open().into_iter().filter(|link| *link != up).for_each(|link| rig.cut(link, 0));
    }
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::NotSent));
}
