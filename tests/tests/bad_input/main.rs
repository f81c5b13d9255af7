//! Whatever a caller gets wrong: the error names field, value and limit, nothing is sent, and
//! everything else goes on.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

mod bodies;
mod closed;
mod elsewhere;
mod hosts;
mod numbers;
mod settings;
mod tubes;
mod uris;

use std::time::Duration;

use beanwire::{Config, Connection, Error, ErrorKind, Outcome, Producer, Retry};
use beanwire_tests::{Beanstalkd, RawClient};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Fails the test on what takes so long that it must be hanging.
async fn within<F: IntoFuture>(work: F) -> F::Output {
    let work = tokio::time::timeout(Duration::from_secs(30), work.into_future());
    work.await.expect("an end within 30 s")
}

async fn connection(server: &Beanstalkd) -> Connection {
    within(Connection::open(server.uri(), Config::default())).await.unwrap()
}

async fn producer(server: &Beanstalkd) -> Producer {
    let producer = within(Producer::open(server.uri(), Config::default())).await.unwrap();
    within(producer.ready(MINUTE)).await.unwrap();
    producer
}

/// The error says `kind`, that nothing was sent, that there is no use in trying again, and all of
/// `parts`.
#[track_caller]
fn assert_refused<T>(result: Result<T, Error>, kind: ErrorKind, parts: &[&str]) {
    let Err(error) = result else { panic!("{parts:?} passed") };
    let found = (error.kind(), error.outcome(), error.retry());
    assert_eq!(found, (kind, Outcome::NotSent, Retry::Never), "{error}");
    let text = error.to_string();
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    assert!(text.len() < 300 && !text.contains(['\r', '\n']), "{text}");
}

/// An argument is refused: `field: value … limit`.
#[track_caller]
fn assert_invalid<T>(result: Result<T, Error>, field: &str, parts: &[&str]) {
    if let Err(error) = &result {
        assert!(error.to_string().starts_with(&format!("{field}: ")), "{field}: {error}");
    }
    assert_refused(result, ErrorKind::InvalidArgument, parts);
}

/// How many commands of each kind a server has had, but for those that this takes itself.
fn commands(raw: &mut RawClient) -> Vec<(String, String)> {
    let told = raw.stats().into_iter();
    told.filter(|(key, _)| {
        (key.starts_with("cmd-") && key != "cmd-stats") || key == "total-connections"
    })
    .collect()
}
