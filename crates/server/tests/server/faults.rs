//! Each fault that a server can be told to have.

use std::time::{Duration, Instant};

use beanwire_server::{Server, Shortage};
use tokio::net::TcpStream;

use crate::{Client, PUT};

async fn start() -> (Server, Client<TcpStream>) {
    let server = Server::start().await.unwrap();
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("list-tube-used").await, "USING default");
    (server, client)
}

#[tokio::test]
async fn refused_connections_are_closed_at_once() {
    let (server, mut before) = start().await;
    server.refuse_connections(true);
    for _ in 0..3 {
        assert_eq!(Client::connect(&server).await.rest().await, "");
    }
    assert_eq!(before.ask("use a").await, "USING a", "who was there before stays");
    server.refuse_connections(false);
    assert_eq!(Client::connect(&server).await.ask("use b").await, "USING b");
}

#[tokio::test]
async fn a_connection_is_cut_behind_what_it_brought() {
    let (server, mut other) = start().await;
    let mut client = Client::connect(&server).await;
    server.cut_after_received(PUT.len() as u64 + 3);
    client.send(format!("{PUT}{PUT}")).await;
    client.rest().await;
    // The first put was whole, and the second was not.
    assert_eq!(other.ask("peek 1").await, "FOUND 1 1");
    assert_eq!(other.line().await, "x");
    assert_eq!(other.ask("peek 2").await, "NOT_FOUND");
}

#[tokio::test]
async fn a_connection_is_cut_by_the_sum_of_what_it_brought() {
    let (server, mut client) = start().await;
    server.cut_after_received(20);
    assert_eq!(client.ask("use a").await, "USING a");
    assert_eq!(client.ask("use b").await, "USING b");
    client.send("use c\r\n").await;
    assert_eq!(client.rest().await, "");
}

#[tokio::test]
async fn a_connection_is_cut_behind_what_it_was_sent() {
    for bytes in [1, 8, 9, 10, 17] {
        let (server, mut client) = start().await;
        server.cut_after_sent(bytes);
        client.send("use a\r\nuse b\r\nuse c\r\n").await;
        let expected = "USING a\r\nUSING b\r\nUSING c\r\n";
        assert_eq!(client.rest().await, &expected[..usize::try_from(bytes).unwrap()]);
    }
}

#[tokio::test]
async fn a_cut_behind_nothing_loses_the_reply_of_what_is_done() {
    let (server, mut other) = start().await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("use default").await, "USING default");
    server.cut_after_sent(0);
    client.send(PUT).await;
    assert_eq!(client.rest().await, "");
    assert_eq!(other.ask("peek-ready").await, "FOUND 1 1");
}

#[tokio::test]
async fn one_order_cuts_one_connection() {
    let (server, mut first) = start().await;
    let mut second = Client::connect(&server).await;
    server.cut_after_sent(3);
    first.send("use a\r\n").await;
    assert_eq!(first.rest().await, "USI");
    assert_eq!(second.ask("use a").await, "USING a");
    assert_eq!(Client::connect(&server).await.ask("use b").await, "USING b");
}

#[tokio::test]
async fn the_latest_order_to_cut_holds() {
    let (server, mut client) = start().await;
    server.cut_after_sent(1);
    server.cut_after_sent(12);
    client.send("use a\r\nuse b\r\n").await;
    assert_eq!(client.rest().await, "USING a\r\nUSI");
}

#[tokio::test]
async fn replies_are_held_back() {
    let (server, mut client) = start().await;
    let delay = Duration::from_millis(50);
    server.delay_replies(delay);
    let sent_at = Instant::now();
    assert_eq!(client.ask("use a").await, "USING a");
    assert!(sent_at.elapsed() >= delay);
}

#[tokio::test]
async fn a_silent_server_works_and_speaks_when_it_may_again() {
    let (server, mut client) = start().await;
    server.delay_replies(Duration::MAX);
    client.send(format!("{PUT}peek 1\r\n")).await;
    {
        let mut line = std::pin::pin!(client.line());
        let reply = tokio::time::timeout(Duration::from_millis(100), &mut line).await;
        assert!(reply.is_err(), "a reply of a silent server: {reply:?}");
        server.delay_replies(Duration::ZERO);
        assert_eq!(line.await, "INSERTED 1");
    }
    assert_eq!(client.line().await, "FOUND 1 1");
}

#[tokio::test]
async fn a_cleared_server_sends_what_it_held_back() {
    let (server, mut client) = start().await;
    server.delay_replies(Duration::MAX);
    server.refuse_connections(true);
    server.cut_after_sent(3);
    server.set_shortage(Shortage::Jobs);
    server.clear_faults();
    client.send(PUT).await;
    assert_eq!(client.line().await, "INSERTED 1");
    assert_eq!(Client::connect(&server).await.ask("use a").await, "USING a");
}

#[tokio::test]
async fn a_draining_server_drains_for_good() {
    let (server, mut client) = start().await;
    server.drain();
    server.clear_faults();
    assert_eq!(client.ask("put 0 0 60 1\r\nx").await, "DRAINING");
    assert_eq!(client.ask("use a").await, "USING a");
}

#[tokio::test]
async fn a_server_without_memory_refuses_or_buries() {
    let (server, mut client) = start().await;
    server.set_shortage(Shortage::Jobs);
    assert_eq!(client.ask("put 0 0 60 1\r\nx").await, "OUT_OF_MEMORY");
    server.set_shortage(Shortage::Queues);
    assert_eq!(client.ask("put 0 0 60 1\r\nx").await, "BURIED 1");
    server.set_shortage(Shortage::None);
    assert_eq!(client.ask("put 0 0 60 1\r\nx").await, "INSERTED 2");
}
