//! How long a line may be, and what becomes of one that is longer.

use crate::Target;

cases! {
    a_line_of_224_bytes_is_read,
    the_longest_commands_fit_in_a_line,
    a_longer_line_is_badly_formed_once,
    the_command_behind_a_longer_line_is_done,
    a_longer_line_does_nothing,
    a_longer_line_may_come_in_pieces,
    an_unfinished_line_is_not_answered,
    a_line_may_come_byte_by_byte,
}

fn a_line_of_224_bytes_is_read(target: &Target) {
    let mut client = target.connect();
    for length in [222, 221] {
        client.check(&"x".repeat(length), "UNKNOWN_COMMAND");
        client.check(&format!("peek 1{}", " ".repeat(length - 6)), "BAD_FORMAT");
        client.check(&format!("peek {}1", " ".repeat(length - 6)), "NOT_FOUND");
        client.check(&format!("peek {}1", "0".repeat(length - 6)), "NOT_FOUND");
    }
}

fn the_longest_commands_fit_in_a_line(target: &Target) {
    let (name, largest) = ("a".repeat(200), u32::MAX);
    let mut client = target.connect();
    client.talk(&[
        (&format!("use {name}"), &format!("USING {name}")),
        (&format!("watch {name}"), "WATCHING 2"),
        (&format!("pause-tube {name} {largest}"), "PAUSED"),
        ("list-tubes-watched", &format!("OK 217\r\n---\n- default\n- {name}\n")),
        (&format!("ignore {name}"), "WATCHING 1"),
        ("list-tube-used", &format!("USING {name}")),
    ]);
    let pause = format!("pause: {largest}");
    client.shows(&format!("stats-tube {name}"), &[&format!("name: {name}"), &pause]);
    let ids = u64::MAX;
    client.check(&format!("release {ids} {largest} {largest}"), "NOT_FOUND");
}

fn a_longer_line_is_badly_formed_once(target: &Target) {
    for length in [224, 225, 300, 446, 448, 1_000, 100_000] {
        let line = "x".repeat(length);
        let answers = target.answers(format!("{line}\r\n"));
        assert_eq!(answers, "BAD_FORMAT\r\n", "{length} bytes and CRLF");
    }
}

fn the_command_behind_a_longer_line_is_done(target: &Target) {
    for length in [224, 225, 300, 446, 448, 670, 10_000] {
        let line = "x".repeat(length);
        let answers = target.answers(format!("use a\r\n{line}\r\nuse b\r\n"));
        assert_eq!(answers, "USING a\r\nBAD_FORMAT\r\nUSING b\r\n", "{length} bytes and CRLF");
    }
}

fn a_longer_line_does_nothing(target: &Target) {
    let mut client = target.connect();
    client.put("0 0 60", "a");
    client.talk(&[
        (&format!("delete {}1", " ".repeat(300)), "BAD_FORMAT"),
        (&format!("delete 1{}", " ".repeat(300)), "BAD_FORMAT"),
        (&format!("{}delete 1", "x".repeat(224)), "BAD_FORMAT"),
        ("peek 1", "FOUND 1 1\r\na"),
    ]);
}

fn a_longer_line_may_come_in_pieces(target: &Target) {
    let mut client = target.connect();
    for _ in 0..30 {
        client.send("x".repeat(10));
        // Answered on another connection, so that the pieces arrive one by one.
        target.connect().check_step();
    }
    client.send("\r\nuse a\r\n");
    client.expect_all(["BAD_FORMAT", "USING a"]);
}

fn an_unfinished_line_is_not_answered(target: &Target) {
    for bytes in ["use a", "use a\r", "x", "put 0 0 60 1", &"x".repeat(1_000)] {
        assert_eq!(target.answers(bytes), "", "{bytes:?}");
        assert_eq!(target.answers(format!("use b\r\n{bytes}")), "USING b\r\n", "{bytes:?}");
    }
}

fn a_line_may_come_byte_by_byte(target: &Target) {
    let mut client = target.connect();
    for byte in "put 0 0 60 2\r\nab\r\npeek 1\r\n".bytes() {
        client.send([byte]);
    }
    client.expect_all(["INSERTED 1", "FOUND 1 2\r\nab"]);
}
