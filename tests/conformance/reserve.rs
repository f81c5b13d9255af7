//! Reserves: with and without a job, and with somebody who waits.

use crate::Target;

cases! {
    a_ready_job_is_reserved_at_once,
    a_timeout_of_zero_answers_at_once,
    a_timeout_ends_a_wait,
    a_job_that_is_put_ends_a_wait,
    a_job_that_is_kicked_ends_a_wait,
    a_job_that_is_released_ends_a_wait,
    a_job_whose_delay_ends_ends_a_wait,
    a_wait_covers_every_watched_tube,
    a_wait_does_not_take_from_other_tubes,
    each_of_those_who_wait_gets_one_job,
    those_who_wait_are_served_in_turn,
    a_reserve_that_does_not_wait_moves_the_turn,
    a_job_is_reserved_once,
    a_connection_may_hold_many_jobs,
}

fn a_ready_job_is_reserved_at_once(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "abc");
    client.put("0 0 60", "");
    client.check("reserve", "RESERVED 1 3\r\nabc");
    client.check("reserve-with-timeout 100", "RESERVED 2 0\r\n");
    client.shows("stats-job 1", &["state: reserved", "reserves: 1"]);
}

fn a_timeout_of_zero_answers_at_once(target: &Target) {
    let mut client = target.connect();
    client.check("reserve-with-timeout 0", "TIMED_OUT");
    client.put("0 100 60", "delayed");
    client.check("reserve-with-timeout 0", "TIMED_OUT");
}

fn a_timeout_ends_a_wait(target: &Target) {
    let mut client = target.connect();
    client.check("reserve-with-timeout 1", "TIMED_OUT");
    client.shows("stats", &["current-waiting: 0", "cmd-reserve-with-timeout: 1"]);
    client.put("0 0 60", "a");
    client.check("reserve-with-timeout 1", "RESERVED 1 1\r\na");
}

fn a_job_that_is_put_ends_a_wait(target: &Target) {
    for command in ["reserve\r\n", "reserve-with-timeout 1000\r\n"] {
        let (mut consumer, mut producer) = (target.connect(), target.connect());
        consumer.send(command);
        target.until_waiting(1);
        let id = producer.put("0 0 60", "abc");
        consumer.expect(&format!("RESERVED {id} 3\r\nabc"));
        producer.shows(&format!("stats-job {id}"), &["state: reserved", "reserves: 1"]);
        consumer.check(&format!("delete {id}"), "DELETED");
    }
}

fn a_job_that_is_kicked_ends_a_wait(target: &Target) {
    let (mut consumer, mut other) = (target.connect(), target.connect());
    for kick in ["kick 1", "kick-job {}"] {
        let id = other.put("0 1000 60", "x");
        consumer.send("reserve\r\n");
        target.until_waiting(1);
        other.ask(&kick.replace("{}", &id.to_string()));
        consumer.expect(&format!("RESERVED {id} 1\r\nx"));
        consumer.check(&format!("delete {id}"), "DELETED");
    }
}

fn a_job_that_is_released_ends_a_wait(target: &Target) {
    let (mut consumer, mut other) = (target.connect(), target.connect());
    other.put("0 0 60", "x");
    other.check("reserve", "RESERVED 1 1\r\nx");
    consumer.send("reserve\r\n");
    target.until_waiting(1);
    other.check("release 1 7 0", "RELEASED");
    consumer.expect("RESERVED 1 1\r\nx");
    other.shows("stats-job 1", &["pri: 7", "reserves: 2", "releases: 1"]);
}

fn a_job_whose_delay_ends_ends_a_wait(target: &Target) {
    let (mut consumer, mut producer) = (target.connect(), target.connect());
    consumer.send("reserve\r\n");
    target.until_waiting(1);
    producer.check("put 0 1 60 1\r\nx", "INSERTED 1");
    consumer.expect("RESERVED 1 1\r\nx");
}

fn a_wait_covers_every_watched_tube(target: &Target) {
    let (mut consumer, mut producer) = (target.connect(), target.connect());
    consumer.talk(&[("watch a", "WATCHING 2"), ("watch b", "WATCHING 3")]);
    for tube in ["b", "default", "a"] {
        consumer.send("reserve\r\n");
        for watched in ["default", "a", "b"] {
            target.until(&format!("stats-tube {watched}"), "current-waiting: 1");
        }
        producer.check(&format!("use {tube}"), &format!("USING {tube}"));
        let id = producer.put("0 0 60", tube);
        consumer.expect(&format!("RESERVED {id} {}\r\n{tube}", tube.len()));
        producer.shows(&format!("stats-tube {tube}"), &["current-waiting: 0"]);
    }
}

fn a_wait_does_not_take_from_other_tubes(target: &Target) {
    let (mut consumer, mut producer) = (target.connect(), target.connect());
    consumer.talk(&[("watch a", "WATCHING 2"), ("ignore default", "WATCHING 1")]);
    consumer.send("reserve\r\n");
    target.until_waiting(1);
    producer.put("0 0 60", "x");
    producer.shows("stats-job 1", &["state: ready"]);
    producer.check("use a", "USING a");
    producer.put("0 0 60", "y");
    consumer.expect("RESERVED 2 1\r\ny");
}

fn each_of_those_who_wait_gets_one_job(target: &Target) {
    let mut consumers: Vec<_> = (0..5).map(|_| target.connect()).collect();
    for (at, consumer) in consumers.iter_mut().enumerate() {
        consumer.send("reserve\r\n");
        target.until_waiting(at + 1);
    }
    let mut producer = target.connect();
    for _ in 0..5 {
        producer.put("0 0 60", "x");
    }
    let mut replies: Vec<_> = consumers.iter_mut().map(|consumer| consumer.reply()).collect();
    replies.sort_unstable();
    let expected: Vec<_> = (1..=5).map(|id| format!("RESERVED {id} 1\r\nx")).collect();
    assert_eq!(replies, expected);
}

/// Not first come, first served: the last one fills the place of who was served.
fn those_who_wait_are_served_in_turn(target: &Target) {
    let mut consumers: Vec<_> = (0..4).map(|_| target.connect()).collect();
    for (at, consumer) in consumers.iter_mut().enumerate() {
        consumer.send("reserve\r\n");
        target.until_waiting(at + 1);
    }
    let mut producer = target.connect();
    for served in [0, 1, 3, 2] {
        let id = producer.put("0 0 60", "x");
        consumers[served].expect(&format!("RESERVED {id} 1\r\nx"));
    }
}

fn a_reserve_that_does_not_wait_moves_the_turn(target: &Target) {
    let mut producer = target.connect();
    producer.put("0 0 60", "x");
    producer.check("reserve", "RESERVED 1 1\r\nx");
    let mut consumers: Vec<_> = (0..3).map(|_| target.connect()).collect();
    for (at, consumer) in consumers.iter_mut().enumerate() {
        consumer.send("reserve\r\n");
        target.until_waiting(at + 1);
    }
    for served in [1, 0, 2] {
        let id = producer.put("0 0 60", "x");
        consumers[served].expect(&format!("RESERVED {id} 1\r\nx"));
    }
}

fn a_job_is_reserved_once(target: &Target) {
    let (mut one, mut other) = (target.connect(), target.connect());
    one.put("0 0 60", "x");
    one.check("reserve", "RESERVED 1 1\r\nx");
    one.check("reserve-with-timeout 0", "TIMED_OUT");
    other.check("reserve-with-timeout 0", "TIMED_OUT");
}

fn a_connection_may_hold_many_jobs(target: &Target) {
    const COUNT: usize = 1_000;
    let mut client = target.connect();
    client.send("put 0 0 1000 1\r\nx\r\n".repeat(COUNT));
    (1..=COUNT).for_each(|id| client.expect(&format!("INSERTED {id}")));
    client.send("reserve\r\n".repeat(COUNT));
    (1..=COUNT).for_each(|id| client.expect(&format!("RESERVED {id} 1\r\nx")));
    client.shows("stats", &["current-jobs-reserved: 1000", "current-jobs-ready: 0"]);
    client.talk(&[("touch 500", "TOUCHED"), ("delete 1", "DELETED"), ("bury 1000 0", "BURIED")]);
}
