use super::*;
use crate::types::{JobId, Priority, Seconds};

const PATIENCE: Duration = Duration::from_secs(5);

fn at(millis: u64) -> Instant {
    Instant::from_origin(Duration::from_millis(millis))
}

fn conn() -> Conn<u32> {
    Conn::new(1024)
}

fn tube(name: &str) -> TubeName {
    TubeName::new(name).unwrap()
}

fn put(to: &str, body: impl Into<Bytes>) -> Command {
    let ttr = Seconds::ttr(Duration::from_secs(60)).unwrap();
    let (priority, delay) = (Priority(1), Seconds::ZERO);
    Command::Put { tube: tube(to), priority, delay, ttr, body: body.into() }
}

fn park(seconds: u64) -> Command {
    let timeout = Seconds::reserve_timeout(Duration::from_secs(seconds)).unwrap();
    Command::ReserveWithTimeout(timeout)
}

fn take(conn: &mut Conn<u32>) -> String {
    let mut out = Vec::new();
    conn.take(at(0), &mut out);
    String::from_utf8(out.concat()).unwrap()
}

fn answers(conn: &mut Conn<u32>, text: &str) -> Result<Vec<(u32, Reply)>, Error> {
    let mut input = BytesMut::from(text);
    let mut answers = Vec::new();
    while let Some(Answer { tag, reply, .. }) = conn.decode(at(0), &mut input)? {
        answers.push((tag, reply));
    }
    Ok(answers)
}

#[test]
fn all_that_waits_goes_out_in_one_write() {
    let mut conn = conn();
    conn.push(put("default", "abc"), 1);
    conn.push(Command::Delete(JobId(4)), 2);
    let mut out = Vec::new();
    conn.take(at(0), &mut out);
    assert_eq!(out, ["put 1 0 60 3\r\nabc\r\ndelete 4\r\n"]);
    assert_eq!((conn.has_output(), conn.pending()), (false, 2));
}

#[test]
fn a_large_body_is_not_copied() {
    let mut conn = conn();
    let body = Bytes::from(vec![b'x'; COPIED_BODY + 1]);
    conn.push(put("default", body.clone()), 1);
    let mut out = Vec::new();
    conn.take(at(0), &mut out);
    assert_eq!(out.len(), 3);
    assert_eq!(out[1].as_ptr(), body.as_ptr());
    assert_eq!(out.concat().len(), "put 1 0 60 4097\r\n".len() + body.len() + 2);
}

#[test]
fn one_take_is_bounded_and_the_next_goes_on() {
    let mut conn = conn();
    for tag in 0..3 {
        conn.push(put("default", vec![b'x'; MAX_TAKE - 100]), tag);
    }
    let mut out = Vec::new();
    conn.take(at(0), &mut out);
    assert!(conn.has_output());
    assert_eq!(out.concat().windows(4).filter(|part| part == b"put ").count(), 2);
    conn.take(at(0), &mut out);
    assert!(!conn.has_output());
}

#[test]
fn use_goes_in_front_only_when_the_tube_in_use_is_another() {
    let mut conn = conn();
    conn.push(put("a", ""), 1);
    conn.push(Command::Kick { tube: tube("a"), bound: 1 }, 2);
    conn.push(Command::Use(tube("b")), 3);
    conn.push(put("b", ""), 4);
    let sent = "use a\r\nput 1 0 60 0\r\n\r\nkick 1\r\nuse b\r\nput 1 0 60 0\r\n\r\n";
    assert_eq!(take(&mut conn), sent);
    let got = answers(&mut conn, "USING a\r\nINSERTED 1\r\nKICKED 0\r\nUSING b\r\nINSERTED 2\r\n");
    assert_eq!(got.unwrap().iter().map(|(tag, _)| *tag).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(conn.pending(), 0);
}

#[test]
fn nothing_is_sent_behind_a_reserve_that_waits() {
    let mut conn = conn();
    conn.push(Command::Delete(JobId(1)), 1);
    conn.push(park(9), 2);
    conn.push(Command::Delete(JobId(2)), 3);
    assert!(conn.is_parked());
    assert_eq!(take(&mut conn), "delete 1\r\nreserve-with-timeout 9\r\n");
    assert_eq!((conn.blocked_by().is_some(), conn.has_output()), (true, false));
    assert_eq!(answers(&mut conn, "DELETED\r\nTIMED_OUT\r\n").unwrap().len(), 2);
    assert_eq!((conn.blocked_by(), conn.is_parked()), (None, false));
    assert_eq!(take(&mut conn), "delete 2\r\n");
}

#[test]
fn a_reserve_without_a_wait_holds_nothing_up() {
    let mut conn = conn();
    conn.push(park(0), 1);
    conn.push(Command::Delete(JobId(2)), 2);
    assert!(!conn.is_parked());
    assert_eq!(take(&mut conn), "reserve-with-timeout 0\r\ndelete 2\r\n");
}

#[test]
fn nothing_is_sent_behind_quit() {
    let mut conn = conn();
    conn.push(Command::Quit, 1);
    conn.push(Command::Stats, 2);
    assert_eq!(take(&mut conn), "quit\r\n");
    assert_eq!(take(&mut conn), "");
}

#[test]
fn only_what_is_unsent_can_be_withdrawn() {
    let mut conn = conn();
    let first = conn.push(park(9), 1);
    let second = conn.push(put("a", "x"), 2);
    assert_eq!(conn.withdraw(first), Some(park(9)));
    assert!(!conn.is_parked());
    take(&mut conn);
    assert_eq!(conn.withdraw(second), None);
    assert_eq!(conn.pending(), 2);
    let third = conn.push(Command::Stats, 3);
    conn.push(park(1), 4);
    assert_eq!(conn.withdraw_all(|tag| *tag == 4), [(park(1), 4)]);
    assert!(!conn.is_parked());
    assert_eq!(conn.withdraw(third), Some(Command::Stats));
}

#[test]
fn the_body_of_a_put_that_nobody_waits_for_is_let_go_of() {
    let mut conn = conn();
    let body = Bytes::from(vec![b'x'; COPIED_BODY + 1]);
    let ticket = conn.push(put("a", body.clone()), 1);
    take(&mut conn);
    assert!(!body.is_unique());
    conn.forget_body(ticket);
    assert!(body.is_unique());
    assert_eq!(answers(&mut conn, "USING a\r\nINSERTED 1\r\n").unwrap()[0].0, 1);
}

#[test]
fn no_more_than_the_bound_await_their_replies() {
    let mut conn = conn();
    for _ in 0..=MAX_PIPELINE {
        conn.push(Command::ListTubes, 0);
    }
    assert_eq!(take(&mut conn).lines().count(), MAX_PIPELINE);
    assert!(!conn.has_output());
    answers(&mut conn, "OK 0\r\n\r\n").unwrap();
    assert_eq!(take(&mut conn), "list-tubes\r\n");
}

#[test]
fn a_reply_may_come_in_pieces() {
    let mut conn = conn();
    conn.push(park(9), 7);
    take(&mut conn);
    let mut input = BytesMut::new();
    let text = "RESERVED 5 4\r\na\r\nb\r\n";
    for (at_byte, byte) in text.bytes().enumerate() {
        input.extend_from_slice(&[byte]);
        let answer = conn.decode(at(0), &mut input).unwrap();
        assert_eq!(answer.is_some(), at_byte + 1 == text.len());
    }
    assert!(input.is_empty());
}

#[test]
fn a_reply_that_cannot_be_one_ends_the_connection() {
    for (command, reply) in [
        (Command::Delete(JobId(1)), "INSERTED 1\r\n"),
        (Command::Peek(JobId(1)), "FOUND 2 0\r\n\r\n"),
        (Command::Use(tube("a")), "USING b\r\n"),
        (put("a", ""), "INSERTED 1\r\n"),
        (put("a", ""), "OUT_OF_MEMORY\r\n"),
        (Command::Stats, "nonsense\r\n"),
        (Command::Stats, "OK 67108865\r\n"),
        (Command::Reserve, "RESERVED 1 1025\r\n"),
        (Command::Peek(JobId(1)), "RESERVED 1 0\r\n\r\n"),
        (Command::ReserveJob(JobId(1)), "FOUND 1 0\r\n\r\n"),
        (Command::Quit, "DELETED\r\n"),
    ] {
        let mut conn = conn();
        conn.push(command, 1);
        take(&mut conn);
        let error = answers(&mut conn, reply).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedReply, "{reply}");
    }
}

#[test]
fn a_reply_to_nothing_ends_the_connection() {
    assert!(answers(&mut conn(), "DELETED\r\n").is_err());
    let mut conn = conn();
    conn.push(Command::Stats, 1);
    assert!(answers(&mut conn, "OK 0\r\n\r\n").is_err(), "it is not sent yet");
}

#[test]
fn an_answer_is_due_from_the_last_sign_of_life() {
    let mut conn = conn();
    let mut out = Vec::new();
    assert_eq!(conn.answer_due(PATIENCE), None);
    conn.push(Command::Stats, 1);
    conn.take(at(1000), &mut out);
    conn.push(Command::Stats, 2);
    conn.take(at(2000), &mut out);
    assert_eq!(conn.answer_due(PATIENCE), Some(at(6000)));
    conn.decode(at(3000), &mut BytesMut::from("OK 0\r\n\r\nOK")).unwrap();
    assert_eq!(conn.answer_due(PATIENCE), Some(at(8000)));
}

#[test]
fn a_reserve_is_due_when_its_time_at_the_server_is_over_too() {
    let mut conn = conn();
    conn.push(park(9), 1);
    take(&mut conn);
    assert_eq!(conn.answer_due(PATIENCE), Some(at(14_000)));
    answers(&mut conn, "TIMED_OUT\r\n").unwrap();
    conn.push(Command::Reserve, 2);
    take(&mut conn);
    assert_eq!(conn.answer_due(PATIENCE), None, "it may take for ever");
}

#[test]
fn the_end_hands_back_in_order_what_may_have_been_done_and_what_was_not() {
    let ends = |unwritten| {
        let mut conn = conn();
        conn.push(put("a", "x"), 1);
        conn.push(Command::Delete(JobId(1)), 2);
        take(&mut conn);
        conn.push(Command::Delete(JobId(2)), 3);
        let ended = conn.close(unwritten);
        assert_eq!((conn.pending(), conn.is_parked()), (0, false));
        ended.iter().map(|end| (end.tag, end.maybe_done)).collect::<Vec<_>>()
    };
    assert_eq!(ends(0), [(1, true), (2, true), (3, false)]);
    assert_eq!(ends(1), [(1, true), (2, false), (3, false)]);
    assert_eq!(ends("delete 1\r\n".len() as u64), [(1, true), (2, false), (3, false)]);
    assert_eq!(ends("\ndelete 1\r\n".len() as u64), [(1, false), (2, false), (3, false)]);
    assert_eq!(ends(u64::MAX), [(1, false), (2, false), (3, false)]);
}
