//! Commands for single jobs and tubes: `kick`, `delete`, `pause`, `resume`.

use beanwire_tests::Beanstalkd;

use crate::support::{counts, run};

#[test]
fn jobs_are_kicked_by_their_ids() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("t", 2, "x");
    raw.put_with("t", "x", 0, 1000, 60);
    raw.put("t", "x");
    assert_eq!(run(&server.uri(), &["kick", "2", "3"]).ok(), "2: kicked\n3: kicked\n");
    assert_eq!(counts(&server, "t"), [3, 0, 0, 1]);
    let mixed = run(&server.uri(), &["kick", "1", "4", "99"]);
    assert_eq!(mixed.stdout, "1: kicked\n");
    assert_eq!(mixed.fails(4), "error: jobs 4 99: neither buried nor delayed\n");
}

#[test]
fn a_number_of_jobs_is_kicked_as_the_protocol_says() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("t", 1500, "x");
    raw.put_with("t", "x", 0, 1000, 60);
    let kick = |bound: &str| run(&server.uri(), &["kick", "--tube", "t", "--bound", bound]).ok();
    assert_eq!(kick("1200"), "t: 1200 kicked\n");
    assert_eq!(counts(&server, "t"), [1200, 0, 1, 300]);
    assert_eq!(kick("300"), "t: 300 kicked\n");
    assert_eq!(kick("5"), "t: 1 kicked\n");
    assert_eq!(counts(&server, "t"), [1501, 0, 0, 0]);
}

#[test]
fn delayed_jobs_stay_where_buried_ones_are_kicked() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("t", 1000, "x");
    raw.put_with("t", "x", 0, 1000, 60);
    let words = ["kick", "--tube", "t", "--bound", "1200"];
    assert_eq!(run(&server.uri(), &words).ok(), "t: 1000 kicked\n");
    assert_eq!(counts(&server, "t"), [1000, 0, 1, 0]);
}

#[test]
fn jobs_are_deleted_by_their_ids_unless_they_are_reserved() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..3 {
        raw.put("t", "x");
    }
    let (held, _) = raw.reserve("t").unwrap();
    assert_eq!(run(&server.uri(), &["delete", "2", "3"]).ok(), "2: deleted\n3: deleted\n");
    let error = run(&server.uri(), &["delete", &held.to_string()]).fails(1);
    assert_eq!(error, "error: job 1: not there, or reserved\n");
    assert_eq!(counts(&server, "t"), [0, 1, 0, 0]);
}

#[test]
fn ids_need_one_server() {
    let servers = [Beanstalkd::start(), Beanstalkd::start()];
    let uris = servers.each_ref().map(Beanstalkd::uri).join(" ");
    for words in [["kick", "1"], ["delete", "1"], ["job", "1"], ["peek", "1"]] {
        let error = run(&uris, &words).fails(2);
        assert!(error.contains("ids belong to one server, and 2 were given"), "{error}");
    }
}

#[test]
fn tubes_are_paused_and_resumed() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for tube in ["a1", "a2", "b"] {
        raw.put(tube, "x");
    }
    let paused = run(&server.uri(), &["pause", "a*", "--for", "90s"]).ok();
    assert_eq!(paused, "a1: paused for 1m 30s\na2: paused for 1m 30s\n");
    assert_eq!(["a1", "b"].map(|tube| raw.stats_tube(tube)["pause"].clone()), ["90", "0"]);
    assert_eq!(raw.reserve("a1"), None);
    let paused = run(&server.uri(), &["pause", "b", "--for", "500ms"]).ok();
    assert_eq!(paused, "b: paused for 1s\n");
    assert_eq!(run(&server.uri(), &["resume", "a1"]).ok(), "a1: resumed\n");
    assert!(raw.reserve("a1").is_some());
    let error = run(&server.uri(), &["pause", "nowhere", "--for", "1s"]).fails(1);
    assert!(error.contains("no tube matches nowhere"), "{error}");
}
