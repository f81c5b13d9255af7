//! A paused tube gives no jobs out; all else goes on.

use crate::Target;

cases! {
    a_paused_tube_gives_no_job,
    a_pause_of_zero_resumes,
    a_pause_ends_by_itself,
    the_latest_pause_counts,
    a_pause_blocks_nothing_but_reserves,
    a_pause_holds_no_other_tube_back,
    who_waits_is_served_when_the_tube_is_resumed,
    who_waits_is_served_when_the_pause_ends,
    a_job_put_into_a_paused_tube_does_not_end_a_wait,
    a_pause_of_an_unknown_tube_is_not_found,
    a_pause_shows_in_the_statistics,
}

fn a_paused_tube_gives_no_job(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.talk(&[
        ("pause-tube default 1000", "PAUSED"),
        ("reserve-with-timeout 0", "TIMED_OUT"),
        ("reserve-with-timeout 1", "TIMED_OUT"),
    ]);
}

fn a_pause_of_zero_resumes(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.talk(&[
        ("pause-tube default 0", "PAUSED"),
        ("pause-tube default 1000", "PAUSED"),
        ("reserve-with-timeout 0", "TIMED_OUT"),
        ("pause-tube default 0", "PAUSED"),
        ("reserve-with-timeout 0", "RESERVED 1 1\r\nx"),
    ]);
    client.shows("stats-tube default", &["pause: 0", "pause-time-left: 0", "cmd-pause-tube: 3"]);
}

fn a_pause_ends_by_itself(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.check("pause-tube default 1", "PAUSED");
    target.until("stats-tube default", "pause: 0");
    client.check("reserve-with-timeout 0", "RESERVED 1 1\r\nx");
}

fn the_latest_pause_counts(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.talk(&[("pause-tube default 1000", "PAUSED"), ("pause-tube default 1", "PAUSED")]);
    client.check("reserve-with-timeout 1000", "RESERVED 1 1\r\nx");
    client.check("release 1 0 0", "RELEASED");
    client.talk(&[("pause-tube default 1", "PAUSED"), ("pause-tube default 1000", "PAUSED")]);
    client.check("reserve-with-timeout 2", "TIMED_OUT");
}

fn a_pause_blocks_nothing_but_reserves(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.talk(&[
        ("reserve", "RESERVED 1 1\r\nx"),
        ("pause-tube default 1000", "PAUSED"),
        ("put 0 1000 60 1\r\ny", "INSERTED 2"),
        ("touch 1", "TOUCHED"),
        ("bury 1 0", "BURIED"),
        ("kick 1", "KICKED 1"),
        ("peek-ready", "FOUND 1 1\r\nx"),
        ("peek-delayed", "FOUND 2 1\r\ny"),
        ("reserve-job 1", "RESERVED 1 1\r\nx"),
        ("release 1 0 0", "RELEASED"),
        ("kick-job 2", "KICKED"),
        ("delete 1", "DELETED"),
        ("delete 2", "DELETED"),
    ]);
}

fn a_pause_holds_no_other_tube_back(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.talk(&[("use a", "USING a"), ("watch a", "WATCHING 2")]);
    client.put("9 0 60", "y");
    client.talk(&[
        ("pause-tube default 1000", "PAUSED"),
        ("reserve-with-timeout 0", "RESERVED 2 1\r\ny"),
        ("reserve-with-timeout 0", "TIMED_OUT"),
        ("pause-tube default 0", "PAUSED"),
        ("reserve-with-timeout 0", "RESERVED 1 1\r\nx"),
    ]);
}

fn who_waits_is_served_when_the_tube_is_resumed(target: &Target) {
    let (mut consumer, mut other) = (target.connect(), target.connect());
    other.put("0 0 60", "x");
    other.check("pause-tube default 1000", "PAUSED");
    consumer.send("reserve\r\n");
    target.until_waiting(1);
    other.check("pause-tube default 0", "PAUSED");
    consumer.expect("RESERVED 1 1\r\nx");
}

fn who_waits_is_served_when_the_pause_ends(target: &Target) {
    let (mut consumer, mut other) = (target.connect(), target.connect());
    other.put("0 0 60", "x");
    other.check("pause-tube default 1", "PAUSED");
    consumer.check("reserve", "RESERVED 1 1\r\nx");
    other.shows("stats-tube default", &["pause: 0"]);
}

fn a_job_put_into_a_paused_tube_does_not_end_a_wait(target: &Target) {
    let (mut consumer, mut producer) = (target.connect(), target.connect());
    consumer.talk(&[("watch a", "WATCHING 2"), ("pause-tube default 1000", "PAUSED")]);
    consumer.send("reserve\r\n");
    target.until_waiting(1);
    producer.put("0 0 60", "x");
    producer.shows("stats-job 1", &["state: ready"]);
    producer.check("use a", "USING a");
    producer.put("9 0 60", "y");
    consumer.expect("RESERVED 2 1\r\ny");
}

fn a_pause_of_an_unknown_tube_is_not_found(target: &Target) {
    target.connect().talk(&[
        ("pause-tube nosuch 0", "NOT_FOUND"),
        ("pause-tube nosuch 10", "NOT_FOUND"),
        ("pause-tube -nosuch 10", "BAD_FORMAT"),
    ]);
}

fn a_pause_shows_in_the_statistics(target: &Target) {
    let mut client = target.connect();
    client.check("pause-tube default 1000", "PAUSED");
    client.shows("stats-tube default", &["cmd-pause-tube: 1", "pause: 1000"]);
    let left: u64 = client.value("stats-tube default", "pause-time-left").parse().unwrap();
    assert!((1..=1_000).contains(&left), "{left} s are left");
    client.shows("stats", &["cmd-pause-tube: 1"]);
}
