//! The component, compiled before.

use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use beanwire_bench_program::Result;
use wasmtime::Engine;
use wasmtime::component::{Component, Linker};

use crate::bindings::ClientPre;
use crate::instance::State;

const FILE: &str = "client.wasm";

/// What all instances share.
pub(crate) struct Program {
    pub(crate) engine: Engine,
    linker: Linker<State>,
    compiled: PathBuf,
}

impl Program {
    /// Finds what was compiled from this very component by an engine like this one, or compiles it.
    pub(crate) fn open() -> Result<Self> {
        let engine = Engine::default();
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let dir = target_dir()?.join("components");
        let bytes = fs::read(dir.join(FILE))
            .map_err(|error| format!("target/components/{FILE}: {error}; run: cargo xtask wasm"))?;
        let mut key = DefaultHasher::new();
        bytes.hash(&mut key);
        engine.precompile_compatibility_hash().hash(&mut key);
        let compiled = dir.join(format!("client-{:016x}.cwasm", key.finish()));
        if !compiled.is_file() {
            // Under another name first: nobody must find half of it.
            let partial = compiled.with_extension(std::process::id().to_string());
            fs::write(&partial, engine.precompile_component(&bytes)?)?;
            fs::rename(partial, &compiled)?;
        }
        Ok(Self { engine, linker, compiled })
    }

    /// Loads it.
    pub(crate) fn load(&self) -> Result<ClientPre<State>> {
        // SAFETY: the file was written by `open` of this program, from `precompile_component`, and
        // under its name nobody writes to it again.
        #[expect(unsafe_code, reason = "compiled code is trusted to be code")]
        let component = unsafe { Component::deserialize_file(&self.engine, &self.compiled) }?;
        Ok(ClientPre::new(self.linker.instantiate_pre(&component)?)?)
    }
}

/// Where Cargo puts what it builds.
fn target_dir() -> Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(3).ok_or("no workspace")?;
    Ok(root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into())))
}
