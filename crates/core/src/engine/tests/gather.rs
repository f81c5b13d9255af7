//! When a driver may let commands or answers gather.

use std::time::Duration;

use super::*;
use crate::config::Config;
use crate::engine::LinkId;

const fn micros(count: u64) -> Duration {
    Duration::from_micros(count)
}

/// A producer with `count` puts under way on its only connection.
fn flooded(count: usize) -> (Rig, LinkId) {
    let mut rig = Rig::producer(1, Config::default());
    let link = rig.link(0);
    // The answers to the handshake came fast, too.
    rig.advance(ms(1));
    for _ in 0..count {
        rig.put("default", "x");
    }
    (rig, link)
}

/// Answers one put, and another one so much later.
fn answer_two(rig: &mut Rig, link: LinkId, apart: Duration) {
    rig.reply(link, "INSERTED 1\r\n");
    rig.advance(apart);
    // In one piece: the second half of a reply would have come fast.
    rig.reply_at_once(link, "INSERTED 2\r\n");
}

#[test]
fn eight_answers_on_their_way_make_a_connection_busy() {
    let (rig, link) = flooded(7);
    assert!(!rig.engine.is_busy(link));
    let (rig, link) = flooded(8);
    assert!(rig.engine.is_busy(link));
}

#[test]
fn many_answers_that_come_fast_may_gather() {
    let (mut rig, link) = flooded(66);
    assert_eq!(rig.engine.gather(rig.now, link), None, "nothing has come yet");
    answer_two(&mut rig, link, micros(299));
    assert_eq!(rig.engine.gather(rig.now, link), Some(micros(64)));
}

#[test]
fn the_more_there_are_the_longer_and_never_for_long() {
    let (mut rig, link) = flooded(92);
    answer_two(&mut rig, link, micros(10));
    assert_eq!(rig.engine.gather(rig.now, link), Some(micros(90)));
    let (mut rig, link) = flooded(5000);
    answer_two(&mut rig, link, micros(10));
    assert_eq!(rig.engine.gather(rig.now, link), Some(micros(100)));
}

#[test]
fn few_answers_are_read_as_they_come() {
    let (mut rig, link) = flooded(65);
    answer_two(&mut rig, link, micros(10));
    assert_eq!(rig.engine.gather(rig.now, link), None);
}

#[test]
fn slow_answers_are_read_as_they_come() {
    let (mut rig, link) = flooded(100);
    answer_two(&mut rig, link, micros(300));
    assert_eq!(rig.engine.gather(rig.now, link), None);
}

#[test]
fn answers_that_came_fast_long_ago_say_nothing() {
    let (mut rig, link) = flooded(100);
    answer_two(&mut rig, link, micros(10));
    assert!(rig.engine.gather(rig.now, link).is_some());
    rig.advance(micros(300));
    assert_eq!(rig.engine.gather(rig.now, link), None);
}

#[test]
fn a_connection_that_is_gone_has_nothing_to_gather() {
    let (mut rig, link) = flooded(100);
    answer_two(&mut rig, link, micros(10));
    rig.cut(link, 0);
    assert_eq!(rig.engine.gather(rig.now, link), None);
    assert!(!rig.engine.is_busy(link));
}
