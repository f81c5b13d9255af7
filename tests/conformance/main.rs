//! One suite for two servers: what `beanstalkd` does, and that the embedded server does the same.
//!
//! Each case is a plain function that knows nothing but a [`Target`]; [`cases`] makes a test of it
//! for each server. Where the two differ on purpose stands in [`differences`] and nowhere else, and
//! [`differential`] looks for what no case has thought of.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail the way tests do"
)]

/// Makes two tests of each case: one against `beanstalkd`, one against the embedded server.
macro_rules! cases {
    ($($case:ident,)*) => {
        mod beanstalkd {
            $(#[test]
            fn $case() {
                super::$case(&crate::Target::beanstalkd());
            })*
        }

        mod embedded {
            $(#[test]
            fn $case() {
                super::$case(&crate::Target::embedded());
            })*
        }
    };
}

mod batches;
mod counters;
mod deadline;
mod differences;
mod differential;
mod drain;
mod finish;
mod kick;
mod leaving;
mod lifetime;
mod lines;
mod lists;
mod numbers;
mod order;
mod ownership;
mod parsing;
mod pause;
mod peek;
mod put;
mod reserve;
mod reserve_job;
mod statistics;
mod target;
mod ttr;
mod tubes;

use target::{Client, Target};
