//! The end of a client.

use super::*;
use crate::config::Config;
use crate::engine::{CloseReport, Event, Finish, LostReason, NewJob, Request, Role};
use crate::error::{ErrorKind, Outcome};
use crate::protocol::Command;

#[test]
fn an_idle_client_says_goodbye_at_once() {
    let mut rig = Rig::producer(1, Config::default());
    rig.close(secs(10));
    rig.expect_sent(rig.link(0), "quit\r\n");
    rig.cut(rig.link(0), 0);
    assert_eq!(rig.report, Some(CloseReport::default()));
    assert!(rig.events().is_empty());
    rig.advance(LONG_AGO);
    assert_eq!(rig.made(), 1);
}

#[test]
fn a_server_that_ignores_the_goodbye_is_cut_off() {
    let mut rig = Rig::producer(1, Config::default());
    rig.close(secs(10));
    rig.advance(secs(1));
    assert_eq!(rig.report, Some(CloseReport::default()));
}

#[test]
fn a_client_that_never_connected_is_closed_at_once() {
    let mut rig = Rig::new(Role::Producer, 2, Config::default());
    rig.cut(rig.link(0), 0);
    rig.close(secs(10));
    assert_eq!(rig.report, Some(CloseReport::default()));
    assert_eq!(rig.engine.poll_timeout(), None);
}

#[test]
fn new_work_is_refused() {
    let mut rig = Rig::producer(1, Config::default());
    rig.close(secs(10));
    let op = rig.put("default", "x");
    assert_eq!(rig.failure(op), (ErrorKind::Closed, Outcome::NotSent));
}

#[test]
fn work_under_way_is_waited_for_even_if_it_needs_a_new_connection() {
    let mut rig = Rig::producer(1, Config::default());
    let op = rig.put("default", "x");
    rig.close(secs(10));
    rig.cut(rig.link(0), 1);
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.reply(rig.link(1), "INSERTED 1\r\n");
    rig.success(op);
    rig.expect_sent(rig.link(1), "put 1024 0 60 1\r\nx\r\nquit\r\n");
    rig.cut(rig.link(1), 0);
    assert_eq!(rig.report, Some(CloseReport::default()));
}

#[test]
fn the_deadline_ends_all_work_and_counts_it() {
    let mut rig = Rig::producer(1, Config::default());
    let (sent, waiting) = (rig.put("default", "x"), {
        let job = NewJob::new("default", vec![0; 65535]).unwrap();
        for _ in 0..1024 {
            rig.put("default", "y");
        }
        rig.submit(Request::Put(job))
    });
    rig.close(secs(2));
    rig.advance(secs(2));
    assert_eq!(rig.failure(sent), (ErrorKind::Closed, Outcome::Unknown));
    assert_eq!(rig.failure(waiting), (ErrorKind::Closed, Outcome::NotSent));
    let report = rig.report.unwrap();
    assert_eq!((report.abandoned_operations, report.abandoned_jobs), (1026, 0));
}

#[test]
fn a_second_close_may_only_hurry() {
    let mut rig = Rig::producer(1, Config::default());
    rig.put("default", "x");
    rig.close(secs(4));
    rig.close(secs(60));
    rig.close(secs(2));
    rig.advance(secs(2));
    assert_eq!(rig.report.unwrap().abandoned_operations, 1);
}

#[test]
fn those_who_wait_for_a_job_or_a_connection_are_told_at_once() {
    let mut rig = Rig::new(Role::Consumer(Vec::new()), 1, Config::default());
    let ready = rig.submit(Request::Ready);
    let receive = rig.receive();
    rig.close(secs(10));
    for op in [ready, receive] {
        assert_eq!(rig.failure(op), (ErrorKind::Closed, Outcome::NotSent));
    }
}

#[test]
fn a_waiting_consumer_is_closed_at_once() {
    let mut rig = Rig::consumer(1, Config::default());
    rig.receive();
    rig.close(secs(10));
    assert_eq!(rig.report, Some(CloseReport::default()));
}

#[test]
fn held_jobs_may_be_finished_before_the_connections_close() {
    let mut rig = Rig::consumer(1, Config::default());
    let lease = rig.receive_job(rig.link(0), 1);
    rig.close(secs(10));
    rig.advance(secs(3));
    rig.sent(rig.link(0));
    rig.reply(rig.link(0), &job_stats(1, 60, 57, 0));
    let op = rig.finish(lease, Finish::Delete);
    rig.expect_sent(rig.link(0), "delete 1\r\n");
    rig.reply(rig.link(0), "DELETED\r\n");
    rig.success(op);
    rig.expect_sent(rig.link(0), "quit\r\n");
    rig.cut(rig.link(0), 0);
    assert_eq!(rig.report, Some(CloseReport::default()));
}

#[test]
fn jobs_still_held_at_the_deadline_are_lost_and_counted() {
    let mut rig = Rig::consumer(1, Config::default());
    let lease = rig.receive_job(rig.link(0), 1);
    rig.close(secs(2));
    rig.advance(secs(2));
    assert_eq!(rig.report.unwrap().abandoned_jobs, 1);
    let lost = |event: &Event| matches!(event, Event::JobLost { lease: l, reason: LostReason::Disconnected, .. } if *l == lease);
    assert_eq!(rig.events().iter().filter(|event| lost(event)).count(), 1);
}

#[test]
fn a_finish_under_way_at_the_deadline_is_unknown_and_one_that_has_not_begun_is_not_sent() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let first = rig.receive_job(rig.link(0), 1);
    let second = rig.receive_job(rig.link(0), 2);
    let delete = rig.finish(first, Finish::Delete);
    let release = rig.release(second);
    rig.close(secs(2));
    rig.advance(secs(2));
    assert_eq!(rig.failure(delete), (ErrorKind::Closed, Outcome::Unknown));
    assert_eq!(rig.failure(release), (ErrorKind::Closed, Outcome::NotSent));
}

#[test]
fn a_finish_that_has_not_left_at_the_deadline_is_not_sent() {
    let mut rig = Rig::consumer(1, Config::default());
    let lease = rig.receive_job(rig.link(0), 1);
    rig.stall(true);
    let delete = rig.finish(lease, Finish::Delete);
    rig.close(secs(2));
    rig.advance(secs(2));
    assert_eq!(rig.failure(delete), (ErrorKind::Closed, Outcome::NotSent));
}

#[test]
fn a_job_that_comes_after_the_close_is_given_back_first() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(1), ..Config::default() });
    let lease = rig.receive_job(rig.link(0), 1);
    rig.receive();
    rig.close(secs(10));
    rig.sent(rig.link(0));
    rig.reply(rig.link(0), "RESERVED 2 1\r\nx\r\n");
    rig.reply(rig.link(0), &job_stats(2, 60, 59, 0));
    rig.expect_sent(rig.link(0), "stats-job 2\r\nrelease 2 7 0\r\n");
    rig.finish(lease, Finish::Delete);
    rig.reply(rig.link(0), "RELEASED\r\nDELETED\r\n");
    rig.cut(rig.link(0), 0);
    assert_eq!(rig.report, Some(CloseReport::default()));
}

#[test]
fn a_waiting_reserve_of_a_single_connection_holds_the_close_until_the_deadline() {
    let mut rig = Rig::connection(Config::default());
    let op = rig.command(Command::Reserve);
    rig.close(secs(2));
    rig.advance(secs(2));
    assert_eq!(rig.failure(op), (ErrorKind::Closed, Outcome::Unknown));
    assert_eq!(rig.report.unwrap().abandoned_operations, 1);
}

#[test]
fn a_lost_connection_with_the_last_job_ends_the_close() {
    let mut rig = Rig::consumer(1, Config::default());
    rig.receive_job(rig.link(0), 1);
    rig.close(secs(10));
    rig.cut(rig.link(0), 0);
    assert_eq!(rig.report, Some(CloseReport::default()));
}
