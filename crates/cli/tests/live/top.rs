//! `top` on a terminal: what it shows, and what keys do at the server.

use beanwire_tests::{Beanstalkd, free_port, wait_until};
use rustix::process::Signal;

use crate::output;
use crate::terminal::Terminal;

/// Often, so that tests are quick.
const INTERVAL: &str = "100ms";

fn top(servers: &[&Beanstalkd], columns: u16, rows: u16) -> Terminal {
    let uris: Vec<_> = servers.iter().map(|server| server.uri()).collect();
    let uris = uris.join(",");
    Terminal::start(&["top", "--uri", &uris, "--interval", INTERVAL], columns, rows)
}

/// A server with jobs of every kind, in three tubes.
fn server() -> (Beanstalkd, beanwire_tests::RawClient) {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.bury_many("resize", 12, "{\"image\": 7}");
    for number in 0..3 {
        raw.put("mail", format!("mail {number}"));
    }
    raw.put_with("mail", "later", 1024, 3600, 60);
    raw.reserve("mail").unwrap();
    (server, raw)
}

/// The screen without what differs from run to run: the port, times, versions, and how often the
/// server was looked at.
fn steady(screen: &str, server: &Beanstalkd) -> String {
    let screen = screen.replace(&server.port().to_string(), "11300").replace('▁', " ");
    let lines = screen.lines().map(|line| {
        let line = match (line.find("up "), line.find("cpu ")) {
            (Some(at), _) if line.contains("beanstalkd") => format!("{}up", &line[..at]),
            (_, Some(at)) => format!("{}cpu", &line[..at]),
            _ => line.to_owned(),
        };
        let line = line.trim_end_matches('┃').trim_end().to_owned();
        line + "\n"
    });
    lines.collect()
}

#[test]
fn the_screen_shows_the_server_its_rates_and_its_tubes() {
    let (server, _raw) = server();
    let mut top = top(&[&server], 96, 15);
    let screen = top.wait("rates are known", |screen| {
        // Neither a rate that is not known yet, nor what the preparation has left.
        !screen.contains(" -") && screen.contains("put/s           0.0")
    });
    let expected = r"
┏ beanstalk://127.0.0.1:11300 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃up
┃jobs      ready 2  buried 12  reserved 1  delayed 1  urgent 0
┃put/s           0.0
┃reserve/s       0.0
┃delete/s        0.0
┃other/s   release 0.0  bury 0.0  kick 0.0  timeout 0.0
┃clients   all 2  producers 1  workers 1  waiting 0  cpu
┃TUBE▲                      READY  RESERVED   DELAYED    BURIED     PUT/S  DELETE/S TREND
┃> default                      0         0         0         0       0.0       0.0
┃  mail                         2         1         1         0       0.0       0.0
┃  resize                       0         0         0        12       0.0       0.0
┃
┗ 3 tubes ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
q quit  ? help  / filter  s sort  enter peek  b kick  p pause
";
    assert_eq!(steady(&screen, &server), expected.trim_start());
    assert!(top.has_colour());
    top.press("q");
    assert_eq!(top.end(), Some(0));
    assert!(top.is_restored());
}

#[test]
fn rates_follow_what_clients_do() {
    let (server, mut raw) = server();
    let top = top(&[&server], 96, 15);
    top.wait_for("put/s           0.0");
    top.wait("puts are seen", |screen| {
        raw.put("mail", "one more");
        let rates = screen.lines().find(|line| line.contains("put/s")).unwrap_or_default();
        rates.contains('█') && !rates.contains(" 0.0 ")
    });
}

#[test]
fn buried_jobs_are_kicked_after_a_question() {
    let (server, mut raw) = server();
    let top = top(&[&server], 90, 16);
    top.wait_for("resize");
    top.press("G");
    top.wait_for("> resize");
    top.press("b");
    top.wait_for("How many of the 12 buried jobs are to be kicked?");
    top.press("\x1b");
    top.wait("the question is gone", |screen| !screen.contains("How many"));
    assert_eq!(raw.stats_tube("resize")["current-jobs-buried"], "12");
    top.press("b5\r");
    top.wait_for("5 jobs of resize kicked");
    let stats = raw.stats_tube("resize");
    let counts = ["ready", "buried"].map(|state| &*stats[&format!("current-jobs-{state}")]);
    assert_eq!(counts, ["5", "7"]);
    // It is looked at again, and asked about with what there is then.
    top.wait_for("buried 7 ");
    top.press("b");
    top.wait_for("How many of the 7 buried jobs");
}

#[test]
fn a_tube_is_paused_and_resumed() {
    let (server, mut raw) = server();
    let top = top(&[&server], 90, 16);
    top.wait_for("mail");
    top.press("j");
    top.wait_for("> mail");
    top.press("p");
    top.wait_for("For how many seconds is it to be paused?");
    top.press("900\r");
    top.wait_for("mail is paused for 900 s");
    assert_eq!(raw.stats_tube("mail")["pause"], "900");
    top.wait_for("> mail P");
    top.press("p");
    top.wait_for("mail goes on");
    assert_eq!(raw.stats_tube("mail")["pause"], "0");
}

#[test]
fn jobs_are_looked_at() {
    let (server, _raw) = server();
    let top = top(&[&server], 90, 24);
    top.wait_for("mail");
    top.press("j");
    top.wait_for("> mail");
    top.press("\r");
    for text in ["next jobs of mail", "mail 1", "no buried job", "║later", "ready in 3"] {
        top.wait_for(text);
    }
    top.press("q");
    top.wait("it is closed", |screen| !screen.contains("next jobs"));
    top.press("j\r");
    top.wait_for("{\"image\": 7}");
}

#[test]
fn tubes_are_filtered_and_sorted_and_there_is_help() {
    let (server, _raw) = server();
    let mut top = top(&[&server], 90, 24);
    top.wait_for("resize");
    top.press("/ail");
    top.wait_for("1 of 3 tubes with \"ail\"");
    top.press("\x1b");
    top.wait("the filter is gone", |screen| !screen.contains("with"));
    top.press("ssss");
    let screen = top.wait_for("by buried");
    let place = |screen: &str, name: &str| screen.find(&format!(" {name} "));
    assert!(screen.contains("BURIED▼"), "{screen}");
    top.wait("the one with buried jobs comes first", |screen| {
        place(screen, "resize") < place(screen, "default")
    });
    top.press("?");
    top.wait_for("kick buried jobs, after a question");
    assert!(top.is_running());
}

#[test]
fn a_server_that_goes_away_is_told_and_comes_back() {
    let (mut server, mut raw) = server();
    for _ in 0..50 {
        raw.put("mail", "x");
    }
    let top = top(&[&server], 90, 16);
    top.wait_for("resize");
    server.kill();
    let screen = top.wait_for("down: ");
    // What was last seen stays.
    assert!(screen.contains("resize"), "{screen}");
    server.restart();
    let mut raw = server.raw();
    raw.put("after", "x");
    top.wait("it is up again, without the tubes of before", |screen| {
        screen.contains("┃up ") && screen.contains(" after ") && !screen.contains("resize")
    });
}

#[test]
fn servers_stand_side_by_side_and_a_silent_one_holds_up_nobody() {
    let (silent, busy) = (Beanstalkd::start(), Beanstalkd::start());
    silent.raw().put("of-the-silent", "x");
    let top = top(&[&silent, &busy], 140, 16);
    top.wait_for("of-the-silent");
    silent.stop_reading();
    let mut raw = busy.raw();
    raw.put("first", "x");
    let screen = top.wait_for("first");
    let titles = screen.lines().next().unwrap();
    assert!(titles.contains(&silent.uri()) && titles.contains(&busy.uri()), "{screen}");
    raw.put("second", "x");
    top.wait_for("second");
    // Keys go to the server that they are meant for.
    top.press("\t");
    top.wait_for("┏ ");
    top.press("G");
    top.wait_for("> second");
    top.press("p\r");
    top.wait_for("second is paused for 60 s");
    let told = |screen: &str| screen.contains("silent for ") || screen.contains("down: ");
    top.wait("it is told", told);
    silent.resume();
    top.wait("it is heard again", |screen| !told(screen));
}

#[test]
fn servers_have_tabs_where_there_is_no_room_and_one_may_be_down_from_the_start() {
    let server = Beanstalkd::start();
    server.raw().put("here", "x");
    let nobody = format!("127.0.0.1:{}", free_port());
    let uris = format!("{},{nobody}", server.uri());
    let top = Terminal::start(&["top", "--uri", &uris, "--interval", INTERVAL], 80, 14);
    top.wait_for("here");
    top.wait_for(&format!("!{nobody}"));
    top.press("\t");
    top.wait_for("down: ");
    top.press("\t");
    top.wait_for("here");
}

#[test]
fn a_signal_ends_it_and_the_terminal_is_restored() {
    let server = Beanstalkd::start();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut top = top(&[&server], 80, 14);
        top.wait_for("default");
        assert!(!top.is_restored());
        top.signal(signal);
        assert_eq!(top.end(), Some(code));
        assert!(top.is_restored());
    }
    let mut top = top(&[&server], 80, 14);
    top.wait_for("default");
    top.press("\x03");
    assert_eq!(top.end(), Some(0));
    assert!(top.is_restored());
}

#[test]
fn the_terminal_may_have_any_size() {
    let server = Beanstalkd::start();
    let mut top = top(&[&server], 80, 14);
    top.wait_for("default");
    for (columns, rows) in [(1, 1), (200, 60), (20, 4), (5, 40), (300, 2)] {
        top.resize(columns, rows);
    }
    top.resize(60, 12);
    top.wait("it fits again", |screen| {
        let mut lines = screen.lines();
        let first = lines.next().unwrap_or_default();
        first.chars().count() == 60 && first.ends_with('┓') && screen.contains("default")
    });
    assert!(top.is_running());
}

#[test]
fn there_is_no_colour_where_it_is_not_wanted() {
    let server = Beanstalkd::start();
    let args = ["top", "--uri", &server.uri(), "--interval", INTERVAL];
    let top = Terminal::start_with(&args, 80, 14, &[("NO_COLOR", "1")]);
    top.wait_for("default");
    assert!(!top.has_colour());
}

#[test]
fn only_the_tubes_that_match_are_shown() {
    let (server, _raw) = server();
    let args = ["top", "--uri", &server.uri(), "--interval", INTERVAL, "--tube", "re*"];
    let top = Terminal::start(&args, 80, 14);
    let screen = top.wait_for("resize");
    assert!(screen.contains("1 tube ") && !screen.contains("mail"), "{screen}");
}

#[test]
fn without_a_terminal_it_says_what_to_do() {
    let (code, stdout, stderr) = output(&["top"]);
    assert_eq!((code, &*stdout), (Some(2), ""));
    assert!(stderr.contains("error: top needs a terminal"), "{stderr}");
    assert!(stderr.contains("`beanwire stats --output json`"), "{stderr}");
}

#[test]
fn one_screen_can_be_had_as_text() {
    let (server, _raw) = server();
    let uri = server.uri();
    let (code, stdout, _) = output(&["top", "--once", "--interval", INTERVAL, "--uri", &uri]);
    assert_eq!(code, Some(0));
    for text in [&*uri, "put/s           0.0", "buried 12", "  default ", "  mail ", "  resize "] {
        assert!(stdout.contains(text), "{text}\n{stdout}");
    }
    assert!(!stdout.contains('\x1b'));
    let nobody = format!("127.0.0.1:{}", free_port());
    let (code, stdout, _) = output(&["top", "--once", "--interval", INTERVAL, "--uri", &nobody]);
    assert_eq!(code, Some(3));
    assert!(stdout.contains("down: "), "{stdout}");
    let both = format!("{uri},{nobody}");
    let (code, stdout, _) = output(&["top", "--once", "--interval", INTERVAL, "--uri", &both]);
    assert_eq!(code, Some(4));
    assert!(stdout.contains("down: ") && stdout.contains("resize"), "{stdout}");
}

#[test]
fn bad_flags_are_refused() {
    for (args, about) in [
        (["--interval", "1ms"], "the limits are 100ms and 1h"),
        (["--interval", "soon"], "no span of time"),
        (["--tube", "a b"], "tube"),
    ] {
        let (code, _, stderr) = output(&[&["top"], &args[..]].concat());
        assert_eq!(code, Some(2), "{stderr}");
        assert!(stderr.contains(about), "{stderr}");
    }
}

#[test]
fn it_does_not_stay_when_its_terminal_goes_away() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let top = top(&[&server], 80, 14);
    top.wait_for("default");
    top.signal(Signal::HUP);
    wait_until("its connection is closed", || raw.stats()["current-connections"] == "1");
}
