//! Bad flags, bad values, and output that nobody reads.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use beanwire_tests::Beanstalkd;

use crate::support::{command, run};

/// Nothing listens there, and nothing is asked.
const NOWHERE: &str = "127.0.0.1:1";

#[test]
fn bad_usage_is_told_and_ends_with_2() {
    for (words, reason) in [
        (&["nonsense"][..], "unrecognized subcommand 'nonsense'"),
        (&["put", "x", "--nonsense"], "unexpected argument '--nonsense'"),
        (&["put", "x", "--tube", "a b"], "only A-Z"),
        (&["put", "x", "--tube", ""], "1 to 200 bytes"),
        (&["put", "x", "--priority", "4294967296"], "4294967296 is not in"),
        (&["put", "x", "--delay", "4294967296"], "4294967295"),
        (&["put", "x", "--delay", "soon"], "such as 30s"),
        (&["put", "x", "--ttr", "0"], "at least 1 s"),
        (&["put", "x", "--lines"], "cannot be used with"),
        (&["put", "--lines", "--json-lines"], "cannot be used with"),
        (&["put", "--file", "/nonexistent/file"], "/nonexistent/file"),
        (&["consume", "--concurrency", "0"], "1..=1024"),
        (&["consume", "--max-attempts", "0"], "--max-attempts"),
        (&["consume", "--null", "--", "cat"], "cannot be used with"),
        (&["job"], "<ID>..."),
        (&["job", "-1"], "unexpected argument '-1'"),
        (&["job", "x"], "invalid digit"),
        (&["delete"], "<ID>..."),
        (&["kick"], "required"),
        (&["kick", "--tube", "t"], "--bound"),
        (&["kick", "--tube", "t", "--bound", "4294967296"], "4294967296 is not in"),
        (&["kick", "1", "--tube", "t", "--bound", "1"], "cannot be used with"),
        (&["pause", "t"], "--for"),
        (&["pause", "--for", "1s"], "<TUBE>..."),
        (&["move", "from"], "<TO>"),
        (&["move", "a", "b", "--state", "reserved"], "possible values: ready"),
        (&["peek", "1", "--state", "ready"], "cannot be used with"),
        (&["tubes", "--tube", "["], "unclosed"),
        (&["tubes", "--output", "xml"], "possible values: table, json"),
        (&["resurrect"], "Usage:"),
        (&["resurrect", "kick", "--limit", "many"], "invalid digit"),
        (&["resurrect", "kick", "--older-than", "old"], "such as 30s"),
        (&["drain-check", "--every", "1s"], "--wait"),
        (&["drain-check", "--wait", "--every", "0s"], "at least 10ms"),
        (&["stats", "--timeout", "0"], "1ms to 1h"),
        (&["stats", "--color", "sometimes"], "possible values: auto"),
        (&["completions", "tcsh"], "possible values: bash"),
    ] {
        let run = run(NOWHERE, words);
        assert_eq!(run.stdout, "", "{words:?}");
        let error = run.fails(2);
        assert!(error.contains(reason), "{words:?}: {error}");
    }
}

#[test]
fn bad_servers_and_certificates_are_told_before_anything_is_sent() {
    for (uri, words, reason) in [
        ("http://x", &["stats"][..], "http://x"),
        ("a:0", &["put", "x"], "the port must be"),
        ("user:secret@host", &["stats"], "***@host"),
        ("", &["stats", "--tls-ca", "/nonexistent/ca"], "--tls-ca /nonexistent/ca"),
        ("", &["stats", "--tls-cert", "x"], "--tls-cert and --tls-key"),
        ("", &["consume", "--tls-key", "x"], "--tls-cert and --tls-key"),
    ] {
        let error = run(uri, words).fails(2);
        assert!(error.contains(reason) && error.starts_with("error: "), "{uri} {words:?}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn help_tells_the_exit_codes() {
    let help = run("", &["--help"]).ok();
    for text in ["Exit codes:", "drain-check", "BEANWIRE_URI", "NO_COLOR"] {
        assert!(help.contains(text), "{text}");
    }
    assert!(run("", &["consume", "--help"]).ok().contains("EX_TEMPFAIL"));
    for (command, text) in [
        ("put", "A JSON line is an object with"),
        ("move", "only then is the original deleted"),
        ("peek", "for every tube, the job that would be reserved next"),
        ("drain-check", "It is 0 if no job is ready, reserved or delayed"),
    ] {
        let help = run("", &[command, "--help"]).ok().replace('\n', " ");
        assert!(help.contains(text) && help.contains("Examples:"), "{command}: {help}");
    }
    assert!(run("", &["--version"]).ok().starts_with("beanwire 0."));
}

#[test]
fn output_that_nobody_reads_ends_a_command_quietly() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for number in 0..3000 {
        raw.put(&format!("tube-with-a-long-name-{number}"), "x");
    }
    let mut tubes = command(&server.uri(), &["tubes"]);
    let mut child = tubes.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    assert!(line.starts_with("tube"), "{line}");
    drop(stdout);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
}

#[test]
fn messages_that_nobody_reads_do_no_harm() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let mut consume = command(&server.uri(), &["consume", "-t", "t", "-n", "1"]);
    let mut child = consume.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(server.raw().stats()["cmd-delete"], "1");
}

#[test]
fn a_job_whose_body_nobody_reads_is_given_back() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let mut consume = command(&server.uri(), &["consume", "-t", "t"]);
    let mut child = consume.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let stats = server.raw().stats_job(1);
    let shown = ["state", "reserves"].map(|key| stats[key].as_str());
    assert_eq!(shown, ["ready", "1"]);
}
