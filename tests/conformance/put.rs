//! Puts: their bodies, their limits, and what a refused one leaves behind.

use crate::Target;

cases! {
    ids_count_from_one,
    a_body_may_be_empty,
    a_body_may_hold_any_byte,
    a_body_may_come_in_pieces,
    a_body_of_the_largest_size_is_taken,
    a_larger_body_is_swallowed,
    a_size_that_is_refused_is_refused_before_the_garbage_behind_it,
    the_limit_may_be_set,
    a_limit_of_zero_allows_an_empty_body,
    a_size_of_almost_32_bits_is_swallowed_too,
    a_body_longer_than_its_size_runs_as_commands,
    a_body_shorter_than_its_size_swallows_what_follows,
    a_wrong_line_end_is_refused,
    a_badly_formed_header_leaves_its_body_as_commands,
    a_put_with_a_wrong_end_burns_an_id,
    a_put_that_is_never_finished_makes_no_job,
    a_job_lands_in_the_tube_used_at_its_put,
}

fn ids_count_from_one(target: &Target) {
    let (mut one, mut other) = (target.connect(), target.connect());
    for id in 1..10 {
        let client = if id % 2 == 0 { &mut one } else { &mut other };
        client.check(&format!("use t{id}"), &format!("USING t{id}"));
        assert_eq!(client.put("0 0 60", "x"), id);
    }
    one.check("delete 9", "DELETED");
    assert_eq!(one.put("0 0 60", "x"), 10, "an id is never given twice");
}

fn a_body_may_be_empty(target: &Target) {
    target.connect().talk(&[
        ("put 0 0 60 0\r\n", "INSERTED 1"),
        ("peek 1", "FOUND 1 0\r\n"),
        ("reserve", "RESERVED 1 0\r\n"),
    ]);
}

fn a_body_may_hold_any_byte(target: &Target) {
    let body: Vec<u8> = (0..=u8::MAX).chain(*b"\r\n\r\n\0\r\r\n\n").collect();
    let put = [format!("put 0 0 60 {}\r\n", body.len()).as_bytes(), &body, b"\r\n"].concat();
    let mut client = target.connect();
    client.send(put);
    client.expect("INSERTED 1");
    let expected = format!("FOUND 1 {}\r\n{}", body.len(), String::from_utf8_lossy(&body));
    client.check("peek 1", &expected);
}

fn a_body_may_come_in_pieces(target: &Target) {
    let mut client = target.connect();
    for piece in ["put 0 0 60 ", "6\r", "\na", "bc", "\r\n", "d", "\r", "\n"] {
        client.send(piece);
        target.connect().check_step();
    }
    client.expect("INSERTED 1");
    client.check("peek 1", "FOUND 1 6\r\nabc\r\nd");
}

fn a_body_of_the_largest_size_is_taken(target: &Target) {
    let mut client = target.connect();
    client.shows("stats", &["max-job-size: 65535"]);
    let body = "b".repeat(65_535);
    assert_eq!(client.put("0 0 60", &body), 1);
    client.check("reserve", &format!("RESERVED 1 65535\r\n{body}"));
}

fn a_larger_body_is_swallowed(target: &Target) {
    for size in [65_536, 65_537, 100_000, 1_000_000] {
        let mut client = target.connect();
        let body = "delete 1\r\n".repeat(size / 10 + 1);
        client.check(&format!("put 0 0 60 {size}\r\n{}", &body[..size]), "JOB_TOO_BIG");
        client.check_step();
    }
    assert_eq!(target.connect().put("0 0 60", "x"), 1, "no id was given away");
}

fn a_size_that_is_refused_is_refused_before_the_garbage_behind_it(target: &Target) {
    let body = "x".repeat(65_536);
    let mut client = target.connect();
    client.check(&format!("put 0 0 60 65536 garbage\r\n{body}"), "JOB_TOO_BIG");
    client.check("put 0 0 60 65535 garbage", "BAD_FORMAT");
    client.check_step();
}

fn the_limit_may_be_set(target: &Target) {
    let target = target.with_max_job_size(10);
    let mut client = target.connect();
    client.shows("stats", &["max-job-size: 10"]);
    client.talk(&[
        ("put 0 0 60 10\r\n0123456789", "INSERTED 1"),
        ("put 0 0 60 11\r\n0123456789a", "JOB_TOO_BIG"),
        ("put 0 0 60 9\r\n012345678", "INSERTED 2"),
    ]);
}

fn a_limit_of_zero_allows_an_empty_body(target: &Target) {
    let target = target.with_max_job_size(0);
    let mut client = target.connect();
    client.shows("stats", &["max-job-size: 0"]);
    client.talk(&[
        ("put 0 0 60 0\r\n", "INSERTED 1"),
        ("put 0 0 60 1\r\na", "JOB_TOO_BIG"),
        ("reserve", "RESERVED 1 0\r\n"),
    ]);
}

fn a_size_of_almost_32_bits_is_swallowed_too(target: &Target) {
    for size in ["1073741825", "4294967293", "4294967294", "4294967295"] {
        let answers = target.answers(format!("put 0 0 60 {size}\r\n{}", "use a\r\n".repeat(1_000)));
        assert_eq!(answers, "", "{size}");
    }
}

fn a_body_longer_than_its_size_runs_as_commands(target: &Target) {
    let answers = target.answers("put 0 0 60 1\r\nabcuse a\r\nuse b\r\n");
    assert_eq!(answers, "EXPECTED_CRLF\r\nUSING a\r\nUSING b\r\n");
    let answers = target.answers("put 0 0 60 2\r\nabcd\r\nuse b\r\n");
    assert_eq!(answers, "EXPECTED_CRLF\r\nUNKNOWN_COMMAND\r\nUSING b\r\n");
}

fn a_body_shorter_than_its_size_swallows_what_follows(target: &Target) {
    let answers = target.answers("put 0 0 60 4\r\na\r\nuse b\r\nuse c\r\n");
    assert_eq!(answers, "EXPECTED_CRLF\r\nUNKNOWN_COMMAND\r\nUSING c\r\n");
    let answers = target.answers("put 0 0 60 8\r\na\r\nuse b\r\nuse c\r\n");
    assert_eq!(answers, "INSERTED 2\r\nUSING c\r\n");
}

fn a_wrong_line_end_is_refused(target: &Target) {
    for end in ["\n\r", "\r\r", "\n\n", "  ", "xx", "\r "] {
        let answers = target.answers(format!("put 0 0 60 1\r\na{end}use b\r\n"));
        assert_eq!(answers, "EXPECTED_CRLF\r\nUSING b\r\n", "{end:?}");
    }
    target.connect().check("peek-ready", "NOT_FOUND");
}

fn a_badly_formed_header_leaves_its_body_as_commands(target: &Target) {
    for header in ["put x 0 60 5", "put 0 0 60 5 ", "put 0 0 60", "put 0 0 60 -5", "put  "] {
        let answers = target.answers(format!("{header}\r\nuse a\r\nuse b\r\n"));
        assert_eq!(answers, "BAD_FORMAT\r\nUSING a\r\nUSING b\r\n", "{header}");
    }
    assert_eq!(target.connect().put("0 0 60", "x"), 1, "no id was given away");
}

fn a_put_with_a_wrong_end_burns_an_id(target: &Target) {
    let mut client = target.connect();
    client.send("put 0 0 60 1\r\nabc");
    client.expect("EXPECTED_CRLF");
    client.talk(&[("peek 1", "NOT_FOUND"), ("put 0 0 60 1\r\na", "INSERTED 2")]);
    client.shows("stats", &["total-jobs: 1", "cmd-put: 2"]);
}

fn a_put_that_is_never_finished_makes_no_job(target: &Target) {
    for bytes in ["put 0 0 60 3\r\n", "put 0 0 60 3\r\nabc", "put 0 0 60 3\r\nabc\r"] {
        assert_eq!(target.answers(bytes), "", "{bytes:?}");
    }
    let mut client = target.connect();
    client.shows("stats", &["total-jobs: 0", "current-jobs-ready: 0"]);
    assert_eq!(client.put("0 0 60", "x"), 4, "each of them burned an id");
}

fn a_job_lands_in_the_tube_used_at_its_put(target: &Target) {
    let mut client = target.connect();
    client.check("use a", "USING a");
    client.put("0 0 60", "x");
    client.check("use b", "USING b");
    client.put("0 0 60", "y");
    client.shows("stats-job 1", &["tube: a"]);
    client.shows("stats-job 2", &["tube: b"]);
}
