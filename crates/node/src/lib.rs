//! The native add-on of the npm package `beanwire`.
//!
//! JavaScript does what belongs to the language: promises, iterators, signals, errors with stacks;
//! and it owns the sockets and the clock, for those of Node.js serve the same thread. This crate
//! drives the engine between them: [`Client`] takes submissions and bytes out of memory that both
//! sides see, and writes records into it of what has ended and what is to be done.
//!
//! - `client`: the calls;
//! - `driver`: the engine, and what hangs on it;
//! - `memory`, `submit`, `record`: what crosses, and how;
//! - `link`, `tls`, `fault`: connections, as far as no socket is needed;
//! - `room`: puts that wait for others to be answered;
//! - `open`, `commands`: settings into an engine; every command of the protocol;
//! - `convert`, `value`: the core's results into JavaScript values;
//! - `serve`, `runtime`: the embedded server, and the tokio runtime it runs on.

mod client;
mod commands;
mod convert;
mod driver;
mod fault;
mod link;
mod memory;
mod open;
mod record;
mod room;
mod runtime;
mod serve;
mod submit;
mod tls;
mod value;

pub use client::Client;
pub use memory::{BODIES, ENTRY_WORDS, RECORDS, SUBMISSIONS};
pub use record::{
    BESIDE, CLOSE, CLOSED, CONNECT, DONE, ERROR, EVENT, INSERTED, JOB, LOST, SEND, VALUE,
};
pub use serve::EmbeddedServer;
pub use submit::{CONFIGURED, FINISH, FOREVER, PUT, RECEIVE};
