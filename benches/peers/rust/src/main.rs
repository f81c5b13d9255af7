//! The measured program: bare sockets, which are the ceiling, and Beanwire for Rust.

#![allow(
    clippy::indexing_slicing,
    reason = "places in its own buffer, in a loop whose speed counts"
)]

use std::process::ExitCode;

mod beanwire;
mod lane;
mod limit;
mod wire;

fn main() -> ExitCode {
    beanwire_bench_program::main(|options| match options.client.as_str() {
        "limit" => limit::measure(options),
        "beanwire" | "beanwire-put-many" => beanwire::measure(options),
        _ => Err(options.unknown()),
    })
}
