//! The measured program: the WebAssembly component in wasmtime.

use std::process::ExitCode;

mod client;
mod instance;
mod program;

/// The host's side of `wit/`, whose documentation it shares.
#[allow(missing_docs, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../../wit",
        world: "client",
        exports: { default: async },
    });
}

fn main() -> ExitCode {
    beanwire_bench_program::main(client::measure)
}
