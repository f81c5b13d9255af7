//! Looking at jobs without taking them.

use crate::Target;

cases! {
    peek_finds_a_job_in_any_state_and_tube,
    peek_ready_shows_what_is_reserved_next,
    peek_delayed_shows_what_is_due_next,
    peek_buried_shows_what_is_kicked_next,
    the_used_tube_is_looked_at,
    a_peek_changes_nothing,
    a_job_in_a_paused_tube_is_seen,
    a_peek_follows_what_happens_to_the_job,
}

fn peek_finds_a_job_in_any_state_and_tube(target: &Target) {
    let mut client = target.connect();
    client.check("use a", "USING a");
    client.put("0 0 60", "buried");
    client.talk(&[("reserve-job 1", "RESERVED 1 6\r\nburied"), ("bury 1 0", "BURIED")]);
    client.put("0 0 60", "reserved");
    client.check("reserve-job 2", "RESERVED 2 8\r\nreserved");
    client.put("0 1000 60", "delayed");
    client.put("0 0 60", "ready");
    target.connect().talk(&[
        ("peek 1", "FOUND 1 6\r\nburied"),
        ("peek 2", "FOUND 2 8\r\nreserved"),
        ("peek 3", "FOUND 3 7\r\ndelayed"),
        ("peek 4", "FOUND 4 5\r\nready"),
        ("peek 5", "NOT_FOUND"),
        ("peek 0", "NOT_FOUND"),
    ]);
}

fn peek_ready_shows_what_is_reserved_next(target: &Target) {
    let mut client = target.connect();
    client.check("peek-ready", "NOT_FOUND");
    client.put("9 0 60", "a");
    client.check("peek-ready", "FOUND 1 1\r\na");
    client.put("3 0 60", "b");
    client.put("3 0 60", "c");
    client.put("0 1000 60", "d");
    client.talk(&[
        ("peek-ready", "FOUND 2 1\r\nb"),
        ("reserve", "RESERVED 2 1\r\nb"),
        ("peek-ready", "FOUND 3 1\r\nc"),
        ("delete 3", "DELETED"),
        ("peek-ready", "FOUND 1 1\r\na"),
        ("release 2 10 0", "RELEASED"),
        ("peek-ready", "FOUND 1 1\r\na"),
    ]);
}

fn peek_delayed_shows_what_is_due_next(target: &Target) {
    let mut client = target.connect();
    client.check("peek-delayed", "NOT_FOUND");
    client.put("0 2000 60", "a");
    client.put("9 1000 60", "b");
    client.put("0 0 60", "c");
    client.talk(&[
        ("peek-delayed", "FOUND 2 1\r\nb"),
        ("reserve", "RESERVED 3 1\r\nc"),
        ("release 3 0 500", "RELEASED"),
        ("peek-delayed", "FOUND 3 1\r\nc"),
        ("delete 3", "DELETED"),
        ("delete 2", "DELETED"),
        ("peek-delayed", "FOUND 1 1\r\na"),
        ("kick 1", "KICKED 1"),
        ("peek-delayed", "NOT_FOUND"),
    ]);
}

fn peek_buried_shows_what_is_kicked_next(target: &Target) {
    let mut client = target.connect();
    client.check("peek-buried", "NOT_FOUND");
    for priority in [1, 2] {
        client.put(&format!("{priority} 0 60"), "x");
        client.ask("reserve");
    }
    client.talk(&[
        ("bury 2 0", "BURIED"),
        ("bury 1 0", "BURIED"),
        ("peek-buried", "FOUND 2 1\r\nx"),
        ("kick 1", "KICKED 1"),
        ("peek-buried", "FOUND 1 1\r\nx"),
        ("delete 1", "DELETED"),
        ("peek-buried", "NOT_FOUND"),
    ]);
}

fn the_used_tube_is_looked_at(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.put("0 1000 60", "x");
    client.put("0 0 60", "x");
    client.talk(&[("reserve-job 3", "RESERVED 3 1\r\nx"), ("bury 3 0", "BURIED")]);
    client.talk(&[
        ("use a", "USING a"),
        ("peek-ready", "NOT_FOUND"),
        ("peek-delayed", "NOT_FOUND"),
        ("peek-buried", "NOT_FOUND"),
        ("use default", "USING default"),
        ("peek-ready", "FOUND 1 1\r\nx"),
        ("peek-delayed", "FOUND 2 1\r\nx"),
        ("peek-buried", "FOUND 3 1\r\nx"),
    ]);
}

fn a_peek_changes_nothing(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "x");
    for _ in 0..3 {
        client.talk(&[("peek 1", "FOUND 1 1\r\nx"), ("peek-ready", "FOUND 1 1\r\nx")]);
    }
    client.shows("stats-job 1", &["state: ready", "reserves: 0", "pri: 5"]);
    client.check("touch 1", "NOT_FOUND");
}

fn a_job_in_a_paused_tube_is_seen(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "x");
    client.talk(&[("pause-tube default 1000", "PAUSED"), ("peek-ready", "FOUND 1 1\r\nx")]);
}

fn a_peek_follows_what_happens_to_the_job(target: &Target) {
    let mut client = target.connect();
    client.put("5 1000 60", "x");
    client.talk(&[
        ("peek-delayed", "FOUND 1 1\r\nx"),
        ("kick-job 1", "KICKED"),
        ("peek-ready", "FOUND 1 1\r\nx"),
        ("reserve", "RESERVED 1 1\r\nx"),
        ("peek-ready", "NOT_FOUND"),
        ("bury 1 5", "BURIED"),
        ("peek-buried", "FOUND 1 1\r\nx"),
        ("kick-job 1", "KICKED"),
        ("peek-ready", "FOUND 1 1\r\nx"),
        ("peek-buried", "NOT_FOUND"),
    ]);
}
