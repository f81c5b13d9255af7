//! `drain-check`.

use beanwire_tests::{Beanstalkd, wait_until};
use serde_json::Value;

use crate::support::{Running, cells, command, run, take_all};

#[test]
fn the_exit_code_tells_whether_anything_waits() {
    let server = Beanstalkd::start();
    let check = |words: &[&str]| run(&server.uri(), &[&["drain-check"], words].concat());
    assert_eq!(check(&[]).ok(), "drained\n");
    let mut raw = server.raw();
    raw.put("ready", "x");
    raw.put_with("delayed", "x", 0, 1000, 60);
    raw.bury_many("buried", 1, "x");
    raw.put("reserved", "x");
    assert!(raw.reserve("reserved").is_some());
    let run = check(&[]);
    assert_eq!(cells(&run.stdout, "ready")[1..], ["1", "0", "0", "0"]);
    assert_eq!(cells(&run.stdout, "reserved")[1..], ["0", "1", "0", "0"]);
    assert_eq!(cells(&run.stdout, "delayed")[1..], ["0", "0", "1", "0"]);
    assert!(!run.stdout.contains("\nburied"), "{}", run.stdout);
    assert_eq!(run.fails(1), "error: not drained: 3 tubes have jobs\n");
    assert_eq!(check(&["--tube", "buried"]).ok(), "drained\n");
    assert_eq!(check(&["--tube", "nowhere"]).ok(), "drained\n");
    let buried = check(&["--tube", "buried", "--buried", "--output", "json"]);
    let json: Value = serde_json::from_str(&buried.stdout).unwrap();
    assert_eq!((&json["drained"], &json["tubes"][0]["buried"]), (&false.into(), &1.into()));
    buried.fails(1);
}

#[test]
fn waiting_ends_when_all_is_done() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let words = ["drain-check", "--wait", "--every", "10ms"];
    let check = Running::start(&mut command(&server.uri(), &words));
    wait_until("it has looked", || server.raw().stats()["cmd-stats-tube"] != "0");
    take_all(&mut server.raw(), "t");
    assert_eq!(check.wait().ok(), "drained\n");
}

#[test]
fn waiting_may_have_a_limit() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let error = run(&server.uri(), &["drain-check", "--wait=50ms", "--every", "10ms"]).fails(1);
    assert_eq!(error, "error: not drained: 1 tube has jobs\n");
}

#[test]
fn a_server_that_does_not_answer_is_not_drained() {
    let server = Beanstalkd::start();
    let uris = format!("{},127.0.0.1:{}", server.uri(), beanwire_tests::free_port());
    let run = run(&uris, &["drain-check"]);
    assert_eq!(run.stdout, "");
    run.fails(4);
}
