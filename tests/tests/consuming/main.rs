//! Consumers against a real server: who gets which job when, how reservations are kept and lost,
//! and how all of it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod dispatch;
mod drain;
mod finish;
mod force;
mod idle;
mod lease;

use std::future::IntoFuture;
use std::time::Duration;

use beanwire::{Config, ConfigBuilder, Consumer, ReceiveReport};
use beanwire_tests::{Beanstalkd, RawClient};

/// The tube of all tests.
const TUBE: &str = "work";

/// Settings under which a lost connection comes back at once.
fn quick() -> ConfigBuilder {
    Config::builder().reconnect_min(ms(1)).reconnect_max(ms(20))
}

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// The result of what must end by itself, long before this limit.
async fn ended<F: IntoFuture>(work: F) -> F::Output {
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, work.into_future()).await.expect("it ends by itself")
}

async fn consumer(server: &Beanstalkd, config: ConfigBuilder) -> Consumer {
    Consumer::open(server.uri(), [TUBE], config.build().unwrap()).await.unwrap()
}

fn number(raw: &mut RawClient, key: &str) -> u64 {
    raw.stats()[key].parse().unwrap()
}

fn state(raw: &mut RawClient, id: u64) -> String {
    raw.stats_job(id)["state"].clone()
}

/// What a report tells: handled, failed, abandoned.
const fn told(report: &ReceiveReport) -> [usize; 3] {
    [report.handled, report.failed, report.abandoned]
}
