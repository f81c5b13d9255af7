//! Many commands in one write, and commands behind a reserve that waits.

use crate::Target;

cases! {
    replies_come_in_the_order_of_the_commands,
    two_commands_may_share_a_packet_with_a_half,
    a_large_batch_is_answered_in_full,
    a_refused_command_does_not_end_a_batch,
    a_line_may_be_cut_anywhere,
    replies_that_nobody_reads_are_kept,
    commands_behind_a_wait_are_done_after_it,
    a_wait_behind_a_wait_waits_too,
    a_put_behind_a_wait_does_not_end_it,
    connections_do_not_disturb_each_other,
}

fn replies_come_in_the_order_of_the_commands(target: &Target) {
    let mut client = target.connect();
    client.send(
        "put 5 0 60 1\r\na\r\nuse t\r\nput 4 0 60 2\r\nbb\r\nwatch t\r\nreserve\r\n\
         reserve-with-timeout 5\r\npeek 1\r\nrelease 2 3 0\r\nbury 1 9\r\ntouch 1\r\nkick 1\r\n\
         use default\r\nkick 1\r\nreserve-job 1\r\ndelete 1\r\nnosuch\r\nlist-tubes-watched\r\n\
         ignore default\r\nignore t\r\npause-tube t 0\r\npause-tube u 0\r\npeek-ready\r\n\
         list-tube-used\r\n",
    );
    client.expect_all([
        "INSERTED 1",
        "USING t",
        "INSERTED 2",
        "WATCHING 2",
        "RESERVED 2 2\r\nbb",
        "RESERVED 1 1\r\na",
        "FOUND 1 1\r\na",
        "RELEASED",
        "BURIED",
        "NOT_FOUND",
        "KICKED 0",
        "USING default",
        "KICKED 1",
        "RESERVED 1 1\r\na",
        "DELETED",
        "UNKNOWN_COMMAND",
        "OK 18\r\n---\n- default\n- t\n",
        "WATCHING 1",
        "NOT_IGNORED",
        "PAUSED",
        "NOT_FOUND",
        "NOT_FOUND",
        "USING default",
    ]);
}

fn two_commands_may_share_a_packet_with_a_half(target: &Target) {
    let mut client = target.connect();
    client.send("use a\r\nuse b\r\nuse ");
    client.expect_all(["USING a", "USING b"]);
    client.send("c\r\nput 0 0 60 3\r\nxy");
    client.expect("USING c");
    client.send("z\r\npeek 1\r\n");
    client.expect_all(["INSERTED 1", "FOUND 1 3\r\nxyz"]);
}

fn a_large_batch_is_answered_in_full(target: &Target) {
    const COUNT: usize = 2_000;
    let mut client = target.connect();
    let puts = (0..COUNT).map(|at| format!("put {at} 0 60 4\r\n{at:04}\r\n"));
    client.send(puts.collect::<String>());
    (1..=COUNT).for_each(|id| client.expect(&format!("INSERTED {id}")));
    client.send("reserve\r\n".repeat(COUNT));
    (0..COUNT).for_each(|at| client.expect(&format!("RESERVED {} 4\r\n{at:04}", at + 1)));
    client.send((1..=COUNT).map(|id| format!("delete {id}\r\n")).collect::<String>());
    (0..COUNT).for_each(|_| client.expect("DELETED"));
}

fn a_refused_command_does_not_end_a_batch(target: &Target) {
    let mut client = target.connect();
    client.send(format!("nosuch\r\nuse a b\r\ndelete 9\r\n{}\r\nuse c\r\n", "x".repeat(300)));
    let replies = ["UNKNOWN_COMMAND", "BAD_FORMAT", "NOT_FOUND", "BAD_FORMAT", "USING c"];
    client.expect_all(replies);
}

fn a_line_may_be_cut_anywhere(target: &Target) {
    let text = "use a\r\nput 1 0 60 3\r\n\r\n\0\r\nstats-tube no\r\nuse default\r\n";
    for cut in 1..text.len() {
        let mut client = target.connect();
        client.send(&text[..cut]);
        // The first part has most likely been read when this is answered.
        target.connect().check_step();
        client.send(&text[cut..]);
        client.expect("USING a");
        assert!(client.reply().starts_with("INSERTED "), "cut at {cut}");
        client.expect_all(["NOT_FOUND", "USING default"]);
    }
}

fn replies_that_nobody_reads_are_kept(target: &Target) {
    const COUNT: usize = 400;
    let mut client = target.connect();
    let body = "b".repeat(60_000);
    client.put("0 0 60", &body);
    // 24 MB, far more than what the system keeps for a connection.
    client.send("peek 1\r\n".repeat(COUNT));
    target.connect().check_step();
    for _ in 0..COUNT {
        client.expect(&format!("FOUND 1 60000\r\n{body}"));
    }
    client.check_step();
}

fn commands_behind_a_wait_are_done_after_it(target: &Target) {
    let (mut client, mut other) = (target.connect(), target.connect());
    client.send("reserve\r\nuse a\r\nput 0 0 60 1\r\ny\r\ndelete 1\r\n");
    target.until_waiting(1);
    other.shows("stats", &["cmd-use: 0", "cmd-put: 0", "cmd-delete: 0"]);
    other.put("0 0 60", "x");
    client.expect_all(["RESERVED 1 1\r\nx", "USING a", "INSERTED 2", "DELETED"]);
}

fn a_wait_behind_a_wait_waits_too(target: &Target) {
    let (mut client, mut other) = (target.connect(), target.connect());
    client.send("reserve\r\nreserve\r\nreserve-with-timeout 0\r\nuse a\r\n");
    for id in [1, 2] {
        target.until_waiting(1);
        other.put("0 0 60", "x");
        client.expect(&format!("RESERVED {id} 1\r\nx"));
    }
    client.expect_all(["TIMED_OUT", "USING a"]);
}

fn a_put_behind_a_wait_does_not_end_it(target: &Target) {
    let mut client = target.connect();
    client.send("reserve-with-timeout 1\r\nput 0 0 60 1\r\nx\r\nreserve-with-timeout 1\r\n");
    client.expect_all(["TIMED_OUT", "INSERTED 1", "RESERVED 1 1\r\nx"]);
}

fn connections_do_not_disturb_each_other(target: &Target) {
    let (mut one, mut other) = (target.connect(), target.connect());
    one.send("put 0 0 60 3\r\nab");
    other.send("use a");
    one.send("c\r");
    other.send("\r\nput 0 0 60 1\r\nx\r\nreserve\r\n");
    other.expect("USING a");
    assert!(other.reply().starts_with("INSERTED "));
    one.send("\n");
    assert!(one.reply().starts_with("INSERTED "));
    let reply = other.reply();
    assert!(reply.ends_with("\r\nabc"), "the job of the default tube: {reply:?}");
}
