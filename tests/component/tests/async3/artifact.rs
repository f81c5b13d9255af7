//! What the file is: a valid component, small, modest in what it imports, and what `wit/` says.

use std::path::Path;

use beanwire_component_tests::read;
use wasmparser::{Validator, WasmFeatures};
use wit_component::DecodedWasm;
use wit_parser::Resolve;

/// Most bytes of the file.
const SIZE: usize = 450_000;

/// All that it imports.
const IMPORTS: [&str; 5] = [
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/types",
    "wasi:random/random",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/types",
];

fn file() -> Vec<u8> {
    read("client-async.wasm")
}

fn written() -> Resolve {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    resolve.push_dir(&dir).unwrap();
    resolve.push_dir(dir.join("async")).unwrap();
    resolve
}

/// The functions of an interface, as they are written.
fn functions(resolve: &Resolve, interface: &str) -> Vec<String> {
    let name = format!("beanwire:client-async/{interface}@0.1.0");
    let ids = resolve.interfaces.iter().map(|(id, _)| id);
    let found = ids.into_iter().find(|id| resolve.id_of(*id).as_deref() == Some(&*name));
    let found = &resolve.interfaces[found.expect(interface)];
    let line = |(name, function): (&String, &wit_parser::Function)| {
        let params: Vec<_> = function.params.iter().map(|param| param.name.clone()).collect();
        format!("{name}({}) {}", params.join(", "), function.kind.is_async())
    };
    let mut lines: Vec<_> = found.functions.iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn it_is_a_valid_component_and_small() {
    let bytes = file();
    assert!(wasmparser::Parser::is_component(&bytes));
    let features = WasmFeatures::default() | WasmFeatures::CM_ASYNC;
    Validator::new_with_features(features).validate_all(&bytes).unwrap();
    assert!(bytes.len() <= SIZE, "{} bytes, {SIZE} are allowed", bytes.len());
}

#[test]
fn it_imports_sockets_clocks_and_random_alone() {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(&file()).unwrap() else {
        panic!("not a component")
    };
    let names = resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key));
    let mut names: Vec<_> =
        names.map(|name| name.split_once('@').expect("a version").0.to_owned()).collect();
    names.sort();
    assert_eq!(names, IMPORTS);
}

#[test]
fn it_exports_the_world_as_it_is_written() {
    let DecodedWasm::Component(exported, world) = wit_component::decode(&file()).unwrap() else {
        panic!("not a component")
    };
    let exports = exported.worlds[world].exports.keys();
    let mut names: Vec<_> = exports.map(|key| exported.name_world_key(key)).collect();
    names.sort();
    let expected = ["client-async/consumer", "client-async/producer", "client/types"];
    assert_eq!(names, expected.map(|name| format!("beanwire:{name}@0.1.0")));
    let written = written();
    for interface in ["consumer", "producer"] {
        assert_eq!(functions(&exported, interface), functions(&written, interface));
    }
}
