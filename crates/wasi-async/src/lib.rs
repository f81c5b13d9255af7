//! The client as a component for WASI 0.3; `wit/async` says what it does. Experimental.
//!
//! - [`driver`]: one client, the engine with its callers, connections and clock; [`call`]: a caller's
//!   view of an operation;
//! - [`link`]: one connection, from name lookup to its end; [`dial`]: its first part; [`time`]: the clock;
//! - [`producer`], [`consumer`], [`stream`]: the faces; [`convert`]: their values.

// The bindings are generated, and have to speak of pointers.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../../wit/async"],
        world: "beanwire:client-async/client-async",
    });
}

mod call;
mod consumer;
// Health, events and some statistics are told by the other component only.
#[allow(dead_code, unused_imports)]
#[path = "../../wasi/src/convert/mod.rs"]
mod convert;
mod dial;
mod driver;
mod link;
mod open;
mod producer;
mod stream;
mod time;

use bindings::exports::beanwire::client_async as api;

struct Component;

impl api::producer::Guest for Component {
    type Producer = producer::Producer;
}

impl api::consumer::Guest for Component {
    type Consumer = consumer::Consumer;
    type Job = consumer::Job;
}

bindings::export!(Component with_types_in bindings);
