//! `reserve-job`, which takes one job by its id.

use crate::Target;

cases! {
    a_ready_job_is_reserved_by_its_id,
    a_delayed_job_is_reserved_by_its_id,
    a_buried_job_is_reserved_by_its_id,
    a_reserved_job_is_not_reserved_by_its_id,
    a_job_that_does_not_exist_is_not_found,
    neither_tube_nor_pause_matters,
    the_order_of_the_others_stays,
    a_delay_that_was_cut_short_does_not_come_back,
}

fn a_ready_job_is_reserved_by_its_id(target: &Target) {
    let mut client = target.connect();
    for priority in [0, 1, 2] {
        client.put(&format!("{priority} 0 60"), "x");
    }
    client.check("reserve-job 3", "RESERVED 3 1\r\nx");
    client.shows("stats-job 3", &["state: reserved", "reserves: 1"]);
    client.shows("stats", &["current-jobs-ready: 2", "current-jobs-urgent: 2"]);
    client.talk(&[("release 3 2 0", "RELEASED"), ("peek 3", "FOUND 3 1\r\nx")]);
}

fn a_delayed_job_is_reserved_by_its_id(target: &Target) {
    let mut client = target.connect();
    client.put("0 1000 60", "x");
    client.check("reserve-job 1", "RESERVED 1 1\r\nx");
    client.shows("stats-job 1", &["state: reserved", "delay: 1000", "kicks: 0"]);
    client.shows("stats", &["current-jobs-delayed: 0", "current-jobs-reserved: 1"]);
    client.talk(&[("peek-delayed", "NOT_FOUND"), ("delete 1", "DELETED")]);
}

fn a_buried_job_is_reserved_by_its_id(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.talk(&[("reserve", "RESERVED 1 1\r\nx"), ("bury 1 9", "BURIED")]);
    target.connect().check("reserve-job 1", "RESERVED 1 1\r\nx");
    // That connection has ended.
    target.until("stats-job 1", "state: ready");
    client.shows("stats-job 1", &["pri: 9", "reserves: 2", "buries: 1", "kicks: 0"]);
    client.check("peek-buried", "NOT_FOUND");
}

fn a_reserved_job_is_not_reserved_by_its_id(target: &Target) {
    let (mut one, mut other) = (target.connect(), target.connect());
    one.put("0 0 60", "x");
    one.check("reserve-job 1", "RESERVED 1 1\r\nx");
    one.check("reserve-job 1", "NOT_FOUND");
    other.check("reserve-job 1", "NOT_FOUND");
    one.shows("stats-job 1", &["reserves: 1"]);
}

fn a_job_that_does_not_exist_is_not_found(target: &Target) {
    let mut client = target.connect();
    client.check("reserve-job 1", "NOT_FOUND");
    client.put("0 0 60", "x");
    client.talk(&[
        ("delete 1", "DELETED"),
        ("reserve-job 1", "NOT_FOUND"),
        ("reserve-job 0", "NOT_FOUND"),
        ("reserve-job 18446744073709551615", "NOT_FOUND"),
    ]);
}

fn neither_tube_nor_pause_matters(target: &Target) {
    let mut producer = target.connect();
    producer.check("use a", "USING a");
    producer.put("0 0 60", "x");
    producer.check("pause-tube a 1000", "PAUSED");
    let mut client = target.connect();
    client.check("reserve-job 1", "RESERVED 1 1\r\nx");
    client.check("list-tubes-watched", "OK 14\r\n---\n- default\n");
}

fn the_order_of_the_others_stays(target: &Target) {
    let mut client = target.connect();
    for priority in [5, 1, 3, 2, 4] {
        client.put(&format!("{priority} 0 60"), "x");
    }
    client.check("reserve-job 3", "RESERVED 3 1\r\nx");
    for id in [2, 4, 5, 1] {
        client.check("reserve", &format!("RESERVED {id} 1\r\nx"));
    }
}

fn a_delay_that_was_cut_short_does_not_come_back(target: &Target) {
    let mut client = target.connect();
    client.put("0 1000 60", "x");
    client.check("reserve-job 1", "RESERVED 1 1\r\nx");
    client.check("release 1 0 0", "RELEASED");
    client.shows("stats-job 1", &["state: ready", "delay: 0"]);
    client.check("reserve-with-timeout 0", "RESERVED 1 1\r\nx");
}
