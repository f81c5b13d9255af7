//! Every command of `beanwire`, as the built program, against a real `beanstalkd`.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test"
)]

mod consume;
mod drain_check;
mod generate;
mod jobs;
mod kills;
mod many;
mod on_terminal;
mod put;
mod read;
mod relocate;
mod resurrect;
mod servers;
mod support;
#[allow(dead_code, reason = "shared with tests that need more of it")]
#[path = "../live/terminal.rs"]
mod terminal;
mod usage;
