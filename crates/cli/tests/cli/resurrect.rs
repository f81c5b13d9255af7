//! `resurrect kick` and `resurrect delete`.

use std::sync::atomic::{AtomicUsize, Ordering};

use beanwire_tests::{Beanstalkd, PeerConn, ScriptedPeer, handshake};

use crate::support::{counts, run, take_all};

#[test]
fn buried_jobs_become_ready_and_delayed_ones_stay() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("a", 2500, "x");
    raw.bury_many("b", 3, "x");
    raw.put_with("a", "delayed", 0, 1000, 60);
    let text = run(&server.uri(), &["resurrect", "kick"]).ok();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["a: 2500 kicked", "b: 3 kicked"]);
    assert!(lines[2].starts_with("2503 jobs kicked in "), "{text}");
    assert_eq!(counts(&server, "a"), [2500, 0, 1, 0]);
    assert_eq!(counts(&server, "b"), [3, 0, 0, 0]);
    // Nothing is buried now, and the delayed job is still left alone.
    let text = run(&server.uri(), &["resurrect", "kick"]).ok();
    assert!(text.starts_with("0 jobs kicked"), "{text}");
    assert_eq!(counts(&server, "a"), [2500, 0, 1, 0]);
}

#[test]
fn buried_jobs_are_deleted_and_others_stay() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("a", 2500, "x");
    // Ids with gaps between them.
    for _ in 0..50 {
        raw.bury_many("b", 1, "x");
        raw.put("c", "x");
        raw.put_with("a", "delayed", 0, 1000, 60);
    }
    raw.put("b", "ready");
    let text = run(&server.uri(), &["resurrect", "delete"]).ok();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..2], ["a: 2500 deleted", "b: 50 deleted"]);
    assert_eq!(counts(&server, "a"), [0, 0, 50, 0]);
    assert_eq!(counts(&server, "b"), [1, 0, 0, 0]);
    assert_eq!(counts(&server, "c"), [50, 0, 0, 0]);
}

#[test]
fn tubes_are_chosen_by_globs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for tube in ["mail.eu", "mail.us", "log"] {
        raw.bury_many(tube, 5, "x");
    }
    let text = run(&server.uri(), &["resurrect", "kick", "-t", "mail.*"]).ok();
    assert!(text.starts_with("mail.eu: 5 kicked\nmail.us: 5 kicked\n10 jobs"), "{text}");
    let text = run(&server.uri(), &["resurrect", "delete", "-t", "log", "-t", "mail.eu"]).ok();
    assert!(text.starts_with("log: 5 deleted\n5 jobs"), "{text}");
}

#[test]
fn a_limit_takes_what_was_buried_first() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let ids: Vec<u64> = (0..4).map(|number| raw.put("t", number.to_string())).collect();
    // Buried in another order than put.
    for id in [ids[2], ids[0], ids[3], ids[1]] {
        assert!(raw.ask(&format!("reserve-job {id}")).starts_with("RESERVED"));
        assert_eq!(raw.command(&format!("bury {id} 1")), "BURIED");
    }
    run(&server.uri(), &["resurrect", "delete", "--limit", "1"]).ok();
    assert_eq!(raw.command(&format!("stats-job {}", ids[2])), "NOT_FOUND");
    run(&server.uri(), &["resurrect", "kick", "--limit", "2"]).ok();
    assert_eq!(take_all(&mut raw, "t"), ["0", "3"]);
    run(&server.uri(), &["resurrect", "delete", "--limit", "0"]).ok();
    assert_eq!(counts(&server, "t"), [0, 0, 0, 1]);
}

#[test]
fn a_limit_counts_over_all_tubes_and_servers() {
    let servers = [Beanstalkd::start(), Beanstalkd::start()];
    for server in &servers {
        let mut raw = server.raw();
        raw.bury_many("a", 10, "x");
        raw.bury_many("b", 10, "x");
    }
    let uris = servers.each_ref().map(Beanstalkd::uri);
    let words = ["resurrect", "kick", "--limit", "25"];
    let text = run(&uris.join(","), &words).ok();
    let [first, second] = &uris;
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], format!("{first} a: 10 kicked"));
    assert_eq!(lines[1], format!("{first} b: 10 kicked"));
    assert_eq!(lines[2], format!("{second} a: 5 kicked"));
    assert!(lines[3].starts_with("25 jobs kicked"), "{text}");
    assert_eq!(counts(&servers[1], "a"), [5, 0, 0, 5]);
}

#[test]
fn a_dry_run_changes_nothing() {
    let server = Beanstalkd::start();
    server.raw().bury_many("t", 20, "x");
    for (what, verb) in [("kick", "kicked"), ("delete", "deleted")] {
        let text = run(&server.uri(), &["resurrect", what, "--dry-run"]).ok();
        assert_eq!(text, format!("t: 20 would be {verb}\n20 in all would be {verb}\n"));
        let words = ["resurrect", what, "--dry-run", "--limit", "7", "--older-than", "0s"];
        let text = run(&server.uri(), &words).ok();
        assert_eq!(text, format!("t: 7 would be {verb}\n7 in all would be {verb}\n"));
    }
    assert_eq!(counts(&server, "t"), [0, 0, 0, 20]);
    assert_eq!(server.raw().stats()["cmd-kick"], "0");
    assert_eq!(server.raw().stats()["cmd-delete"], "0");
}

#[test]
fn only_jobs_that_are_old_enough() {
    for (what, left) in [("kick", [10, 0, 0, 10]), ("delete", [0, 0, 0, 10])] {
        let server = beanwire_tests::Embedded::start();
        let mut raw = server.raw();
        // Old and young ones in turn, so that the head of the queue does not tell.
        raw.bury_many("t", 5, "old");
        raw.put("elsewhere", "x");
        raw.bury_many("u", 5, "old");
        server.advance(std::time::Duration::from_secs(7200));
        raw.bury_many("t", 5, "young");
        raw.bury_many("u", 5, "young");
        for _ in 0..3 {
            // The oldest go to the end of the queue.
            assert_eq!(raw.command("use t"), "USING t");
            assert_eq!(raw.command("kick 1"), "KICKED 1");
            let (id, _) = raw.reserve("t").unwrap();
            assert_eq!(raw.command(&format!("bury {id} 1024")), "BURIED");
        }
        let uri = server.uri();
        let text = run(uri, &["resurrect", what, "--older-than", "1h"]).ok();
        let verb = if what == "kick" { "kicked" } else { "deleted" };
        assert!(text.starts_with(&format!("t: 5 {verb}\nu: 5 {verb}\n10 jobs")), "{text}");
        let stats = raw.stats();
        let found = ["ready", "reserved", "delayed", "buried"]
            .map(|state| stats[&format!("current-jobs-{state}")].parse::<u64>().unwrap());
        let [ready, reserved, delayed, buried] = found;
        assert_eq!([ready - 1, reserved, delayed, buried], left, "one is ready elsewhere");
        let text = run(uri, &["resurrect", what, "--older-than", "3h"]).ok();
        assert!(text.starts_with("0 jobs"), "{text}");
    }
}

#[test]
fn jobs_behind_a_binlog_have_ids_above_the_count_of_puts() {
    let mut server = Beanstalkd::builder().binlog().start();
    server.raw().bury_many("t", 3000, "x");
    server.restart();
    let mut raw = server.raw();
    raw.bury_many("t", 10, "x");
    assert_eq!(raw.stats()["cmd-put"], "10");
    let text = run(&server.uri(), &["resurrect", "delete", "--older-than", "0s"]).ok();
    assert!(text.starts_with("t: 3010 deleted\n"), "{text}");
    assert_eq!(counts(&server, "t"), [0, 0, 0, 0]);
}

#[test]
fn a_delete_that_keeps_failing_ends_with_an_error() {
    let deletes = std::sync::Arc::new(AtomicUsize::new(0));
    let count = std::sync::Arc::clone(&deletes);
    let peer = ScriptedPeer::start(move |_, conn| stubborn(conn, &count));
    let error = run(&peer.uri(), &["resurrect", "delete"]).fails(1);
    assert!(error.contains("job 7 of t is still buried after 3 attempts; "), "{error}");
    assert_eq!(deletes.load(Ordering::SeqCst), 3);
}

/// A server with one buried job that cannot be deleted.
fn stubborn(conn: &mut PeerConn, deletes: &AtomicUsize) {
    let tube = "---\nname: \"t\"\ncurrent-jobs-buried: 1\n";
    handshake(conn);
    while let Some(line) = conn.read_line() {
        let words: Vec<_> = line.split(' ').collect();
        match words[0] {
            "list-tubes" => conn.send("OK 8\r\n---\n- t\n\r\n"),
            "stats-tube" => conn.send(format!("OK {}\r\n{tube}\r\n", tube.len())),
            "use" => conn.send("USING t\r\n"),
            "peek-buried" => conn.send("FOUND 7 1\r\nx\r\n"),
            "delete" => {
                deletes.fetch_add(1, Ordering::SeqCst);
                conn.send("NOT_FOUND\r\n");
            }
            "stats-job" => conn.send("NOT_FOUND\r\n"),
            "quit" => return,
            other => panic!("{other}"),
        }
    }
}
