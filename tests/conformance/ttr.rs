//! The end of a reservation.

use crate::Target;

cases! {
    an_expired_job_is_ready_again,
    an_expired_job_goes_to_who_waits,
    an_expired_job_is_no_longer_held,
    a_late_delete_succeeds_while_nobody_holds_the_job,
    a_touch_postpones_the_end,
    a_release_ends_the_reservation_in_time,
    a_holder_that_waits_gets_its_own_expired_job_back,
    a_delayed_job_matures,
    a_job_released_with_a_delay_matures,
    the_ttr_starts_anew_with_each_reservation,
}

fn an_expired_job_is_ready_again(target: &Target) {
    let (mut holder, mut other) = (target.connect(), target.connect());
    holder.put("5 0 1", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    holder.until_expired(1);
    let counts = ["timeouts: 1", "reserves: 1", "releases: 0", "kicks: 0", "pri: 5"];
    other.shows("stats-job 1", &counts);
    let lines = ["job-timeouts: 1", "current-jobs-reserved: 0", "current-jobs-ready: 1"];
    other.shows("stats", &lines);
    other.check("reserve", "RESERVED 1 1\r\nx");
}

fn an_expired_job_goes_to_who_waits(target: &Target) {
    let (mut holder, mut other) = (target.connect(), target.connect());
    holder.put("5 0 1", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    other.send("reserve\r\n");
    target.until_waiting(1);
    holder.until_expired(1);
    other.expect("RESERVED 1 1\r\nx");
    holder.shows("stats-job 1", &["state: reserved", "timeouts: 1", "reserves: 2"]);
}

fn an_expired_job_is_no_longer_held(target: &Target) {
    let (mut holder, mut other) = (target.connect(), target.connect());
    holder.put("5 0 1", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    holder.until_expired(1);
    holder.talk(&[
        ("touch 1", "NOT_FOUND"),
        ("release 1 0 0", "NOT_FOUND"),
        ("bury 1 0", "NOT_FOUND"),
    ]);
    other.talk(&[("pause-tube default 1000", "PAUSED"), ("reserve-job 1", "RESERVED 1 1\r\nx")]);
    holder.check("delete 1", "NOT_FOUND");
}

fn a_late_delete_succeeds_while_nobody_holds_the_job(target: &Target) {
    let mut holder = target.connect();
    holder.put("5 0 1", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    holder.until_expired(1);
    holder.check("delete 1", "DELETED");
}

fn a_touch_postpones_the_end(target: &Target) {
    let (mut holder, mut other) = (target.connect(), target.connect());
    holder.put("5 0 2", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    // It warns one second before the end; the touch makes it two seconds again.
    holder.check("reserve", "DEADLINE_SOON");
    holder.check("touch 1", "TOUCHED");
    holder.check("reserve", "DEADLINE_SOON");
    holder.check("touch 1", "TOUCHED");
    other.shows("stats-job 1", &["state: reserved", "timeouts: 0"]);
    holder.check("delete 1", "DELETED");
}

fn a_release_ends_the_reservation_in_time(target: &Target) {
    let (mut holder, mut other) = (target.connect(), target.connect());
    holder.put("5 0 1", "x");
    holder.send("reserve\r\nrelease 1 5 0\r\n");
    holder.expect_all(["RESERVED 1 1\r\nx", "RELEASED"]);
    // Longer than the TTR.
    holder.talk(&[("watch a", "WATCHING 2"), ("ignore default", "WATCHING 1")]);
    holder.check("reserve-with-timeout 2", "TIMED_OUT");
    other.shows("stats-job 1", &["state: ready", "timeouts: 0", "releases: 1"]);
}

fn a_holder_that_waits_gets_its_own_expired_job_back(target: &Target) {
    let mut holder = target.connect();
    holder.put("5 0 1", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    holder.until_expired(1);
    holder.check("reserve", "RESERVED 1 1\r\nx");
    holder.shows("stats-job 1", &["reserves: 2", "timeouts: 1"]);
}

fn a_delayed_job_matures(target: &Target) {
    let mut client = target.connect();
    client.put("5 1 60", "x");
    client.shows("stats-job 1", &["state: delayed", "delay: 1"]);
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.shows("stats-job 1", &["state: reserved", "delay: 1", "kicks: 0", "timeouts: 0"]);
}

fn a_job_released_with_a_delay_matures(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "x");
    client.talk(&[("reserve", "RESERVED 1 1\r\nx"), ("release 1 5 1", "RELEASED")]);
    client.shows("stats-job 1", &["state: delayed", "delay: 1"]);
    client.check("reserve", "RESERVED 1 1\r\nx");
}

fn the_ttr_starts_anew_with_each_reservation(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 2", "x");
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.check("reserve", "DEADLINE_SOON");
    client.send("release 1 5 0\r\nreserve\r\nreserve\r\n");
    // The second warning comes a second after the second reservation.
    client.expect_all(["RELEASED", "RESERVED 1 1\r\nx", "DEADLINE_SOON"]);
    client.shows("stats-job 1", &["state: reserved", "timeouts: 0", "reserves: 2"]);
}
