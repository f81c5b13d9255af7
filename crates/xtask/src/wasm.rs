//! The WebAssembly components: building them, and telling what they weigh and import.

use std::fs;
use std::path::{Path, PathBuf};

use wasmparser::{Parser, Payload, Validator, WasmFeatures};

use crate::run::{command, root, run, target_dir};
use crate::shrink::{self, shrunk};
use crate::toolchain::{BARE, WASI, cargo};

/// A component and how it is built.
struct Component {
    /// What the file is called.
    file: &'static str,
    /// Where its crate is, a workspace of its own.
    dir: &'static str,
    /// What Cargo calls the file.
    built: &'static str,
    target: &'static str,
    options: &'static [&'static str],
}

const COMPONENTS: [Component; 5] = [
    Component {
        file: CLIENT,
        dir: "crates/wasi",
        built: "beanwire_wasi.wasm",
        target: BARE,
        options: &[],
    },
    Component {
        file: "client-tls.wasm",
        dir: "crates/wasi",
        built: "beanwire_wasi.wasm",
        target: WASI,
        options: &["--features", "tls"],
    },
    Component {
        file: ASYNC_CLIENT,
        dir: "crates/wasi-async",
        built: "beanwire_wasi_async.wasm",
        target: BARE,
        options: &[],
    },
    Component {
        file: GUEST,
        dir: "examples/plugin-rust/guest",
        built: "thumbnails.wasm",
        target: BARE,
        options: &[],
    },
    Component {
        file: ASYNC_GUEST,
        dir: "tests/component/guests/async",
        built: "async_guest.wasm",
        target: BARE,
        options: &[],
    },
];

/// The client's files that guests are composed with.
const CLIENT: &str = "client.wasm";
const ASYNC_CLIENT: &str = "client-async.wasm";

/// The example's plugin and the tests' guest.
const GUEST: &str = "plugin-guest.wasm";
const ASYNC_GUEST: &str = "async-guest.wasm";

/// What is composed: a guest, the client's file that it needs, and the file that both become.
const COMPOSED: [(&str, &str, &str); 2] =
    [(GUEST, CLIENT, "plugin.wasm"), (ASYNC_GUEST, ASYNC_CLIENT, "async-plugin.wasm")];

/// What composes them.
const COMPOSER: &str = "wac-cli@^0.12";

/// Builds every component and prints its size and its imports.
pub(crate) fn build() -> Result<(), String> {
    fs::create_dir_all(dir()).map_err(|error| format!("{}: {error}", dir().display()))?;
    for component in &COMPONENTS {
        component.build()?;
    }
    for (guest, client, composed) in COMPOSED {
        compose(guest, client, composed)?;
    }
    let composed = COMPOSED.map(|(.., composed)| composed);
    for file in COMPONENTS.iter().map(|component| component.file).chain(composed) {
        println!("{}", description(&dir().join(file))?);
    }
    Ok(())
}

/// Installs what makes components smaller, and what composes them.
pub(crate) fn setup() -> Result<(), String> {
    shrink::setup()?;
    if composer().is_file() {
        return Ok(());
    }
    // Without the features that fetch components from a registry.
    let install = ["install", "--locked", COMPOSER, "--no-default-features", "--root"];
    run(command("cargo", &install).arg(tools()))
}

/// The manifests of the crates. Each is a workspace of its own.
pub(crate) fn manifests() -> Vec<String> {
    let mut manifests: Vec<_> = COMPONENTS.iter().map(Component::manifest).collect();
    manifests.dedup();
    manifests
}

impl Component {
    fn manifest(&self) -> String {
        format!("{}/Cargo.toml", self.dir)
    }

    fn build(&self) -> Result<(), String> {
        let manifest = self.manifest();
        let build = ["build", "--release", "--locked", "--manifest-path", &manifest];
        let (mut cargo, dir) = cargo(&[&build, self.options].concat(), self.target)?;
        run(&mut cargo)?;
        let built = dir.join(self.target).join("release").join(self.built);
        let told = |error: std::io::Error| format!("{}: {error}", built.display());
        let file = self::dir().join(self.file);
        let component = fs::read(&built).map_err(told)?;
        let component = shrunk(&component, &file.with_extension("module"))?;
        let mut validator = Validator::new_with_features(WasmFeatures::all());
        validator.validate_all(&component).map_err(|error| format!("{}: {error}", self.file))?;
        fs::write(&file, component).map_err(told)
    }
}

fn compose(guest: &str, client: &str, composed: &str) -> Result<(), String> {
    let program = composer();
    if !program.is_file() {
        return Err(format!("{} is missing; run: cargo xtask setup", program.display()));
    }
    let mut wac = command(&program.to_string_lossy(), &["plug"]);
    wac.arg(dir().join(guest)).arg("--plug").arg(dir().join(client));
    run(wac.arg("-o").arg(dir().join(composed)))
}

/// The file's size and its imports, a line for each.
fn description(file: &Path) -> Result<String, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let bytes = fs::read(file).map_err(|error| told(&error))?;
    let imports = imports(&bytes).map_err(|error| told(&error))?;
    let shown = file.strip_prefix(root()).unwrap_or(file).display();
    let lines = imports.iter().map(|name| format!("\n  imports {name}"));
    Ok(format!("{shown}: {} bytes{}", bytes.len(), lines.collect::<String>()))
}

/// The names of what a component imports.
fn imports(component: &[u8]) -> wasmparser::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            // What is inside imports from the component around it.
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

fn dir() -> PathBuf {
    target_dir().join("components")
}

fn tools() -> PathBuf {
    target_dir().join("tools")
}

fn composer() -> PathBuf {
    tools().join("bin").join(format!("wac{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component that imports the function `a:b/c` and, inside of a component in it, `inner`.
    const NESTED: &[u8] = b"\0asm\x0d\0\x01\0\
        \x07\x05\x01\x40\0\x01\0\
        \x0a\x0a\x01\0\x05a:b/c\x01\0\
        \x04\x1b\0asm\x0d\0\x01\0\
        \x07\x05\x01\x40\0\x01\0\
        \x0a\x0a\x01\0\x05inner\x01\0";

    #[test]
    fn only_the_imports_of_the_whole_are_told() {
        assert_eq!(imports(NESTED).unwrap(), ["a:b/c"]);
        assert!(imports(&NESTED[..20]).is_err());
    }

    #[test]
    fn a_crate_with_several_builds_is_told_once() {
        let manifests = manifests();
        assert_eq!(
            manifests,
            [
                "crates/wasi/Cargo.toml",
                "crates/wasi-async/Cargo.toml",
                "examples/plugin-rust/guest/Cargo.toml",
                "tests/component/guests/async/Cargo.toml"
            ]
        );
    }
}
