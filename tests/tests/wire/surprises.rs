//! Replies that the protocol does not allow where they come.

use beanwire::{ErrorKind, Outcome};
use beanwire_tests::{ScriptedPeer, handshake};

use crate::calls::{CALLS, serve, success, verb};
use crate::{connect, within};

/// Every way in which a command succeeds.
const SUCCESSES: &[&str] = &[
    "INSERTED 7",
    "USING mail",
    "WATCHING 2",
    "RESERVED 7 5\r\nhello",
    "DELETED",
    "RELEASED",
    "BURIED",
    "TOUCHED",
    "FOUND 7 5\r\nhello",
    "KICKED 3",
    "KICKED",
    "OK 12\r\n---\n- default",
    "PAUSED",
];

/// Calls `verb`, which the peer answers with `answer`: the call must fail as one that may have been
/// done, and the next one must go through another connection.
async fn assert_out_of_step(verb: &'static str, answer: String) {
    let context = format!("{answer:?} to {verb}");
    let peer = ScriptedPeer::start(move |number, conn| {
        if handshake(conn) {
            let wrong = |line: &str| number == 0 && crate::calls::verb(line) == verb;
            serve(conn, |line| wrong(line).then(|| answer.clone()));
        }
    });
    let connection = connect(&peer.uri()).await;
    let (_, call) = CALLS.iter().find(|(known, _)| *known == verb).unwrap();
    let error = within(call(connection.clone())).await.unwrap_err();
    let found = (error.kind(), error.outcome());
    assert_eq!(found, (ErrorKind::UnexpectedReply, Outcome::Unknown), "{context}: {error}");
    within(connection.touch(9)).await.unwrap();
    let next = peer.lines().into_iter().find(|(_, line)| line == "touch 9");
    assert_eq!(next.unwrap().0, 1, "{context}");
}

#[tokio::test]
async fn the_success_of_another_command_is_none() {
    for (verb, _) in CALLS {
        let own = success(&line_of(verb));
        let own = own.split([' ', '\r']).next().unwrap();
        for wrong in SUCCESSES {
            let word = wrong.split([' ', '\r']).next().unwrap();
            // These share a word with their own reply: the next test looks at their rest.
            let legal = word == own || (*verb, word) == ("put", "BURIED");
            if legal || (*verb, word) == ("release", "BURIED") {
                continue;
            }
            assert_out_of_step(verb, format!("{wrong}\r\n")).await;
        }
    }
}

fn line_of(wanted: &str) -> String {
    let known = crate::calls::LINES.iter().find(|line| verb(line) == wanted);
    (*known.unwrap()).to_owned()
}

#[tokio::test]
async fn a_reply_that_names_something_else_is_none() {
    for (verb, answer) in [
        ("reserve-job", "RESERVED 8 5\r\nhello\r\n"),
        ("peek", "FOUND 8 5\r\nhello\r\n"),
        ("use", "USING other\r\n"),
        ("kick", "KICKED\r\n"),
        ("kick-job", "KICKED 1\r\n"),
        ("bury", "BURIED 7\r\n"),
        ("put", "BURIED\r\n"),
    ] {
        assert_out_of_step(verb, answer.into()).await;
    }
}

#[tokio::test]
async fn a_failure_of_another_command_is_none() {
    for (verb, word) in [
        ("delete", "NOT_IGNORED"),
        ("delete", "TIMED_OUT"),
        ("touch", "DEADLINE_SOON"),
        ("use", "NOT_FOUND"),
        ("watch", "NOT_IGNORED"),
        ("stats", "NOT_FOUND"),
        ("list-tubes", "NOT_FOUND"),
        ("kick", "NOT_FOUND"),
        ("put", "NOT_FOUND"),
        ("reserve", "NOT_FOUND"),
        ("reserve-job", "TIMED_OUT"),
        ("bury", "JOB_TOO_BIG"),
        ("release", "DRAINING"),
        ("peek", "EXPECTED_CRLF"),
    ] {
        assert_out_of_step(verb, format!("{word}\r\n")).await;
    }
}

#[tokio::test]
async fn what_is_no_reply_at_all_is_none() {
    for answer in [
        "\r\n",
        "deleted\r\n",
        " DELETED\r\n",
        "DELETED \r\n",
        "DELETED 7\r\n",
        "DELETED\n",
        "RESERVED 7\r\n",
        "RESERVED 7 -1\r\n",
        "RESERVED 7 99999999999\r\n",
        "RESERVED -7 5\r\nhello\r\n",
        "RESERVED 18446744073709551616 5\r\nhello\r\n",
        "\u{fffd}\r\n",
    ] {
        assert_out_of_step("delete", answer.into()).await;
    }
    assert_out_of_step("reserve", "RESERVED 7 4\r\nhello\r\n".into()).await;
    assert_out_of_step("delete", "x".repeat(4096)).await;
}

#[tokio::test]
async fn a_reply_that_nobody_asked_for_costs_the_connection() {
    let peer = ScriptedPeer::start(|number, conn| {
        handshake(conn);
        let twice = |line: &str| number == 0 && line == "touch 7";
        serve(conn, |line| twice(line).then(|| "TOUCHED\r\nTOUCHED\r\n".into()));
    });
    let connection = connect(&peer.uri()).await;
    within(connection.touch(7)).await.unwrap();
    within(async { while connection.touch(8).await.is_err() {} }).await;
    within(async {
        while peer.connections() < 2 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    within(connection.touch(9)).await.unwrap();
}
