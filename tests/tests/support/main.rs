//! The support itself: a test that stands on it may trust it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

mod embedded;
mod peers;
mod proxies;
mod servers;
mod tls;
