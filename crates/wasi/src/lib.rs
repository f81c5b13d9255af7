//! The client as a component; `wit` says what it does.
//!
//! - [`instance`]: all clients of one instance, and the loop that moves bytes and time for them;
//! - [`client`]: one client, the engine with its connections and results;
//! - [`link`]: one connection, from name lookup to its end; [`stream`]: what it reads and writes;
//! - [`producer`], [`consumer`], [`connection`]: the faces; [`convert`]: their values.

// The bindings are generated, and have to speak of pointers.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
mod bindings {
    wit_bindgen::generate!({ path: "../../wit", world: "client" });
}

mod client;
mod connection;
mod consumer;
mod convert;
mod instance;
mod link;
mod open;
mod producer;
mod stream;
#[cfg(feature = "tls")]
mod tls;

use bindings::exports::beanwire::client as api;

struct Component;

impl api::producer::Guest for Component {
    type Producer = producer::Producer;
}

impl api::consumer::Guest for Component {
    type Consumer = consumer::Consumer;
    type Job = consumer::Job;
}

impl api::connection::Guest for Component {
    type Connection = connection::Connection;
}

bindings::export!(Component with_types_in bindings);
