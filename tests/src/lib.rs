//! What the tests stand on: a real `beanstalkd`, a second view of it that shares no code with the
//! client, peers that misbehave by script, a proxy that cuts connections, and TLS in front of all.
//!
//! Everything listens on loopback only, on a port of its own, and goes away when it is dropped.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

pub mod embedded;
pub mod example;
pub mod log;
pub mod memory;
pub mod peer;
pub mod proxy;
pub mod raw;
pub mod server;
pub mod tls;
mod util;

pub use embedded::Embedded;
pub use example::example;
pub use log::Log;
pub use memory::peak_memory;
pub use peer::{PeerConn, ScriptedPeer, handshake, stats_reply};
pub use proxy::CuttingProxy;
pub use raw::RawClient;
pub use server::{Beanstalkd, Builder};
pub use tls::{Certificates, Identity, ServerIdentity, Stunnel};
pub use util::{TempDir, free_port, wait_until};
