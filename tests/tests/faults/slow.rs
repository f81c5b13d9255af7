//! Servers that read what they are sent, but slowly: they are not silent.

use std::thread;
use std::time::Duration;

use beanwire::{ConfigBuilder, Delivery, NewJob, Producer, Roots, TlsConfig};
use beanwire_tests::{Certificates, PeerConn, ScriptedPeer, ServerIdentity, Stunnel, stats_reply};

use crate::{ended, ms, quick, ready};

/// What is read slowly, in bytes; it lasts several times as long as a server may be silent.
const SLOW: usize = 12 << 20;

/// What the system's buffers may hold in all. Of this the client sees nothing move, so it is read
/// without a pause.
const BUFFERED: usize = 20 << 20;

const SIZE: usize = SLOW + BUFFERED;

const PATIENCE: Duration = Duration::from_secs(1);

/// Reads these many bytes, the first of them slowly.
fn read_slowly(conn: &mut PeerConn, size: usize) -> usize {
    const STEP: usize = 256 << 10;
    let mut got = 0;
    while got < size {
        if got < SLOW {
            thread::sleep(ms(50));
        }
        let read = conn.read_exact(STEP.min(size - got)).len();
        if read == 0 {
            break;
        }
        got += read;
    }
    got
}

/// A server that runs `script` on every connection once it is set up.
fn peer(script: impl Fn(&mut PeerConn) + Send + Sync + 'static) -> ScriptedPeer {
    ScriptedPeer::start(move |_, conn| {
        if conn.read_line().as_deref() == Some("stats") {
            conn.send(stats_reply(1 << 30, false));
            script(conn);
            conn.until_eof();
        }
    })
}

/// Reads one put of a body of that size.
fn one_large_put() -> ScriptedPeer {
    peer(|conn| {
        if conn.read_line() == Some(format!("put 1024 0 60 {SIZE}"))
            && read_slowly(conn, SIZE + 2) == SIZE + 2
        {
            conn.send("INSERTED 1\r\n");
        }
    })
}

fn config() -> ConfigBuilder {
    // A connection that is taken for silent then costs the put, and is not hidden by a second one.
    quick()
        .command_timeout(PATIENCE)
        .put_timeout(Duration::from_secs(60))
        .delivery(Delivery::AtMostOnce)
}

async fn assert_large_put_succeeds(uri: String, config: ConfigBuilder, peer: &ScriptedPeer) {
    let producer = Producer::open(uri, config.build().unwrap()).await.unwrap();
    ready(&producer).await;
    let connections = peer.connections();
    let job = ended(producer.put("default", vec![b'x'; SIZE])).await.unwrap();
    assert_eq!((job.id.0, peer.connections()), (1, connections));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_put_that_is_read_slowly_succeeds() {
    let peer = one_large_put();
    assert_large_put_succeeds(peer.uri(), config(), &peer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_put_that_is_read_slowly_succeeds_over_tls() {
    let peer = one_large_put();
    let (stunnel, tls) = secured(&peer);
    assert_large_put_succeeds(stunnel.uri(), config().tls(tls), &peer).await;
}

fn secured(peer: &ScriptedPeer) -> (Stunnel, TlsConfig) {
    let certificates = Certificates::new();
    let port = peer.addr().port();
    let stunnel = Stunnel::start(&certificates, port, ServerIdentity::Good, false);
    let roots = Roots::Pem(certificates.ca_pem().to_owned());
    (stunnel, TlsConfig::default().with_roots(roots))
}

/// Jobs below the 64 KiB that TLS buffers by itself.
const JOB: usize = 50_000;

const JOBS: usize = SIZE / JOB;

/// Reads many puts and answers none before it has them all.
fn many_puts() -> ScriptedPeer {
    peer(|conn| {
        let size = JOBS * (format!("put 1024 0 60 {JOB}\r\n").len() + JOB + 2);
        if read_slowly(conn, size) == size {
            (0..JOBS).for_each(|id| conn.send(format!("INSERTED {id}\r\n")));
        }
    })
}

async fn assert_many_puts_succeed(uri: String, config: ConfigBuilder, peer: &ScriptedPeer) {
    let producer = Producer::open(uri, config.build().unwrap()).await.unwrap();
    ready(&producer).await;
    let connections = peer.connections();
    let jobs = (0..JOBS).map(|_| NewJob::new("default", vec![b'x'; JOB]).unwrap());
    for (number, result) in ended(producer.put_many(jobs)).await.into_iter().enumerate() {
        assert_eq!(result.unwrap().id.0, number as u64);
    }
    assert_eq!(peer.connections(), connections);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_puts_that_are_read_slowly_succeed() {
    let peer = many_puts();
    assert_many_puts_succeed(peer.uri(), config(), &peer).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_puts_that_are_read_slowly_succeed_over_tls() {
    let peer = many_puts();
    let (stunnel, tls) = secured(&peer);
    assert_many_puts_succeed(stunnel.uri(), config().tls(tls), &peer).await;
}
