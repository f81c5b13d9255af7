//! `DEADLINE_SOON`: what a connection gets in place of a wait while one of its jobs is about to end.
//!
//! What must happen within the last second of a job is sent in one write.

use crate::{Client, Target};

cases! {
    a_reserve_in_the_last_second_of_a_job_is_warned,
    a_wait_ends_with_a_warning_when_the_last_second_begins,
    a_timeout_before_the_last_second_comes_first,
    the_warning_takes_the_place_of_a_timeout_of_zero,
    the_warning_comes_again_and_again,
    a_ready_job_comes_before_the_warning,
    a_ready_job_in_an_unwatched_tube_is_no_help,
    a_ready_job_in_a_paused_tube_is_no_help,
    the_warning_is_for_the_holder_only,
    no_warning_follows_the_end_of_a_job,
    no_warning_follows_a_job_that_was_finished,
    the_job_that_ends_first_counts,
    a_reservation_by_id_is_never_warned,
    other_commands_are_never_warned,
}

/// A connection and the ids of jobs with these TTRs, none of them reserved.
fn with_jobs(target: &Target, ttrs: &[u32]) -> Client {
    let mut client = target.connect();
    for (at, ttr) in ttrs.iter().enumerate() {
        assert_eq!(client.put(&format!("0 0 {ttr}"), "x"), at as u64 + 1);
    }
    client
}

fn a_reserve_in_the_last_second_of_a_job_is_warned(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.send("reserve\r\nreserve\r\nreserve-with-timeout 100\r\ndelete 1\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "DEADLINE_SOON", "DEADLINE_SOON", "DELETED"]);
}

fn a_wait_ends_with_a_warning_when_the_last_second_begins(target: &Target) {
    for reserve in ["reserve", "reserve-with-timeout 100"] {
        let mut client = target.connect();
        let id = client.put("0 0 2", "x");
        client.check("reserve", &format!("RESERVED {id} 1\r\nx"));
        client.check(reserve, "DEADLINE_SOON");
        client.check(&format!("delete {id}"), "DELETED");
    }
}

fn a_timeout_before_the_last_second_comes_first(target: &Target) {
    let mut client = with_jobs(target, &[60]);
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.check("reserve-with-timeout 1", "TIMED_OUT");
    client.check("reserve-with-timeout 0", "TIMED_OUT");
}

fn the_warning_takes_the_place_of_a_timeout_of_zero(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.send("reserve\r\nreserve-with-timeout 0\r\ntouch 1\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "DEADLINE_SOON", "TOUCHED"]);
}

fn the_warning_comes_again_and_again(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.send(format!("reserve\r\n{}delete 1\r\n", "reserve\r\n".repeat(20)));
    client.expect("RESERVED 1 1\r\nx");
    client.expect_all(["DEADLINE_SOON"; 20]);
    client.expect("DELETED");
}

fn a_ready_job_comes_before_the_warning(target: &Target) {
    let mut client = with_jobs(target, &[1, 60, 60]);
    client.send("reserve\r\nreserve\r\nreserve-with-timeout 0\r\nreserve-with-timeout 0\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "RESERVED 2 1\r\nx", "RESERVED 3 1\r\nx"]);
    client.expect("DEADLINE_SOON");
}

fn a_ready_job_in_an_unwatched_tube_is_no_help(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.check("use a", "USING a");
    client.put("0 0 60", "y");
    client.send("reserve\r\nreserve\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "DEADLINE_SOON"]);
}

fn a_ready_job_in_a_paused_tube_is_no_help(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.talk(&[("use a", "USING a"), ("watch a", "WATCHING 2")]);
    client.put("0 0 60", "y");
    client.check("pause-tube a 1000", "PAUSED");
    client.send("reserve\r\nreserve-with-timeout 0\r\nreserve-with-timeout 100\r\nreserve\r\n");
    client.expect("RESERVED 1 1\r\nx");
    client.expect_all(["DEADLINE_SOON"; 3]);
}

fn the_warning_is_for_the_holder_only(target: &Target) {
    let mut holder = with_jobs(target, &[2]);
    let mut other = target.connect();
    holder.check("reserve", "RESERVED 1 1\r\nx");
    other.send("reserve\r\n");
    target.until_waiting(1);
    holder.check("reserve", "DEADLINE_SOON");
    // What the other one gets is the job, when its time is over.
    holder.until_expired(1);
    other.expect("RESERVED 1 1\r\nx");
    other.check("delete 1", "DELETED");
}

fn no_warning_follows_the_end_of_a_job(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.until_expired(1);
    target.connect().check("delete 1", "DELETED");
    client.check("reserve-with-timeout 0", "TIMED_OUT");
}

fn no_warning_follows_a_job_that_was_finished(target: &Target) {
    let mut client = target.connect();
    for finish in ["delete", "bury", "release"] {
        let id = client.put("0 0 1", "x");
        let numbers = match finish {
            "delete" => "",
            "bury" => " 0",
            _ => " 0 1000",
        };
        client.send(format!("reserve\r\n{finish} {id}{numbers}\r\nreserve-with-timeout 0\r\n"));
        client.expect(&format!("RESERVED {id} 1\r\nx"));
        client.reply();
        client.expect("TIMED_OUT");
    }
}

fn the_job_that_ends_first_counts(target: &Target) {
    let mut client = with_jobs(target, &[1_000, 2, 500]);
    client.send("reserve\r\n".repeat(4));
    client.expect_all(["RESERVED 1 1\r\nx", "RESERVED 2 1\r\nx", "RESERVED 3 1\r\nx"]);
    client.expect("DEADLINE_SOON");
    client.check("delete 2", "DELETED");
    client.check("reserve-with-timeout 1", "TIMED_OUT");
}

fn a_reservation_by_id_is_never_warned(target: &Target) {
    let mut client = with_jobs(target, &[1, 60]);
    client.send("reserve-job 1\r\nreserve-job 9\r\nreserve-job 2\r\nreserve\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "NOT_FOUND", "RESERVED 2 1\r\nx", "DEADLINE_SOON"]);
}

fn other_commands_are_never_warned(target: &Target) {
    let mut client = with_jobs(target, &[1]);
    client.send("reserve\r\npeek 1\r\nuse a\r\nkick 1\r\nput 0 0 1 1\r\ny\r\ndelete 1\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "FOUND 1 1\r\nx", "USING a", "KICKED 0", "INSERTED 2"]);
    client.expect("DELETED");
}
