//! Where reserves go: parking, refills, more connections.

use super::*;
use crate::config::Config;
use crate::engine::{Finish, LinkId, OpId};
use crate::error::{ErrorKind, Outcome};

const PARK: &str = "reserve-with-timeout 30\r\n";
const REFILL: &str = "reserve-with-timeout 0\r\n";

fn single() -> Config {
    Config { max_connections: Some(1), ..Config::default() }
}

fn receive(rig: &mut Rig, count: usize) -> Vec<OpId> {
    (0..count).map(|_| rig.receive()).collect()
}

#[test]
fn nothing_is_reserved_before_somebody_asks() {
    let mut rig = Rig::consumer(1, Config { prefetch: 5, ..Config::default() });
    rig.advance(secs(100));
    rig.expect_sent(rig.link(0), "");
}

#[test]
fn an_empty_connection_waits_in_one_long_reserve() {
    let mut rig = Rig::consumer(1, Config::default());
    let ops = receive(&mut rig, 3);
    rig.expect_sent(rig.link(0), PARK);
    rig.reply(rig.link(0), "RESERVED 4 3\r\nabc\r\n");
    let job = rig.job(ops[0]);
    assert_eq!((job.id.0, &job.body[..], job.reserved_at), (4, &b"abc"[..], rig.now));
}

#[test]
fn a_reserve_that_timed_out_is_renewed() {
    let mut rig = Rig::consumer(1, Config::default());
    rig.receive();
    rig.sent(rig.link(0));
    rig.advance(secs(30));
    rig.reply(rig.link(0), "TIMED_OUT\r\n");
    rig.expect_sent(rig.link(0), PARK);
}

#[test]
fn a_server_that_is_silent_beyond_the_reserve_is_given_up() {
    let mut rig = Rig::consumer(1, Config::default());
    rig.receive();
    rig.advance(secs(35) - ms(1));
    assert_eq!(rig.open(), [rig.link(0)]);
    rig.advance(ms(1));
    assert!(!rig.open().contains(&rig.link(0)));
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), PARK);
}

#[test]
fn refills_double_with_every_job_up_to_the_demand() {
    let mut rig = Rig::consumer(1, single());
    receive(&mut rig, 6);
    let link = rig.link(0);
    rig.expect_sent(link, PARK);
    rig.reply(link, "RESERVED 1 1\r\nx\r\n");
    rig.expect_sent(link, REFILL);
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    rig.expect_sent(link, &REFILL.repeat(2));
    rig.reply(link, "RESERVED 3 1\r\nx\r\n");
    // Three callers wait still and one reserve is on its way.
    rig.expect_sent(link, &REFILL.repeat(2));
    rig.reply(link, "RESERVED 4 1\r\nx\r\nRESERVED 5 1\r\nx\r\nRESERVED 6 1\r\nx\r\n");
    rig.expect_sent(link, "");
}

#[test]
fn reserves_never_exceed_free_callers_and_the_prefetch() {
    for prefetch in [0, 2] {
        let mut rig = Rig::consumer(1, Config { prefetch, ..single() });
        receive(&mut rig, 4);
        let link = rig.link(0);
        rig.expect_sent(link, PARK);
        let (mut asked, mut answered, limit) = (1, 0, 4 + prefetch);
        while answered < asked {
            answered += 1;
            rig.reply(link, &format!("RESERVED {answered} 1\r\nx\r\n"));
            asked += rig.sent(link).matches(REFILL).count();
            assert!(asked <= limit, "{asked} asked for with room for {limit}");
        }
        assert_eq!(answered, limit);
    }
}

#[test]
fn a_prefetched_job_goes_to_the_next_caller_at_once() {
    let mut rig = Rig::consumer(1, Config { prefetch: 1, ..single() });
    let first = rig.receive();
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    rig.reply(rig.link(0), "RESERVED 2 1\r\ny\r\n");
    assert_eq!(rig.job(first).id.0, 1);
    let second = rig.receive();
    assert_eq!(rig.job(second).id.0, 2);
}

#[test]
fn a_miss_on_a_busy_connection_opens_another_one_to_wait_on() {
    let mut rig = Rig::consumer(1, Config::default());
    rig.receive_job(rig.link(0), 1);
    rig.receive();
    rig.expect_sent(rig.link(0), REFILL);
    rig.reply(rig.link(0), "TIMED_OUT\r\n");
    assert_eq!(rig.made(), 2);
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), PARK);
    rig.expect_sent(rig.link(0), "");
    rig.advance(secs(3));
    rig.expect_sent(rig.link(0), "stats-job 1\r\n");
}

#[test]
fn a_connection_on_its_way_to_being_empty_waits_right_behind_the_delete() {
    let mut rig = Rig::consumer(1, single());
    let link = rig.link(0);
    let lease = rig.receive_job(link, 1);
    rig.receive();
    rig.expect_sent(link, REFILL);
    rig.reply(link, "TIMED_OUT\r\n");
    // Nothing can be had at once and there is no other connection: it is polled.
    rig.expect_sent(link, REFILL);
    rig.reply(link, "TIMED_OUT\r\n");
    rig.finish(lease, Finish::Delete);
    rig.expect_sent(link, &format!("delete 1\r\n{PARK}"));
}

#[test]
fn a_hot_connection_refills_right_behind_the_delete() {
    let mut rig = Rig::consumer(1, Config::default());
    let lease = rig.receive_job(rig.link(0), 1);
    let op = rig.finish(lease, Finish::Delete);
    rig.receive();
    rig.expect_sent(rig.link(0), &format!("delete 1\r\n{REFILL}"));
    rig.reply(rig.link(0), "DELETED\r\nTIMED_OUT\r\n");
    assert!(rig.is_done(op));
    rig.expect_sent(rig.link(0), PARK);
}

#[test]
fn no_more_connections_than_allowed_are_opened() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(3), ..Config::default() });
    receive(&mut rig, 10);
    // Whoever waits long gets a job, whoever asks for one at once gets none.
    for round in 0..30 {
        rig.connect_all();
        for link in rig.open() {
            for line in rig.sent(link).lines() {
                match line {
                    "reserve-with-timeout 0" => rig.reply(link, "TIMED_OUT\r\n"),
                    _ => rig.reply(link, &format!("RESERVED {round} 1\r\nx\r\n")),
                }
            }
        }
        rig.advance(ms(10));
    }
    assert_eq!((rig.open().len(), rig.made()), (3, 3));
}

#[test]
fn connections_beyond_the_usual_number_are_let_go_when_idle() {
    let mut rig = Rig::consumer(1, Config::default());
    let (a, b) = (rig.receive_job(rig.link(0), 1), rig.receive());
    rig.reply(rig.link(0), "TIMED_OUT\r\n");
    rig.up(rig.link(1));
    rig.reply(rig.link(1), "RESERVED 2 1\r\nx\r\n");
    let b = rig.job(b).lease;
    for (lease, n) in [(a, 0), (b, 1)] {
        rig.finish(lease, Finish::Delete);
        rig.reply(rig.link(n), "DELETED\r\n");
    }
    rig.sent(rig.link(1));
    rig.advance(secs(59));
    rig.expect_sent(rig.link(1), "");
    rig.advance(secs(1));
    rig.expect_sent(rig.link(1), "quit\r\n");
    rig.cut(rig.link(1), 0);
    rig.advance(secs(600));
    assert_eq!(rig.open(), [rig.link(0)]);
    assert_eq!(rig.made(), 2, "a planned end is no failure");
}

/// Plays a server that has no job, and tells where a reserve waits for one.
fn answer_all(rig: &mut Rig, parked: &mut Option<LinkId>) {
    rig.connect_all();
    for link in rig.open() {
        for line in rig.sent(link).lines() {
            match line {
                "reserve-with-timeout 0" => rig.reply(link, "TIMED_OUT\r\n"),
                "quit" => rig.cut(link, 0),
                delete if delete.starts_with("delete ") => rig.reply(link, "DELETED\r\n"),
                _ => *parked = Some(link),
            }
        }
    }
}

#[test]
fn light_work_does_not_keep_the_connections_of_a_busy_time() {
    let mut rig = Rig::consumer(1, Config { max_connections: Some(3), ..Config::default() });
    let mut parked = None;
    let next_job = |rig: &mut Rig, parked: &mut Option<LinkId>, id: u64| {
        let op = rig.receive();
        for _ in 0..5 {
            answer_all(rig, parked);
            rig.advance(ms(10));
        }
        rig.reply(parked.take().unwrap(), &format!("RESERVED {id} 1\r\nx\r\n"));
        rig.job(op).lease
    };
    let busy = [1, 2, 3].map(|id| next_job(&mut rig, &mut parked, id));
    assert_eq!(rig.open().len(), 3);
    for lease in busy {
        rig.finish(lease, Finish::Delete);
    }
    for id in 4..100 {
        answer_all(&mut rig, &mut parked);
        let lease = next_job(&mut rig, &mut parked, id);
        rig.finish(lease, Finish::Delete);
        answer_all(&mut rig, &mut parked);
        rig.advance(secs(1));
    }
    assert_eq!(rig.open().len(), 1);
}

#[test]
fn every_server_is_waited_on() {
    let mut rig = Rig::consumer(3, Config::default());
    rig.receive();
    for n in 0..3 {
        rig.expect_sent(rig.link(n), PARK);
    }
}

#[test]
fn one_server_down_does_not_stop_jobs_from_the_other() {
    let mut rig = Rig::consumer(2, Config::default());
    let op = rig.receive();
    rig.cut(rig.link(0), 0);
    rig.reply(rig.link(1), "RESERVED 1 1\r\nx\r\n");
    assert_eq!(rig.job(op).server.id().0, 1);
}

#[test]
fn a_caller_whose_time_is_over_gets_no_job() {
    let mut rig = Rig::consumer(1, Config::default());
    let op = rig.submit_within(crate::engine::Request::Receive, ms(500));
    rig.advance(ms(500));
    assert_eq!(rig.failure(op), (ErrorKind::Timeout, Outcome::NotSent));
    let next = rig.receive();
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\n");
    assert_eq!(rig.job(next).id.0, 1);
}

#[test]
fn lost_refills_leave_the_demand_as_it_was() {
    let mut rig = Rig::consumer(1, single());
    receive(&mut rig, 3);
    rig.reply(rig.link(0), "RESERVED 1 1\r\nx\r\nRESERVED 2 1\r\nx\r\n");
    rig.cut(rig.link(0), 0);
    rig.advance(ms(100));
    rig.up(rig.link(1));
    rig.expect_sent(rig.link(1), PARK);
    rig.reply(rig.link(1), "RESERVED 3 1\r\nx\r\n");
    receive(&mut rig, 1);
    rig.expect_sent(rig.link(1), REFILL);
}
