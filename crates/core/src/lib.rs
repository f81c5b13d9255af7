//! The heart of the Beanwire client for beanstalkd, without sockets, clock or threads.
//!
//! Bytes, time and a random seed go in; bytes, results and events come out. The crates around it
//! only move the bytes: `beanwire` on tokio is one of them. Whatever a client decides is decided
//! here, so every language sees the same behaviour.
//!
//! - [`protocol`]: commands and replies as bytes;
//! - [`engine`]: producers, consumers and single connections;
//! - [`config`], [`uri`]: what a user sets; [`stats`]: what a server tells;
//! - `tls`, behind a feature: certificates and keys for rustls;
//! - [`types`], [`error`]: what all of them share.

pub mod config;
mod conn;
pub mod engine;
pub mod error;
pub mod protocol;
#[doc(hidden)]
pub mod sorted;
pub mod stats;
#[cfg(feature = "tls")]
pub mod tls;
pub mod types;
pub mod uri;
