//! `kick` and `kick-job`.

use crate::{Client, Target};

cases! {
    nothing_to_kick_is_kicked_zero,
    buried_jobs_are_kicked_in_the_order_of_their_burial,
    delayed_jobs_are_kicked_in_the_order_of_their_due_time,
    delayed_jobs_of_equal_delay_are_kicked_in_the_order_of_their_puts,
    delayed_jobs_are_kicked_only_if_none_is_buried,
    no_more_than_the_bound_are_kicked,
    only_the_used_tube_is_kicked,
    kick_job_kicks_a_buried_job_of_any_tube,
    kick_job_kicks_a_delayed_job_of_any_tube,
    kick_job_finds_no_ready_or_reserved_job,
    a_kicked_job_keeps_its_priority_and_delay,
}

/// Puts jobs and buries them in this order, which names all ids.
fn bury(client: &mut Client, order: &[u64]) {
    for _ in order {
        client.put("5 0 60", "x");
    }
    for id in order {
        client.check(&format!("reserve-job {id}"), &format!("RESERVED {id} 1\r\nx"));
        client.check(&format!("bury {id} 5"), "BURIED");
    }
}

fn nothing_to_kick_is_kicked_zero(target: &Target) {
    let mut client = target.connect();
    client.check("kick 1", "KICKED 0");
    client.put("0 0 60", "x");
    client.talk(&[
        ("kick 1", "KICKED 0"),
        ("reserve", "RESERVED 1 1\r\nx"),
        ("kick 1", "KICKED 0"),
    ]);
}

fn buried_jobs_are_kicked_in_the_order_of_their_burial(target: &Target) {
    let mut client = target.connect();
    let order = [3, 1, 4, 2];
    bury(&mut client, &order);
    for id in order {
        client.check("peek-buried", &format!("FOUND {id} 1\r\nx"));
        client.check("kick 1", "KICKED 1");
        client.shows(&format!("stats-job {id}"), &["state: ready", "kicks: 1"]);
    }
    client.check("peek-buried", "NOT_FOUND");
    // Ready again, they are in the order of their ids.
    for id in 1..=4 {
        client.check("reserve", &format!("RESERVED {id} 1\r\nx"));
    }
}

fn delayed_jobs_are_kicked_in_the_order_of_their_due_time(target: &Target) {
    let mut client = target.connect();
    for delay in [3_000, 1_000, 4_000, 2_000] {
        client.put(&format!("5 {delay} 60"), "x");
    }
    for id in [2, 4, 1, 3] {
        client.check("peek-delayed", &format!("FOUND {id} 1\r\nx"));
        client.check("kick 1", "KICKED 1");
        client.shows(&format!("stats-job {id}"), &["state: ready", "kicks: 1"]);
    }
}

fn delayed_jobs_of_equal_delay_are_kicked_in_the_order_of_their_puts(target: &Target) {
    let mut client = target.connect();
    for _ in 0..4 {
        client.put("5 1000 60", "x");
    }
    // Due again, it is the last.
    client.talk(&[("reserve-job 1", "RESERVED 1 1\r\nx"), ("release 1 5 1000", "RELEASED")]);
    for id in [2, 3, 4, 1] {
        client.check("peek-delayed", &format!("FOUND {id} 1\r\nx"));
        client.check("kick 1", "KICKED 1");
    }
}

fn delayed_jobs_are_kicked_only_if_none_is_buried(target: &Target) {
    let mut client = target.connect();
    bury(&mut client, &[1, 2]);
    client.put("5 1000 60", "x");
    client.check("kick 1", "KICKED 1");
    client.check("kick 100", "KICKED 1");
    client.shows("stats-job 3", &["state: delayed"]);
    client.check("kick 100", "KICKED 1");
    client.shows("stats-job 3", &["state: ready"]);
}

fn no_more_than_the_bound_are_kicked(target: &Target) {
    let mut client = target.connect();
    bury(&mut client, &[1, 2, 3, 4, 5]);
    client.check("kick 0", "KICKED 0");
    client.check("kick 2", "KICKED 2");
    client.shows("stats-tube default", &["current-jobs-ready: 2", "current-jobs-buried: 3"]);
    client.check("kick 3", "KICKED 3");
    client.check("kick 3", "KICKED 0");
}

fn only_the_used_tube_is_kicked(target: &Target) {
    let mut client = target.connect();
    bury(&mut client, &[1]);
    client.put("5 1000 60", "x");
    client.talk(&[("use a", "USING a"), ("watch a", "WATCHING 2"), ("kick 10", "KICKED 0")]);
    client.put("5 1000 60", "x");
    client.check("kick 10", "KICKED 1");
    client.shows("stats-tube default", &["current-jobs-buried: 1", "current-jobs-delayed: 1"]);
}

fn kick_job_kicks_a_buried_job_of_any_tube(target: &Target) {
    let mut client = target.connect();
    bury(&mut client, &[1, 2, 3]);
    client.talk(&[
        ("use a", "USING a"),
        ("kick-job 2", "KICKED"),
        ("kick-job 2", "NOT_FOUND"),
        ("use default", "USING default"),
        ("peek-ready", "FOUND 2 1\r\nx"),
    ]);
    client.shows("stats-job 2", &["state: ready", "kicks: 1"]);
    // The others stay in their order.
    client.talk(&[("peek-buried", "FOUND 1 1\r\nx"), ("delete 1", "DELETED")]);
    client.check("peek-buried", "FOUND 3 1\r\nx");
}

fn kick_job_kicks_a_delayed_job_of_any_tube(target: &Target) {
    let mut client = target.connect();
    client.put("5 1000 60", "x");
    client.put("5 2000 60", "x");
    client.talk(&[("use a", "USING a"), ("kick-job 2", "KICKED"), ("kick-job 2", "NOT_FOUND")]);
    client.check("reserve", "RESERVED 2 1\r\nx");
    client.shows("stats-job 1", &["state: delayed"]);
}

fn kick_job_finds_no_ready_or_reserved_job(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "x");
    client.talk(&[
        ("kick-job 1", "NOT_FOUND"),
        ("reserve", "RESERVED 1 1\r\nx"),
        ("kick-job 1", "NOT_FOUND"),
    ]);
    client.shows("stats-job 1", &["kicks: 0"]);
}

fn a_kicked_job_keeps_its_priority_and_delay(target: &Target) {
    let mut client = target.connect();
    client.put("2000 1000 77", "x");
    client.check("kick 1", "KICKED 1");
    let lines = ["state: ready", "pri: 2000", "delay: 1000", "ttr: 77", "time-left: 0"];
    client.shows("stats-job 1", &lines);
}
