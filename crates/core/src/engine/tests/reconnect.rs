//! Losing servers and getting them back.

use std::time::Duration;

use super::*;
use crate::config::Config;
use crate::engine::{Event, Request, Role, Success};
use crate::error::{Error, ErrorKind, Outcome};

fn waits(rig: &mut Rig) -> Vec<Duration> {
    let wait = |event| match event {
        Event::ConnectFailed { retry_in, .. } | Event::Disconnected { retry_in, .. } => retry_in,
        other => panic!("{other:?}"),
    };
    rig.events().into_iter().map(wait).collect()
}

fn refuse(rig: &mut Rig, n: usize) -> Duration {
    rig.cut(rig.link(n), 0);
    let waits = waits(rig);
    assert_eq!(waits.len(), 1);
    waits[0]
}

#[test]
fn the_wait_doubles_with_jitter_up_to_its_limit_and_starts_anew_after_a_success() {
    let mut rig = Rig::new(Role::Producer, 1, Config::default());
    let mut factors = Vec::new();
    for (n, full) in [100, 200, 400, 800, 1600, 3000, 3000].into_iter().enumerate() {
        let wait = refuse(&mut rig, n);
        assert!(wait >= ms(full) / 2 && wait <= ms(full), "{wait:?} for {full} ms");
        factors.push(wait.as_secs_f64() / ms(full).as_secs_f64());
        rig.advance(wait - Duration::from_nanos(1));
        assert_eq!(rig.made(), n + 1, "too early");
        rig.advance(Duration::from_nanos(1));
        assert_eq!(rig.made(), n + 2);
    }
    assert!(factors.iter().any(|factor| (factor - factors[0]).abs() > 0.01), "no jitter");
    rig.up(rig.link(7));
    rig.put("default", "x");
    rig.reply(rig.link(7), "INSERTED 1\r\n");
    rig.events();
    assert!(refuse(&mut rig, 7) <= ms(100));
}

#[test]
fn connections_that_fail_together_count_as_one_failure() {
    let mut rig = Rig::producer(1, Config { multiply: 8, ..Config::default() });
    rig.open().into_iter().for_each(|link| rig.cut(link, 0));
    let waits = waits(&mut rig);
    assert!(waits.len() == 8 && waits.iter().all(|wait| *wait <= ms(100)), "{waits:?}");
}

#[test]
fn a_failed_server_is_tried_with_one_connection_until_that_is_up() {
    let mut rig = Rig::producer(1, Config { multiply: 4, ..Config::default() });
    rig.open().into_iter().for_each(|link| rig.cut(link, 0));
    rig.advance(ms(100));
    assert_eq!(rig.open(), [rig.link(4)]);
    rig.up(rig.link(4));
    assert_eq!(rig.open().len(), 4);
}

#[test]
fn a_connection_that_gives_no_first_reply_in_time_is_closed() {
    let mut rig = Rig::new(Role::Producer, 1, Config::default());
    rig.advance(secs(2));
    rig.engine.handle_connected(rig.now, rig.link(0));
    rig.advance(secs(3));
    let timeout = |event: &Event| matches!(event, Event::ConnectFailed { error, .. } if error.kind() == ErrorKind::Timeout);
    assert!(rig.events().iter().any(timeout));
    assert!(!rig.open().contains(&rig.link(0)));
}

#[test]
fn one_server_down_does_not_stop_the_other() {
    let mut rig = Rig::new(Role::Producer, 2, Config::default());
    rig.up(rig.link(1));
    rig.cut(rig.link(0), 0);
    let op = rig.put("default", "x");
    rig.reply(rig.link(1), "INSERTED 1\r\n");
    assert!(matches!(rig.success(op), Success::Inserted(_)));
}

#[test]
fn ready_is_done_with_the_first_connection() {
    let mut rig = Rig::new(Role::Producer, 2, Config::default());
    let op = rig.submit(Request::Ready);
    rig.cut(rig.link(0), 0);
    assert!(!rig.is_done(op));
    rig.up(rig.link(1));
    assert_eq!(rig.success(op), &Success::Done);
    let again = rig.submit(Request::Ready);
    assert_eq!(rig.success(again), &Success::Done);
}

#[test]
fn ready_fails_once_all_servers_have_failed_for_good() {
    let mut rig = Rig::new(Role::Producer, 2, Config::default());
    let op = rig.submit(Request::Ready);
    let tls = || Error::new(ErrorKind::Tls, Outcome::NotSent, "bad certificate");
    rig.fail(rig.link(0), 0, tls());
    assert!(!rig.is_done(op), "the other one may come");
    rig.fail(rig.link(1), 0, tls());
    assert_eq!(rig.failure(op), (ErrorKind::Tls, Outcome::NotSent));
}

#[test]
fn ready_of_a_single_connection_fails_with_the_first_attempt() {
    let mut rig = Rig::new(Role::Connection, 1, Config::default());
    let op = rig.submit(Request::Ready);
    rig.cut(rig.link(0), 0);
    assert_eq!(rig.failure(op), (ErrorKind::Disconnected, Outcome::NotSent));
}

#[test]
fn a_server_that_is_down_does_not_keep_a_consumer_awake() {
    let mut rig = Rig::consumer(1, Config::default());
    rig.receive();
    rig.cut(rig.link(0), 0);
    rig.advance(ms(40));
    assert_eq!(rig.alarms, 0);
}

#[test]
fn a_consumer_watches_its_tubes_on_every_new_connection() {
    let tubes = vec![Rig::tube("b"), Rig::tube("a")];
    let mut rig = Rig::new(Role::Consumer(tubes), 1, Config::default());
    let asked = "stats\r\nwatch a\r\nwatch b\r\nignore default\r\n";
    assert_eq!(rig.up(rig.link(0)), asked);
    rig.cut(rig.link(0), 0);
    rig.advance(ms(100));
    assert_eq!(rig.up(rig.link(1)), asked);
}

#[test]
fn ready_of_a_connection_that_was_up_outlives_attempts() {
    let mut rig = Rig::connection(Config::default());
    rig.cut(rig.link(0), 0);
    let op = rig.submit(Request::Ready);
    rig.advance(ms(100));
    rig.cut(rig.link(1), 0);
    assert!(!rig.is_done(op));
    rig.advance(ms(200));
    rig.up(rig.link(2));
    assert_eq!(*rig.success(op), Success::Done);
}

#[test]
fn a_rest_of_the_driver_does_not_count_against_a_connection_on_its_way() {
    let mut rig = Rig::new(Role::Producer, 2, Config::default());
    let limit = Config::default().connect_timeout;
    rig.engine.handle_rest(secs(60));
    rig.advance(secs(60));
    rig.up(rig.link(0));
    assert!(rig.engine.is_connected());
    rig.advance(limit - ms(1));
    assert_eq!(rig.open(), [rig.link(0), rig.link(1)]);
    rig.advance(ms(1));
    assert_eq!(rig.open(), [rig.link(0)], "the limit holds as long as it is attended to");
}
