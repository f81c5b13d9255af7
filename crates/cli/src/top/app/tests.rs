//! Keys, one after the other, and what they ask for.

use std::time::Duration;

use super::super::fixture::{sample, server, tube};
use super::*;

/// Two servers that are up, the first with three tubes.
fn app() -> App {
    let mut app =
        App::new(vec!["beanstalk://a:1".into(), "beanstalk://b:1".into()], Duration::from_secs(1));
    let start = Instant::now();
    let tubes = |puts: u64| {
        [
            tube("alpha", &[("current-jobs-ready", 5), ("total-jobs", puts)]),
            tube("beta", &[("current-jobs-buried", 7), ("pause", 60), ("pause-time-left", 9)]),
            tube("mail", &[("current-jobs-ready", 9), ("current-jobs-buried", 1200)]),
        ]
    };
    for (second, puts) in [(0, 10), (1, 30)] {
        let at = start + Duration::from_secs(second);
        let first = sample(server("one", &[]), &tubes(puts));
        app.hear(0, at, News::Up(Box::new(first)));
        let second = sample(server("two", &[]), &[tube("default", &[])]);
        app.hear(1, at, News::Up(Box::new(second)));
    }
    app
}

fn press(app: &mut App, code: KeyCode) -> Wish {
    app.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn type_in(app: &mut App, text: &str) -> Wish {
    text.chars().map(|letter| press(app, KeyCode::Char(letter))).last().unwrap()
}

fn names(app: &App) -> Vec<&str> {
    app.tubes(&app.boards[app.current]).into_iter().map(|tube| tube.name.as_str()).collect()
}

fn selected(app: &App) -> &str {
    let board = &app.boards[app.current];
    let tubes = app.tubes(board);
    tubes[App::selected(board, &tubes)].name.as_str()
}

fn order(make: fn(TubeName, u32) -> Order, tube: &str, number: u32) -> Wish {
    Wish::Do(0, make(TubeName::new(tube).unwrap(), number))
}

#[test]
fn arrows_and_letters_move_the_selection_and_stop_at_the_ends() {
    let mut app = app();
    assert_eq!(selected(&app), "alpha");
    for (code, tube) in [
        (KeyCode::Up, "alpha"),
        (KeyCode::Down, "beta"),
        (KeyCode::Char('j'), "mail"),
        (KeyCode::Down, "mail"),
        (KeyCode::Char('k'), "beta"),
        (KeyCode::End, "mail"),
        (KeyCode::Home, "alpha"),
        (KeyCode::PageDown, "mail"),
        (KeyCode::PageUp, "alpha"),
        (KeyCode::Char('G'), "mail"),
        (KeyCode::Char('g'), "alpha"),
    ] {
        assert_eq!(press(&mut app, code), Wish::Nothing);
        assert_eq!(selected(&app), tube, "{code:?}");
    }
}

#[test]
fn the_selection_stays_on_its_tube_when_others_come_and_go() {
    let mut app = app();
    press(&mut app, KeyCode::Down);
    let tubes = [tube("aaa", &[]), tube("alpha", &[]), tube("beta", &[])];
    let more = sample(server("one", &[]), &tubes);
    app.hear(0, Instant::now(), News::Up(Box::new(more)));
    assert_eq!(selected(&app), "beta");
    let less = sample(server("one", &[]), &tubes[..2]);
    app.hear(0, Instant::now(), News::Up(Box::new(less)));
    assert_eq!(selected(&app), "aaa");
}

#[test]
fn tubes_are_sorted_by_one_column_after_the_other() {
    let mut app = app();
    for (sort, first) in [
        (Sort::Name, "alpha"),
        (Sort::Ready, "mail"),
        (Sort::Reserved, "alpha"),
        (Sort::Delayed, "alpha"),
        (Sort::Buried, "mail"),
        (Sort::Put, "alpha"),
        (Sort::Delete, "alpha"),
        (Sort::Name, "alpha"),
    ] {
        assert_eq!((app.sort, names(&app)[0]), (sort, first));
        press(&mut app, KeyCode::Char('s'));
    }
    assert_eq!(names(&app), ["mail", "alpha", "beta"]);
    press(&mut app, KeyCode::Char('r'));
    assert_eq!(names(&app), ["beta", "alpha", "mail"]);
}

#[test]
fn a_filter_is_typed_kept_and_dropped() {
    let mut app = app();
    type_in(&mut app, "/al");
    assert_eq!(names(&app), ["alpha"]);
    // Letters that mean something elsewhere are letters here.
    type_in(&mut app, "q");
    assert!(names(&app).is_empty());
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Backspace);
    assert_eq!(names(&app), ["alpha", "beta", "mail"]);
    press(&mut app, KeyCode::Char('i'));
    assert_eq!(names(&app), ["mail"]);
    press(&mut app, KeyCode::Backspace);
    press(&mut app, KeyCode::Enter);
    assert_eq!(type_in(&mut app, "q"), Wish::Quit);
    assert_eq!(app.filter, "a");
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.filter, "");
}

#[test]
fn a_kick_is_asked_about_with_the_number_of_buried_jobs() {
    let mut app = app();
    press(&mut app, KeyCode::End);
    assert_eq!(type_in(&mut app, "b"), Wish::Nothing);
    let Mode::Ask(question) = &app.mode else { panic!("{:?}", app.mode) };
    assert_eq!((question.about, question.number.as_str()), (About::Kick(1200), "1200"));
    assert_eq!(press(&mut app, KeyCode::Enter), order(Order::Kick, "mail", 1200));
    assert!(matches!(app.mode, Mode::Browse));
}

#[test]
fn another_number_may_be_typed_and_bad_ones_are_not_taken() {
    let mut app = app();
    press(&mut app, KeyCode::End);
    type_in(&mut app, "b50");
    press(&mut app, KeyCode::Backspace);
    assert_eq!(press(&mut app, KeyCode::Enter), order(Order::Kick, "mail", 5));
    for wrong in ["b0", "b4294967296"] {
        type_in(&mut app, wrong);
        assert_eq!(press(&mut app, KeyCode::Enter), Wish::Nothing, "{wrong}");
        assert!(matches!(app.mode, Mode::Ask(_)), "{wrong}");
        press(&mut app, KeyCode::Esc);
    }
    type_in(&mut app, "b");
    assert_eq!(press(&mut app, KeyCode::Char('n')), Wish::Nothing);
    assert!(matches!(app.mode, Mode::Browse));
}

#[test]
fn nothing_is_asked_where_nothing_is_buried() {
    let mut app = app();
    assert_eq!(type_in(&mut app, "b"), Wish::Nothing);
    assert!(matches!(app.mode, Mode::Browse));
    assert_eq!(app.notice, Some(Err("alpha has no buried jobs".into())));
}

#[test]
fn a_pause_is_asked_about_and_ends_without_a_question() {
    let mut app = app();
    assert_eq!(type_in(&mut app, "p"), Wish::Nothing);
    assert_eq!(type_in(&mut app, "5y"), order(Order::Pause, "alpha", 5));
    press(&mut app, KeyCode::Down);
    assert_eq!(type_in(&mut app, "p"), order(Order::Pause, "beta", 0));
}

#[test]
fn what_is_asked_about_does_not_change_with_the_list() {
    let mut app = app();
    press(&mut app, KeyCode::Char('s'));
    // At the top without having been selected.
    assert_eq!(selected(&app), "mail");
    type_in(&mut app, "b");
    let tubes = [tube("alpha", &[("current-jobs-ready", 99)]), tube("mail", &[])];
    let other = sample(server("one", &[]), &tubes);
    app.hear(0, Instant::now(), News::Up(Box::new(other)));
    assert_eq!(press(&mut app, KeyCode::Enter), order(Order::Kick, "mail", 1200));
    assert_eq!(selected(&app), "mail");
}

#[test]
fn keys_act_on_the_server_that_was_turned_to() {
    let mut app = app();
    press(&mut app, KeyCode::Tab);
    assert_eq!(selected(&app), "default");
    let peek = |server| Wish::Do(server, Order::Peek(TubeName::default()));
    assert_eq!(press(&mut app, KeyCode::Enter), peek(1));
    press(&mut app, KeyCode::Right);
    assert_eq!(app.current, 0);
    press(&mut app, KeyCode::BackTab);
    assert_eq!(app.current, 1);
    app.hear(1, Instant::now(), News::Down("refused".into()));
    assert_eq!(press(&mut app, KeyCode::Enter), Wish::Nothing);
    assert_eq!(app.notice, Some(Err("beanstalk://b:1 does not answer".into())));
}

#[test]
fn control_c_quits_whatever_is_shown() {
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for keys in ["?", "/", "Gb", "p", ""] {
        let mut app = app();
        keys.chars().for_each(|key| drop(press(&mut app, KeyCode::Char(key))));
        assert_eq!(app.key(control_c), Wish::Quit, "{keys}");
    }
    let mut app = app();
    let other = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::CONTROL);
    assert_eq!(app.key(other), Wish::Nothing);
}

#[test]
fn control_z_suspends() {
    let control_z = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    assert_eq!(app().key(control_z), Wish::Suspend);
}

#[test]
fn no_key_means_anything_without_tubes() {
    let mut app = App::new(vec!["beanstalk://a:1".into()], Duration::from_secs(1));
    app.hear(0, Instant::now(), News::Up(Box::new(sample(server("one", &[]), &[]))));
    for code in [KeyCode::Down, KeyCode::End, KeyCode::Enter, KeyCode::Char('b'), KeyCode::Tab] {
        assert_eq!(press(&mut app, code), Wish::Nothing);
    }
    assert!(matches!(app.mode, Mode::Browse));
}
