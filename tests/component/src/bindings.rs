//! The host's side of `wit/`, whose documentation it shares.

#![allow(missing_docs, unreachable_pub, reason = "generated")]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "client",
    exports: { default: async },
    additional_derives: [PartialEq],
});
