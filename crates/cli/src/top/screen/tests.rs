//! Whole screens, cell by cell.

use std::time::Duration;

use beanwire::{JobStats, TubeName};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::super::app::News;
use super::super::fixture::{sample, server, tube};
use super::super::order::{Done, Found, Peeked};
use super::*;

/// One server that was looked at four times, a second apart.
fn app(now: Instant) -> App {
    let mut app = App::new(vec!["beanstalk://127.0.0.1:11300".into()], Duration::from_secs(1));
    for (second, done) in [(0, 0), (1, 1000), (2, 1500), (3, 3500)] {
        let counters = [
            ("total-jobs", 2000 + done),
            ("cmd-reserve", 10 + done / 2),
            ("cmd-delete", done / 4),
            ("current-jobs-ready", 12_345),
            ("current-jobs-buried", 120),
            ("current-connections", 12),
            ("current-workers", 8),
            ("uptime", 3725),
        ];
        let tubes = [
            tube("default", &[]),
            tube(
                "mail",
                &[
                    ("current-jobs-ready", 12_345),
                    ("total-jobs", 2000 + done),
                    ("cmd-delete", done / 4),
                ],
            ),
            tube("resize", &[("current-jobs-buried", 120), ("pause", 60), ("pause-time-left", 42)]),
        ];
        let at = now - Duration::from_secs(3 - second);
        let news = News::Up(Box::new(sample(server("one", &counters), &tubes)));
        app.hear(0, at, news);
    }
    app
}

fn screen(app: &mut App, now: Instant, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let frame = terminal
        .draw(|frame| {
            settle(app, frame.area());
            draw(frame, app, now, Theme::new(true));
        })
        .unwrap();
    let rows = frame.buffer.content().chunks(usize::from(width).max(1));
    let rows = rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>());
    rows.map(|row| format!("{}\n", row.trim_end())).collect()
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        app.key(KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE));
    }
}

fn found(id: u64, state: &str, body: &str) -> Option<Found> {
    let stats = format!(
        "id: {id}\ntube: mail\nstate: {state}\npri: 1024\nage: 75\nttr: 60\ntime-left: 5\nreserves: 2\n"
    );
    let stats = JobStats::parse(stats.as_bytes()).unwrap();
    Some(Found { stats: stats.into(), body: body.to_owned().into() })
}

fn peeked(app: &mut App, body: &str) {
    let ready = found(7, "ready", body);
    let jobs = Peeked { ready, buried: None, delayed: found(9, "delayed", "later") };
    let done = Done::Peeked(TubeName::new("mail").unwrap(), jobs);
    app.hear(0, Instant::now(), News::Done(Ok(done)));
}

#[test]
fn a_server_with_its_rates_and_tubes() {
    let now = Instant::now();
    let expected = r#"
┏ beanstalk://127.0.0.1:11300 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃up 1h 02m, beanstalkd 1.13                                                                        ┃
┃jobs      ready 12,345  buried 120  reserved 0  delayed 0  urgent 0                               ┃
┃put/s         2,000   ▅▃█                                                                         ┃
┃reserve/s     1,000   ▅▃█                                                                         ┃
┃delete/s        500   ▅▃█                                                                         ┃
┃other/s   release 0.0  bury 0.0  kick 0.0  timeout 0.0                                            ┃
┃clients   all 12  producers 0  workers 8  waiting 0  cpu 0%                                       ┃
┃TUBE▲                        READY  RESERVED   DELAYED    BURIED     PUT/S  DELETE/S TREND        ┃
┃> default                        0         0         0         0       0.0       0.0  ▁▁▁         ┃
┃  mail                      12,345         0         0         0     2,000       500  ▅▃█         ┃
┃  resize P                       0         0         0       120       0.0       0.0  ▁▁▁         ┃
┃                                                                                                  ┃
┃                                                                                                  ┃
┗ 3 tubes ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
q quit  ? help  / filter  s sort  enter peek  b kick  p pause
"#;
    assert_eq!(screen(&mut app(now), now, 100, 16), expected.trim_start_matches('\n'));
}

#[test]
fn a_narrow_screen_keeps_what_matters() {
    let now = Instant::now();
    let expected = r#"
┏ beanstalk://127.0.0.1:11300 ━━━━━━━━━━━━━┓
┃up 1h 02m, beanstalkd 1.13                ┃
┃jobs      ready 12,345  buried 120  reserv┃
┃put/s         2,000   ▅▃█                 ┃
┃TUBE▲            READY    BURIED     PUT/S┃
┃> default            0         0       0.0┃
┃  mail          12,345         0     2,000┃
┃  resize P           0       120       0.0┃
┗ 3 tubes ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
q quit  ? help  / filter  s sort  enter peek
"#;
    assert_eq!(screen(&mut app(now), now, 44, 10), expected.trim_start_matches('\n'));
}

#[test]
fn a_server_that_is_down_says_why_and_since_when_and_keeps_its_last_figures() {
    let now = Instant::now();
    let mut app = app(now);
    app.hear(0, now, News::Down("connection refused".into()));
    let later = screen(&mut app, now + Duration::from_secs(65), 80, 10);
    assert!(later.contains("┃down: connection refused (for 1m 05s)"), "{later}");
    assert!(later.contains(&format!("put/s{:>14}", "-")), "{later}");
    assert!(later.contains("  mail "), "{later}");
}

#[test]
fn a_server_that_falls_silent_is_told_from_one_that_answers() {
    let now = Instant::now();
    let mut app = app(now);
    assert!(!screen(&mut app, now + Duration::from_secs(4), 80, 10).contains("silent"));
    let later = screen(&mut app, now + Duration::from_secs(7), 80, 10);
    assert!(later.contains("up 1h 02m, beanstalkd 1.13, silent for 7s"), "{later}");
}

#[test]
fn servers_stand_side_by_side_where_there_is_room_and_in_tabs_where_not() {
    let now = Instant::now();
    let mut app =
        App::new(vec!["beanstalk://a:1".into(), "beanstalk://b:2".into()], Duration::from_secs(1));
    app.hear(0, now, News::Up(Box::new(sample(server("one", &[]), &[tube("here", &[])]))));
    app.hear(1, now, News::Down("refused".into()));
    let expected = r#"
┏ beanstalk://a:1 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓┌ beanstalk://b:2 ─────────────────────────────────────────┐
┃up 0s, beanstalkd 1.13                                    ┃│down: refused (for 0s)                                    │
┃jobs      ready 0  buried 0  reserved 0  delayed 0  urgent┃│TUBE▲                  READY    BURIED     PUT/S  DELETE/S│
┃put/s             -                                       ┃│                                                          │
┃TUBE▲                  READY    BURIED     PUT/S  DELETE/S┃│                                                          │
┃> here                     0         0         -         -┃│                                                          │
┗ 1 tube ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛└ 0 tubes ─────────────────────────────────────────────────┘
q quit  ? help  / filter  s sort  enter peek  b kick  p pause  tab server
"#;
    assert_eq!(screen(&mut app, now, 120, 8), expected.trim_start_matches('\n'));
    let expected = r#"
 a:1 | !b:2
┏ beanstalk://a:1 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃up 0s, beanstalkd 1.13                                              ┃
┃TUBE▲                  READY  RESERVED    BURIED     PUT/S  DELETE/S┃
┗ 1 tube ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
q quit  ? help  / filter  s sort  enter peek  b kick  p pause  tab ser
"#;
    assert_eq!(screen(&mut app, now, 70, 6), expected.trim_start_matches('\n'));
    app.key(KeyEvent::new(KeyCode::Tab, KeyModifiers::NONE));
    assert!(screen(&mut app, now, 70, 6).contains("┃down: refused (for 0s)"));
}

#[test]
fn a_question_names_the_tube_and_the_number() {
    let now = Instant::now();
    let mut app = app(now);
    press(&mut app, "Gb7");
    let expected = r#"
┏ beanstalk://127.0.0.1:11300 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃up 1h 02m, beanstalkd 1.13                                                    ┃
┃jobs      ready 12,345  buried 120  reserved 0  delayed 0  urgent 0           ┃
┃put/s    ╔ kick ════════════════════════════════════════════════════╗         ┃
┃reserve/s║ tube resize                                              ║         ┃
┃delete/s ║ How many of the 120 buried jobs are to be kicked?        ║         ┃
┃TUBE▲    ║  7   enter: do it, esc: leave it                         ║ DELETE/S┃
┃  default╚══════════════════════════════════════════════════════════╝      0.0┃
┃  mail                12,345         0         0         0     2,000       500┃
┃> resize P                 0         0         0       120       0.0       0.0┃
┗ 3 tubes ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
q quit  ? help  / filter  s sort  enter peek  b kick  p pause
"#;
    assert_eq!(screen(&mut app, now, 80, 12), expected.trim_start_matches('\n'));
}

#[test]
fn jobs_are_shown_and_can_do_nothing_to_the_terminal() {
    let now = Instant::now();
    let mut app = app(now);
    peeked(&mut app, "{\"to\": \"a\"}\n\x1b[31mred");
    let expected = r#"
┏ beanstalk://127.0.0.1:11300 ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
┃up ╔ next jobs of mail ═══════════════════════════════════════════╗   ┃
┃job║ready job 7                                                   ║   ┃
┃put║priority 1024, age 1m 15s, ttr 1m 00s, 20 bytes, reserved 2 x ║   ┃
┃res║{"to": "a"}                                                   ║   ┃
┃del║\u{1b}[31mred                                                 ║   ┃
┃oth║                                                              ║   ┃
┃cli║no buried job                                                 ║   ┃
┃TUB║                                                              ║E/S┃
┃> d║delayed job 9                                                 ║0.0┃
┃  m║priority 1024, age 1m 15s, ttr 1m 00s, 5 bytes, ready in 5 s, ║500┃
┃  r║reserved 2 x                                                  ║0.0┃
┃   ║later                                                         ║   ┃
┃   ║                                                              ║   ┃
┃   ║                                                              ║   ┃
┃   ╚ up, down: scroll, esc: back ═════════════════════════════════╝   ┃
┗ 3 tubes ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
q quit  ? help  / filter  s sort  enter peek  b kick  p pause
"#;
    assert_eq!(screen(&mut app, now, 72, 18), expected.trim_start_matches('\n'));
}

#[test]
fn a_long_body_is_scrolled_to_its_end_and_no_further() {
    let now = Instant::now();
    let mut app = app(now);
    let lines: Vec<_> = (1..=500).map(|line| format!("line {line}")).collect();
    peeked(&mut app, &lines.join("\n"));
    assert!(screen(&mut app, now, 60, 20).contains("║line 1 "));
    for _ in 0..100 {
        app.key(KeyEvent::new(KeyCode::PageDown, KeyModifiers::NONE));
    }
    let end = screen(&mut app, now, 60, 20);
    assert!(end.contains("║line 500 ") && end.contains("║later "), "{end}");
    press(&mut app, "kkk");
    assert!(!screen(&mut app, now, 60, 20).contains("║later "));
}

#[test]
fn help_and_filter_have_their_places() {
    let now = Instant::now();
    let mut app = app(now);
    press(&mut app, "?");
    assert!(screen(&mut app, now, 80, 24).contains("kick buried jobs, after a question"));
    press(&mut app, "x/res");
    let filtered = screen(&mut app, now, 80, 24);
    assert!(filtered.contains("1 of 3 tubes with \"res\""), "{filtered}");
    assert!(filtered.ends_with("filter res   enter keeps it, esc drops it\n"), "{filtered}");
}

#[test]
fn the_plain_screen_has_every_tube() {
    let now = Instant::now();
    let app = app(now);
    let height = plain_height(&app, now, 100);
    let mut terminal = Terminal::new(TestBackend::new(100, height)).unwrap();
    let frame = terminal.draw(|frame| draw_plain(frame, &app, now)).unwrap();
    let text: String = frame.buffer.content().iter().map(|cell| cell.symbol()).collect();
    for name in ["default", "mail", "resize"] {
        assert!(text.contains(name), "{name}");
    }
}

#[test]
fn no_size_of_the_screen_is_too_much_or_too_little() {
    let now = Instant::now();
    let mut one = app(now);
    let mut three = App::new(["a", "b", "c"].map(String::from).to_vec(), Duration::from_secs(1));
    three.current = 2;
    for width in (0..8).chain([19, 20, 21, 31, 59, 60, 61, 119, 120, 181, 300]) {
        for height in (0..8).chain([13, 25, 80]) {
            for keys in ["", "?", "xGb", "np", "n/"] {
                press(&mut one, keys);
                screen(&mut one, now, width, height);
            }
            app_escape(&mut one);
            peeked(&mut one, "body\nof\nlines");
            screen(&mut one, now, width, height);
            app_escape(&mut one);
            screen(&mut three, now, width, height);
        }
    }
}

fn app_escape(app: &mut App) {
    app.key(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE));
}
