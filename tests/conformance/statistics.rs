//! The three reports: their keys in their order, and what their values say.

use crate::{Client, Target};

cases! {
    the_server_reports_its_keys_in_order,
    a_tube_reports_its_keys_in_order,
    a_job_reports_its_keys_in_order,
    a_report_has_the_size_that_it_announces,
    a_new_server_has_counted_nothing,
    a_job_tells_its_state_and_times,
    a_job_tells_what_happened_to_it,
    jobs_are_counted_by_state,
    jobs_below_priority_1024_are_urgent_while_they_are_ready,
    a_tube_counts_what_concerns_it,
    total_jobs_count_what_was_inserted,
    who_waits_is_counted_in_every_watched_tube,
    producers_and_workers_are_counted_while_they_are_connected,
    statistics_of_what_does_not_exist_are_not_found,
    a_name_is_told_without_quotes,
}

/// The keys of a report, after a check of its form.
#[track_caller]
fn keys(client: &mut Client, command: &str) -> Vec<String> {
    let answer = client.ask(command);
    let (head, body) = answer.split_once("\r\n").expect(&answer);
    assert_eq!(head, format!("OK {}", body.len()));
    let lines = body.strip_prefix("---\n").expect("the begin of a document").lines();
    lines.map(|line| line.split_once(": ").expect(line).0.to_owned()).collect()
}

fn the_server_reports_its_keys_in_order(target: &Target) {
    let expected = "current-jobs-urgent current-jobs-ready current-jobs-reserved \
        current-jobs-delayed current-jobs-buried cmd-put cmd-peek cmd-peek-ready \
        cmd-peek-delayed cmd-peek-buried cmd-reserve cmd-reserve-with-timeout cmd-delete \
        cmd-release cmd-use cmd-watch cmd-ignore cmd-bury cmd-kick cmd-touch cmd-stats \
        cmd-stats-job cmd-stats-tube cmd-list-tubes cmd-list-tube-used cmd-list-tubes-watched \
        cmd-pause-tube job-timeouts total-jobs max-job-size current-tubes current-connections \
        current-producers current-workers current-waiting total-connections pid version \
        rusage-utime rusage-stime uptime binlog-oldest-index binlog-current-index \
        binlog-records-migrated binlog-records-written binlog-max-size draining id hostname os \
        platform";
    let expected: Vec<_> = expected.split_whitespace().collect();
    assert_eq!(keys(&mut target.connect(), "stats"), expected);
}

fn a_tube_reports_its_keys_in_order(target: &Target) {
    let expected = "name current-jobs-urgent current-jobs-ready current-jobs-reserved \
        current-jobs-delayed current-jobs-buried total-jobs current-using current-watching \
        current-waiting cmd-delete cmd-pause-tube pause pause-time-left";
    let expected: Vec<_> = expected.split_whitespace().collect();
    assert_eq!(keys(&mut target.connect(), "stats-tube default"), expected);
}

fn a_job_reports_its_keys_in_order(target: &Target) {
    let expected = "id tube state pri age delay ttr time-left file reserves timeouts releases \
        buries kicks";
    let expected: Vec<_> = expected.split_whitespace().collect();
    let mut client = target.connect();
    client.put("0 0 60", "x");
    assert_eq!(keys(&mut client, "stats-job 1"), expected);
}

fn a_report_has_the_size_that_it_announces(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    for command in ["stats", "stats-tube default", "stats-job 1"] {
        let answer = client.ask(command);
        assert!(answer.ends_with('\n') && !answer.ends_with("\n\n"), "{answer:?}");
        client.check_step();
    }
}

fn a_new_server_has_counted_nothing(target: &Target) {
    let mut client = target.connect();
    client.shows("stats", &["current-jobs-urgent: 0", "current-jobs-ready: 0", "cmd-put: 0"]);
    client.shows("stats", &["current-jobs-reserved: 0", "current-jobs-delayed: 0"]);
    client.shows("stats", &["job-timeouts: 0", "total-jobs: 0", "max-job-size: 65535"]);
    client.shows("stats", &["current-tubes: 1", "current-connections: 1"]);
    client.shows("stats", &["current-producers: 0", "current-workers: 0", "current-waiting: 0"]);
    client.shows("stats", &["binlog-oldest-index: 0", "binlog-current-index: 0"]);
    client.shows("stats", &["binlog-records-migrated: 0", "binlog-records-written: 0"]);
    client.shows("stats", &["binlog-max-size: 10485760", "draining: false"]);
}

fn a_job_tells_its_state_and_times(target: &Target) {
    let mut client = target.connect();
    client.check("use a", "USING a");
    client.put("7 1000 5000", "x");
    let numbers = ["id: 1", "tube: a", "pri: 7", "delay: 1000", "ttr: 5000", "file: 0"];
    client.shows("stats-job 1", &numbers);
    let left = |client: &mut Client| client.value("stats-job 1", "time-left").parse::<u32>();
    client.shows("stats-job 1", &["state: delayed"]);
    assert!((1..=1_000).contains(&left(&mut client).unwrap()), "of a delay of 1000 s");
    client.check("reserve-job 1", "RESERVED 1 1\r\nx");
    client.shows("stats-job 1", &["state: reserved"]);
    assert!((1_001..=5_000).contains(&left(&mut client).unwrap()), "of a TTR of 5000 s");
    client.check("bury 1 7", "BURIED");
    client.shows("stats-job 1", &["state: buried", "time-left: 0"]);
    client.check("kick-job 1", "KICKED");
    client.shows("stats-job 1", &["state: ready", "time-left: 0"]);
    client.shows("stats-job 1", &numbers);
}

fn a_job_tells_what_happened_to_it(target: &Target) {
    let mut client = target.connect();
    client.put("7 0 1", "x");
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.until_expired(1);
    client.send("reserve\r\nrelease 1 7 0\r\nreserve\r\nbury 1 7\r\n");
    client.expect_all(["RESERVED 1 1\r\nx", "RELEASED", "RESERVED 1 1\r\nx", "BURIED"]);
    client.talk(&[("kick 1", "KICKED 1"), ("reserve-job 1", "RESERVED 1 1\r\nx")]);
    client.check("bury 1 7", "BURIED");
    let counts = ["reserves: 4", "timeouts: 1", "releases: 1", "buries: 2", "kicks: 1"];
    client.shows("stats-job 1", &counts);
    client.until("stats-job 1", "age: 1");
}

fn jobs_are_counted_by_state(target: &Target) {
    let mut client = target.connect();
    for delay in [0, 0, 0, 0, 0, 0, 100, 100, 100, 100] {
        client.put(&format!("2000 {delay} 60"), "x");
    }
    for id in 1..=5 {
        client.check("reserve", &format!("RESERVED {id} 1\r\nx"));
    }
    client.talk(&[("bury 1 0", "BURIED"), ("bury 2 0", "BURIED")]);
    let lines = [
        "current-jobs-ready: 1",
        "current-jobs-reserved: 3",
        "current-jobs-delayed: 4",
        "current-jobs-buried: 2",
        "current-jobs-urgent: 0",
        "total-jobs: 10",
    ];
    client.shows("stats", &lines);
    client.shows("stats-tube default", &lines);
}

fn jobs_below_priority_1024_are_urgent_while_they_are_ready(target: &Target) {
    let mut client = target.connect();
    for priority in [0, 1_023, 1_024, u32::MAX] {
        client.put(&format!("{priority} 0 60"), "x");
    }
    client.put("0 1000 60", "x");
    let urgent = |client: &mut Client, count: usize| {
        let line = format!("current-jobs-urgent: {count}");
        client.shows("stats", &[&line]);
        client.shows("stats-tube default", &[&line]);
    };
    urgent(&mut client, 2);
    client.check("reserve", "RESERVED 1 1\r\nx");
    urgent(&mut client, 1);
    client.check("release 1 1024 0", "RELEASED");
    urgent(&mut client, 1);
    client.check("kick-job 5", "KICKED");
    urgent(&mut client, 2);
    client.talk(&[("reserve-job 5", "RESERVED 5 1\r\nx"), ("bury 5 0", "BURIED")]);
    urgent(&mut client, 1);
    client.check("kick 1", "KICKED 1");
    urgent(&mut client, 2);
    client.talk(&[("delete 5", "DELETED"), ("delete 2", "DELETED")]);
    urgent(&mut client, 0);
}

fn a_tube_counts_what_concerns_it(target: &Target) {
    let (mut client, mut other) = (target.connect(), target.connect());
    client.talk(&[("use a", "USING a"), ("watch a", "WATCHING 2")]);
    other.talk(&[("watch a", "WATCHING 2"), ("ignore default", "WATCHING 1")]);
    client.shows("stats-tube a", &["current-using: 1", "current-watching: 2"]);
    client.shows("stats-tube default", &["current-using: 1", "current-watching: 1"]);
    for _ in 0..4 {
        client.put("0 0 60", "x");
    }
    client.check("reserve", "RESERVED 1 1\r\nx");
    client.talk(&[("delete 1", "DELETED"), ("delete 2", "DELETED"), ("delete 2", "NOT_FOUND")]);
    client.talk(&[("pause-tube a 0", "PAUSED"), ("pause-tube a x", "BAD_FORMAT")]);
    let lines = ["total-jobs: 4", "current-jobs-ready: 2", "cmd-delete: 2", "cmd-pause-tube: 1"];
    client.shows("stats-tube a", &lines);
    client.shows("stats-tube default", &["total-jobs: 0", "cmd-delete: 0", "cmd-pause-tube: 0"]);
}

fn total_jobs_count_what_was_inserted(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    client.put("0 1000 60", "x");
    client.talk(&[("delete 1", "DELETED"), ("kick 1", "KICKED 1"), ("put 0 0 60", "BAD_FORMAT")]);
    client.send("put 0 0 60 1\r\nabc");
    client.expect("EXPECTED_CRLF");
    client.shows("stats", &["total-jobs: 2"]);
    client.shows("stats-tube default", &["total-jobs: 2"]);
}

fn who_waits_is_counted_in_every_watched_tube(target: &Target) {
    let (mut one, mut two) = (target.connect(), target.connect());
    one.check("watch a", "WATCHING 2");
    one.send("reserve\r\n");
    two.send("reserve-with-timeout 1000\r\n");
    target.until_waiting(2);
    let mut other = target.connect();
    other.check("use a", "USING a");
    other.shows("stats-tube default", &["current-waiting: 2"]);
    other.shows("stats-tube a", &["current-waiting: 1"]);
    other.put("0 0 60", "x");
    one.expect("RESERVED 1 1\r\nx");
    other.shows("stats-tube default", &["current-waiting: 1"]);
    other.shows("stats-tube a", &["current-waiting: 0"]);
    other.shows("stats", &["current-waiting: 1"]);
}

fn producers_and_workers_are_counted_while_they_are_connected(target: &Target) {
    let mut observer = target.connect();
    let check = |observer: &mut Client, producers: usize, workers: usize| {
        let lines =
            [format!("current-producers: {producers}"), format!("current-workers: {workers}")];
        observer.shows("stats", &[&lines[0], &lines[1]]);
    };
    let mut producer = target.connect();
    let large = format!("put 0 0 60 65536\r\n{}", "x".repeat(65_536));
    producer.check("put x 0 60 1", "BAD_FORMAT");
    producer.check("put 0 0 60 1 garbage", "BAD_FORMAT");
    producer.check(&large, "JOB_TOO_BIG");
    check(&mut observer, 0, 0);
    producer.put("0 0 60", "x");
    producer.put("0 0 60", "x");
    check(&mut observer, 1, 0);
    let mut worker = target.connect();
    worker.talk(&[("reserve 1", "BAD_FORMAT"), ("reserve-job 9", "NOT_FOUND")]);
    check(&mut observer, 1, 0);
    worker.check("reserve-job 1", "RESERVED 1 1\r\nx");
    check(&mut observer, 1, 1);
    worker.check("delete 1", "DELETED");
    check(&mut observer, 1, 1);
    producer.check("reserve-with-timeout 0", "RESERVED 2 1\r\nx");
    check(&mut observer, 1, 2);
    for (client, producers, workers) in [(worker, 1, 1), (producer, 0, 0)] {
        let mut client = client;
        client.half_close();
        client.rest();
        check(&mut observer, producers, workers);
    }
}

fn statistics_of_what_does_not_exist_are_not_found(target: &Target) {
    target.connect().talk(&[
        ("stats-job 1", "NOT_FOUND"),
        ("stats-job 0", "NOT_FOUND"),
        ("stats-tube nosuch", "NOT_FOUND"),
        ("stats-job x", "BAD_FORMAT"),
        ("stats-tube -x", "BAD_FORMAT"),
    ]);
}

fn a_name_is_told_without_quotes(target: &Target) {
    let mut client = target.connect();
    for (at, name) in ["true", "123", "0x1F", "a/b;c", "null"].iter().enumerate() {
        client.check(&format!("use {name}"), &format!("USING {name}"));
        client.put("0 0 60", "x");
        client.shows(&format!("stats-tube {name}"), &[&format!("name: {name}")]);
        client.shows(&format!("stats-job {}", at + 1), &[&format!("tube: {name}")]);
    }
}
