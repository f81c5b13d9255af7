//! `consume`.

use std::io::Read as _;
use std::path::Path;

use beanwire_tests::{Beanstalkd, TempDir, wait_until};
use rustix::process::Signal;

use crate::support::{Run, Running, command, counts, run};

/// Runs a shell script for each job until none comes any more.
fn script(server: &Beanstalkd, words: &[&str], script: &str) -> Run {
    let fixed = ["consume", "-t", "t", "--idle", "500ms"];
    run(&server.uri(), &[&fixed, words, &["--", "sh", "-c", script]].concat())
}

fn state(server: &Beanstalkd, id: u64) -> [String; 3] {
    let stats = server.raw().stats_job(id);
    ["state", "delay", "releases"].map(|key| stats.get(key).cloned().unwrap_or_default())
}

fn exists(path: &Path) -> bool {
    path.exists()
}

#[test]
fn bodies_are_printed_and_their_jobs_deleted() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for body in ["first", "sec\0ond\x1b[2J", "third"] {
        raw.put("t", body);
    }
    let printed = run(&server.uri(), &["consume", "-t", "t", "--count", "2"]);
    assert_eq!(printed.stdout, "first\nsec\0ond\x1b[2J\n");
    assert_eq!(printed.fails(0), "2 done, 0 failed, 0 buried, 0 deferred, 0 lost\n");
    assert_eq!(counts(&server, "t"), [1, 0, 0, 0]);
    let printed = run(&server.uri(), &["consume", "-t", "t", "-t", "u", "--idle", "500ms", "-0"]);
    assert_eq!(printed.stdout, "third\0");
    assert_eq!(run(&server.uri(), &["consume", "--count", "0"]).stdout, "");
}

#[test]
fn a_command_gets_the_body_and_facts_about_the_job() {
    let server = Beanstalkd::start();
    server.raw().put_with("t", "the body\n", 7, 0, 60);
    let run = script(
        &server,
        &["--count", "1"],
        "cat; echo $BEANWIRE_JOB_ID $BEANWIRE_TUBE $BEANWIRE_PRIORITY $BEANWIRE_ATTEMPT; \
         echo $BEANWIRE_SERVER",
    );
    assert_eq!(run.stdout, format!("the body\n1 t 7 1\n{}\n", server.uri()));
    assert_eq!(counts(&server, "t"), [0; 4]);
}

#[test]
fn a_command_need_not_read_a_large_body() {
    let server = Beanstalkd::builder().max_job_size(1 << 20).start();
    let mut raw = server.raw();
    raw.put("t", "x".repeat(1 << 20));
    raw.put("t", "x".repeat(1 << 20));
    let run = script(&server, &[], "exit 0");
    assert_eq!(run.fails(0), "2 done, 0 failed, 0 buried, 0 deferred, 0 lost\n");
}

#[test]
fn the_exit_code_decides_about_the_job() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for body in ["0", "65", "75", "1", "kill"] {
        raw.put("t", body);
    }
    let words = ["--retry-delay", "1000s", "--max-attempts", "2"];
    let run = script(&server, &words, "code=$(cat); [ $code = kill ] && kill -9 $$; exit $code");
    let error = run.fails(0);
    assert!(error.contains("job 4: the command ended with exit status: 1"), "{error}");
    assert!(error.contains("job 5: the command ended with signal: 9"), "{error}");
    assert!(error.ends_with("1 done, 2 failed, 1 buried, 1 deferred, 0 lost\n"), "{error}");
    assert_eq!(state(&server, 1)[0], "");
    assert_eq!(state(&server, 2)[0], "buried");
    for id in [3, 4, 5] {
        assert_eq!(state(&server, id), ["delayed", "1000", "1"], "{id}");
    }
    // The second attempt is the last, but not for a job that was deferred.
    for id in [3, 4] {
        assert_eq!(raw.command(&format!("kick-job {id}")), "KICKED");
    }
    script(&server, &words, "exit $(cat)").fails(0);
    assert_eq!(state(&server, 3), ["delayed", "1000", "2"]);
    assert_eq!(state(&server, 4)[0], "buried");
}

#[test]
fn a_command_that_cannot_be_run_harms_no_job() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let words = ["consume", "-t", "t", "--", "/nonexistent/command"];
    let error = run(&server.uri(), &words).fails(2);
    assert!(error.contains("error: cannot run /nonexistent/command"), "{error}");
    assert_eq!(state(&server, 1), ["ready", "0", "0"]);
}

#[test]
fn jobs_run_side_by_side() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let dir = TempDir::new();
    for name in ["a", "b", "c"] {
        raw.put("t", name);
    }
    // Each waits until all three have begun.
    let all = format!(
        "cd {}; touch $(cat); until [ -e a ] && [ -e b ] && [ -e c ]; do sleep 0.01; done",
        dir.path().display()
    );
    let run = script(&server, &["-c", "3", "-n", "3"], &all);
    assert!(run.fails(0).starts_with("3 done"));
}

#[test]
fn no_more_than_the_count_is_reserved() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..20 {
        raw.put("t", "x");
    }
    let run = script(&server, &["-c", "8", "-n", "5"], "exit 0");
    assert!(run.fails(0).starts_with("5 done"));
    assert_eq!(counts(&server, "t"), [15, 0, 0, 0]);
    assert_eq!(raw.stats_job(6)["reserves"], "0");
}

/// Sends a signal to a consumer with a job, and waits until it was heard: two at once may be one.
fn signal_and_see(consume: &mut Running, signal: Signal) {
    consume.signal(signal);
    let mut told = Vec::new();
    let stderr = consume.0.stderr.as_mut().unwrap();
    while !told.ends_with(b"another signal kills them\n") {
        let mut byte = [0];
        stderr.read_exact(&mut byte).unwrap();
        told.extend(byte);
    }
}

#[test]
fn the_first_signal_lets_jobs_finish_and_takes_no_more() {
    for signal in [Signal::TERM, Signal::INT] {
        let server = Beanstalkd::start();
        let (dir, mut raw) = (TempDir::new(), server.raw());
        raw.put("t", "first");
        raw.put("t", "second");
        let body = "cd \"$0\"; touch begun; until [ -e go ]; do sleep 0.01; done; cat";
        let path = dir.path().to_str().unwrap();
        let words = ["consume", "-t", "t", "--", "sh", "-c", body, path];
        let mut consume = Running::start(&mut command(&server.uri(), &words));
        wait_until("it has begun", || exists(&dir.path().join("begun")));
        signal_and_see(&mut consume, signal);
        std::fs::write(dir.path().join("go"), "").unwrap();
        let run = consume.wait();
        assert_eq!(run.stdout, "first");
        assert!(run.fails(0).starts_with("1 done"));
        assert_eq!(counts(&server, "t"), [1, 0, 0, 0]);
    }
}

/// A consumer whose command, and a child of that, run for ever once they have told their ids.
fn endless(server: &Beanstalkd, dir: &TempDir, words: &[&str]) -> (Running, [String; 2]) {
    let script = "cd \"$0\"; sleep 1000 & echo $$ $! > new; mv new ids; wait";
    let path = dir.path().to_str().unwrap();
    let words = [&["consume", "-t", "t"], words, &["--", "sh", "-c", script, path]].concat();
    let consume = Running::start(&mut command(&server.uri(), &words));
    let ids = dir.path().join("ids");
    wait_until("it has begun", || exists(&ids));
    let ids = std::fs::read_to_string(ids).unwrap();
    let ids: Vec<_> = ids.split_whitespace().map(ToOwned::to_owned).collect();
    (consume, ids.try_into().unwrap())
}

/// Whether a process is gone, or dead and only not yet waited for.
fn is_gone(id: &str) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    state.is_empty() || state.contains(") Z ")
}

#[test]
fn the_second_signal_ends_everything_and_gives_the_job_back() {
    let (server, dir) = (Beanstalkd::start(), TempDir::new());
    server.raw().put("t", "x");
    let (mut consume, ids) = endless(&server, &dir, &[]);
    signal_and_see(&mut consume, Signal::TERM);
    consume.signal(Signal::TERM);
    consume.wait().fails(143);
    wait_until("the command and its child are gone", || ids.iter().all(|id| is_gone(id)));
    assert_eq!(counts(&server, "t"), [1, 0, 0, 0]);
}

#[test]
fn a_drain_has_a_limit() {
    let (server, dir) = (Beanstalkd::start(), TempDir::new());
    server.raw().put("t", "x");
    let (consume, ids) = endless(&server, &dir, &["--drain-timeout", "50ms"]);
    consume.signal(Signal::TERM);
    let error = consume.wait().fails(4);
    assert!(error.contains("not done 50ms after the signal"), "{error}");
    assert!(error.contains("hint: --drain-timeout grants more time"), "{error}");
    wait_until("the command and its child are gone", || ids.iter().all(|id| is_gone(id)));
    assert_eq!(counts(&server, "t"), [1, 0, 0, 0]);
}

#[test]
fn a_command_whose_job_is_lost_is_killed() {
    let (server, dir) = (Beanstalkd::start(), TempDir::new());
    server.raw().put_with("t", "x", 1, 0, 2);
    let (consume, ids) = endless(&server, &dir, &["--count", "1"]);
    let error = consume.wait().fails(0);
    assert!(error.contains("job 1: its reservation was lost; its command was killed"), "{error}");
    assert!(error.ends_with("1 lost\n"), "{error}");
    wait_until("the command and its child are gone", || ids.iter().all(|id| is_gone(id)));
}

#[test]
fn a_job_that_is_touched_outlives_its_ttr() {
    let server = Beanstalkd::start();
    server.raw().put_with("t", "x", 1, 0, 1);
    let run = script(&server, &["--auto-touch", "--count", "1"], "sleep 2.5");
    assert_eq!(run.fails(0), "1 done, 0 failed, 0 buried, 0 deferred, 0 lost\n");
    assert_ne!(server.raw().stats()["cmd-touch"], "0");
}

#[test]
fn it_goes_on_when_the_server_comes_back() {
    let mut server = Beanstalkd::builder().binlog().start();
    let words = ["consume", "-t", "t", "--count", "2"];
    let consume = Running::start(&mut command(&server.uri(), &words));
    server.raw().put("t", "before");
    wait_until("the first is done", || server.raw().stats()["cmd-delete"] == "1");
    server.restart();
    server.raw().put("t", "after");
    let run = consume.wait();
    assert_eq!(run.stdout, "before\nafter\n");
    let error = run.fails(0);
    assert!(error.contains("warning: ") && error.contains("2 done"), "{error}");
}
