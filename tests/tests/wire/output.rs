//! The bytes that go out.

use std::sync::mpsc;
use std::time::Duration;

use beanwire_tests::{ScriptedPeer, handshake, wait_until};
use futures_util::future::{join, join_all, poll_immediate};

use crate::calls::{CALLS, LINES, serve, success};
use crate::{SECOND, connect, within};

fn obedient() -> ScriptedPeer {
    ScriptedPeer::start(|_, conn| serve(conn, |_| None))
}

fn lines(peer: &ScriptedPeer) -> Vec<String> {
    peer.lines().into_iter().map(|(_, line)| line).collect()
}

#[tokio::test]
async fn every_call_sends_one_line_and_takes_its_reply() {
    for ((verb, call), line) in CALLS.iter().zip(LINES) {
        let peer = obedient();
        let connection = connect(&peer.uri()).await;
        within(call(connection)).await.unwrap_or_else(|error| panic!("{verb}: {error}"));
        let lines = lines(&peer);
        assert_eq!(lines[..2], ["stats", line], "{verb}");
    }
}

#[tokio::test]
async fn a_reply_may_come_byte_by_byte() {
    for (verb, call) in CALLS {
        let peer = ScriptedPeer::start(|_, conn| {
            handshake(conn);
            let line = conn.read_line().unwrap();
            if line.starts_with("put ") {
                conn.read_exact(7);
            }
            conn.send_slowly(success(&line));
            conn.until_eof();
        });
        let connection = connect(&peer.uri()).await;
        within(call(connection)).await.unwrap_or_else(|error| panic!("{verb}: {error}"));
    }
}

#[tokio::test]
async fn use_is_sent_only_when_the_tube_changes() {
    let peer = obedient();
    let connection = connect(&peer.uri()).await;
    for tube in ["default", "a", "a", "b"] {
        within(connection.put(tube, "x")).await.unwrap();
    }
    within(connection.peek_ready("b")).await.unwrap();
    within(connection.kick("a", 1)).await.unwrap();
    within(connection.use_tube("c")).await.unwrap();
    within(connection.peek_buried("c")).await.unwrap();
    within(connection.stats_tube("b")).await.unwrap();
    within(connection.put("c", "x")).await.unwrap();
    within(connection.put("default", "x")).await.unwrap();
    let put = "put 1024 0 60 1";
    let expected = [
        "stats",
        put,
        "use a",
        put,
        put,
        "use b",
        put,
        "peek-ready",
        "use a",
        "kick 1",
        "use c",
        "peek-buried",
        "stats-tube b",
        put,
        "use default",
        put,
    ];
    assert_eq!(lines(&peer), expected);
}

#[tokio::test]
async fn the_header_of_a_put_tells_the_bytes_of_the_body_that_follows() {
    let (sent, bodies) = mpsc::channel();
    let peer = ScriptedPeer::start(move |_, conn| {
        handshake(conn);
        while let Some(line) = conn.read_line().filter(|line| line != "quit") {
            let size: usize = line.rsplit(' ').next().unwrap().parse().unwrap();
            sent.send(conn.read_exact(size + 2)).unwrap();
            conn.send("INSERTED 7\r\n");
        }
    });
    let connection = connect(&peer.uri()).await;
    // Two bytes for one letter, what looks like commands, and sizes around a change in the writing.
    let mut texts = vec![String::new(), "é€".into(), "\r\nput 0 0 0 0\r\nquit\r\n".into()];
    texts.extend([4095, 4096, 4097, 65_535].map(|size| "x".repeat(size)));
    for text in texts {
        let put = connection.put("default", text.clone()).priority(u32::MAX);
        let put = put.delay(Duration::from_secs(u64::from(u32::MAX))).ttr(SECOND);
        within(put).await.unwrap();
        let header = format!("put 4294967295 4294967295 1 {}", text.len());
        assert_eq!(lines(&peer).last(), Some(&header));
        assert_eq!(bodies.recv().unwrap(), format!("{text}\r\n").into_bytes());
    }
}

#[tokio::test]
async fn numbers_go_out_whole_and_spans_rounded_up() {
    let peer = obedient();
    let connection = connect(&peer.uri()).await;
    let nano = Duration::from_nanos(1);
    within(connection.delete(u64::MAX)).await.unwrap();
    within(connection.release(0, 0, nano)).await.unwrap();
    within(connection.bury(u64::MAX, u32::MAX)).await.unwrap();
    within(connection.kick("default", u32::MAX)).await.unwrap();
    within(connection.pause_tube("mail", SECOND + nano)).await.unwrap();
    let longest = Duration::from_secs(u64::from(i32::MAX.unsigned_abs()));
    let job = within(connection.reserve_with_timeout(longest)).await.unwrap().unwrap();
    within(job.delete()).await.unwrap();
    let expected = [
        "stats",
        "delete 18446744073709551615",
        "release 0 0 1",
        "bury 18446744073709551615 4294967295",
        "kick 4294967295",
        "pause-tube mail 2",
        "reserve-with-timeout 2147483647",
        "delete 7",
    ];
    assert_eq!(lines(&peer), expected);
}

#[tokio::test]
async fn commands_leave_in_the_order_of_their_calls_without_awaiting_replies() {
    const CALLS: u64 = 200;
    let peer = ScriptedPeer::start(|_, conn| {
        handshake(conn);
        // No reply until all have come, then all at once; the odd ones fail.
        for id in 0..CALLS {
            assert_eq!(conn.read_line(), Some(format!("delete {id}")));
        }
        conn.send("DELETED\r\nNOT_FOUND\r\n".repeat(100));
        conn.until_eof();
    });
    let connection = connect(&peer.uri()).await;
    let results = within(join_all((0..CALLS).map(|id| connection.delete(id)))).await;
    assert_eq!(results.len(), 200);
    for (id, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), id % 2 == 0, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_behind_a_reserve_that_waits() {
    let (answer, answers) = mpsc::channel::<&str>();
    let answers = std::sync::Mutex::new(answers);
    let peer = ScriptedPeer::start(move |_, conn| {
        handshake(conn);
        assert_eq!(conn.read_line().unwrap(), "reserve-with-timeout 9");
        conn.send(answers.lock().unwrap().recv().unwrap());
        serve(conn, |_| None);
    });
    let connection = connect(&peer.uri()).await;
    let reserve = tokio::spawn({
        let connection = connection.clone();
        async move { connection.reserve_with_timeout(9 * SECOND).await }
    });
    wait_until("the reserve is sent", || peer.lines().len() == 2);
    // One call is given up before it could leave, the other waits on.
    assert!(poll_immediate(connection.delete(1)).await.is_none());
    let mut waits = Box::pin(connection.touch(2));
    assert!(poll_immediate(&mut waits).await.is_none());
    assert_eq!(connection.health().servers[0].connections[0].pending, 2);
    answer.send("TIMED_OUT\r\n").unwrap();
    assert!(within(reserve).await.unwrap().unwrap().is_none());
    within(waits).await.unwrap();
    assert_eq!(lines(&peer), ["stats", "reserve-with-timeout 9", "touch 2"]);
}

#[tokio::test]
async fn a_body_and_the_reply_behind_it_may_share_a_packet() {
    let peer = ScriptedPeer::start(|_, conn| {
        handshake(conn);
        conn.read_line();
        conn.read_line();
        conn.send("FOUND 7 9\r\nDELETED\r\n\r\nDELETED\r\n");
        conn.until_eof();
    });
    let connection = connect(&peer.uri()).await;
    let (seen, deleted) = within(join(connection.peek(7), connection.delete(7))).await;
    assert_eq!(&seen.unwrap().body()[..], b"DELETED\r\n");
    deleted.unwrap();
}
