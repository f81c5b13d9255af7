//! Who may do what: a reserved job belongs to its connection, any other job to everybody.

use crate::{Client, Target};

cases! {
    nobody_else_finishes_a_reserved_job,
    anybody_deletes_a_job_that_is_not_reserved,
    anybody_kicks_a_job_that_is_set_aside,
    anybody_looks_at_a_reserved_job,
    a_job_that_was_given_back_belongs_to_who_reserves_it_next,
    a_reservation_is_of_the_connection_that_waited,
}

/// A connection that holds job 1.
fn holder(target: &Target) -> Client {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    client.check("reserve", "RESERVED 1 1\r\na");
    client
}

fn nobody_else_finishes_a_reserved_job(target: &Target) {
    let mut owner = holder(target);
    target.connect().talk(&[
        ("delete 1", "NOT_FOUND"),
        ("release 1 0 0", "NOT_FOUND"),
        ("bury 1 0", "NOT_FOUND"),
        ("touch 1", "NOT_FOUND"),
        ("kick-job 1", "NOT_FOUND"),
        ("reserve-job 1", "NOT_FOUND"),
        ("kick 10", "KICKED 0"),
    ]);
    owner.shows("stats-job 1", &["state: reserved", "pri: 5", "releases: 0", "buries: 0"]);
    owner.talk(&[("kick-job 1", "NOT_FOUND"), ("touch 1", "TOUCHED"), ("delete 1", "DELETED")]);
}

fn anybody_deletes_a_job_that_is_not_reserved(target: &Target) {
    let mut owner = holder(target);
    owner.check("bury 1 0", "BURIED");
    owner.put("0 0 60", "ready");
    owner.put("0 1000 60", "delayed");
    let mut other = target.connect();
    for id in 1..=3 {
        other.check(&format!("delete {id}"), "DELETED");
        owner.check(&format!("delete {id}"), "NOT_FOUND");
    }
}

fn anybody_kicks_a_job_that_is_set_aside(target: &Target) {
    let mut owner = holder(target);
    owner.check("bury 1 0", "BURIED");
    let mut other = target.connect();
    other.check("kick-job 1", "KICKED");
    owner.talk(&[("reserve", "RESERVED 1 1\r\na"), ("release 1 0 1000", "RELEASED")]);
    other.check("kick 1", "KICKED 1");
    other.check("reserve", "RESERVED 1 1\r\na");
}

fn anybody_looks_at_a_reserved_job(target: &Target) {
    let _owner = holder(target);
    let mut other = target.connect();
    other.check("peek 1", "FOUND 1 1\r\na");
    other.shows("stats-job 1", &["state: reserved"]);
}

fn a_job_that_was_given_back_belongs_to_who_reserves_it_next(target: &Target) {
    let mut owner = holder(target);
    owner.check("release 1 5 0", "RELEASED");
    let mut other = target.connect();
    other.check("reserve", "RESERVED 1 1\r\na");
    owner.talk(&[
        ("release 1 5 0", "NOT_FOUND"),
        ("touch 1", "NOT_FOUND"),
        ("delete 1", "NOT_FOUND"),
    ]);
    other.talk(&[("touch 1", "TOUCHED"), ("delete 1", "DELETED")]);
}

fn a_reservation_is_of_the_connection_that_waited(target: &Target) {
    let mut consumer = target.connect();
    consumer.send("reserve\r\n");
    target.until_waiting(1);
    let mut producer = target.connect();
    producer.put("5 0 60", "a");
    consumer.expect("RESERVED 1 1\r\na");
    producer.check("delete 1", "NOT_FOUND");
    consumer.check("delete 1", "DELETED");
}
