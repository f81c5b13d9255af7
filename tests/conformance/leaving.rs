//! The end of a connection: closed, half-closed, or quit.

use crate::{Client, Target};

cases! {
    the_jobs_of_a_closed_connection_are_ready_again,
    the_jobs_of_a_connection_that_quits_are_ready_again,
    the_jobs_of_a_half_closed_connection_are_ready_again,
    a_given_back_job_goes_to_who_waits,
    given_back_jobs_go_to_those_who_wait_in_the_order_of_their_reservation,
    a_buried_or_delayed_job_stays_what_it_is,
    quit_answers_nothing_and_closes,
    what_stands_behind_a_quit_is_not_done,
    a_close_ends_a_wait,
    a_half_close_ends_a_wait_with_a_timeout,
    a_half_close_ends_a_wait_without_a_job,
    a_reserve_behind_a_half_close_does_not_wait,
    commands_before_a_half_close_are_done,
    a_job_given_out_before_a_half_close_is_given_back,
    a_connection_that_ends_within_a_put_leaves_no_job,
    connections_are_counted,
}

/// A connection that holds jobs 1 and 2.
fn holder(target: &Target) -> Client {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    client.put("6 0 60", "b");
    client.talk(&[("reserve", "RESERVED 1 1\r\na"), ("reserve", "RESERVED 2 1\r\nb")]);
    client
}

#[track_caller]
fn jobs_are_ready_again(target: &Target) {
    target.until("stats", "current-jobs-ready: 2");
    let mut client = target.connect();
    let counts = ["state: ready", "reserves: 1", "timeouts: 0", "releases: 0", "kicks: 0"];
    client.shows("stats-job 1", &["pri: 5"]);
    client.shows("stats-job 2", &["pri: 6"]);
    client.shows("stats-job 1", &counts);
    client.shows("stats-job 2", &counts);
    client.shows("stats", &["job-timeouts: 0", "current-jobs-reserved: 0"]);
    client.talk(&[("reserve", "RESERVED 1 1\r\na"), ("reserve", "RESERVED 2 1\r\nb")]);
}

fn the_jobs_of_a_closed_connection_are_ready_again(target: &Target) {
    drop(holder(target));
    jobs_are_ready_again(target);
}

fn the_jobs_of_a_connection_that_quits_are_ready_again(target: &Target) {
    let mut client = holder(target);
    client.send("quit\r\n");
    assert_eq!(client.rest(), "");
    jobs_are_ready_again(target);
}

fn the_jobs_of_a_half_closed_connection_are_ready_again(target: &Target) {
    let mut client = holder(target);
    client.half_close();
    assert_eq!(client.rest(), "");
    jobs_are_ready_again(target);
}

fn a_given_back_job_goes_to_who_waits(target: &Target) {
    let client = holder(target);
    let mut other = target.connect();
    other.send("reserve\r\n");
    target.until_waiting(1);
    drop(client);
    other.expect("RESERVED 1 1\r\na");
    other.shows("stats-job 1", &["reserves: 2", "timeouts: 0", "releases: 0"]);
}

fn given_back_jobs_go_to_those_who_wait_in_the_order_of_their_reservation(target: &Target) {
    let mut client = target.connect();
    for _ in 0..3 {
        client.put("5 0 60", "x");
    }
    for id in [2, 3, 1] {
        client.check(&format!("reserve-job {id}"), &format!("RESERVED {id} 1\r\nx"));
    }
    // A touch does not change the order.
    client.check("touch 2", "TOUCHED");
    let mut other = target.connect();
    other.send("reserve\r\n");
    target.until_waiting(1);
    drop(client);
    other.expect("RESERVED 2 1\r\nx");
}

fn a_buried_or_delayed_job_stays_what_it_is(target: &Target) {
    let mut client = holder(target);
    client.talk(&[("bury 1 5", "BURIED"), ("release 2 6 1000", "RELEASED")]);
    client.half_close();
    client.rest();
    let mut other = target.connect();
    other.shows("stats-job 1", &["state: buried"]);
    other.shows("stats-job 2", &["state: delayed"]);
}

fn quit_answers_nothing_and_closes(target: &Target) {
    let mut client = target.connect();
    client.check_step();
    client.send("quit\r\n");
    assert_eq!(client.rest(), "");
}

fn what_stands_behind_a_quit_is_not_done(target: &Target) {
    let mut client = target.connect();
    client.send("put 0 0 60 1\r\na\r\nquit\r\nput 0 0 60 1\r\nb\r\n");
    assert_eq!(client.rest(), "INSERTED 1\r\n");
    let mut other = target.connect();
    other.shows("stats", &["cmd-put: 1", "total-jobs: 1"]);
}

fn a_close_ends_a_wait(target: &Target) {
    let mut client = target.connect();
    client.send("reserve\r\n");
    target.until_waiting(1);
    drop(client);
    target.until_waiting(0);
    let mut other = target.connect();
    other.put("5 0 60", "x");
    other.shows("stats-job 1", &["state: ready", "reserves: 0"]);
}

fn a_half_close_ends_a_wait_with_a_timeout(target: &Target) {
    for reserve in ["reserve\r\n", "reserve-with-timeout 1000\r\n"] {
        let mut client = target.connect();
        client.send(reserve);
        target.until_waiting(1);
        client.half_close();
        assert_eq!(client.rest(), "TIMED_OUT\r\n");
        target.until_waiting(0);
    }
}

fn a_half_close_ends_a_wait_without_a_job(target: &Target) {
    let mut client = target.connect();
    client.send("reserve\r\n");
    target.until_waiting(1);
    client.half_close();
    assert_eq!(client.rest(), "TIMED_OUT\r\n");
    let mut other = target.connect();
    other.put("5 0 60", "x");
    other.check("reserve-with-timeout 0", "RESERVED 1 1\r\nx");
    other.shows("stats-job 1", &["reserves: 1"]);
}

fn a_reserve_behind_a_half_close_does_not_wait(target: &Target) {
    let answers = target.answers("reserve\r\nreserve-with-timeout 1000\r\nuse a\r\n");
    assert_eq!(answers, "TIMED_OUT\r\nTIMED_OUT\r\nUSING a\r\n");
}

fn commands_before_a_half_close_are_done(target: &Target) {
    let answers = target.answers("put 0 0 60 1\r\na\r\nreserve\r\ndelete 1\r\nuse b\r\nno");
    assert_eq!(answers, "INSERTED 1\r\nRESERVED 1 1\r\na\r\nDELETED\r\nUSING b\r\n");
    target.connect().shows("stats", &["cmd-delete: 1", "current-jobs-ready: 0"]);
}

fn a_job_given_out_before_a_half_close_is_given_back(target: &Target) {
    let mut client = target.connect();
    client.send("reserve\r\n");
    target.until_waiting(1);
    let mut other = target.connect();
    other.put("5 0 60", "x");
    client.half_close();
    assert_eq!(client.rest(), "RESERVED 1 1\r\nx\r\n");
    other.shows("stats-job 1", &["state: ready", "reserves: 1", "timeouts: 0"]);
}

fn a_connection_that_ends_within_a_put_leaves_no_job(target: &Target) {
    for bytes in ["put 0 0 60 9", "put 0 0 60 9\r\n", "put 0 0 60 9\r\n123456789\r"] {
        let mut client = target.connect();
        client.send(bytes);
        drop(client);
    }
    target.until("stats", "current-connections: 1");
    target.connect().check("peek-ready", "NOT_FOUND");
}

fn connections_are_counted(target: &Target) {
    let mut first = target.connect();
    let before: u64 = first.value("stats", "total-connections").parse().unwrap();
    let mut second = target.connect();
    second.check_step();
    let total = format!("total-connections: {}", before + 1);
    first.shows("stats", &["current-connections: 2", &total]);
    second.half_close();
    second.rest();
    first.shows("stats", &["current-connections: 1", &total]);
}
