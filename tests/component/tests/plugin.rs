//! The example's plugin, composed with the component, in the example's host.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use beanwire_component_tests::Component;
use beanwire_tests::{Beanstalkd, wait_until};
use plugin_host::Plugin;
use wit_component::DecodedWasm;

fn file() -> PathBuf {
    let file = Component::Plain.path().with_file_name("plugin.wasm");
    assert!(file.exists(), "target/components/plugin.wasm is missing; run: cargo xtask wasm");
    file
}

fn plugin() -> &'static Plugin {
    static PLUGIN: LazyLock<Plugin> = LazyLock::new(|| Plugin::load(&file()).unwrap());
    &PLUGIN
}

fn images() -> Vec<String> {
    ["a.jpg", "notes.txt", "b.png"].map(str::to_owned).to_vec()
}

#[tokio::test]
async fn the_plugin_works_with_the_server_that_it_was_given() {
    let server = Beanstalkd::start();
    let summary = plugin().run(server.addr(), &server.uri(), &images()).await.unwrap().unwrap();
    assert_eq!(summary.requested, 3);
    assert_eq!(summary.made, ["a.jpg", "b.png"]);
    assert_eq!(summary.buried, ["notes.txt"]);

    let mut raw = server.raw();
    let stats = raw.stats();
    assert_eq!(stats["cmd-put"], "3");
    assert_eq!(stats["cmd-delete"], "2");
    assert_eq!(stats["current-jobs-buried"], "1");
    assert_eq!(stats["current-jobs-ready"], "0");
    wait_until("the plugin has left", || raw.stats()["current-connections"] == "1");
}

#[tokio::test]
async fn each_run_is_an_instance_of_its_own() {
    let server = Beanstalkd::start();
    let plugin = plugin();
    let (addr, uri) = (server.addr(), server.uri());
    let one = ["one.png".to_owned()];
    let first = plugin.run(addr, &uri, &one).await.unwrap().unwrap();
    let second = plugin.run(addr, &uri, &[]).await.unwrap().unwrap();
    assert_eq!(first.made, ["one.png"]);
    assert_eq!((second.requested, second.made.len()), (0, 0));
}

#[tokio::test]
async fn another_server_and_every_name_is_denied() {
    let server = Beanstalkd::start();
    let other = Beanstalkd::start();
    let name = format!("beanstalk://localhost:{}", server.port());
    for (uri, what) in [(other.uri(), "let this component connect"), (name, "look the name up")] {
        let error = plugin().run(server.addr(), &uri, &images()).await.unwrap().unwrap_err();
        assert!(error.starts_with(&format!("{uri}: the host does not {what}")), "{error}");
    }
    for server in [&server, &other] {
        assert_eq!(server.raw().stats()["cmd-put"], "0");
    }
}

#[tokio::test]
async fn what_the_plugin_complains_about_reaches_its_caller() {
    let server = Beanstalkd::start();
    let error = plugin().run(server.addr(), "nonsense://", &images()).await.unwrap().unwrap_err();
    assert!(error.starts_with("uri \"nonsense://\": "), "{error}");
}

#[test]
fn the_composed_plugin_asks_for_no_more_than_the_client() {
    let imports = |file: PathBuf| -> BTreeSet<String> {
        let decoded = wit_component::decode(&std::fs::read(file).unwrap()).unwrap();
        let DecodedWasm::Component(resolve, world) = decoded else { panic!("not a component") };
        resolve.worlds[world].imports.keys().map(|key| resolve.name_world_key(key)).collect()
    };
    let plugin = imports(file());
    assert!(!plugin.is_empty());
    assert_eq!(plugin, imports(Component::Plain.path()));
}
