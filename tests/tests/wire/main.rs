//! Every command of the protocol through `Connection`: each reply of a real server, each reply that
//! only a script gives, and the bytes that go out.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

mod calls;
mod closing;
mod jobs;
mod output;
mod peeks;
mod puts;
mod reconnects;
mod refusals;
mod reserves;
mod spans;
mod statistics;
mod surprises;
mod tubes;

use std::time::Duration;

use beanwire::{Config, Connection, Error, ErrorKind, Job, Outcome};
use beanwire_tests::Beanstalkd;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

/// Fails the test on what takes so long that it must be hanging.
async fn within<F: IntoFuture>(work: F) -> F::Output {
    let work = tokio::time::timeout(Duration::from_secs(30), work.into_future());
    work.await.expect("an end within 30 s")
}

async fn connect(uri: &str) -> Connection {
    let config = Config::builder().reconnect_min(Duration::from_millis(1)).build().unwrap();
    within(Connection::open(uri, config)).await.unwrap()
}

async fn open(server: &Beanstalkd) -> Connection {
    connect(&server.uri()).await
}

/// The job that is ready now.
async fn reserve_now(connection: &Connection) -> Job {
    let job = within(connection.reserve_with_timeout(Duration::ZERO)).await.unwrap();
    job.expect("a ready job")
}

/// Awaits a call that the server refuses, and checks how the refusal reads.
#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Rejected), "{error}");
    assert!(error.to_string().contains(kind.code()), "the server's word is not in: {error}");
}
