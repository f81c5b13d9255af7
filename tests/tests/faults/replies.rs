//! Replies cut at every byte.

use std::time::Duration;

use beanwire::{Config, Connection, Consumer, Delivery, Error, ErrorKind, Outcome, Producer};
use beanwire_tests::{PeerConn, ScriptedPeer, handshake, stats_reply};

use crate::{ended, quick};

/// A peer that answers the first command of its first connection with the first `cut` bytes of
/// `reply` and hangs up, and the first command of each later connection with all of `later`.
fn cut_once(reply: String, cut: usize, later: &'static str) -> ScriptedPeer {
    ScriptedPeer::start(move |number, conn: &mut PeerConn| {
        if !handshake(conn) || conn.read_line().is_none() {
            return;
        }
        if number == 0 {
            conn.send(&reply[..cut]);
        } else {
            conn.send(later);
            conn.until_eof();
        }
    })
}

fn assert_in_doubt(error: &Error, cut: usize) {
    let told = (error.kind(), error.outcome());
    assert_eq!(told, (ErrorKind::Disconnected, Outcome::Unknown), "cut at {cut}: {error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_reply_cut_at_any_byte_gives_no_wrong_id_at_most_once() {
    let reply = "INSERTED 12345\r\n";
    let config = quick().delivery(Delivery::AtMostOnce).build().unwrap();
    for cut in 0..=reply.len() {
        let peer = cut_once(reply.into(), cut, "INSERTED 7\r\n");
        let producer = Producer::open(peer.uri(), config.clone()).await.unwrap();
        match ended(producer.put("default", "x")).await {
            Ok(job) => assert_eq!((job.id.0, cut), (12345, reply.len())),
            Err(error) => assert_in_doubt(&error, cut),
        }
        let puts = peer.lines().iter().filter(|(_, line)| line.starts_with("put")).count();
        assert_eq!(puts, 1, "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_reply_cut_at_any_byte_is_put_again_at_least_once() {
    let reply = "INSERTED 12345\r\n";
    for cut in 0..=reply.len() {
        let peer = cut_once(reply.into(), cut, "INSERTED 7\r\n");
        let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
        let job = ended(producer.put("default", "x")).await.unwrap();
        let whole = cut == reply.len();
        assert_eq!(job.id.0, if whole { 12345 } else { 7 }, "cut at {cut}");
        let puts = peer.lines().iter().filter(|(_, line)| line.starts_with("put")).count();
        assert_eq!(puts, if whole { 1 } else { 2 }, "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reserve_reply_cut_at_any_byte_gives_no_cut_job() {
    let reply = "RESERVED 123 7\r\nhe\r\nllo\r\n";
    for cut in 0..=reply.len() {
        let peer = cut_once(reply.into(), cut, "RESERVED 99 5\r\nworld\r\n");
        let tubes: [&str; 0] = [];
        let config = quick().build().unwrap();
        let consumer = Consumer::open(peer.uri(), tubes, config).await.unwrap();
        let job = ended(consumer.next_job()).await.unwrap();
        let (id, body): (_, &[u8]) =
            if cut == reply.len() { (123, b"he\r\nllo") } else { (99, b"world") };
        assert_eq!((job.id().0, &job.body()[..]), (id, body), "cut at {cut}");

        let peer = cut_once(reply.into(), cut, "TIMED_OUT\r\n");
        let connection = Connection::open(peer.uri(), quick().build().unwrap()).await.unwrap();
        match ended(connection.reserve_with_timeout(Duration::from_secs(9))).await {
            Ok(job) => assert_eq!((job.unwrap().id().0, cut), (123, reply.len())),
            Err(error) => assert_in_doubt(&error, cut),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stats_reply_cut_at_any_byte_gives_no_cut_statistics() {
    let reply = stats_reply(4321, false);
    for cut in 0..=reply.len() {
        let peer = cut_once(reply.clone(), cut, "NOT_FOUND\r\n");
        let connection = Connection::open(peer.uri(), quick().build().unwrap()).await.unwrap();
        match ended(connection.stats()).await {
            Ok(stats) => assert_eq!((stats.max_job_size, cut), (4321, reply.len())),
            Err(error) => assert_in_doubt(&error, cut),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_reply_cut_at_any_byte_opens_nothing_and_is_asked_for_again() {
    let reply = stats_reply(4321, false);
    for cut in 0..reply.len() {
        let text = reply.clone();
        let peer = ScriptedPeer::start(move |number, conn: &mut PeerConn| {
            if number % 2 == 0 {
                conn.read_line();
                conn.send(&text[..cut]);
            } else if handshake(conn) {
                conn.until_eof();
            }
        });
        let config: Config = quick().build().unwrap();
        let error = ended(Connection::open(peer.uri(), config.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Disconnected, "cut at {cut}");
        let producer = Producer::open(peer.uri(), config).await.unwrap();
        ended(producer.ready(Duration::from_secs(30))).await.unwrap();
        assert_eq!(producer.health().servers[0].max_job_size, Some(65_535), "cut at {cut}");
    }
}
