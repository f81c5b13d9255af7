//! The defects of the client that Beanwire replaces, and known bugs of its peers: none of them may
//! come back.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

mod calls;
mod jobs;
mod peers;
mod puts;
mod replies;

use std::future::IntoFuture;
use std::time::Duration;

use beanwire::{Config, ConfigBuilder, Connection};
use beanwire_tests::{PeerConn, ScriptedPeer, handshake};

/// Settings under which a lost connection comes back at once.
fn quick() -> ConfigBuilder {
    Config::builder().reconnect_min(ms(1)).reconnect_max(ms(20))
}

const fn ms(span: u64) -> Duration {
    Duration::from_millis(span)
}

/// The result of what must end by itself, long before this limit.
async fn ended<F: IntoFuture>(work: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), work.into_future())
        .await
        .expect("it ends by itself")
}

/// A peer that opens every connection in order and then runs `script`.
fn peer(script: impl Fn(usize, &mut PeerConn) + Send + Sync + 'static) -> ScriptedPeer {
    ScriptedPeer::start(move |number, conn| {
        if handshake(conn) {
            script(number, conn);
        }
    })
}

/// A peer that answers the first line of every connection with `reply`, and then only reads.
fn one_answer(reply: &'static str) -> ScriptedPeer {
    peer(move |_, conn| {
        if conn.read_line().is_some() {
            conn.send(reply);
            conn.until_eof();
        }
    })
}

/// Answers these lines; false if the client is gone.
fn answer(conn: &mut PeerConn, script: &[(&str, &str)]) -> bool {
    for (expected, reply) in script {
        let Some(line) = conn.read_line() else { return false };
        assert_eq!(line, *expected);
        conn.send(reply);
    }
    true
}

/// The lines of the peer that begin with `verb`.
fn count(peer: &ScriptedPeer, verb: &str) -> usize {
    peer.lines().iter().filter(|(_, line)| line.starts_with(verb)).count()
}

async fn connect(uri: &str) -> Connection {
    Connection::open(uri, quick().build().unwrap()).await.unwrap()
}
