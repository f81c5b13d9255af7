//! `put`.

use std::io::Write as _;
use std::process::Stdio;

use beanwire_tests::{Beanstalkd, ScriptedPeer, TempDir, handshake, wait_until};

use crate::support::{command, counts, run, run_with, take_all};

#[test]
fn a_body_comes_from_an_argument_a_file_or_standard_input() {
    let server = Beanstalkd::start();
    let (uri, dir) = (server.uri(), TempDir::new());
    let path = dir.path().join("body");
    std::fs::write(&path, b"from a file\r\n\0").unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(run(&uri, &["put", "argument", "--tube", "t"]).ok(), "1\n");
    assert_eq!(run(&uri, &["put", "--file", path, "-t", "t"]).ok(), "2\n");
    assert_eq!(run_with(&uri, &["put", "-t", "t"], "from\nstdin").ok(), "3\n");
    assert_eq!(run_with(&uri, &["put", "-t", "t", "--file", "-"], "").ok(), "4\n");
    assert_eq!(run(&uri, &["put", "-t", "t", "-q", "quiet"]).ok(), "");
    let bodies = take_all(&mut server.raw(), "t");
    assert_eq!(bodies, ["argument", "from a file\r\n\0", "from\nstdin", "", "quiet"]);
}

#[test]
fn a_job_gets_its_priority_delay_and_ttr() {
    let server = Beanstalkd::start();
    let words = ["put", "x", "--priority", "7", "--delay", "1h", "--ttr", "90"];
    assert_eq!(run(&server.uri(), &words).ok(), "1\n");
    let stats = server.raw().stats_job(1);
    let shown = ["state", "pri", "delay", "ttr"].map(|key| stats[key].as_str());
    assert_eq!(shown, ["delayed", "7", "3600", "90"]);
}

#[test]
fn lines_become_jobs_with_their_ids_in_order() {
    let server = Beanstalkd::start();
    let lines: String = (0..5000).map(|number| format!("line {number}\n")).collect();
    let ids = run_with(&server.uri(), &["put", "--lines", "-t", "t"], lines.as_str()).ok();
    let expected: Vec<String> = (1..=5000).map(|id| id.to_string()).collect();
    assert_eq!(ids.lines().collect::<Vec<_>>(), expected);
    let expected: Vec<&str> = lines.lines().collect();
    assert_eq!(take_all(&mut server.raw(), "t"), expected);
    run_with(&server.uri(), &["put", "-l", "-t", "t"], "\nno end").ok();
    assert_eq!(take_all(&mut server.raw(), "t"), ["", "no end"]);
}

#[test]
fn a_line_is_put_as_soon_as_it_is_there() {
    let server = Beanstalkd::start();
    let mut put = command(&server.uri(), &["put", "--lines", "-t", "t"]);
    let mut child = put.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for count in 1..=3 {
        input.write_all(b"one line\nand half").unwrap();
        wait_until("the whole line is put", || counts(&server, "t")[0] == count);
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    assert_eq!(counts(&server, "t")[0], 4);
}

#[test]
fn json_lines_carry_their_own_options() {
    let server = Beanstalkd::start();
    let lines = r#"
{"body": "plain \u00e9\n"}
{"body_base64": "AP8=", "tube": "own", "priority": 0, "delay": "1m 30s", "ttr": 5}
"#;
    let words = ["put", "--json-lines", "-t", "t", "-p", "9", "--ttr", "70"];
    assert_eq!(run_with(&server.uri(), &words, lines).ok(), "1\n2\n");
    let mut raw = server.raw();
    let [first, second] = [1, 2].map(|id| {
        let stats = raw.stats_job(id);
        ["tube", "pri", "delay", "ttr"].map(|key| stats[key].clone())
    });
    assert_eq!(first, ["t", "9", "0", "70"]);
    assert_eq!(second, ["own", "0", "90", "5"]);
    assert_eq!(raw.ask("peek 1"), "FOUND 1 9\r\nplain é\n");
    assert_eq!(raw.command("peek 2"), "FOUND 2 2");
    assert_eq!(raw.body(2), [0, 255]);
}

#[test]
fn a_wrong_line_is_named_and_what_is_before_it_is_put() {
    let server = Beanstalkd::start();
    for (line, reason) in [
        (r#"{"body": "x", "tubes": "t"}"#, "unknown field `tubes`"),
        (r#"{"body": "x", "body_base64": ""}"#, "exactly one of body and body_base64"),
        (r#"{"priority": 1}"#, "exactly one of body and body_base64"),
        (r#"{"body_base64": "!"}"#, "body_base64"),
        (r#"{"body": "x", "tube": "a b"}"#, "only A-Z"),
        (r#"{"body": "x", "priority": 4294967296}"#, "0 to 4294967295"),
        (r#"{"body": "x", "priority": -1}"#, "invalid value"),
        (r#"{"body": "x", "delay": "soon"}"#, "delay"),
        (r#"{"body": "x", "delay": 4294967296}"#, "delay"),
        (r#"{"body": "x", "delay": 1.5}"#, "delay and ttr are a number of seconds"),
        (r#"{"body": "x", "ttr": 0}"#, "at least 1 s"),
        ("{\"body\": \"x\"", "at column"),
        ("not json", "at column"),
    ] {
        let input = format!("{{\"body\": \"good\"}}\n\n{line}\n{{\"body\": \"behind\"}}\n");
        let run = run_with(&server.uri(), &["put", "-j", "-t", "t"], input);
        let error = run.fails(4);
        assert!(error.starts_with("error: line 3: ") && error.contains(reason), "{line}: {error}");
        assert!(!error.contains("line 1"), "{error}");
        assert_eq!(take_all(&mut server.raw(), "t"), ["good"], "{line}");
    }
    // Nothing was put: then it is no partial success.
    run_with(&server.uri(), &["put", "-j"], "not json\n").fails(1);
}

#[test]
fn a_body_that_is_too_big_is_refused_before_it_is_sent() {
    let server = Beanstalkd::builder().max_job_size(100).start();
    let (uri, big) = (server.uri(), "x".repeat(101));
    run(&uri, &["put", &"x".repeat(100)]).ok();
    let error = run(&uri, &["put", &big]).fails(1);
    assert!(error.contains("101") && error.contains("hint: the limit is"), "{error}");
    let error = run_with(&uri, &["put"], big.as_str()).fails(1);
    assert!(error.contains("larger than 100 bytes"), "{error}");
    let error = run_with(&uri, &["put", "-l"], format!("short\n{big}\n")).fails(4);
    assert!(error.contains("line 2: it is larger than 100 bytes"), "{error}");
    let line = format!("{{\"body\": \"{big}\"}}");
    let error = run_with(&uri, &["put", "-j"], line).fails(1);
    assert!(error.contains("line 1: the body is larger than 100 bytes"), "{error}");
    let line = format!("{{\"body\": \"{}\"}}", "x".repeat(100_000));
    let error = run_with(&uri, &["put", "-j"], line).fails(1);
    assert!(error.contains("line 1: it is larger than 66136 bytes"), "{error}");
    assert_eq!(server.raw().stats()["cmd-put"], "2", "the good ones");
}

#[test]
fn endless_input_without_a_line_end_does_not_fill_the_memory() {
    let server = Beanstalkd::start();
    for words in [&["put", "--file", "/dev/zero"][..], &["put", "--lines", "--file", "/dev/zero"]] {
        let error = run(&server.uri(), words).fails(1);
        assert!(error.contains("larger than 65535 bytes"), "{error}");
    }
}

#[test]
fn a_server_that_drains_takes_nothing() {
    let server = Beanstalkd::start();
    server.drain();
    let error = run(&server.uri(), &["put", "x"]).fails(1);
    assert!(error.contains("hint: a server that drains"), "{error}");
    let error = run_with(&server.uri(), &["put", "-l"], "a\nb\n").fails(1);
    assert!(error.starts_with("error: line 1: "), "{error}");
}

#[test]
fn several_servers_share_the_jobs_and_ids_tell_whose_they_are() {
    let servers = [Beanstalkd::start(), Beanstalkd::start()];
    let uris = servers.each_ref().map(Beanstalkd::uri);
    let lines = "x\n".repeat(100);
    let ids = run_with(&uris.join(","), &["put", "-l", "-t", "t"], lines).ok();
    for (server, uri) in servers.iter().zip(&uris) {
        let here = ids.lines().filter(|line| line.ends_with(&format!(" {uri}"))).count();
        assert_eq!(counts(server, "t")[0], here as u64);
    }
    assert_eq!(ids.lines().count(), 100);
}

#[test]
fn a_signal_ends_the_wait_for_input() {
    let server = Beanstalkd::start();
    for words in [&["put"][..], &["put", "--lines"]] {
        let mut put = command(&server.uri(), words);
        let mut child = put.stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(b"half a line").unwrap();
        wait_until("it is connected", || server.raw().stats()["current-connections"] == "2");
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(143));
        assert_eq!(server.raw().stats()["cmd-put"], "0");
    }
}

#[test]
fn a_body_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let server = Beanstalkd::start();
    let mut put = command(&server.uri(), &["put", "-t", "t"]);
    assert!(put.arg(std::ffi::OsStr::from_bytes(b"\xff\xfe")).status().unwrap().success());
    assert_eq!(server.raw().reserve("t").unwrap().1, b"\xff\xfe");
}

#[test]
fn lines_are_put_also_if_nobody_reads_their_ids() {
    let server = Beanstalkd::start();
    let mut put = command(&server.uri(), &["put", "--lines", "-t", "t"]);
    let mut child = put.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut input = child.stdin.take().unwrap();
    for _ in 0..5000 {
        input.write_all(b"line\n").unwrap();
    }
    drop(input);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(counts(&server, "t")[0], 5000);
}

#[test]
fn lines_that_were_not_put_among_others_are_named() {
    // Refuses the second of the jobs that come at once, and no other.
    let peer = ScriptedPeer::start(|_, conn| {
        let mut jobs = 0;
        handshake(conn);
        while let Some(line) = conn.read_line() {
            if line.starts_with("put ") {
                conn.read_line();
                jobs += 1;
                match jobs {
                    2 => conn.send("OUT_OF_MEMORY\r\n"),
                    _ => conn.send(format!("INSERTED {jobs}\r\n")),
                }
            } else if line.starts_with("use ") {
                conn.send("USING t\r\n");
            }
        }
    });
    let run = run_with(&peer.uri(), &["put", "--lines", "-t", "t"], "a\nb\nc\nd\n");
    assert_eq!(run.stdout, "1\n3\n4\n");
    let error = run.fails(4);
    let warning = "warning: up to line 4 all lines were put but these: 2\nerror: line 2: ";
    assert!(error.starts_with(warning), "{error}");
}
