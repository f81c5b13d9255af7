//! The lists of tubes, whose names stand bare, one in a line.

use crate::{Client, Target};

cases! {
    list_tubes_names_every_tube_once,
    list_tubes_watched_names_them_in_the_order_of_watching,
    an_ignored_tube_leaves_its_place_to_the_last,
    list_tube_used_names_the_used_tube,
}

/// The names in an answer whose size and form are checked.
#[track_caller]
fn names(client: &mut Client, command: &str) -> Vec<String> {
    let answer = client.ask(command);
    let (head, body) = answer.split_once("\r\n").expect(&answer);
    assert_eq!(head, format!("OK {}", body.len()), "the size of {body:?}");
    let lines = body.strip_prefix("---\n").expect("the begin of a document").lines();
    lines.map(|line| line.strip_prefix("- ").expect("an entry").to_owned()).collect()
}

fn list_tubes_names_every_tube_once(target: &Target) {
    let (mut one, mut other) = (target.connect(), target.connect());
    one.talk(&[("use b", "USING b"), ("watch b", "WATCHING 2"), ("watch c", "WATCHING 3")]);
    other.talk(&[("use a", "USING a"), ("watch c", "WATCHING 2")]);
    let mut tubes = names(&mut one, "list-tubes");
    tubes.sort_unstable();
    assert_eq!(tubes, ["a", "b", "c", "default"]);
}

fn list_tubes_watched_names_them_in_the_order_of_watching(target: &Target) {
    let mut client = target.connect();
    for (at, name) in ["c", "a", "b", "a"].iter().enumerate() {
        client.check(&format!("watch {name}"), &format!("WATCHING {}", (at + 2).min(4)));
    }
    assert_eq!(names(&mut client, "list-tubes-watched"), ["default", "c", "a", "b"]);
}

fn an_ignored_tube_leaves_its_place_to_the_last(target: &Target) {
    let mut client = target.connect();
    for name in ["a", "b", "c", "d"] {
        client.ask(&format!("watch {name}"));
    }
    client.check("ignore a", "WATCHING 4");
    assert_eq!(names(&mut client, "list-tubes-watched"), ["default", "d", "b", "c"]);
    client.check("ignore default", "WATCHING 3");
    assert_eq!(names(&mut client, "list-tubes-watched"), ["c", "d", "b"]);
    client.check("watch a", "WATCHING 4");
    client.check("ignore b", "WATCHING 3");
    assert_eq!(names(&mut client, "list-tubes-watched"), ["c", "d", "a"]);
}

fn list_tube_used_names_the_used_tube(target: &Target) {
    let mut client = target.connect();
    client.talk(&[
        ("list-tube-used", "USING default"),
        ("use a", "USING a"),
        ("list-tube-used", "USING a"),
        ("watch b", "WATCHING 2"),
        ("list-tube-used", "USING a"),
        ("use default", "USING default"),
        ("list-tube-used", "USING default"),
    ]);
}
