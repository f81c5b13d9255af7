//! Known bugs of other clients.

use std::time::Duration;

use beanwire::{Connection, Consumer, Delivery, ErrorKind, Outcome, Producer};
use beanwire_tests::{Beanstalkd, CuttingProxy, PeerConn, ScriptedPeer, wait_until};

use crate::{answer, connect, count, ended, ms, peer, quick};

/// Answers each peek with `text` in pieces, the next one only when the test says so.
fn in_pieces(pieces: &'static [&'static str]) -> ScriptedPeer {
    peer(move |_, conn: &mut PeerConn| {
        conn.read_line();
        for piece in pieces {
            conn.send(piece);
            // Lets the client read the piece alone.
            std::thread::sleep(ms(10));
        }
        conn.until_eof();
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_beanstalkd_two_clients_never_share_a_read_buffer() {
    let one = in_pieces(&["FOUND 1", "1 5\r\nfi", "rst\r", "\n"]);
    let two = in_pieces(&["FOUND 2", "2 6\r\nsec", "ond", "\r\n"]);
    let (left, right) = (connect(&one.uri()).await, connect(&two.uri()).await);
    let (left, right) = ended(async { tokio::join!(left.peek(11), right.peek(22)) }).await;
    let (left, right) = (left.unwrap(), right.unwrap());
    assert_eq!((left.id().0, &left.body()[..]), (11, &b"first"[..]));
    assert_eq!((right.id().0, &right.body()[..]), (22, &b"second"[..]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_beanstalkd_a_body_may_be_split_just_before_its_line_end() {
    let peer = in_pieces(&["FOUND 1 5\r\nhello", "\r\n"]);
    let connection = connect(&peer.uri()).await;
    assert_eq!(ended(connection.peek(1)).await.unwrap().body(), "hello");
    let peer = in_pieces(&["FOUND 1 5\r\nhello\r", "\n"]);
    let connection = connect(&peer.uri()).await;
    assert_eq!(ended(connection.peek(1)).await.unwrap().body(), "hello");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_node_beanstalk_a_command_in_flight_ends_when_the_server_closes() {
    let peer = peer(|_, conn| drop(conn.read_line()));
    let connection = connect(&peer.uri()).await;
    let error = ended(connection.stats()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::Unknown));
    let error = ended(connection.reserve()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::Unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_node_beanstalk_a_body_that_is_no_text_keeps_its_job_id() {
    let server = Beanstalkd::start();
    let body = [0xff, 0, b'{', 0xc3, b'"'];
    let id = server.raw().put("work", body);
    let consumer = Consumer::open(server.uri(), ["work"], quick().build().unwrap()).await.unwrap();
    let job = ended(consumer.next_job()).await.unwrap();
    assert_eq!((job.id().0, &job.body()[..]), (id, &body[..]));
    job.delete().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_node_beanstalk_failed_dials_use_up_no_place_in_the_pool() {
    let mut server = Beanstalkd::start();
    server.kill();
    let config = quick().multiply(2).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    let refused = producer.put("t", "x").timeout(ms(200)).await.unwrap_err();
    assert_eq!((refused.kind(), refused.outcome()), (ErrorKind::Disconnected, Outcome::NotSent));
    server.restart();
    let mut raw = server.raw();
    ended(producer.put("t", "x")).await.unwrap();
    // Two of the pool and the one that asks.
    wait_until("the pool is full", || raw.stats()["current-connections"] == "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_jackd_a_reply_right_behind_a_body_is_a_reply_of_its_own() {
    let peer = peer(|_, conn| {
        let both = "FOUND 1 5\r\nhello\r\nDELETED\r\nFOUND 3 0\r\n\r\nNOT_FOUND\r\n";
        if answer(conn, &[("peek 1", ""), ("delete 2", ""), ("peek 3", ""), ("peek 4", both)]) {
            conn.until_eof();
        }
    });
    let connection = connect(&peer.uri()).await;
    let calls = async {
        tokio::join!(
            connection.peek(1),
            connection.delete(2),
            connection.peek(3),
            connection.peek(4)
        )
    };
    let (first, second, third, fourth) = ended(calls).await;
    assert_eq!(first.unwrap().body(), "hello");
    second.unwrap();
    assert_eq!(third.unwrap().body(), "");
    assert_eq!(fourth.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_jackd_bytes_are_put_as_they_are() {
    let server = Beanstalkd::start();
    let bytes: Vec<u8> = (0..=255).chain(*b"\r\n").collect();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    let job = ended(producer.put("t", bytes.clone())).await.unwrap();
    assert_eq!(server.raw().reserve("t").unwrap(), (job.id.0, bytes));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_beaneater_a_put_is_not_sent_again_at_the_end_of_the_stream() {
    let cut = peer(|_, conn| drop(conn.read_line()));
    let config = quick().delivery(Delivery::AtMostOnce).multiply(2).build().unwrap();
    let producer = Producer::open(cut.uri(), config.clone()).await.unwrap();
    let error = ended(producer.put("default", "x")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Disconnected, Outcome::Unknown));
    assert_eq!(count(&cut, "put"), 1);

    let connection = connect(&cut.uri()).await;
    let error = ended(connection.put("default", "x")).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::Unknown, "a single connection never does it again");
    assert_eq!(count(&cut, "put"), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peer_pheanstalk_a_reconnect_uses_and_watches_the_same_tubes() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let proxy = CuttingProxy::start(server.addr());
    let connection: Connection = connect(&proxy.uri()).await;
    connection.use_tube("orders").await.unwrap();
    connection.watch("orders").await.unwrap();
    connection.ignore("default").await.unwrap();
    for round in 1..=3 {
        let before = proxy.connections();
        proxy.cut_now();
        wait_until("it is connected again", || {
            proxy.connections() > before && connection.is_connected()
        });
        assert_eq!(ended(connection.list_tube_used()).await.unwrap().as_str(), "orders");
        let watched = ended(connection.list_tubes_watched()).await.unwrap();
        assert_eq!(watched.len(), 1, "{watched:?}");
        raw.put("default", "wrong");
        let id = raw.put("orders", "right");
        let none = Duration::ZERO;
        let job = ended(connection.reserve_with_timeout(none)).await.unwrap().unwrap();
        assert_eq!((job.id().0, round), (id, round));
        job.delete().await.unwrap();
    }
}
