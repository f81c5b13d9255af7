//! The native add-on of the npm package `beanwire`.
//!
//! JavaScript does what belongs to the language: promises, iterators, signals, errors with stacks.
//! This crate hands plain data across: JavaScript calls [`Reactor`] with plain arguments and
//! gets operation numbers; what ends is written as records into memory that both see.
//!
//! - `reactor`: the calls;
//! - `tasks`: the operations under way, run on the JavaScript thread;
//! - `record`: how an operation ends, and what is written of it;
//! - `commands`, `serve`: single connections; the embedded server;
//! - `convert`, `value`: arguments into core types, results into JavaScript values;
//! - `runtime`: the one tokio runtime of the process.

mod commands;
mod convert;
mod kept;
mod reactor;
mod record;
mod runtime;
mod serve;
mod tasks;
mod value;

pub use reactor::Reactor;
