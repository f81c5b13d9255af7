//! What is a command, and what is not.

use crate::Target;

cases! {
    an_unknown_verb_is_an_unknown_command,
    a_verb_alone_is_unknown_where_an_argument_must_follow,
    a_line_that_only_begins_like_a_command_is_badly_formed,
    a_missing_argument_is_badly_formed,
    something_behind_the_last_argument_is_badly_formed,
    arguments_may_stand_apart_by_many_spaces,
    a_tube_name_stands_exactly_one_space_behind_its_verb,
    nothing_but_spaces_separates_arguments,
    a_line_feed_alone_ends_no_line,
    a_nul_byte_makes_a_line_badly_formed,
    bytes_beyond_ascii_are_no_command_and_no_name,
    a_refused_line_changes_nothing,
}

#[track_caller]
fn all_answer(target: &Target, lines: &[&str], reply: &str) {
    let mut client = target.connect();
    for line in lines {
        client.check(line, reply);
    }
    client.check_step();
}

fn an_unknown_verb_is_an_unknown_command(target: &Target) {
    let lines = [
        "",
        " ",
        "x",
        "hello there",
        "USE a",
        "Reserve",
        " use a",
        " stats",
        "\tstats",
        "list-tube",
        "list",
        "kick-jobs 1",
        "kic",
        "peek-",
        "peek-nothing",
        "deleted 1",
        "pause 1",
        "stat",
        "qui",
    ];
    all_answer(target, &lines, "UNKNOWN_COMMAND");
}

fn a_verb_alone_is_unknown_where_an_argument_must_follow(target: &Target) {
    let lines = [
        "put", "use", "watch", "ignore", "delete", "release", "bury", "touch", "peek", "kick",
        "kick-job",
    ];
    all_answer(target, &lines, "UNKNOWN_COMMAND");
}

fn a_line_that_only_begins_like_a_command_is_badly_formed(target: &Target) {
    let lines = [
        "reserve ",
        "reserve 1",
        "reserved",
        "reserve-",
        "reserve-job",
        "reserve-with-timeout",
        "peek-ready ",
        "peek-ready 1",
        "peek-readyx",
        "peek-delayed ",
        "peek-delayed-1",
        "peek-buried ",
        "peek-buried 0",
        "stats ",
        "stats now",
        "stats-",
        "stats-job",
        "stats-tube",
        "statsx",
        "list-tubes ",
        "list-tubes-",
        "list-tube-used ",
        "list-tube-usedx",
        "list-tubes-watched ",
        "list-tubes-watched x",
        "pause-tube",
    ];
    all_answer(target, &lines, "BAD_FORMAT");
}

fn a_missing_argument_is_badly_formed(target: &Target) {
    let lines = [
        "put ",
        "put 1",
        "put 1 ",
        "put 1 1",
        "put 1 1 1",
        "put 1 1 1 ",
        "use ",
        "watch ",
        "ignore ",
        "reserve-job ",
        "delete ",
        "release ",
        "release 1",
        "release 1 1",
        "release 1 1 ",
        "bury ",
        "bury 1",
        "bury 1 ",
        "touch ",
        "peek ",
        "kick ",
        "kick-job ",
        "stats-job ",
        "stats-tube ",
        "pause-tube ",
        "pause-tube default",
        "pause-tube default ",
    ];
    all_answer(target, &lines, "BAD_FORMAT");
}

fn something_behind_the_last_argument_is_badly_formed(target: &Target) {
    let lines = [
        "put 0 0 1 1 ",
        "put 0 0 1 1 1",
        "put 0 0 1 1x",
        "use a ",
        "use a b",
        "watch a ",
        "watch a b",
        "ignore a ",
        "ignore default x",
        "reserve-job 1 ",
        "reserve-job 1 1",
        "reserve-job 1x",
        "delete 1 ",
        "delete 1 1",
        "delete 1x",
        "release 1 1 1 ",
        "release 1 1 1 1",
        "release 1 1 1x",
        "bury 1 1 ",
        "bury 1 1 1",
        "bury 1 1x",
        "touch 1 ",
        "touch 1 1",
        "touch 1x",
        "peek 1 ",
        "peek 1 1",
        "peek 1x",
        "kick-job 1 ",
        "kick-job 1 1",
        "kick-job 1x",
        "stats-job 1 ",
        "stats-job 1 1",
        "stats-job 1x",
        "stats-tube default ",
        "stats-tube default x",
        "pause-tube default 0 ",
        "pause-tube default 0 0",
        "pause-tube default 0x",
    ];
    all_answer(target, &lines, "BAD_FORMAT");
}

fn arguments_may_stand_apart_by_many_spaces(target: &Target) {
    target.connect().talk(&[
        ("put  7   0 60    1\r\na", "INSERTED 1"),
        ("peek   1", "FOUND 1 1\r\na"),
        ("reserve-job  1", "RESERVED 1 1\r\na"),
        ("touch  1", "TOUCHED"),
        ("release  1   8  0", "RELEASED"),
        ("reserve-with-timeout  0", "RESERVED 1 1\r\na"),
        ("bury  1    9", "BURIED"),
        ("kick  1", "KICKED 1"),
        ("kick-job  1", "NOT_FOUND"),
        ("pause-tube  default   0", "PAUSED"),
        ("delete    1", "DELETED"),
    ]);
}

fn a_tube_name_stands_exactly_one_space_behind_its_verb(target: &Target) {
    let lines = ["use  a", "watch  a", "ignore  default", "stats-tube  default"];
    all_answer(target, &lines, "BAD_FORMAT");
}

fn nothing_but_spaces_separates_arguments(target: &Target) {
    all_answer(target, &["peek\t1", "use\ta", "delete\t1"], "UNKNOWN_COMMAND");
    let lines =
        ["peek \t1", "release 1\t1\t1", "bury 1,1", "put 0 0\t1 1", "pause-tube default\t0"];
    all_answer(target, &lines, "BAD_FORMAT");
}

fn a_line_feed_alone_ends_no_line(target: &Target) {
    all_answer(target, &["use a\n", "delete 1\n", "stats\nstats", "use a\nuse b"], "BAD_FORMAT");
    all_answer(target, &["\n", "\nstats"], "UNKNOWN_COMMAND");
}

fn a_nul_byte_makes_a_line_badly_formed(target: &Target) {
    let lines = ["\0", "use a\0", "use a\0b", "stats\0", "nosuch\0command", "delete 1\0"];
    all_answer(target, &lines, "BAD_FORMAT");
}

fn bytes_beyond_ascii_are_no_command_and_no_name(target: &Target) {
    let answers = target.answers(b"\xff\r\nuse \xff\r\nwatch t\xc3\xbcbe\r\npeek \xb2\r\n");
    assert_eq!(answers, "UNKNOWN_COMMAND\r\nBAD_FORMAT\r\nBAD_FORMAT\r\nBAD_FORMAT\r\n");
}

fn a_refused_line_changes_nothing(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "a");
    client.talk(&[
        ("use b c", "BAD_FORMAT"),
        ("watch b c", "BAD_FORMAT"),
        ("ignore default c", "BAD_FORMAT"),
        ("delete 1 1", "BAD_FORMAT"),
        ("reserve-job 1 1", "BAD_FORMAT"),
        ("list-tube-used", "USING default"),
        ("list-tubes", "OK 14\r\n---\n- default\n"),
        ("list-tubes-watched", "OK 14\r\n---\n- default\n"),
        ("peek-ready", "FOUND 1 1\r\na"),
    ]);
}
