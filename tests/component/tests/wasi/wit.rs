//! What the files export is what `wit/` says, to the letter.

use std::path::Path;

use beanwire_component_tests::Component;
use wit_component::{
    ComponentEncoder, DecodedWasm, StringEncoding, WitPrinter, dummy_module,
    embed_component_metadata,
};
use wit_parser::{ManglingAndAbi, Resolve, TypeDefKind, WorldId};

/// The world `client` as it is written.
fn written() -> (Resolve, WorldId) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(dir).unwrap();
    let world = resolve.select_world(&[package], Some("client")).unwrap();
    (resolve, world)
}

/// A component of that world that does nothing, so that both sides of a comparison are read alike.
fn hollow() -> Vec<u8> {
    let (resolve, world) = written();
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Standard32);
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&module).unwrap().encode().unwrap()
}

/// The exported interfaces of a component as WIT, and their names.
fn exports(component: &[u8]) -> (String, Vec<String>) {
    let decoded = wit_component::decode(component).unwrap();
    let DecodedWasm::Component(resolve, world) = decoded else { panic!("not a component") };
    let mut names: Vec<String> =
        resolve.worlds[world].exports.keys().map(|key| resolve.name_world_key(key)).collect();
    names.sort();
    let package = resolve.packages.iter().find(|(_, package)| package.name.name == "client");
    let (package, _) = package.expect("the package of the exports");
    let mut printer = WitPrinter::default();
    printer.print(&resolve, package, &[]).unwrap();
    (printer.output.to_string(), names)
}

#[test]
fn both_files_export_the_world_as_it_is_written() {
    let (wit, names) = exports(&hollow());
    assert_eq!(
        names,
        ["connection", "consumer", "producer", "types"]
            .map(|interface| format!("beanwire:client/{interface}@0.1.0"))
    );
    for component in [Component::Plain, Component::Tls] {
        let (exported, exported_names) = exports(&component.bytes());
        assert_eq!(exported_names, names, "{component:?}");
        assert_eq!(exported, wit, "{component:?}");
    }
}

/// The cases of the enum `error-code`, as they are called in Rust.
pub(crate) fn error_codes() -> Vec<String> {
    let (resolve, _) = written();
    let code = resolve.types.iter().find(|(_, kind)| kind.name.as_deref() == Some("error-code"));
    let TypeDefKind::Enum(code) = &code.unwrap().1.kind else { panic!("not an enum") };
    code.cases.iter().map(|case| camel(&case.name)).collect()
}

fn camel(name: &str) -> String {
    let words = name.split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}
