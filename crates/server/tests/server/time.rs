//! The clock that a test sets.

use std::time::Duration;

use beanwire_server::Server;
use tokio::net::TcpStream;

use crate::{Client, within};

const SECOND: Duration = Duration::from_secs(1);
const INSTANT: Duration = Duration::from_nanos(1);

async fn start() -> (Server, Client<TcpStream>) {
    let server = Server::start().await.unwrap();
    let client = Client::connect(&server).await;
    (server, client)
}

#[tokio::test]
async fn a_stopped_clock_stands_until_it_is_pushed() {
    let (server, mut client) = start().await;
    server.freeze();
    assert_eq!(client.ask("put 0 60 60 1\r\nx").await, "INSERTED 1");
    server.advance(60 * SECOND - INSTANT);
    assert_eq!(client.ask("reserve-with-timeout 0").await, "TIMED_OUT");
    server.advance(INSTANT);
    assert_eq!(client.ask("reserve-with-timeout 0").await, "RESERVED 1 1");
}

#[tokio::test]
async fn a_push_ends_waits_delays_reservations_and_pauses() {
    let (server, mut client) = start().await;
    let mut waiting = Client::connect(&server).await;
    server.freeze();
    waiting.send("reserve-with-timeout 100\r\nreserve\r\n").await;
    until_waiting(&mut client).await;
    server.advance(100 * SECOND);
    assert_eq!(waiting.line().await, "TIMED_OUT");
    assert_eq!(client.ask("put 0 50 20 1\r\nx").await, "INSERTED 1");
    assert_eq!(client.ask("pause-tube default 70").await, "PAUSED");
    until_waiting(&mut client).await;
    server.advance(70 * SECOND);
    assert_eq!(waiting.line().await, "RESERVED 1 1");
    // Its TTR began when the pause ended.
    server.advance(20 * SECOND - INSTANT);
    assert_eq!(client.ask("reserve-with-timeout 0").await, "TIMED_OUT");
    server.advance(INSTANT);
    assert_eq!(client.ask("reserve-with-timeout 0").await, "RESERVED 1 1");
}

#[tokio::test]
async fn a_running_clock_is_pushed_too() {
    let (server, mut client) = start().await;
    assert_eq!(client.ask("put 0 4000000000 60 1\r\nx").await, "INSERTED 1");
    client.send("reserve\r\n").await;
    server.advance(Duration::from_secs(4_000_000_000));
    assert_eq!(client.line().await, "RESERVED 1 1");
}

#[tokio::test]
async fn a_resumed_clock_runs() {
    let (server, mut client) = start().await;
    server.freeze();
    client.send("reserve-with-timeout 1\r\n").await;
    until_waiting(&mut Client::connect(&server).await).await;
    server.resume();
    assert_eq!(client.line().await, "TIMED_OUT");
}

#[tokio::test]
async fn a_clock_that_runs_by_itself_ends_a_wait() {
    let (_server, mut client) = start().await;
    assert_eq!(client.ask("reserve-with-timeout 1").await, "TIMED_OUT");
}

/// Waits until another connection waits for a job.
async fn until_waiting(client: &mut Client<TcpStream>) {
    within(async {
        while !client.body("stats-tube default").await.contains("current-waiting: 1\n") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}
