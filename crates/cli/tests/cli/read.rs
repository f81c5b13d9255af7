//! Commands that look and change nothing: `stats`, `tubes`, `job`, `peek`, `resurrect info`.

use beanwire_tests::{Beanstalkd, Embedded};
use serde_json::Value;

use crate::support::{cells, run};

fn json(uri: &str, words: &[&str]) -> Value {
    let text = run(uri, &[words, &["--output", "json"]].concat()).ok();
    serde_json::from_str(&text).unwrap()
}

#[test]
fn stats_shows_the_figures_of_a_server() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let table = run(&server.uri(), &["stats"]).ok();
    assert_eq!(cells(&table, "current_jobs_ready"), ["current_jobs_ready", "1"]);
    assert_eq!(cells(&table, "max_job_size"), ["max_job_size", "65535"]);
    let json = json(&server.uri(), &["stats"]);
    assert_eq!(json[0]["server"], server.uri());
    assert_eq!(json[0]["current_jobs_ready"], 1);
    assert_eq!(json[0]["draining"], false);
}

#[test]
fn tubes_shows_how_many_jobs_are_where() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put("mail.eu", "x");
    raw.put_with("mail.us", "x", 0, 1000, 60);
    raw.put("log", "x");
    assert_eq!(raw.command("pause-tube log 3600"), "PAUSED");
    let table = run(&server.uri(), &["tubes"]).ok();
    assert_eq!(cells(&table, "mail.eu")[..5], ["mail.eu", "1", "0", "0", "0"]);
    assert_eq!(cells(&table, "mail.us")[..5], ["mail.us", "0", "0", "1", "0"]);
    let paused = cells(&table, "log")[10..].concat();
    assert!(paused.starts_with("59m") || paused == "1h", "{table}");
    let names = |globs: &[&str]| {
        let json = json(&server.uri(), &[&["tubes"], globs].concat());
        let names = json.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap());
        names.map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["default", "log", "mail.eu", "mail.us"]);
    assert_eq!(names(&["--tube", "mail.*"]), ["mail.eu", "mail.us"]);
    assert_eq!(names(&["-t", "mail.?u", "-t", "l[a-z]g"]), ["log", "mail.eu"]);
}

#[test]
fn a_tube_that_is_nowhere_is_an_error() {
    let server = Beanstalkd::start();
    for words in [
        &["tubes"][..],
        &["peek"],
        &["resurrect", "info"],
        &["resurrect", "kick"],
        &["resurrect", "delete", "--dry-run"],
    ] {
        let error = run(&server.uri(), &[words, &["--tube", "nowhere*"]].concat()).fails(1);
        assert!(error.contains("no tube matches nowhere*"), "{words:?}: {error}");
        assert!(error.contains("hint: "), "{words:?}: {error}");
    }
}

#[test]
fn job_shows_the_statistics_of_jobs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put_with("t", "x", 5, 1000, 90);
    raw.put("t", "y");
    let table = run(&server.uri(), &["job", "1", "2"]).ok();
    assert_eq!(cells(&table, "1")[..4], ["1", "t", "delayed", "5"]);
    assert_eq!(cells(&table, "2")[..4], ["2", "t", "ready", "1024"]);
    let json = json(&server.uri(), &["job", "1"]);
    assert_eq!((&json[0]["priority"], &json[0]["ttr_ms"]), (&5.into(), &90_000.into()));
    let missing = run(&server.uri(), &["job", "2", "77"]);
    assert_eq!(cells(&missing.stdout, "2")[..3], ["2", "t", "ready"]);
    assert_eq!(missing.fails(4), "error: job 77: not there\n");
    let error = run(&server.uri(), &["job", "77", "78"]).fails(1);
    assert_eq!(error, "error: jobs 77 78: not there\n");
}

#[test]
fn peek_shows_the_first_job_of_each_state() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("a", 2, "broken");
    raw.put("a", "first\x1b[2J\n");
    raw.put_with("b", [0, 255], 0, 1000, 60);
    let table = run(&server.uri(), &["peek"]).ok();
    let rows: Vec<Vec<_>> =
        table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["a", "ready", "3", "10", r"first\u{1b}[2J\n"]);
    assert_eq!(rows[1], ["a", "buried", "1", "6", "broken"]);
    assert_eq!(rows[2], ["b", "delayed", "4", "2", r"\u{0}\xff"]);
    assert_eq!(rows.len(), 3);
    let json = json(&server.uri(), &["peek", "--tube", "b", "--state", "delayed"]);
    assert_eq!((&json[0]["tube"], &json[0]["state"]), (&"b".into(), &"delayed".into()));
    assert_eq!((&json[0]["body_base64"], &json[0]["size"]), (&"AP8=".into(), &2.into()));
}

#[test]
fn peek_gives_a_body_as_it_is_in_a_pipe() {
    let server = Beanstalkd::start();
    let id = server.raw().put("t", "a\r\n\x1b[2J\0").to_string();
    assert_eq!(run(&server.uri(), &["peek", &id, "--body"]).ok(), "a\r\n\x1b[2J\0");
    let words = ["peek", "--tube", "t", "--state", "ready", "--body"];
    assert_eq!(run(&server.uri(), &words).ok(), "a\r\n\x1b[2J\0");
    let words = ["peek", "--tube", "t", "--state", "buried", "--body"];
    let error = run(&server.uri(), &words).fails(1);
    assert!(error.contains("exactly one job, and there are 0"), "{error}");
    assert_eq!(run(&server.uri(), &["peek", "9"]).fails(1), "error: job 9: not there\n");
}

#[test]
fn resurrect_info_shows_where_jobs_are_buried() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("a", 3, "x");
    raw.bury_many("b", 1, "x");
    raw.put("c", "x");
    let table = run(&server.uri(), &["resurrect", "info"]).ok();
    assert_eq!(cells(&table, "a")[..3], ["a", "3", "1"]);
    assert_eq!(cells(&table, "b")[..3], ["b", "1", "4"]);
    assert_eq!(table.lines().count(), 3);
    let json = json(&server.uri(), &["resurrect", "info", "-t", "b"]);
    assert_eq!((&json[0]["tube"], &json[0]["buried"]), (&"b".into(), &1.into()));
    assert_eq!(json[0]["first"]["buries"], 1);
}

#[test]
fn the_embedded_server_is_read_the_same() {
    let server = Embedded::start();
    server.raw().put("t", "x");
    let uri = server.uri().to_owned();
    let table = run(&uri, &["tubes"]).ok();
    assert_eq!(cells(&table, "t")[..2], ["t", "1"]);
    assert_eq!(json(&uri, &["stats"])[0]["current_jobs_ready"], 1);
}
