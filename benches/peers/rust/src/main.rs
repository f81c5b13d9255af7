//! The measured program: bare sockets, which are the ceiling, and Beanwire for Rust.

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
