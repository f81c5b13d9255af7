//! The examples that the README shows are those that exist, and they do what it says.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use beanwire_tests::{Beanstalkd, Certificates, ServerIdentity, Stunnel, TempDir, example};
use rustix::process::{Pid, Signal, kill_process};

const README: &str = include_str!("../../README.md");

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Without the line that says what the file is.
fn code(source: &str) -> &str {
    source.split_once("\n\n").unwrap().1.trim_end()
}

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    assert!(README.contains(code(include_str!("../../crates/client/examples/produce.rs"))));
    assert!(README.contains(code(include_str!("../../crates/client/examples/consume.rs"))));
    assert!(README.contains(code(include_str!("with_the_embedded_server.rs"))));
}

#[test]
fn what_one_example_puts_the_other_handles_until_sigterm() {
    let server = Beanstalkd::start();
    let put = run(example("produce").arg(server.uri()));
    assert_eq!(put, format!("job 1 is Ready on {}\n", server.uri()));

    let mut consume = example("consume");
    let mut child = consume.arg(server.uri()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    assert_eq!(line, "job 1: hello\n");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(rest, "1 jobs handled, 0 failed\n");
    assert_eq!(server.raw().stats()["current-jobs-ready"], "0");
}

#[test]
fn an_example_puts_over_mutual_tls() {
    let server = Beanstalkd::start();
    let certificates = Certificates::new();
    let stunnel = Stunnel::start(&certificates, server.port(), ServerIdentity::Good, true);
    let dir = TempDir::new();
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let mut tls = example("tls");
    tls.arg(stunnel.uri()).arg(write("ca.pem", certificates.ca_pem()));
    tls.arg(write("cert.pem", &certificates.client().cert_pem));
    tls.arg(write("key.pem", &certificates.client().key_pem));
    assert!(run(&mut tls).starts_with("job 1 is Ready on beanstalks://localhost:"));
    assert_eq!(server.raw().reserve("mail").unwrap().1, b"hello");
}

#[test]
fn an_example_kicks_buried_jobs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put("mail", "oops");
    raw.reserve("mail").unwrap();
    assert_eq!(raw.command(&format!("bury {id} 0")), "BURIED");
    let told = run(example("connection").arg(server.uri()));
    assert!(told.contains("0 ready, 1 buried") && told.ends_with("1 kicked\n"), "{told}");
    assert_eq!(raw.stats_job(id)["state"], "ready");
}
