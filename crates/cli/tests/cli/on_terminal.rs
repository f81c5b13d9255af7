//! What is different on a terminal.

use beanwire_tests::{Beanstalkd, wait_until};
use rustix::process::Signal;

use crate::support::counts;
use crate::terminal::Terminal;

fn start(server: &Beanstalkd, words: &[&str]) -> Terminal {
    let uri = server.uri();
    Terminal::start(&[&["--uri", &uri], words].concat(), 100, 30)
}

#[test]
fn a_bar_shows_how_far_it_is() {
    let server = Beanstalkd::start();
    server.raw().bury_many("t", 50_000, "x");
    let mut terminal = start(&server, &["resurrect", "delete"]);
    wait_until("some are deleted", || counts(&server, "t")[3] < 50_000);
    // Now there is all the time of the world to look.
    server.stop_reading();
    terminal.wait_for("/50,000 deleted, ");
    server.resume();
    assert_eq!(terminal.end(), Some(0));
    let screen = terminal.screen();
    assert!(screen.starts_with("t: 50000 deleted\n50000 jobs deleted in "), "{screen}");
    assert!(!screen.contains("/50,000"), "the bar is gone:\n{screen}");
}

#[test]
fn a_body_cannot_act_on_the_terminal() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put("t", "\x1b[2J\x1b]0;title\x07two\nlines\\").to_string();
    let mut terminal = start(&server, &["peek", &id, "--body"]);
    assert_eq!(terminal.end(), Some(0));
    assert_eq!(terminal.screen(), "\\u{1b}[2J\\u{1b}]0;title\\u{7}two\nlines\\");
    let mut terminal = start(&server, &["consume", "-t", "t", "-n", "1"]);
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.screen().starts_with("\\u{1b}[2J\\u{1b}]0;title\\u{7}two\nlines\\"));
}

#[test]
fn colour_is_for_terminals_and_can_be_turned_off() {
    let server = Beanstalkd::start();
    let uri = server.uri();
    let coloured = |words: &[&str], env: &[(&str, &str)]| {
        let words = [&["--uri", &uri], words].concat();
        let mut terminal = Terminal::start_with(&words, 100, 30, env);
        terminal.end();
        terminal.has_colour()
    };
    assert!(coloured(&["job", "1"], &[]));
    assert!(!coloured(&["job", "1"], &[("NO_COLOR", "1")]));
    assert!(!coloured(&["job", "1", "--color", "never"], &[]));
    assert!(coloured(&["job", "1", "--color", "always"], &[("NO_COLOR", "1")]));
}

#[test]
fn ctrl_c_lets_a_command_finish_its_job() {
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let script = "echo begun; read line < \"$0\"; echo ended";
    let dir = beanwire_tests::TempDir::new();
    let fifo = dir.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let fifo = fifo.to_str().unwrap();
    let mut terminal = start(&server, &["consume", "-t", "t", "--", "sh", "-c", script, fifo]);
    terminal.wait_for("begun");
    terminal.press("\x03");
    terminal.wait_for("^C");
    std::fs::write(fifo, "go\n").unwrap();
    assert_eq!(terminal.end(), Some(0));
    assert!(terminal.screen().contains("ended"), "{}", terminal.screen());
    assert!(terminal.screen().contains("1 done, 0 failed"), "{}", terminal.screen());
    assert_eq!(counts(&server, "t"), [0; 4]);
}

#[test]
fn a_signal_ends_a_long_command_between_two_steps() {
    let server = Beanstalkd::start();
    server.raw().bury_many("t", 50_000, "x");
    let mut terminal = start(&server, &["resurrect", "delete"]);
    wait_until("some are deleted", || counts(&server, "t")[3] < 50_000);
    // It cannot end before the signal is there.
    server.stop_reading();
    terminal.signal(Signal::TERM);
    server.resume();
    assert_eq!(terminal.end(), Some(143));
    let left = counts(&server, "t")[3];
    let screen = terminal.screen();
    assert!(left > 0 && screen.contains(&format!("t: {} deleted", 50_000 - left)), "{screen}");
}
