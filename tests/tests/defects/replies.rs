//! Whose reply is whose, what it says, and whether it is whole.

use std::time::Duration;

use beanwire::{Connection, Delivery, Error, ErrorKind, Outcome, Producer};
use beanwire_tests::wait_until;
use futures_util::FutureExt as _;

use crate::{answer, connect, count, ended, ms, one_answer, peer, quick};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_01_a_late_reply_is_never_read_by_the_next_command() {
    let peer = peer(|number, conn| {
        let replies = match number {
            // The answer to the first delete comes when the next command does, if it comes this way.
            0 => [("delete 1", ""), ("delete 2", "DELETED\r\nNOT_FOUND\r\n")],
            _ => [("delete 2", "NOT_FOUND\r\n"), ("quit", "")],
        };
        answer(conn, &replies);
    });
    let config = quick().command_timeout(ms(100)).build().unwrap();
    let connection = Connection::open(peer.uri(), config).await.unwrap();
    let error = ended(connection.delete(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
    let error = ended(connection.delete(2)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::NotFound, Outcome::Rejected));
    assert!(peer.lines().contains(&(1, "delete 2".into())), "{:?}", peer.lines());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_01_the_reply_to_a_dropped_call_is_never_read_by_the_next_command() {
    let peer = peer(|_, conn| {
        if answer(conn, &[("delete 1", ""), ("delete 2", "DELETED\r\nNOT_FOUND\r\n")]) {
            conn.until_eof();
        }
    });
    let connection = connect(&peer.uri()).await;
    let mut first = Box::pin(connection.delete(1));
    assert!((&mut first).now_or_never().is_none());
    wait_until("the delete is sent", || count(&peer, "delete 1") == 1);
    drop(first);
    assert_eq!(ended(connection.delete(2)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(peer.connections(), 1, "the connection is still in step");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_02_a_reply_to_another_command_is_no_success() {
    let words = ["DELETED\r\n", "RELEASED\r\n", "BURIED\r\n", "TOUCHED\r\n", "KICKED\r\n"];
    for (own, verb) in ["delete", "release", "bury", "touch", "kick-job"].into_iter().enumerate() {
        for (other, word) in words.into_iter().enumerate() {
            if other == own || (verb, word) == ("release", "BURIED\r\n") {
                continue;
            }
            let peer = one_answer(word);
            let connection = connect(&peer.uri()).await;
            let error = ended(finish(&connection, verb)).await.unwrap_err();
            let told = (error.kind(), error.outcome());
            assert_eq!(told, (ErrorKind::UnexpectedReply, Outcome::Unknown), "{word} to {verb}");
            wait_until("the connection is replaced", || peer.connections() == 2);
        }
    }
}

async fn finish(connection: &Connection, verb: &str) -> Result<(), Error> {
    match verb {
        "delete" => connection.delete(1).await,
        "release" => connection.release(1, 0, Duration::ZERO).await,
        "bury" => connection.bury(1, 0).await,
        "touch" => connection.touch(1).await,
        _ => connection.kick_job(1).await,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_02_a_reply_that_nobody_asked_for_costs_the_connection_and_answers_nothing() {
    let peer = peer(|number, conn| {
        if number == 0 {
            conn.send("DELETED\r\n");
            conn.hang();
        } else {
            answer(conn, &[("delete 5", "NOT_FOUND\r\n")]);
            conn.until_eof();
        }
    });
    let connection = connect(&peer.uri()).await;
    wait_until("the connection is replaced", || peer.connections() == 2);
    let error = ended(connection.delete(5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_06_every_complaint_of_the_server_is_a_kind_of_its_own_with_its_text() {
    for (reply, kind) in [
        ("BAD_FORMAT\r\n", ErrorKind::BadFormat),
        ("UNKNOWN_COMMAND\r\n", ErrorKind::UnknownCommand),
        ("OUT_OF_MEMORY\r\n", ErrorKind::OutOfMemory),
        ("INTERNAL_ERROR\r\n", ErrorKind::InternalError),
        ("NOT_FOUND\r\n", ErrorKind::NotFound),
    ] {
        let peer = one_answer(reply);
        let connection = connect(&peer.uri()).await;
        let error = ended(connection.delete(1)).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Rejected));
        let text = error.to_string();
        assert!(text.contains("delete") && text.contains(reply.trim_end()), "{text}");
    }
    for (reply, kind) in [
        ("DRAINING\r\n", ErrorKind::Draining),
        ("JOB_TOO_BIG\r\n", ErrorKind::JobTooBig),
        ("EXPECTED_CRLF\r\n", ErrorKind::ExpectedCrlf),
        ("BAD_FORMAT\r\n", ErrorKind::BadFormat),
        ("OUT_OF_MEMORY\r\n", ErrorKind::OutOfMemory),
        ("INTERNAL_ERROR\r\n", ErrorKind::InternalError),
    ] {
        let peer = one_answer(reply);
        let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
        let error = ended(producer.put("default", "x")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Rejected));
        assert!(error.to_string().contains(reply.trim_end()), "{error}");
        assert_eq!(count(&peer, "put"), 1, "{reply}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_13_a_line_cut_off_at_the_end_is_never_taken_as_whole() {
    for cut in ["INSERTED 12", "INSERTED 123\r", "INSERTED", "BURIED 12"] {
        let peer = peer(move |number, conn| {
            if number == 0 && answer(conn, &[("put 1024 0 60 1", "")]) {
                conn.send(cut);
            } else {
                conn.until_eof();
            }
        });
        let config = quick().delivery(Delivery::AtMostOnce).build().unwrap();
        let producer = Producer::open(peer.uri(), config).await.unwrap();
        let error = ended(producer.put("default", "x")).await.unwrap_err();
        let told = (error.kind(), error.outcome());
        assert_eq!(told, (ErrorKind::Disconnected, Outcome::Unknown), "{cut:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_13_a_size_from_the_server_that_is_not_plausible_is_never_believed() {
    for reply in [
        "RESERVED 1 1001\r\n",
        "RESERVED 1 2147483647\r\n",
        "RESERVED 1 18446744073709551615\r\n",
        "RESERVED 1 99999999999999999999999\r\n",
        "RESERVED 1 -1\r\n",
        "RESERVED 1 +1\r\n",
        "RESERVED 1\r\n",
        "RESERVED -1 1\r\n",
        "RESERVED 1 2\r\nabcd\r\n",
    ] {
        let peer = one_answer(reply);
        let config = quick().max_body_size(1000).build().unwrap();
        let connection = Connection::open(peer.uri(), config).await.unwrap();
        let result = ended(connection.reserve_with_timeout(Duration::ZERO)).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::UnexpectedReply, "{reply:?}");
        wait_until("the connection is replaced", || peer.connections() == 2);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_13_a_line_without_an_end_is_given_up_long_before_memory_is() {
    let peer = peer(|_, conn| {
        if conn.read_line().is_some() {
            conn.send("A".repeat(100_000));
            conn.hang();
        }
    });
    let connection = connect(&peer.uri()).await;
    let error = ended(connection.delete(1)).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::UnexpectedReply, Outcome::Unknown));
}
