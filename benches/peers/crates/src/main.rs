//! The measured program: other clients for Rust.
//!
//! Neither sends a command before the one in front of it is answered, so there is a connection for
//! each job that is under way.

use std::process::ExitCode;

mod beanstalkc;
mod mamenoki;

fn main() -> ExitCode {
    beanwire_bench_program::main(|options| match options.client.as_str() {
        "beanstalkc" => beanstalkc::measure(options),
        "mamenoki" => mamenoki::measure(options),
        _ => Err(options.unknown()),
    })
}
