//! `bench`: figures, and a server that is afterwards as it was before.

use std::process::Stdio;

use beanwire_tests::{Beanstalkd, RawClient, free_port, wait_until};
use rustix::process::Signal;

use crate::terminal::Terminal;
use crate::{Running, beanwire, output};

fn bench(server: &Beanstalkd, args: &[&str]) -> (Option<i32>, String, String) {
    output(&[&["bench", "--uri", &server.uri()], args].concat())
}

/// Waits until nobody is connected any more, and checks that there is no job, and no tube but the
/// one that is always there and those named.
fn assert_clean(raw: &mut RawClient) {
    wait_until("it is gone", || raw.stats()["current-connections"] == "1");
    let stats = raw.stats();
    for state in ["ready", "reserved", "delayed", "buried"] {
        assert_eq!(stats[&format!("current-jobs-{state}")], "0", "{state}");
    }
    assert_eq!(stats["current-tubes"], "1");
}

#[test]
fn all_jobs_are_put_and_consumed_and_nothing_is_left() {
    let server = Beanstalkd::start();
    let args = ["--jobs", "2000", "--size", "300", "--connections", "2", "--in-flight", "20"];
    let (code, stdout, stderr) = bench(&server, &[&args[..], &["--output", "json"]].concat());
    assert_eq!((code, &*stderr), (Some(0), ""));
    let report: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    let given =
        ["jobs", "size", "connections", "in_flight"].map(|key| report[key].as_u64().unwrap());
    assert_eq!(given, [2000, 300, 2, 20]);
    assert_eq!(report["servers"][0], server.uri());
    assert!(report["tube"].as_str().unwrap().starts_with("beanwire-bench-"));
    for phase in ["put", "consume"] {
        let phase = &report[phase];
        assert_eq!(phase["jobs"], 2000);
        assert!(phase["seconds"].as_f64().unwrap() > 0.0);
        let latency = ["p50", "p90", "p99", "p99_9", "max"];
        let latency = latency.map(|key| phase["latency_us"][key].as_f64().unwrap());
        // Nothing on a network takes less than a microsecond.
        assert!(latency[0] > 1.0 && latency.is_sorted(), "{latency:?}");
    }
    let mut raw = server.raw();
    let stats = raw.stats();
    assert_eq!((&*stats["cmd-put"], &*stats["cmd-delete"]), ("2000", "2000"));
    assert_clean(&mut raw);
}

#[test]
fn the_table_has_figures_and_histograms() {
    let server = Beanstalkd::start();
    let (code, stdout, stderr) = bench(&server, &["--jobs", "500", "--tube", "load"]);
    assert_eq!((code, &*stderr), (Some(0), ""));
    for text in [
        "tube     load\n",
        "load     500 jobs of 100 bytes, 100 under way at once, 1 connection per server\n",
        "p99.9",
        "put, jobs by latency\n  up to ",
        "consume, jobs by latency\n  up to ",
    ] {
        assert!(stdout.contains(text), "{text}\n{stdout}");
    }
    // The rows of a histogram are all of its jobs.
    let rows = stdout.lines().filter(|line| line.starts_with("  up to"));
    let jobs = rows.map(|row| row.split_whitespace().nth(3).unwrap().replace(',', ""));
    assert_eq!(jobs.map(|jobs| jobs.parse::<u64>().unwrap()).sum::<u64>(), 1000);
    assert_clean(&mut server.raw());
}

#[test]
fn several_servers_share_the_load() {
    let servers = [Beanstalkd::start(), Beanstalkd::start()];
    let uris = servers.each_ref().map(Beanstalkd::uri).join(",");
    let (code, _, stderr) = output(&["bench", "--uri", &uris, "--jobs", "1000"]);
    assert_eq!(code, Some(0), "{stderr}");
    let mut puts = 0;
    for server in &servers {
        let mut raw = server.raw();
        puts += raw.stats()["cmd-put"].parse::<u64>().unwrap();
        assert_clean(&mut raw);
    }
    assert_eq!(puts, 1000);
}

#[test]
fn a_tube_that_is_not_empty_is_left_alone() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put("mail", "hello");
    let (code, stdout, stderr) = bench(&server, &["--tube", "mail"]);
    assert_eq!((code, &*stdout), (Some(1), ""));
    assert!(stderr.contains("tube mail is not empty (jobs: 1)"), "{stderr}");
    assert!(stderr.contains("--force"), "{stderr}");
    assert_eq!(raw.stats()["cmd-put"], "1");
    assert_eq!(raw.stats_job(id)["state"], "ready");
}

#[test]
fn a_tube_that_is_watched_is_left_alone() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    assert!(raw.reserve("mail").is_none());
    let (code, _, stderr) = bench(&server, &["--tube", "mail"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("tube mail is watched (by 1)"), "{stderr}");
    assert_eq!(raw.stats()["cmd-put"], "0");
}

#[test]
fn jobs_of_others_survive_a_load_by_force() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    // Before and behind those of the load.
    let urgent = raw.put_with("mail", "urgent", 0, 0, 60);
    let later = raw.put_with("mail", "later", 9, 0, 60);
    let args = ["--tube", "mail", "--force", "--jobs", "500", "--in-flight", "5"];
    let (code, _, stderr) = bench(&server, &args);
    assert_eq!(code, Some(0), "{stderr}");
    wait_until("it is gone", || raw.stats()["current-connections"] == "1");
    assert_eq!(raw.stats_tube("mail")["current-jobs-ready"], "2");
    let found = [urgent, later].map(|id| raw.stats_job(id)["pri"].clone());
    assert_eq!(found, ["0", "9"]);
}

#[test]
fn control_c_leaves_nothing_behind() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for (counter, jobs) in [("cmd-put", "5000000"), ("cmd-delete", "30000")] {
        let before: u64 = raw.stats()[counter].parse().unwrap();
        let uri = server.uri();
        let mut command = beanwire(&["bench", "--uri", &uri, "--jobs", jobs]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut bench = Running(child);
        wait_until("it is at work", || {
            raw.stats()[counter].parse::<u64>().unwrap() > before + 1000
        });
        bench.signal(Signal::INT);
        assert_eq!(bench.end(), Some(130), "{counter}");
        assert_clean(&mut raw);
    }
}

#[test]
fn a_server_that_goes_away_is_told() {
    let mut server = Beanstalkd::start();
    let uri = server.uri();
    let mut command =
        beanwire(&["bench", "--uri", &uri, "--jobs", "5000000", "--timeout", "500ms"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut bench = Running(child);
    let mut raw = server.raw();
    wait_until("it is at work", || raw.stats()["cmd-put"] != "0");
    server.kill();
    assert_eq!(bench.end(), Some(3));
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_put() {
    let server = Beanstalkd::builder().max_job_size(1000).start();
    for (args, about) in [
        (["--size", "1001"], "--size 1001: the server's limit is 1000"),
        (["--jobs", "0"], "0 is not in 1..=10000000"),
        (["--in-flight", "65536"], "65536 is not in 1..=65535"),
        (["--connections", "0"], "0 is not in 1..=1024"),
        (["--tube", "a b"], "tube"),
    ] {
        let (code, _, stderr) = bench(&server, &args);
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(about), "{stderr}");
    }
    assert_eq!(server.raw().stats()["cmd-put"], "0");
    server.drain();
    let (code, _, stderr) = bench(&server, &[]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("drains"), "{stderr}");
    let (code, _, stderr) = output(&["bench", "--uri", &format!("127.0.0.1:{}", free_port())]);
    assert_eq!(code, Some(3), "{stderr}");
}

#[test]
fn there_is_a_progress_bar_on_a_terminal() {
    let server = Beanstalkd::start();
    let args = ["bench", "--uri", &server.uri(), "--jobs", "300000", "--in-flight", "500"];
    let mut terminal = Terminal::start(&args, 80, 24);
    terminal.wait("puts are shown", |screen| {
        let bar = screen.lines().find(|line| line.contains("/300,000 put"));
        bar.is_some_and(|bar| bar.contains('█'))
    });
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.end(), Some(143));
    assert_clean(&mut server.raw());
}
