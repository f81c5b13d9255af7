//! Which commands the server counts, and when.

use crate::{Client, Target};

cases! {
    every_command_is_counted_by_its_name,
    an_answer_of_not_found_is_counted,
    a_badly_formed_command_is_not_counted,
    a_command_without_a_counter_counts_for_none,
    a_refused_put_is_counted_once_its_numbers_are_read,
    a_command_is_counted_when_it_begins,
    the_report_counts_itself,
}

const COUNTERS: [&str; 22] = [
    "put",
    "peek",
    "peek-ready",
    "peek-delayed",
    "peek-buried",
    "reserve",
    "reserve-with-timeout",
    "delete",
    "release",
    "use",
    "watch",
    "ignore",
    "bury",
    "kick",
    "touch",
    "stats",
    "stats-job",
    "stats-tube",
    "list-tubes",
    "list-tube-used",
    "list-tubes-watched",
    "pause-tube",
];

/// All counters, in their order.
fn counts(client: &mut Client) -> Vec<u64> {
    let answer = client.ask("stats");
    let values = answer.lines().filter_map(|line| line.strip_prefix("cmd-"));
    values.map(|line| line.split_once(": ").unwrap().1.parse().unwrap()).collect()
}

/// Which counters these commands move, besides that of the question for them.
fn counted(client: &mut Client, commands: &[&str]) -> Vec<(&'static str, u64)> {
    let before = counts(client);
    for command in commands {
        client.ask(command);
    }
    let after = counts(client);
    let own = |name: &str| u64::from(name == "stats");
    let moved = COUNTERS.iter().zip(before.iter().zip(&after));
    let moved = moved.map(|(name, (before, after))| (*name, after - before - own(name)));
    moved.filter(|(_, count)| *count > 0).collect()
}

fn every_command_is_counted_by_its_name(target: &Target) {
    let mut client = target.connect();
    for command in [
        "put 0 0 60 1\r\nx",
        "peek 1",
        "peek-ready",
        "peek-delayed",
        "peek-buried",
        "reserve",
        "reserve-with-timeout 0",
        "touch 1",
        "release 1 0 0",
        "reserve",
        "bury 1 0",
        "kick 1",
        "delete 1",
        "use default",
        "watch default",
        "ignore other",
        "stats",
        "stats-job 1",
        "stats-tube default",
        "list-tubes",
        "list-tube-used",
        "list-tubes-watched",
        "pause-tube default 0",
    ] {
        let name = command.split(' ').next().unwrap();
        let moved = counted(&mut client, &[command]);
        assert_eq!(moved, [(name, 1)], "{command}");
    }
}

fn an_answer_of_not_found_is_counted(target: &Target) {
    let mut client = target.connect();
    for command in [
        "peek 9",
        "peek-ready",
        "delete 9",
        "release 9 0 0",
        "bury 9 0",
        "touch 9",
        "stats-job 9",
        "stats-tube nosuch",
        "pause-tube nosuch 0",
        "kick 5",
        "ignore default",
    ] {
        let name = command.split(' ').next().unwrap();
        let moved = counted(&mut client, &[command]);
        assert_eq!(moved, [(name, 1)], "{command}");
    }
}

fn a_badly_formed_command_is_not_counted(target: &Target) {
    let commands = [
        "put x 0 60 1",
        "put 0 0 60 4294967296",
        "peek x",
        "peek 1x",
        "peek-ready 1",
        "peek-delayed x",
        "peek-buried x",
        "reserve x",
        "delete x",
        "delete 1 1",
        "release 1 1",
        "release 1 1 x",
        "use -a",
        "use a b",
        "watch -a",
        "ignore -a",
        "bury 1",
        "bury 1 x",
        "kick x",
        "touch x",
        "stats x",
        "stats-job x",
        "stats-tube -a",
        "list-tubes x",
        "list-tube-used x",
        "list-tubes-watched x",
        "pause-tube default",
        "pause-tube default x",
        "nosuch",
        "",
    ];
    let mut client = target.connect();
    assert_eq!(counted(&mut client, &commands), []);
    let long = "x".repeat(500);
    assert_eq!(counted(&mut client, &[&long]), []);
}

fn a_command_without_a_counter_counts_for_none(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "x");
    let commands = ["reserve-job 1", "reserve-job 9", "kick-job 9"];
    assert_eq!(counted(&mut client, &commands), []);
}

fn a_refused_put_is_counted_once_its_numbers_are_read(target: &Target) {
    let mut client = target.connect();
    let large = format!("put 0 0 60 65536\r\n{}", "x".repeat(65_536));
    assert_eq!(counted(&mut client, &[&large]), [("put", 1)]);
    assert_eq!(counted(&mut client, &["put 0 0 60 1 garbage"]), [("put", 1)]);
    client.send("put 0 0 60 1\r\nabc");
    client.expect("EXPECTED_CRLF");
    client.shows("stats", &["cmd-put: 3", "total-jobs: 0"]);
}

fn a_command_is_counted_when_it_begins(target: &Target) {
    let (mut observer, mut waiting, mut putting) =
        (target.connect(), target.connect(), target.connect());
    waiting.send("reserve\r\n");
    target.until_waiting(1);
    observer.shows("stats", &["cmd-reserve: 1"]);
    putting.send("put 0 0 60 3\r\nab");
    target.until("stats", "cmd-put: 1");
    observer.shows("stats", &["total-jobs: 0", "current-producers: 1", "current-workers: 1"]);
}

fn the_report_counts_itself(target: &Target) {
    let mut client = target.connect();
    let before = counts(&mut client)[15];
    let after = counts(&mut client)[15];
    assert_eq!((COUNTERS[15], after), ("stats", before + 1));
    client.shows("stats-job 1", &[]);
    client.shows("stats-tube default", &[]);
    client.shows("stats", &["cmd-stats-job: 1", "cmd-stats-tube: 1"]);
}
