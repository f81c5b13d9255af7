//! The same work over every way to reach a server: TCP, IPv6, unix sockets, TLS and mutual TLS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

mod certificates;
mod material;
mod mutual;
mod plain;

use std::time::Duration;

use beanwire::{
    CloseReport, Config, Connection, Consumer, Error, ErrorKind, Outcome, Producer, Roots,
    TlsConfig,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Fails the test on what takes so long that it must be hanging.
async fn within<F: IntoFuture>(work: F) -> F::Output {
    let work = tokio::time::timeout(Duration::from_secs(30), work.into_future());
    work.await.expect("an end within 30 s")
}

/// Does a round through the server at `uri` with all kinds of clients.
async fn assert_usable(uri: &str, config: &Config) {
    let connection = within(Connection::open(uri, config.clone())).await.unwrap();
    within(connection.watch("mail")).await.unwrap();
    for size in [0, 5, 60_000] {
        let body = pattern(size);
        let inserted = within(connection.put("mail", body.clone())).await.unwrap();
        let job = within(connection.reserve_with_timeout(MINUTE)).await.unwrap().unwrap();
        assert_eq!((job.id(), &job.body()[..]), (inserted.id, &body[..]));
        within(job.delete()).await.unwrap();
        let error = within(connection.delete(inserted.id)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
    assert_eq!(within(connection.close(MINUTE)).await, CloseReport::default());
    let producer = within(Producer::open(uri, config.clone())).await.unwrap();
    let consumer = within(Consumer::open(uri, ["mail"], config.clone())).await.unwrap();
    within(producer.ready(MINUTE)).await.unwrap();
    for size in [5, 60_000] {
        let body = pattern(size);
        let inserted = within(producer.put("mail", body.clone())).await.unwrap();
        let job = within(consumer.next_job()).await.unwrap();
        assert_eq!((job.id(), &job.body()[..]), (inserted.id, &body[..]));
        within(job.delete()).await.unwrap();
    }
    assert_eq!(within(consumer.close(MINUTE)).await, CloseReport::default());
    assert_eq!(within(producer.close(MINUTE)).await, CloseReport::default());
}

/// Bytes in which every shift or loss shows.
fn pattern(size: u32) -> Vec<u8> {
    (0..size).flat_map(u32::to_be_bytes).take(usize::try_from(size).unwrap()).collect()
}

/// Trusts the authority of this PEM text alone.
fn trusting(ca_pem: &str) -> TlsConfig {
    TlsConfig::default().with_roots(Roots::Pem(ca_pem.to_owned()))
}

fn config(tls: TlsConfig) -> Config {
    Config::builder().tls(tls).build().unwrap()
}

/// Why the server at `uri` cannot be used, which every kind of client must see alike.
async fn refusal(uri: &str, config: &Config) -> Error {
    let producer = within(Producer::open(uri, config.clone())).await.unwrap();
    let seen = within(producer.ready(MINUTE)).await.unwrap_err();
    let error = within(Connection::open(uri, config.clone())).await.unwrap_err();
    assert_eq!((seen.kind(), seen.outcome()), (error.kind(), error.outcome()), "{seen} / {error}");
    assert!(!producer.is_connected());
    error
}

/// The server at `uri` is refused, and the error says why.
async fn assert_tls_error(uri: &str, tls: TlsConfig, reason: &str) {
    let error = refusal(uri, &config(tls)).await;
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Tls, Outcome::NotSent), "{error}");
    let text = error.to_string();
    assert!(text.contains(reason) && text.contains(uri), "{text}");
    assert!(std::error::Error::source(&error).is_some(), "{text}");
}
