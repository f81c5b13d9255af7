//! What becomes of a reserved job: delete, release, bury, touch. Who may do it is in `ownership`.

use crate::Target;

cases! {
    a_deleted_job_is_gone,
    a_job_that_never_was_is_not_found,
    a_ready_delayed_or_buried_job_is_deleted,
    a_ready_delayed_or_buried_job_is_not_released_buried_or_touched,
    a_released_job_is_ready_with_its_new_priority,
    a_job_released_with_a_delay_is_delayed,
    a_released_job_is_not_held,
    a_buried_job_keeps_its_new_priority,
    a_touch_changes_no_more_than_the_deadline,
    a_job_goes_round_many_times,
    a_job_is_finished_by_its_id_whatever_tube_is_used,
}

fn a_deleted_job_is_gone(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "a");
    client.talk(&[
        ("reserve", "RESERVED 1 1\r\na"),
        ("delete 1", "DELETED"),
        ("delete 1", "NOT_FOUND"),
        ("release 1 0 0", "NOT_FOUND"),
        ("bury 1 0", "NOT_FOUND"),
        ("touch 1", "NOT_FOUND"),
        ("peek 1", "NOT_FOUND"),
        ("kick-job 1", "NOT_FOUND"),
        ("stats-job 1", "NOT_FOUND"),
        ("reserve-job 1", "NOT_FOUND"),
        ("reserve-with-timeout 0", "TIMED_OUT"),
    ]);
    client.shows("stats", &["current-jobs-reserved: 0", "current-jobs-ready: 0"]);
}

fn a_job_that_never_was_is_not_found(target: &Target) {
    target.connect().talk(&[
        ("delete 1", "NOT_FOUND"),
        ("release 1 0 0", "NOT_FOUND"),
        ("bury 1 0", "NOT_FOUND"),
        ("touch 1", "NOT_FOUND"),
        ("peek 1", "NOT_FOUND"),
        ("kick-job 1", "NOT_FOUND"),
        ("stats-job 1", "NOT_FOUND"),
        ("reserve-job 1", "NOT_FOUND"),
    ]);
}

fn a_ready_delayed_or_buried_job_is_deleted(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "buried");
    client.talk(&[("reserve", "RESERVED 1 6\r\nburied"), ("bury 1 0", "BURIED")]);
    client.put("0 0 60", "ready");
    client.put("0 1000 60", "delayed");
    for id in 1..=3 {
        client.check(&format!("delete {id}"), "DELETED");
        client.check(&format!("delete {id}"), "NOT_FOUND");
    }
    let none = ["current-jobs-ready: 0", "current-jobs-delayed: 0", "current-jobs-buried: 0"];
    client.shows("stats-tube default", &none);
    client.shows("stats-tube default", &["cmd-delete: 3", "current-jobs-urgent: 0"]);
    client.talk(&[
        ("peek-ready", "NOT_FOUND"),
        ("peek-delayed", "NOT_FOUND"),
        ("peek-buried", "NOT_FOUND"),
        ("kick 10", "KICKED 0"),
    ]);
}

fn a_ready_delayed_or_buried_job_is_not_released_buried_or_touched(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "buried");
    client.talk(&[("reserve", "RESERVED 1 6\r\nburied"), ("bury 1 5", "BURIED")]);
    client.put("5 0 60", "ready");
    client.put("5 1000 60", "delayed");
    for (id, state) in [(1, "buried"), (2, "ready"), (3, "delayed")] {
        client.check(&format!("release {id} 0 0"), "NOT_FOUND");
        client.check(&format!("bury {id} 0"), "NOT_FOUND");
        client.check(&format!("touch {id}"), "NOT_FOUND");
        client.shows(&format!("stats-job {id}"), &[&format!("state: {state}"), "pri: 5"]);
    }
}

fn a_released_job_is_ready_with_its_new_priority(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    client.talk(&[("reserve", "RESERVED 1 1\r\na"), ("release 1 2000 0", "RELEASED")]);
    let lines = ["state: ready", "pri: 2000", "releases: 1", "reserves: 1", "delay: 0"];
    client.shows("stats-job 1", &lines);
    client.talk(&[("peek-ready", "FOUND 1 1\r\na"), ("reserve", "RESERVED 1 1\r\na")]);
}

fn a_job_released_with_a_delay_is_delayed(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    client.talk(&[("reserve", "RESERVED 1 1\r\na"), ("release 1 6 1000", "RELEASED")]);
    client.shows("stats-job 1", &["state: delayed", "pri: 6", "delay: 1000", "releases: 1"]);
    client.talk(&[
        ("reserve-with-timeout 0", "TIMED_OUT"),
        ("peek-delayed", "FOUND 1 1\r\na"),
        ("delete 1", "DELETED"),
    ]);
}

fn a_released_job_is_not_held(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    client.talk(&[
        ("reserve", "RESERVED 1 1\r\na"),
        ("release 1 5 0", "RELEASED"),
        ("release 1 5 0", "NOT_FOUND"),
        ("bury 1 5", "NOT_FOUND"),
        ("touch 1", "NOT_FOUND"),
        ("delete 1", "DELETED"),
    ]);
}

fn a_buried_job_keeps_its_new_priority(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    client.talk(&[
        ("reserve", "RESERVED 1 1\r\na"),
        ("bury 1 3000", "BURIED"),
        ("bury 1 1", "NOT_FOUND"),
        ("reserve-with-timeout 0", "TIMED_OUT"),
        ("peek-buried", "FOUND 1 1\r\na"),
    ]);
    client.shows("stats-job 1", &["state: buried", "pri: 3000", "buries: 1", "time-left: 0"]);
    client.check("kick 1", "KICKED 1");
    client.shows("stats-job 1", &["state: ready", "pri: 3000", "kicks: 1"]);
}

fn a_touch_changes_no_more_than_the_deadline(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 1000", "a");
    client.check("reserve", "RESERVED 1 1\r\na");
    for _ in 0..3 {
        client.check("touch 1", "TOUCHED");
    }
    let counts = ["reserves: 1", "timeouts: 0", "releases: 0", "buries: 0", "kicks: 0"];
    client.shows("stats-job 1", &["state: reserved", "pri: 5", "ttr: 1000"]);
    client.shows("stats-job 1", &counts);
    client.shows("stats", &["cmd-touch: 3"]);
}

fn a_job_goes_round_many_times(target: &Target) {
    let mut client = target.connect();
    client.put("5 0 60", "a");
    for _ in 0..20 {
        client.talk(&[
            ("reserve", "RESERVED 1 1\r\na"),
            ("release 1 5 0", "RELEASED"),
            ("reserve", "RESERVED 1 1\r\na"),
            ("bury 1 5", "BURIED"),
            ("kick-job 1", "KICKED"),
            ("reserve", "RESERVED 1 1\r\na"),
            ("release 1 5 1000", "RELEASED"),
            ("kick 1", "KICKED 1"),
        ]);
    }
    let counts = ["reserves: 60", "releases: 40", "buries: 20", "kicks: 40", "timeouts: 0"];
    client.shows("stats-job 1", &counts);
}

fn a_job_is_finished_by_its_id_whatever_tube_is_used(target: &Target) {
    let mut client = target.connect();
    for _ in 0..3 {
        client.put("5 0 60", "a");
        client.ask("reserve");
    }
    client.talk(&[
        ("use other", "USING other"),
        ("watch other", "WATCHING 2"),
        ("ignore default", "WATCHING 1"),
        ("touch 1", "TOUCHED"),
        ("delete 1", "DELETED"),
        ("release 2 5 0", "RELEASED"),
        ("bury 3 5", "BURIED"),
    ]);
    client.shows("stats-tube default", &["current-jobs-ready: 1", "current-jobs-buried: 1"]);
    client.shows("stats-tube other", &["current-jobs-ready: 0", "current-jobs-buried: 0"]);
}
