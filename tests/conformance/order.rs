//! Which job comes next.

use crate::{Client, Target};

cases! {
    the_lowest_priority_number_comes_first,
    equal_priorities_come_in_the_order_of_their_ids,
    a_released_job_regains_the_place_of_its_id,
    a_release_with_another_priority_changes_the_place,
    a_kicked_job_regains_the_place_of_its_id,
    a_matured_job_regains_the_place_of_its_id,
    an_expired_job_regains_the_place_of_its_id,
    delayed_jobs_mature_in_the_order_of_their_due_time,
    the_best_job_of_all_watched_tubes_comes_first,
    watched_tubes_do_not_take_turns,
    among_tubes_equal_priorities_come_in_the_order_of_their_ids,
}

#[track_caller]
fn reserves(client: &mut Client, ids: &[u64]) {
    for id in ids {
        client.check("reserve-with-timeout 0", &format!("RESERVED {id} 1\r\nx"));
    }
    client.check("reserve-with-timeout 0", "TIMED_OUT");
}

fn the_lowest_priority_number_comes_first(target: &Target) {
    let mut client = target.connect();
    for priority in [u32::MAX, 1_024, 0, 1_023, 7, u32::MAX - 1] {
        client.put(&format!("{priority} 0 1000"), "x");
    }
    reserves(&mut client, &[3, 5, 4, 2, 6, 1]);
}

fn equal_priorities_come_in_the_order_of_their_ids(target: &Target) {
    let mut client = target.connect();
    for _ in 0..50 {
        client.put("7 0 1000", "x");
    }
    reserves(&mut client, &(1..=50).collect::<Vec<_>>());
}

fn a_released_job_regains_the_place_of_its_id(target: &Target) {
    let mut client = target.connect();
    for _ in 0..3 {
        client.put("7 0 1000", "x");
    }
    client.talk(&[("reserve", "RESERVED 1 1\r\nx"), ("release 1 7 0", "RELEASED")]);
    reserves(&mut client, &[1, 2, 3]);
}

fn a_release_with_another_priority_changes_the_place(target: &Target) {
    let mut client = target.connect();
    for _ in 0..3 {
        client.put("7 0 1000", "x");
    }
    client.talk(&[
        ("reserve", "RESERVED 1 1\r\nx"),
        ("reserve", "RESERVED 2 1\r\nx"),
        ("release 1 8 0", "RELEASED"),
        ("release 2 9 0", "RELEASED"),
        ("reserve", "RESERVED 3 1\r\nx"),
        ("release 3 10 0", "RELEASED"),
    ]);
    reserves(&mut client, &[1, 2, 3]);
}

fn a_kicked_job_regains_the_place_of_its_id(target: &Target) {
    let mut client = target.connect();
    client.put("7 1000 1000", "x");
    client.put("7 0 1000", "x");
    client.put("6 1000 1000", "x");
    client.put("7 0 1000", "x");
    client.check("kick 10", "KICKED 2");
    reserves(&mut client, &[3, 1, 2, 4]);
}

fn a_matured_job_regains_the_place_of_its_id(target: &Target) {
    let mut client = target.connect();
    client.put("7 1 1000", "x");
    client.put("7 0 1000", "x");
    client.put("6 1 1000", "x");
    target.until("stats", "current-jobs-delayed: 0");
    reserves(&mut client, &[3, 1, 2]);
}

fn an_expired_job_regains_the_place_of_its_id(target: &Target) {
    let (mut holder, mut client) = (target.connect(), target.connect());
    client.put("7 0 1", "x");
    client.put("7 0 1000", "x");
    holder.check("reserve", "RESERVED 1 1\r\nx");
    holder.until_expired(1);
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.check("reserve", "RESERVED 2 1\r\nx");
}

fn delayed_jobs_mature_in_the_order_of_their_due_time(target: &Target) {
    let (mut producer, mut consumer) = (target.connect(), target.connect());
    // In one write, so that a wait of a second lies between the due times.
    producer.send("put 0 2 1000 1\r\nx\r\nput 9 1 1000 1\r\nx\r\n");
    producer.expect_all(["INSERTED 1", "INSERTED 2"]);
    consumer.check("reserve", "RESERVED 2 1\r\nx");
    consumer.check("reserve", "RESERVED 1 1\r\nx");
}

fn the_best_job_of_all_watched_tubes_comes_first(target: &Target) {
    let mut client = target.connect();
    for (tube, priority) in [("a", 3), ("b", 1), ("c", 2), ("b", 4), ("d", 0)] {
        client.check(&format!("use {tube}"), &format!("USING {tube}"));
        client.put(&format!("{priority} 0 1000"), "x");
    }
    for (at, tube) in ["a", "b", "c"].iter().enumerate() {
        client.check(&format!("watch {tube}"), &format!("WATCHING {}", at + 2));
    }
    reserves(&mut client, &[2, 3, 1, 4]);
}

fn watched_tubes_do_not_take_turns(target: &Target) {
    let mut client = target.connect();
    client.talk(&[("watch a", "WATCHING 2"), ("use a", "USING a")]);
    (0..3).for_each(|_| {
        client.put("7 0 1000", "x");
    });
    client.check("use default", "USING default");
    (0..3).for_each(|_| {
        client.put("7 0 1000", "x");
    });
    reserves(&mut client, &[1, 2, 3, 4, 5, 6]);
}

fn among_tubes_equal_priorities_come_in_the_order_of_their_ids(target: &Target) {
    let mut client = target.connect();
    client.talk(&[("watch a", "WATCHING 2"), ("watch b", "WATCHING 3")]);
    for tube in ["b", "a", "default", "a", "b"] {
        client.check(&format!("use {tube}"), &format!("USING {tube}"));
        client.put("7 0 1000", "x");
    }
    reserves(&mut client, &[1, 2, 3, 4, 5]);
}
