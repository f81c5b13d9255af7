//! When a tube exists: while it has jobs, users or watchers.

use crate::Target;

cases! {
    a_used_tube_exists_until_another_is_used,
    a_watched_tube_exists_until_it_is_ignored,
    a_job_in_any_state_keeps_its_tube,
    the_default_tube_always_exists,
    a_connection_that_ends_lets_go_of_its_tubes,
    the_counters_of_a_tube_vanish_with_it,
    a_pause_vanishes_with_its_tube,
    commands_that_only_name_a_tube_do_not_make_it,
}

fn a_used_tube_exists_until_another_is_used(target: &Target) {
    let mut client = target.connect();
    client.talk(&[("stats-tube a", "NOT_FOUND"), ("use a", "USING a")]);
    client.shows("stats-tube a", &["name: a", "current-using: 1", "current-watching: 0"]);
    client.talk(&[("use a", "USING a"), ("use b", "USING b"), ("stats-tube a", "NOT_FOUND")]);
    client.shows("stats", &["current-tubes: 2"]);
}

fn a_watched_tube_exists_until_it_is_ignored(target: &Target) {
    let mut client = target.connect();
    client.check("watch a", "WATCHING 2");
    client.shows("stats-tube a", &["current-using: 0", "current-watching: 1"]);
    let mut other = target.connect();
    other.check("watch a", "WATCHING 2");
    client.check("ignore a", "WATCHING 1");
    client.shows("stats-tube a", &["current-watching: 1"]);
    other.check("ignore a", "WATCHING 1");
    client.check("stats-tube a", "NOT_FOUND");
}

fn a_job_in_any_state_keeps_its_tube(target: &Target) {
    let mut client = target.connect();
    for delay in [0, 1_000] {
        client.check("use a", "USING a");
        let id = client.put(&format!("0 {delay} 60"), "x");
        client.check("use default", "USING default");
        client.shows("stats-tube a", &["total-jobs: 1"]);
        client.check(&format!("reserve-job {id}"), &format!("RESERVED {id} 1\r\nx"));
        client.shows("stats-tube a", &["current-jobs-reserved: 1"]);
        client.check(&format!("bury {id} 0"), "BURIED");
        client.shows("stats-tube a", &["current-jobs-buried: 1"]);
        client.check(&format!("delete {id}"), "DELETED");
        client.check("stats-tube a", "NOT_FOUND");
    }
}

fn the_default_tube_always_exists(target: &Target) {
    let mut client = target.connect();
    client.talk(&[
        ("use a", "USING a"),
        ("watch a", "WATCHING 2"),
        ("ignore default", "WATCHING 1"),
    ]);
    client.shows("stats-tube default", &["current-using: 0", "current-watching: 0"]);
    client.check("pause-tube default 0", "PAUSED");
    client.shows("stats-tube default", &["cmd-pause-tube: 1"]);
}

fn a_connection_that_ends_lets_go_of_its_tubes(target: &Target) {
    let mut client = target.connect();
    client.talk(&[("use a", "USING a"), ("watch b", "WATCHING 2")]);
    client.half_close();
    assert_eq!(client.rest(), "");
    let mut other = target.connect();
    other.talk(&[("stats-tube a", "NOT_FOUND"), ("stats-tube b", "NOT_FOUND")]);
    other.shows("stats-tube default", &["current-using: 1", "current-watching: 1"]);
}

fn the_counters_of_a_tube_vanish_with_it(target: &Target) {
    let mut client = target.connect();
    client.check("use a", "USING a");
    client.put("0 0 60", "x");
    client.talk(&[("delete 1", "DELETED"), ("pause-tube a 0", "PAUSED")]);
    client.shows("stats-tube a", &["total-jobs: 1", "cmd-delete: 1", "cmd-pause-tube: 1"]);
    client.talk(&[("use default", "USING default"), ("use a", "USING a")]);
    client.shows("stats-tube a", &["total-jobs: 0", "cmd-delete: 0", "cmd-pause-tube: 0"]);
    client.shows("stats", &["total-jobs: 1", "cmd-delete: 1", "cmd-pause-tube: 1"]);
}

fn a_pause_vanishes_with_its_tube(target: &Target) {
    let mut client = target.connect();
    client.talk(&[
        ("watch a", "WATCHING 2"),
        ("pause-tube a 1000", "PAUSED"),
        ("ignore a", "WATCHING 1"),
        ("watch a", "WATCHING 2"),
        ("use a", "USING a"),
    ]);
    client.shows("stats-tube a", &["pause: 0", "pause-time-left: 0"]);
    client.put("0 0 60", "x");
    client.check("reserve-with-timeout 0", "RESERVED 1 1\r\nx");
}

fn commands_that_only_name_a_tube_do_not_make_it(target: &Target) {
    target.connect().talk(&[
        ("stats-tube a", "NOT_FOUND"),
        ("pause-tube a 0", "NOT_FOUND"),
        ("pause-tube a 100", "NOT_FOUND"),
        ("ignore a", "WATCHING 1"),
        ("list-tubes", "OK 14\r\n---\n- default\n"),
    ]);
}
