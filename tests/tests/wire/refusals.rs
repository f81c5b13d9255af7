//! Replies that a real server does not give on demand.

use std::time::Duration;

use beanwire::{ErrorKind, JobState, Outcome};
use beanwire_tests::{ScriptedPeer, handshake, wait_until};
use futures_util::future::join;

use crate::calls::{CALLS, serve, verb};
use crate::{assert_rejected, connect, within};

/// A peer that answers one command, whenever it comes, with one word, and all others well.
fn refusing(refused: &'static str, word: &'static str) -> ScriptedPeer {
    ScriptedPeer::start(move |_, conn| {
        if handshake(conn) {
            serve(conn, |line| (verb(line) == refused).then(|| format!("{word}\r\n")));
        }
    })
}

/// The connections through which this line came.
fn ways(peer: &ScriptedPeer, line: &str) -> Vec<usize> {
    let lines = peer.lines().into_iter();
    lines.filter(|(_, known)| known == line).map(|(number, _)| number).collect()
}

#[tokio::test]
async fn a_refusal_that_keeps_the_step_keeps_the_connection() {
    for kind in [ErrorKind::OutOfMemory, ErrorKind::InternalError, ErrorKind::BadFormat] {
        for (verb, call) in CALLS {
            if *verb == "use" || (*verb, kind) == ("put", ErrorKind::BadFormat) {
                continue;
            }
            let peer = refusing(verb, kind.code());
            let connection = connect(&peer.uri()).await;
            for _ in 0..2 {
                assert_rejected(within(call(connection.clone())).await, kind);
            }
            let _ = within(connection.peek(9)).await;
            assert_eq!(ways(&peer, "peek 9"), [0], "{verb}: {kind:?}");
        }
    }
}

/// The connection is closed by `kind` as an answer to `verb`, and replaced, again and again.
async fn assert_costly(verb: &'static str, kind: ErrorKind) {
    let (_, call) = CALLS.iter().find(|(known, _)| *known == verb).unwrap();
    let peer = refusing(verb, kind.code());
    let connection = connect(&peer.uri()).await;
    for _ in 0..2 {
        assert_rejected(within(call(connection.clone())).await, kind);
    }
    let other = if verb == "peek" { "touch 9" } else { "peek 9" };
    match verb {
        "peek" => within(connection.touch(9)).await.unwrap(),
        _ => drop(within(connection.peek(9)).await.unwrap()),
    }
    assert_eq!(ways(&peer, other), [2], "{kind:?} to {verb}");
}

#[tokio::test]
async fn an_unknown_command_costs_the_connection() {
    for (verb, _) in CALLS {
        assert_costly(verb, ErrorKind::UnknownCommand).await;
    }
}

#[tokio::test]
async fn a_put_that_lost_the_step_costs_the_connection() {
    for kind in [ErrorKind::BadFormat, ErrorKind::ExpectedCrlf] {
        assert_costly("put", kind).await;
    }
}

#[tokio::test]
async fn a_use_that_is_refused_costs_the_connection() {
    for kind in [ErrorKind::OutOfMemory, ErrorKind::InternalError, ErrorKind::BadFormat] {
        assert_costly("use", kind).await;
    }
}

#[tokio::test]
async fn what_is_under_way_when_the_step_is_lost_has_an_unknown_outcome() {
    let peer = ScriptedPeer::start(|number, conn| {
        handshake(conn);
        if number > 0 {
            return serve(conn, |_| None);
        }
        assert_eq!(conn.read_line().unwrap(), "delete 1");
        assert_eq!(conn.read_line().unwrap(), "delete 2");
        conn.send("UNKNOWN_COMMAND\r\nDELETED\r\n");
        conn.until_eof();
    });
    let connection = connect(&peer.uri()).await;
    let (first, second) = within(join(connection.delete(1), connection.delete(2))).await;
    assert_rejected(first, ErrorKind::UnknownCommand);
    let error = second.unwrap_err();
    let found = (error.kind(), error.outcome());
    assert_eq!(found, (ErrorKind::UnexpectedReply, Outcome::Unknown), "{error}");
    within(connection.delete(3)).await.unwrap();
    assert_eq!(ways(&peer, "delete 3"), [1]);
}

#[tokio::test]
async fn a_put_that_is_answered_buried_did_insert_the_job() {
    let peer = refusing("put", "BURIED 18446744073709551615");
    let connection = connect(&peer.uri()).await;
    let inserted = within(connection.put("default", "hello")).await.unwrap();
    assert_eq!((inserted.id.0, inserted.state), (u64::MAX, JobState::Buried));
    within(connection.peek(9)).await.unwrap();
    assert_eq!((ways(&peer, "put 1024 0 60 5"), ways(&peer, "peek 9")), (vec![0], vec![0]));
}

#[tokio::test]
async fn a_put_that_the_server_finds_too_big_keeps_the_connection() {
    let peer = refusing("put", "JOB_TOO_BIG");
    let connection = connect(&peer.uri()).await;
    for _ in 0..2 {
        let result = within(connection.put("default", "hello")).await;
        assert_rejected(result, ErrorKind::JobTooBig);
    }
    within(connection.peek(9)).await.unwrap();
    assert_eq!(ways(&peer, "peek 9"), [0]);
}

#[tokio::test]
async fn a_release_that_ends_buried_is_a_failure() {
    let peer = refusing("release", "BURIED");
    let connection = connect(&peer.uri()).await;
    let result = within(connection.release(7, 0, Duration::ZERO)).await;
    assert_rejected(result, ErrorKind::Buried);
    let job = within(connection.reserve()).await.unwrap();
    assert_rejected(within(job.release_with(None, Duration::ZERO)).await, ErrorKind::Buried);
    within(connection.peek(9)).await.unwrap();
    assert_eq!(ways(&peer, "peek 9"), [0]);
}

#[tokio::test]
async fn a_put_behind_a_use_that_is_refused_may_be_in_another_tube() {
    for word in ["OUT_OF_MEMORY", "INTERNAL_ERROR", "BAD_FORMAT", "UNKNOWN_COMMAND"] {
        let peer = refusing("use", word);
        let connection = connect(&peer.uri()).await;
        let error = within(connection.put("mail", "hello")).await.unwrap_err();
        let found = (error.kind(), error.outcome());
        assert_eq!(found, (ErrorKind::UnexpectedReply, Outcome::Unknown), "{word}: {error}");
        within(connection.peek(9)).await.unwrap();
        assert_eq!(ways(&peer, "peek 9"), [1], "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_comes_back_with_its_tubes() {
    let peer = ScriptedPeer::start(|number, conn| {
        handshake(conn);
        serve(conn, |line| (number == 0 && line == "touch 7").then(|| "what?\r\n".into()));
    });
    let connection = connect(&peer.uri()).await;
    within(connection.watch("a")).await.unwrap();
    within(connection.watch("b")).await.unwrap();
    within(connection.ignore("default")).await.unwrap();
    within(connection.ignore("b")).await.unwrap();
    within(connection.put("used", "hello")).await.unwrap();
    let error = within(connection.touch(7)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::UnexpectedReply, Outcome::Unknown));
    within(connection.touch(8)).await.unwrap();
    let lines = || peer.lines().into_iter().filter(|(number, _)| *number == 1).map(|(_, l)| l);
    let expected = ["stats", "watch a", "ignore default", "use used", "touch 8"];
    wait_until("the second connection is set up", || lines().count() >= expected.len());
    assert!(lines().eq(expected));
}
