//! The demo does its work, prints its figures, and stops cleanly.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::process::{Child, Command, Output, Stdio};

use beanwire_tests::{Beanstalkd, example, wait_until};
use rustix::process::{Pid, Signal, kill_process};

/// The demo on its way, ended if the test fails before that.
struct Demo(Option<Child>);

impl Demo {
    fn start(command: &mut Command) -> Self {
        Self(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    fn interrupt(&self) {
        let child = self.0.as_ref().expect("it was not waited for");
        kill_process(Pid::from_child(child), Signal::INT).unwrap();
    }

    /// Waits for its end. It prints less than the system buffers.
    fn output(mut self) -> Output {
        wait_until("the demo ends", || {
            let child = self.0.as_mut().expect("it was not waited for");
            child.try_wait().unwrap().is_some()
        });
        self.0.take().unwrap().wait_with_output().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What it prints, if it ends well.
fn told(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of the summary that begin with this word, without it.
fn lines<'a>(told: &'a str, word: &str) -> Vec<&'a str> {
    let lines = told.lines().filter_map(|line| line.strip_prefix(word)).map(str::trim_start);
    lines.collect()
}

/// The number with which the only line of this word begins.
fn number(told: &str, word: &str) -> u64 {
    let [line] = lines(told, word)[..] else { panic!("not one line {word:?} in {told}") };
    line.split(' ').next().and_then(|number| number.parse().ok()).expect(line)
}

fn assert_complete(told: &str, jobs: u64) {
    assert_eq!(number(told, "bulk"), jobs, "{told}");
    // In the bulk, and on an idle queue.
    assert_eq!(lines(told, "latency").len(), 2, "{told}");
    assert!(lines(told, "latency").iter().all(|line| line.contains("p50") && line.contains("p99")));
    assert!(number(told, "handled") >= jobs, "{told}");
    assert!(lines(told, "handled")[0].ends_with(" 0 failed"), "{told}");
    assert!(lines(told, "stopped").is_empty(), "{told}");
}

#[test]
fn the_demo_handles_its_jobs_on_a_given_server_and_leaves_nothing_there() {
    let server = Beanstalkd::start();
    let mut demo = example("demo");
    let told = told(demo.args(["--jobs", "200", "--uri", &server.uri()]).output().unwrap());
    assert_complete(&told, 200);
    let stats = server.raw().stats();
    assert_eq!(stats["cmd-delete"], number(&told, "handled").to_string());
    assert_eq!(stats["total-jobs"], stats["cmd-delete"]);
}

#[test]
fn the_demo_needs_no_server() {
    let told = told(example("demo").args(["--jobs", "200"]).output().unwrap());
    assert_complete(&told, 200);
}

#[test]
fn the_demo_stops_cleanly_in_the_middle_and_says_what_it_did() {
    let server = Beanstalkd::start();
    let mut command = example("demo");
    let demo = Demo::start(command.args(["--jobs", "10000000", "--uri", &server.uri()]));
    let mut raw = server.raw();
    wait_until("jobs are handled", || raw.stats()["cmd-delete"].parse::<u64>().unwrap() >= 100);
    demo.interrupt();
    let told = told(demo.output());
    assert!(number(&told, "bulk") > 0, "{told}");
    assert_eq!(lines(&told, "stopped").len(), 1, "{told}");
    assert!(lines(&told, "handled")[0].ends_with(" 0 failed"), "{told}");
    let stats = raw.stats();
    let deleted = number(&told, "handled") + number(&told, "stopped");
    assert_eq!(stats["cmd-delete"], deleted.to_string(), "{told}");
    assert_eq!(stats["total-jobs"], stats["cmd-delete"], "{told}");
}

#[test]
fn the_demo_says_what_is_wrong_with_its_arguments() {
    for wrong in [&["--jobs", "0"][..], &["--jobs", "many"], &["--jobs"], &["--job", "1"]] {
        let output = example("demo").args(wrong).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(wrong[0]), "{wrong:?}: {error}");
    }
}
