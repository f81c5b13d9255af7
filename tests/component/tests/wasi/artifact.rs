//! What the files are: valid, small, and modest in what they import.

use std::collections::BTreeSet;

use beanwire_component_tests::Component;
use wasmparser::{Validator, WasmFeatures};
use wit_component::DecodedWasm;

/// Most bytes of `client.wasm`.
const PLAIN_SIZE: usize = 219_500;

/// Most bytes of `client-tls.wasm`.
const TLS_SIZE: usize = 674_000;

/// How many hundredths more they may be with the standard library of a toolchain of rustup, which is
/// not built for size and tells why it panics.
const PREBUILT: usize = 20;

/// All that `client.wasm` imports.
const PLAIN_IMPORTS: [&str; 10] = [
    "wasi:clocks/monotonic-clock",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/random",
    "wasi:sockets/instance-network",
    "wasi:sockets/ip-name-lookup",
    "wasi:sockets/network",
    "wasi:sockets/tcp",
    "wasi:sockets/tcp-create-socket",
];

/// The packages that `client-tls.wasm` imports from. A host may leave those of `cli` and
/// `filesystem` empty.
const TLS_IMPORTS: [&str; 6] =
    ["wasi:cli", "wasi:clocks", "wasi:filesystem", "wasi:io", "wasi:random", "wasi:sockets"];

/// What a component imports, without the versions.
fn imports(component: Component) -> BTreeSet<String> {
    let decoded = wit_component::decode(&component.bytes()).unwrap();
    let DecodedWasm::Component(resolve, world) = decoded else { panic!("not a component") };
    let imports = resolve.worlds[world].imports.keys();
    imports
        .map(|key| {
            let name = resolve.name_world_key(key);
            name.split_once('@').expect("a version").0.to_owned()
        })
        .collect()
}

fn names<const N: usize>(names: [&str; N]) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

#[test]
fn both_files_are_valid_components_of_finished_features_only() {
    for component in [Component::Plain, Component::Tls] {
        let bytes = component.bytes();
        assert!(wasmparser::Parser::is_component(&bytes));
        let mut validator = Validator::new_with_features(WasmFeatures::default());
        validator.validate_all(&bytes).unwrap_or_else(|error| panic!("{component:?}: {error}"));
    }
}

#[test]
fn the_plain_component_imports_io_sockets_clocks_and_random_alone() {
    assert_eq!(imports(Component::Plain), names(PLAIN_IMPORTS));
}

#[test]
fn the_tls_component_imports_from_no_other_packages_than_those_of_std() {
    let packages = imports(Component::Tls).into_iter().map(|name| {
        let (package, _) = name.split_once('/').unwrap();
        package.to_owned()
    });
    let packages: BTreeSet<String> = packages.collect();
    let allowed = names(TLS_IMPORTS);
    assert!(packages.is_subset(&allowed), "{packages:?}");
    let imports = imports(Component::Tls);
    assert!(!imports.contains("wasi:sockets/udp"), "{imports:?}");
}

#[test]
fn the_files_stay_small() {
    for (component, most) in [(Component::Plain, PLAIN_SIZE), (Component::Tls, TLS_SIZE)] {
        let size = component.bytes().len();
        // What such a toolchain has built is beside the components.
        let prebuilt = component.path().with_file_name("..").join("wasm32-own").is_dir();
        let most = if prebuilt { most + most * PREBUILT / 100 } else { most };
        assert!(size <= most, "{}: {size} bytes, {most} are allowed", component.path().display());
    }
}
