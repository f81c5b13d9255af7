//! Killed at any point, nothing is lost.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, RandomState};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use beanwire_tests::{Beanstalkd, TempDir, wait_until};

use crate::support::{command, counts, run, take_all};

/// A time after which a run is killed: mostly while it works.
fn moment(most_ms: u64) -> Duration {
    Duration::from_micros(RandomState::new().hash_one(0) % (most_ms * 1000))
}

/// How often each of the jobs is there; all must be.
fn tally(bodies: impl IntoIterator<Item = String>, jobs: usize) -> BTreeMap<String, usize> {
    let mut tally = BTreeMap::new();
    for body in bodies {
        *tally.entry(body).or_default() += 1;
    }
    let missing: Vec<_> =
        (0..jobs).map(|job| job.to_string()).filter(|job| !tally.contains_key(job)).collect();
    assert!(missing.is_empty(), "lost: {missing:?}");
    assert_eq!(tally.len(), jobs, "jobs out of nowhere");
    tally
}

#[test]
fn a_move_that_is_killed_loses_nothing() {
    const JOBS: usize = 3000;
    const KILLS: usize = 25;
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for state in ["ready", "buried", "delayed"] {
        for job in 0..JOBS {
            let delay = if state == "delayed" { 1000 } else { 0 };
            raw.put_with(state, job.to_string(), 1, delay, 60);
        }
        if state == "buried" {
            raw.send("reserve-with-timeout 0\r\n");
            assert_eq!(raw.reply(), "TIMED_OUT");
            for _ in 0..JOBS {
                let (id, _) = raw.reserve(state).unwrap();
                assert_eq!(raw.command(&format!("bury {id} 1")), "BURIED");
            }
        }
        let words = ["move", state, &format!("to-{state}"), "--state", state];
        let mut interrupted = 0;
        for _ in 0..KILLS {
            let mut child = command(&server.uri(), &words).stdout(Stdio::null()).spawn().unwrap();
            sleep(moment(60));
            child.kill().unwrap();
            interrupted += usize::from(child.wait().unwrap().code().is_none());
            wait_until("its jobs are back", || counts(&server, state)[1] == 0);
            let here: u64 = counts(&server, state).iter().sum();
            let there: u64 = counts(&server, words[2]).iter().sum();
            assert!(here + there >= JOBS as u64, "{state}: {here} and {there}");
        }
        assert!(interrupted > 0, "{state}: every run was over before it was killed");
        if counts(&server, state) != [0; 4] {
            run(&server.uri(), &words).ok();
        }
        assert_eq!(counts(&server, state), [0; 4]);
        raw.command(&format!("use {}", words[2]));
        raw.command("kick 1000000");
        let bodies = take_all(&mut raw, words[2]);
        let twice = bodies.len() - JOBS;
        tally(bodies, JOBS);
        assert!(twice <= interrupted * 100, "{state}: {twice} twice after {interrupted} kills");
    }
}

#[test]
fn consumers_that_are_killed_lose_nothing() {
    const JOBS: usize = 400;
    let dir = TempDir::new();
    let path = dir.path().join("done");
    let script = "body=$(cat); echo \"$body\" >> \"$0\"";
    let command_words = ["--", "sh", "-c", script, path.to_str().unwrap()];
    for (name, tail) in [("print", &[][..]), ("command", &command_words)] {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        for job in 0..JOBS {
            raw.put("t", job.to_string());
        }
        let _ = std::fs::remove_file(&path);
        let start = |words: &[&str]| {
            let file = OpenOptions::new().append(true).create(true).open(&path).unwrap();
            let words = [&["consume", "-t", "t", "-c", "4"], words, tail].concat();
            let mut command = command(&server.uri(), &words);
            command.stdout(file).stderr(Stdio::null()).spawn().unwrap()
        };
        for _ in 0..20 {
            let mut child = start(&[]);
            sleep(moment(80));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        wait_until("its jobs are back", || counts(&server, "t")[1] == 0);
        assert!(start(&["--idle", "1s"]).wait().unwrap().success());
        assert_eq!(counts(&server, "t"), [0; 4], "{name}");
        let done = std::fs::read_to_string(&path).unwrap();
        tally(done.lines().map(ToOwned::to_owned), JOBS);
    }
}
