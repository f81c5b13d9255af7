//! Several things that go wrong at once: storms, refusals, silence, and callers who give up.

use super::rig::job_stats_in;
use super::*;
use crate::config::{Config, Exhausted, FailurePolicy};
use crate::engine::{Event, Finish, LinkId, LostReason, NewJob, Request, Role, Success};
use crate::error::{ErrorKind, Outcome};
use crate::protocol::Command;
use crate::types::JobId;

fn narrow() -> Config {
    Config { max_connections: Some(1), ..Config::default() }
}

/// Plays a server that answers with `reply` as soon as it is connected to, for as long as new
/// connections are made at this instant.
fn storm(rig: &mut Rig, reply: &str) -> usize {
    for n in 0..1000 {
        if rig.made() <= n {
            return n;
        }
        let link = rig.link(n);
        if n > 0 {
            rig.up(link);
        }
        rig.reply(link, reply);
    }
    1000
}

#[test]
fn a_job_that_is_too_large_for_the_client_causes_no_storm_of_connections() {
    let mut rig = Rig::consumer(1, Config { max_body_size: 10, ..Config::default() });
    rig.receive();
    assert_eq!(storm(&mut rig, "RESERVED 1 11\r\n"), 1);
}

#[test]
fn a_put_that_breaks_its_connection_is_not_repeated_without_a_rest() {
    let mut rig = Rig::producer(1, Config::default());
    rig.put("default", "x");
    assert_eq!(storm(&mut rig, "HELLO\r\n"), 1);
}

/// Connections that are made within a minute if every one of them ends as `end` has it.
fn flapping(end: impl Fn(&mut Rig, LinkId)) -> usize {
    let mut rig = Rig::new(Role::Producer, 1, Config::default());
    for n in 0.. {
        let link = rig.link(n);
        end(&mut rig, link);
        for _ in 0..6000 {
            if rig.made() > n + 1 {
                break;
            }
            rig.advance(ms(10));
        }
        if rig.now.saturating_since(crate::types::Instant::from_origin(LONG_AGO)) > secs(60) {
            return n;
        }
    }
    unreachable!("time passes")
}

#[test]
fn a_server_that_never_lasts_is_left_alone_for_longer_and_longer() {
    let refused = flapping(|rig, link| {
        rig.engine.handle_connected(rig.now, link);
        rig.reply(link, "HTTP/1.1 400 Bad Request\r\n");
    });
    let hung_up = flapping(|rig, link| {
        rig.up(link);
        rig.cut(link, 0);
    });
    // From 100 ms to 3 s, less a half by jitter.
    for connections in [refused, hung_up] {
        assert!((15..=50).contains(&connections), "{connections}");
    }
}

#[test]
fn a_server_that_was_of_use_is_tried_again_soon() {
    let mut rig = Rig::producer(1, Config::default());
    for n in 0..10 {
        rig.put("default", "x");
        rig.reply(rig.link(n), "INSERTED 1\r\n");
        rig.cut(rig.link(n), 0);
        rig.advance(ms(100));
        rig.up(rig.link(n + 1));
    }
}

#[test]
fn a_job_that_somebody_else_may_hold_is_not_copied_to_the_dead_letters() {
    let failure = FailurePolicy::default()
        .with_max_attempts(1)
        .with_exhausted(Exhausted::DeadLetter(Rig::tube("dead")));
    let mut rig = Rig::consumer(1, Config { failure, ..Config::default() });
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    rig.advance(ms(400));
    rig.reply(link, &job_stats(1, 10, 9, 0));
    rig.sent(link);
    rig.advance(secs(20));
    let expired = |event: &Event| matches!(event, Event::JobLost { reason, .. } if *reason == LostReason::Expired);
    assert!(rig.events().iter().any(expired));
    let op = rig.finish(lease, Finish::Fail);
    assert_eq!(rig.failure(op), (ErrorKind::JobLost, Outcome::NotSent));
    rig.expect_sent(link, "");

    // Nobody knows of the end of this one yet.
    let lease = rig.receive_job(link, 2);
    let op = rig.finish(lease, Finish::Fail);
    rig.reply(link, &job_stats(2, 10, 9, 0));
    rig.expect_sent(link, "stats-job 2\r\ntouch 2\r\n");
    rig.reply(link, "NOT_FOUND\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::NotFound, Outcome::Rejected));
    rig.expect_sent(link, "");
}

#[test]
fn deadline_soon_asks_about_each_job_once() {
    const JOBS: usize = 300;
    let mut rig = Rig::consumer(1, Config { concurrency: 1000, ..narrow() });
    let link = rig.link(0);
    for _ in 0..1000 {
        rig.receive();
    }
    let (mut jobs, mut questions) = (0, 0);
    loop {
        let sent = rig.sent(link);
        if sent.is_empty() {
            break;
        }
        for line in sent.lines() {
            if line.starts_with("stats-job") {
                questions += 1;
            } else if jobs < JOBS {
                jobs += 1;
                rig.reply(link, &format!("RESERVED {jobs} 1\r\nx\r\n"));
            } else {
                rig.reply(link, "DEADLINE_SOON\r\n");
            }
        }
    }
    assert_eq!((jobs, questions), (JOBS, JOBS));
}

#[test]
fn a_server_that_falls_silent_does_not_keep_the_others_from_being_asked() {
    let mut rig = Rig::consumer(2, narrow());
    let (silent, other) = (rig.link(0), rig.link(1));
    // Both have given a job, and are asked for more.
    let first = rig.receive();
    rig.reply(silent, "RESERVED 1 1\r\nx\r\n");
    rig.job(first);
    let second = rig.receive();
    rig.reply(other, "RESERVED 2 1\r\nx\r\n");
    let lease = rig.job(second).lease;
    rig.finish(lease, Finish::Delete);
    rig.reply(other, "DELETED\r\n");
    let third = rig.receive();
    rig.sent(other);
    rig.advance(ms(200));
    if rig.sent(other).contains("reserve") || rig.is_done(third) {
        rig.reply(other, "RESERVED 3 1\r\nx\r\n");
    }
    assert_eq!(rig.job(third).id, JobId(3));
}

#[test]
fn a_server_that_drains_and_goes_is_waited_for() {
    let mut rig = Rig::producer(1, Config::default());
    let op = rig.put("default", "x");
    rig.reply(rig.link(0), "DRAINING\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::Draining, Outcome::Rejected));
    rig.cut(rig.link(0), 0);
    let op = rig.put("default", "x");
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.reply(rig.link(1), "INSERTED 1\r\n");
    rig.success(op);
}

#[test]
fn a_server_may_come_back_with_another_limit() {
    let large = || Request::Put(NewJob::new("default", vec![0; 70_000]).unwrap());
    let mut rig = Rig::producer(1, Config::default());
    let refused = rig.submit(large());
    assert_eq!(rig.failure(refused), (ErrorKind::JobTooBig, Outcome::NotSent));
    rig.cut(rig.link(0), 0);
    let op = rig.submit(large());
    rig.max_job_size = 100_000;
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.reply(rig.link(1), "INSERTED 1\r\n");
    rig.success(op);

    let op = rig.submit(large());
    rig.cut(rig.link(1), 1);
    rig.max_job_size = 50;
    rig.advance(ms(100));
    rig.up(rig.link(2));
    assert_eq!(rig.failure(op), (ErrorKind::JobTooBig, Outcome::NotSent), "the cause, not the cut");
}

#[test]
fn a_refused_step_is_not_repeated_behind_a_reserve_that_waits() {
    let mut rig = Rig::consumer(1, narrow());
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    rig.receive();
    rig.reply(link, "TIMED_OUT\r\n");
    rig.reply(link, "TIMED_OUT\r\n");
    rig.sent(link);
    let op = rig.finish(lease, Finish::Delete);
    rig.expect_sent(link, "delete 1\r\nreserve-with-timeout 30\r\n");
    rig.reply(link, "OUT_OF_MEMORY\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::OutOfMemory, Outcome::Rejected));
}

#[test]
fn a_repeated_step_that_finds_nothing_leaves_the_outcome_open() {
    let mut rig = Rig::consumer(1, narrow());
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    let op = rig.finish(lease, Finish::Delete);
    rig.reply(link, "INTERNAL_ERROR\r\n");
    rig.sent(link);
    rig.advance(secs(1));
    rig.expect_sent(link, "delete 1\r\n");
    rig.reply(link, "NOT_FOUND\r\n");
    assert_eq!(rig.failure(op), (ErrorKind::InternalError, Outcome::Unknown));
}

#[test]
fn a_deserted_reserve_beside_a_held_job_holds_nothing_up_for_ever() {
    let mut rig = Rig::connection(Config::default());
    let link = rig.link(0);
    let op = rig.command(Command::Reserve);
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    let lease = rig.job(op).lease;
    let deserted = rig.command(Command::Reserve);
    rig.cancel(deserted);
    rig.advance(secs(3600));
    assert_eq!(rig.open(), [link], "as long as nothing waits behind it");
    let delete = rig.finish(lease, Finish::Delete);
    rig.advance(secs(5));
    assert_eq!(rig.failure(delete), (ErrorKind::JobLost, Outcome::NotSent));
}

#[test]
fn a_deserted_reserve_that_is_answered_in_time_costs_nothing() {
    let mut rig = Rig::connection(Config::default());
    let link = rig.link(0);
    let op = rig.command(Command::Reserve);
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    let lease = rig.job(op).lease;
    let deserted = rig.command(Command::Reserve);
    let delete = rig.finish(lease, Finish::Delete);
    rig.cancel(deserted);
    rig.advance(secs(4));
    rig.sent(link);
    rig.reply(link, "DEADLINE_SOON\r\n");
    rig.expect_sent(link, "delete 1\r\n");
    rig.reply(link, "DELETED\r\n");
    assert_eq!(rig.success(delete), &Success::Done);
    rig.advance(secs(60));
    assert_eq!(rig.open(), [link]);
}

#[test]
fn what_stands_behind_a_deserted_reserve_goes_another_way_at_once_in_its_order() {
    let mut rig = Rig::connection(Config::default());
    let deserted = rig.command(Command::Reserve);
    rig.command(Command::Watch(Rig::tube("x")));
    rig.put("default", "x");
    rig.cancel(deserted);
    rig.command(Command::Reserve);
    rig.up(rig.link(1));
    let put = "put 1024 0 60 1\r\nx\r\n";
    rig.expect_sent(rig.link(1), &format!("watch x\r\n{put}reserve\r\n"));
}

#[test]
fn no_job_is_handed_over_on_a_connection_that_is_ending() {
    let mut rig = Rig::connection(Config::default());
    let link = rig.link(0);
    let job = rig.command(Command::ReserveJob(JobId(5)));
    let deserted = rig.command(Command::Reserve);
    rig.cancel(deserted);
    assert!(!rig.is_half_closed(link));
    rig.reply(link, "RESERVED 5 1\r\nx\r\n");
    assert_eq!(rig.job(job).id, JobId(5));
}

#[test]
fn a_reservation_that_is_gone_stays_gone() {
    let mut rig = Rig::consumer(1, narrow());
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    rig.submit(Request::Touch(lease));
    rig.submit(Request::JobStats(lease));
    rig.reply(link, "NOT_FOUND\r\n");
    rig.reply(link, &job_stats_in("ready", 1, 10, 0, 0));
    let touch = rig.submit(Request::Touch(lease));
    assert_eq!(rig.failure(touch), (ErrorKind::JobLost, Outcome::NotSent));
}

#[test]
fn a_job_that_was_deleted_by_its_id_is_finished() {
    let mut rig = Rig::connection(Config::default());
    let link = rig.link(0);
    let op = rig.command(Command::Reserve);
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    let lease = rig.job(op).lease;
    rig.command(Command::Delete(JobId(1)));
    rig.reply(link, "DELETED\r\n");
    rig.sent(link);
    let again = rig.finish(lease, Finish::Fail);
    assert_eq!(rig.failure(again), (ErrorKind::JobFinished, Outcome::NotSent));
    rig.expect_sent(link, "");
}

#[test]
fn more_operations_than_the_bound_are_refused() {
    let mut rig = Rig::connection(Config::default());
    rig.stall(true);
    let first = rig.command(Command::ListTubes);
    let most = crate::engine::op::MAX_OPERATIONS;
    for _ in 1..most {
        rig.command(Command::ListTubes);
    }
    let one_more = rig.command(Command::ListTubes);
    assert_eq!(rig.failure(one_more), (ErrorKind::QueueFull, Outcome::NotSent));
    assert!(!rig.is_done(first));
}
