//! Start, addresses, and the end.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::Duration;

use beanwire_server::Server;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream, UnixStream};

use crate::{Client, PUT, within};

/// A path of its own for a socket, that nothing is at.
fn socket(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("beanwire-{}-{name}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

#[tokio::test]
async fn servers_listen_on_ports_of_their_own() {
    let (one, other) = (Server::start().await.unwrap(), Server::start().await.unwrap());
    assert_ne!(one.addr(), other.addr());
    let (mut first, mut second) = (Client::connect(&one).await, Client::connect(&other).await);
    assert_eq!(first.ask("put 0 0 60 1\r\nx").await, "INSERTED 1");
    assert_eq!(second.ask("put 0 0 60 1\r\nx").await, "INSERTED 1");
}

#[tokio::test]
async fn the_uri_names_the_address() {
    let server = Server::start().await.unwrap();
    let addr = server.addr().unwrap();
    assert!(addr.ip().is_loopback());
    assert_eq!(server.uri(), format!("beanstalk://{addr}"));
}

#[tokio::test]
async fn a_stopped_server_has_closed_everything() {
    let server = Server::start().await.unwrap();
    let addr = server.addr().unwrap();
    let (mut idle, mut waiting) = (Client::connect(&server).await, Client::connect(&server).await);
    assert_eq!(idle.ask("use a").await, "USING a");
    waiting.send("reserve\r\n").await;
    within(server.stop()).await;
    assert_eq!((idle.rest().await, waiting.rest().await), (String::new(), String::new()));
    let error = within(TcpStream::connect(addr)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let server = Server::start().await.unwrap();
    let addr = server.addr().unwrap();
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("use a").await, "USING a");
    drop(server);
    assert_eq!(client.rest().await, "");
    within(async {
        while TcpStream::connect(addr).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let error = Server::builder().tcp(addr).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
}

#[tokio::test]
async fn the_largest_body_has_a_limit() {
    let error = Server::builder().max_job_size((1 << 30) + 1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let builder = Server::builder().max_job_size(3).unwrap();
    let server = builder.start().await.unwrap();
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("put 0 0 60 3\r\nabc").await, "INSERTED 1");
    assert_eq!(client.ask("put 0 0 60 4\r\nabcd").await, "JOB_TOO_BIG");
}

#[tokio::test]
async fn a_server_listens_on_a_unix_socket_and_removes_it() {
    let path = socket("listens");
    let server = Server::builder().unix(&path).start().await.unwrap();
    assert_eq!(server.uri(), format!("unix://{}", path.display()));
    assert_eq!(server.addr(), None);
    let mut client = Client(BufReader::new(UnixStream::connect(&path).await.unwrap()));
    client.send(PUT).await;
    assert_eq!(client.line().await, "INSERTED 1");
    within(server.stop()).await;
    assert_eq!(client.rest().await, "");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_is_replaced() {
    let path = socket("stale");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "as a killed server leaves it");
    let server = Server::builder().unix(&path).start().await.unwrap();
    let mut client = Client(BufReader::new(UnixStream::connect(&path).await.unwrap()));
    assert_eq!(client.ask("use a").await, "USING a");
    within(server.stop()).await;
}

#[tokio::test]
async fn a_socket_that_somebody_listens_on_is_left_alone() {
    let path = socket("taken");
    let server = Server::builder().unix(&path).start().await.unwrap();
    let error = Server::builder().unix(&path).start().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    let mut client = Client(BufReader::new(UnixStream::connect(&path).await.unwrap()));
    assert_eq!(client.ask("use a").await, "USING a");
    within(server.stop()).await;
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let path = socket("file");
    std::fs::write(&path, "precious").unwrap();
    Server::builder().unix(&path).start().await.unwrap_err();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn replies_that_nobody_reads_for_a_while_all_come() {
    const COUNT: usize = 400;
    let server = Server::start().await.unwrap();
    let (mut client, mut other) = (Client::connect(&server).await, Client::connect(&server).await);
    let body = "b".repeat(60_000);
    assert_eq!(client.ask(&format!("put 0 0 60 60000\r\n{body}")).await, "INSERTED 1");
    client.send("peek 1\r\n".repeat(COUNT) + "quit\r\n").await;
    assert_eq!(other.ask("use a").await, "USING a");
    let rest = client.rest().await;
    assert_eq!(rest.matches("FOUND 1 60000\r\n").count(), COUNT);
}
