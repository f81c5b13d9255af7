//! Names of tubes, and what a connection uses and watches.

use crate::Target;

cases! {
    a_connection_begins_with_the_default_tube,
    every_legal_byte_makes_a_name,
    every_other_byte_is_refused,
    a_name_has_1_to_200_bytes,
    a_name_does_not_begin_with_a_hyphen,
    a_name_is_case_sensitive,
    a_name_may_look_like_anything,
    a_used_tube_stays_used,
    what_is_used_is_not_watched,
    a_tube_is_watched_once,
    ignoring_what_is_not_watched_changes_nothing,
    the_last_watched_tube_is_not_ignored,
    many_tubes_are_watched,
    connections_have_tubes_of_their_own,
}

const LEGAL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-+/;.$_()";

/// Commands that take a name, and what they answer to a good one that nobody used.
fn commands(name: &str) -> [(String, String); 5] {
    [
        (format!("use {name}"), format!("USING {name}")),
        (format!("watch {name}"), "WATCHING 2".into()),
        (format!("pause-tube {name} 0"), "PAUSED".into()),
        (format!("ignore {name}"), "WATCHING 1".into()),
        ("use default".into(), "USING default".into()),
    ]
}

#[track_caller]
fn is_legal(target: &Target, name: &str) {
    let mut client = target.connect();
    client.check(&format!("stats-tube {name}"), "NOT_FOUND");
    for (command, reply) in commands(name) {
        client.check(&command, &reply);
    }
}

#[track_caller]
fn is_illegal(target: &Target, name: &str) {
    let mut client = target.connect();
    for (command, _) in &commands(name)[..4] {
        client.check(command, "BAD_FORMAT");
    }
    client.check(&format!("stats-tube {name}"), "BAD_FORMAT");
    client.check_step();
}

fn a_connection_begins_with_the_default_tube(target: &Target) {
    target.connect().talk(&[
        ("list-tube-used", "USING default"),
        ("list-tubes-watched", "OK 14\r\n---\n- default\n"),
        ("list-tubes", "OK 14\r\n---\n- default\n"),
    ]);
}

fn every_legal_byte_makes_a_name(target: &Target) {
    for byte in LEGAL.chars().filter(|byte| *byte != '-') {
        is_legal(target, &byte.to_string());
    }
    is_legal(target, "a-");
    is_legal(target, &format!("x{LEGAL}"));
}

fn every_other_byte_is_refused(target: &Target) {
    let mut client = target.connect();
    // Neither CR, which is no part of a line, nor what is legal.
    let illegal = (0..=u8::MAX).filter(|byte| *byte != b'\r' && !LEGAL.contains(char::from(*byte)));
    for byte in illegal {
        for before in [b"".as_slice(), b"a"] {
            client.send([b"use ", before, &[byte], b"\r\n"].concat());
            assert_eq!(client.reply(), "BAD_FORMAT", "byte {byte:#x}");
            client.send([b"stats-tube ", before, &[byte], b"b\r\n"].concat());
            assert_eq!(client.reply(), "BAD_FORMAT", "byte {byte:#x}");
        }
    }
    is_illegal(target, "a@b");
}

fn a_name_has_1_to_200_bytes(target: &Target) {
    is_legal(target, "a");
    is_legal(target, &"n".repeat(199));
    is_legal(target, &"n".repeat(200));
    is_illegal(target, &"n".repeat(201));
    is_illegal(target, &"n".repeat(205));
    is_illegal(target, "");
}

fn a_name_does_not_begin_with_a_hyphen(target: &Target) {
    for name in ["-", "-a", "--", "-default"] {
        is_illegal(target, name);
    }
    is_legal(target, "a-b--");
}

fn a_name_is_case_sensitive(target: &Target) {
    let mut client = target.connect();
    client.check("use Mail", "USING Mail");
    client.put("0 0 60", "a");
    client.talk(&[
        ("use mail", "USING mail"),
        ("peek-ready", "NOT_FOUND"),
        ("use MAIL", "USING MAIL"),
        ("peek-ready", "NOT_FOUND"),
        ("use Mail", "USING Mail"),
        ("peek-ready", "FOUND 1 1\r\na"),
        ("stats-tube Default", "NOT_FOUND"),
    ]);
}

fn a_name_may_look_like_anything(target: &Target) {
    for name in ["true", "null", "0", "1e3", "0x1F", "default2", "quit", "use", "..", "$()"] {
        is_legal(target, name);
        let mut client = target.connect();
        client.check(&format!("watch {name}"), "WATCHING 2");
        let body = format!("---\n- default\n- {name}\n");
        client.check("list-tubes-watched", &format!("OK {}\r\n{body}", body.len()));
    }
}

fn a_used_tube_stays_used(target: &Target) {
    let mut client = target.connect();
    client.check("use a", "USING a");
    client.put("0 0 60", "x");
    client.check("use a", "USING a");
    client.put("0 0 60", "y");
    client.talk(&[("use bad name", "BAD_FORMAT"), ("list-tube-used", "USING a")]);
    client.shows("stats-tube a", &["current-jobs-ready: 2", "current-using: 1"]);
    client.shows("stats-tube default", &["current-jobs-ready: 0", "current-using: 0"]);
}

fn what_is_used_is_not_watched(target: &Target) {
    let mut client = target.connect();
    client.check("use a", "USING a");
    client.put("0 0 60", "x");
    client.talk(&[
        ("reserve-with-timeout 0", "TIMED_OUT"),
        ("list-tubes-watched", "OK 14\r\n---\n- default\n"),
        ("watch a", "WATCHING 2"),
        ("reserve-with-timeout 0", "RESERVED 1 1\r\nx"),
        ("list-tube-used", "USING a"),
    ]);
}

fn a_tube_is_watched_once(target: &Target) {
    let mut client = target.connect();
    client.talk(&[
        ("watch default", "WATCHING 1"),
        ("watch a", "WATCHING 2"),
        ("watch a", "WATCHING 2"),
        ("watch default", "WATCHING 2"),
        ("ignore a", "WATCHING 1"),
        ("list-tubes-watched", "OK 14\r\n---\n- default\n"),
    ]);
    client.shows("stats-tube default", &["current-watching: 1"]);
}

fn ignoring_what_is_not_watched_changes_nothing(target: &Target) {
    target.connect().talk(&[
        ("ignore a", "WATCHING 1"),
        ("watch b", "WATCHING 2"),
        ("ignore a", "WATCHING 2"),
        ("ignore b", "WATCHING 1"),
        ("ignore b", "WATCHING 1"),
        ("stats-tube a", "NOT_FOUND"),
    ]);
}

fn the_last_watched_tube_is_not_ignored(target: &Target) {
    target.connect().talk(&[
        ("ignore default", "NOT_IGNORED"),
        ("watch a", "WATCHING 2"),
        ("ignore default", "WATCHING 1"),
        ("ignore default", "WATCHING 1"),
        ("ignore a", "NOT_IGNORED"),
        ("ignore a", "NOT_IGNORED"),
        ("list-tubes-watched", "OK 8\r\n---\n- a\n"),
    ]);
}

fn many_tubes_are_watched(target: &Target) {
    const COUNT: usize = 500;
    let mut client = target.connect();
    for number in 1..COUNT {
        client.check(&format!("watch t{number}"), &format!("WATCHING {}", number + 1));
    }
    client.check("use t321", "USING t321");
    client.put("0 0 60", "x");
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.shows("stats", &[&format!("current-tubes: {COUNT}")]);
    for number in 1..COUNT {
        client.check(&format!("ignore t{number}"), &format!("WATCHING {}", COUNT - number));
    }
}

fn connections_have_tubes_of_their_own(target: &Target) {
    let (mut one, mut other) = (target.connect(), target.connect());
    one.talk(&[("use a", "USING a"), ("watch b", "WATCHING 2")]);
    other.talk(&[
        ("list-tube-used", "USING default"),
        ("list-tubes-watched", "OK 14\r\n---\n- default\n"),
    ]);
}
