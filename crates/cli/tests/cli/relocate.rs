//! `move`.

use beanwire_tests::{Beanstalkd, PeerConn, ScriptedPeer, handshake};

use crate::support::{counts, run, take_all};

#[test]
fn ready_jobs_move_in_their_order_with_priority_and_ttr() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put_with("from", "second", 5, 0, 70);
    raw.put_with("from", "first", 1, 0, 80);
    raw.put_with("from", "later", 1, 1000, 60);
    let text = run(&server.uri(), &["move", "from", "to"]).ok();
    assert!(text.starts_with("2 jobs moved in "), "{text}");
    assert_eq!(counts(&server, "from"), [0, 0, 1, 0]);
    let [first, second] = [4, 5].map(|id| {
        let stats = raw.stats_job(id);
        ["tube", "state", "pri", "ttr"].map(|key| stats[key].clone())
    });
    assert_eq!(first, ["to", "ready", "1", "80"]);
    assert_eq!(second, ["to", "ready", "5", "70"]);
    assert_eq!(take_all(&mut raw, "to"), ["first", "second"]);
}

#[test]
fn a_delayed_job_keeps_the_rest_of_its_delay() {
    let server = beanwire_tests::Embedded::start();
    let mut raw = server.raw();
    for delay in [1000, 500] {
        raw.put_with("from", delay.to_string(), 3, delay, 60);
    }
    server.freeze();
    server.advance(std::time::Duration::from_secs(100));
    run(server.uri(), &["move", "from", "to", "--state", "delayed"]).ok();
    let jobs = [3, 4].map(|id| raw.stats_job(id));
    let shown = jobs.map(|stats| ["tube", "state", "delay", "pri"].map(|key| stats[key].clone()));
    assert_eq!(shown[0], ["to", "delayed", "400", "3"]);
    assert_eq!(shown[1], ["to", "delayed", "900", "3"]);
    assert_eq!(raw.stats_tube("from")["current-jobs-delayed"], "0");
}

#[test]
fn buried_jobs_arrive_ready() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("from", 250, "x");
    raw.put("from", "ready");
    run(&server.uri(), &["move", "from", "to", "--state", "buried"]).ok();
    assert_eq!(counts(&server, "from"), [1, 0, 0, 0]);
    assert_eq!(counts(&server, "to"), [250, 0, 0, 0]);
}

#[test]
fn all_states_move_and_reserved_jobs_stay() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("from", 10, "x");
    for _ in 0..300 {
        raw.put("from", "x");
    }
    for _ in 0..20 {
        raw.put_with("from", "x", 0, 1000, 60);
    }
    assert!(raw.reserve("from").is_some());
    let text = run(&server.uri(), &["move", "from", "to", "--state", "all"]).ok();
    assert!(text.starts_with("329 jobs moved"), "{text}");
    assert_eq!(counts(&server, "from"), [0, 1, 0, 0]);
    assert_eq!(counts(&server, "to"), [309, 0, 20, 0]);
}

#[test]
fn a_limit_moves_what_comes_first() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for number in 0..5 {
        raw.put_with("from", number.to_string(), 5 - number, 0, 60);
    }
    run(&server.uri(), &["move", "from", "to", "--limit", "2"]).ok();
    assert_eq!(take_all(&mut raw, "to"), ["4", "3"]);
    assert_eq!(counts(&server, "from"), [3, 0, 0, 0]);
}

#[test]
fn a_paused_tube_can_be_emptied() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for number in 0..150 {
        raw.put("from", number.to_string());
    }
    assert_eq!(raw.command("pause-tube from 1000"), "PAUSED");
    run(&server.uri(), &["move", "from", "to"]).ok();
    assert_eq!(counts(&server, "from"), [0, 0, 0, 0]);
    let expected: Vec<_> = (0..150).map(|number| number.to_string()).collect();
    assert_eq!(take_all(&mut raw, "to"), expected);
}

#[test]
fn jobs_with_a_ttr_of_a_second_move_too() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..150 {
        raw.put_with("from", "x", 1, 0, 1);
    }
    run(&server.uri(), &["move", "from", "to"]).ok();
    assert_eq!((counts(&server, "from"), counts(&server, "to")), ([0; 4], [150, 0, 0, 0]));
}

#[test]
fn a_server_that_drains_keeps_all_jobs_where_they_are() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..10 {
        raw.put("from", "x");
    }
    raw.bury_many("broken", 10, "x");
    server.drain();
    let error = run(&server.uri(), &["move", "from", "to"]).fails(1);
    assert!(error.contains("drain"), "{error}");
    beanwire_tests::wait_until("they are given back", || counts(&server, "from")[0] == 10);
    run(&server.uri(), &["move", "broken", "to", "--state", "buried"]).fails(1);
    assert_eq!(counts(&server, "broken"), [0, 0, 0, 10]);
}

#[test]
fn a_tube_that_is_not_there_or_the_same_is_an_error() {
    let server = Beanstalkd::start();
    let error = run(&server.uri(), &["move", "nowhere", "to"]).fails(1);
    assert!(error.contains("there is no tube nowhere"), "{error}");
    let error = run(&server.uri(), &["move", "t", "t"]).fails(2);
    assert!(error.contains("the same tube"), "{error}");
    let error = run(&server.uri(), &["move", "a b", "t"]).fails(2);
    assert!(error.contains("only A-Z"), "{error}");
}

#[test]
fn a_copy_whose_original_was_taken_is_taken_back() {
    for (answer, warning) in [("DELETED", ""), ("NOT_FOUND", "warning: job 9 of to is a copy")] {
        let peer = ScriptedPeer::start(move |_, conn| taken(conn, answer));
        let run = run(&peer.uri(), &["move", "from", "to", "--state", "buried"]);
        assert!(run.stdout.starts_with("0 jobs moved"), "{run:?}");
        assert!(run.stderr.starts_with(warning) && run.stderr.is_empty() == warning.is_empty());
        run.fails(0);
        let deletes: Vec<_> = peer.lines().into_iter().map(|(_, line)| line).collect();
        let deletes = deletes.iter().filter(|line| line.starts_with("delete"));
        assert_eq!(deletes.collect::<Vec<_>>(), ["delete 7", "delete 9"]);
    }
}

/// A server with one buried job that somebody else takes before it can be deleted.
fn taken(conn: &mut PeerConn, undone: &str) {
    let ok = |text: &str| format!("OK {}\r\n{text}\r\n", text.len());
    let mut is_there = true;
    handshake(conn);
    while let Some(line) = conn.read_line() {
        let words: Vec<_> = line.split(' ').collect();
        match words[..] {
            ["stats-tube", "from"] => {
                conn.send(ok("---\nname: \"from\"\ncurrent-jobs-buried: 1\n"));
            }
            ["stats-job", "7"] => {
                conn.send(ok("---\nid: 7\ntube: \"from\"\nstate: buried\npri: 1\nttr: 60\n"));
            }
            ["use", tube] => conn.send(format!("USING {tube}\r\n")),
            ["peek-buried"] if is_there => conn.send("FOUND 7 1\r\nx\r\n"),
            ["peek", "7"] => conn.send("FOUND 7 1\r\nx\r\n"),
            ["put", ..] => {
                conn.read_line();
                is_there = false;
                conn.send("INSERTED 9\r\n");
            }
            ["delete", "9"] => conn.send(format!("{undone}\r\n")),
            ["quit"] => return,
            _ => conn.send("NOT_FOUND\r\n"),
        }
    }
}
