//! How fast a server is asked when nothing comes: never in a spin.

use super::*;
use crate::config::Config;
use crate::engine::LinkId;

const REFILL: &str = "reserve-with-timeout 0\r\n";

/// A consumer that holds job 1 on its only connection while another caller waits.
fn busy(config: Config) -> (Rig, LinkId) {
    let mut rig = Rig::consumer(1, config);
    let link = rig.link(0);
    rig.receive_job(link, 1);
    rig.receive();
    (rig, link)
}

fn single() -> Config {
    Config { max_connections: Some(1), ..Config::default() }
}

/// Answers every reserve in the same way for `span` and counts them.
fn asked(rig: &mut Rig, link: LinkId, span: u64, answer: &str) -> usize {
    let mut count = 0;
    for _ in 0..span {
        // A server without a round trip: the worst case for whoever asks again at once.
        for round in 0.. {
            let text = rig.sent(link);
            if text.is_empty() {
                break;
            }
            assert!(round < 10, "asked again and again at one instant");
            for line in text.lines() {
                if line.starts_with("reserve") {
                    count += 1;
                    rig.reply(link, answer);
                } else if line.starts_with("stats-job") {
                    rig.reply(link, &job_stats(1, 3600, 3600, 0));
                } else if line.starts_with("touch") {
                    rig.reply(link, "TOUCHED\r\n");
                }
            }
        }
        rig.advance(ms(1));
    }
    count
}

#[test]
fn a_busy_connection_is_polled_at_growing_intervals_when_no_other_may_be_had() {
    let (mut rig, link) = busy(single());
    let count = asked(&mut rig, link, 1000, "TIMED_OUT\r\n");
    // 2, 4, 8 ... 64 ms, then every 100 ms.
    assert!((14..=18).contains(&count), "{count}");
    let count = asked(&mut rig, link, 1000, "TIMED_OUT\r\n");
    assert!((9..=11).contains(&count), "{count}");
    assert_eq!(rig.made(), 1);
}

#[test]
fn polling_starts_quickly_again_after_a_job() {
    let (mut rig, link) = busy(single());
    asked(&mut rig, link, 1000, "TIMED_OUT\r\n");
    rig.advance(ms(100));
    rig.expect_sent(link, REFILL);
    rig.reply(link, "RESERVED 2 1\r\nx\r\n");
    rig.receive();
    let count = asked(&mut rig, link, 50, "TIMED_OUT\r\n");
    assert!(count >= 4, "{count}");
}

#[test]
fn deadline_soon_never_spins() {
    let (mut rig, link) = busy(single());
    let count = asked(&mut rig, link, 1000, "DEADLINE_SOON\r\n");
    assert!((8..=12).contains(&count), "{count}");
}

#[test]
fn deadline_soon_asks_for_the_ttr_of_what_is_held() {
    let (mut rig, link) = busy(single());
    rig.sent(link);
    rig.reply(link, "DEADLINE_SOON\r\n");
    rig.expect_sent(link, "stats-job 1\r\n");
}

#[test]
fn a_server_with_a_fault_is_not_asked_in_a_spin() {
    for answer in ["OUT_OF_MEMORY\r\n", "INTERNAL_ERROR\r\n", "BAD_FORMAT\r\n"] {
        let mut rig = Rig::consumer(1, Config::default());
        rig.receive();
        let link = rig.link(0);
        let count = asked(&mut rig, link, 1000, answer);
        assert!((8..=12).contains(&count), "{answer}: {count}");
    }
}

#[test]
fn a_busy_connection_is_polled_while_another_one_takes_long_to_open() {
    let (mut rig, link) = busy(Config::default());
    rig.expect_sent(link, REFILL);
    rig.reply(link, "TIMED_OUT\r\n");
    assert_eq!(rig.made(), 2);
    rig.expect_sent(link, "");
    rig.advance(ms(99));
    rig.expect_sent(link, "");
    rig.advance(ms(1));
    rig.expect_sent(link, REFILL);
}

#[test]
fn a_busy_connection_is_polled_while_no_other_can_be_opened() {
    let (mut rig, link) = busy(Config::default());
    rig.sent(link);
    rig.reply(link, "TIMED_OUT\r\n");
    rig.cut(rig.link(1), 0);
    let count = asked(&mut rig, link, 1000, "TIMED_OUT\r\n");
    assert!((5..=25).contains(&count), "{count}");
}
