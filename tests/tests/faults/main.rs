//! Servers that die, fall silent, drain or fill up, and connections that are cut at every byte.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod cuts;
mod drain;
mod full;
mod halves;
mod many;
mod pool;
mod replies;
mod restart;
mod runtime;
mod silent;
mod slow;

use std::future::IntoFuture;
use std::time::Duration;

use beanwire::{Config, ConfigBuilder, ConnectionState, Health, Producer};

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

/// The connections that are up, over all servers.
fn up(health: &Health) -> usize {
    let connections = health.servers.iter().flat_map(|server| &server.connections);
    connections.filter(|connection| connection.state == ConnectionState::Up).count()
}

async fn ready(producer: &Producer) {
    producer.ready(Duration::from_secs(30)).await.unwrap();
}
