//! The component files, each compiled once per program.

use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use wasmtime::Engine;
use wasmtime::component::{self, Linker};

use crate::bindings::ClientPre;
use crate::host::State;

static ENGINE: LazyLock<Engine> = LazyLock::new(Engine::default);

/// A build of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Component {
    /// Without TLS.
    Plain,
    /// With TLS.
    Tls,
}

impl Component {
    /// Where its file is.
    #[must_use]
    pub fn path(self) -> PathBuf {
        target_dir().join("components").join(self.name())
    }

    /// The file's content.
    ///
    /// # Panics
    /// If it was not built.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let missing =
            format!("target/components/{} is missing; run: cargo xtask wasm", self.name());
        std::fs::read(self.path()).unwrap_or_else(|_| panic!("{missing}"))
    }

    /// What is left to do is the same for every instance.
    pub(crate) fn prepared(self) -> &'static ClientPre<State> {
        static PLAIN: OnceLock<ClientPre<State>> = OnceLock::new();
        static TLS: OnceLock<ClientPre<State>> = OnceLock::new();
        let prepared = match self {
            Self::Plain => &PLAIN,
            Self::Tls => &TLS,
        };
        prepared.get_or_init(|| {
            let component = component::Component::new(&ENGINE, self.bytes()).expect("a component");
            let mut linker = Linker::new(&ENGINE);
            wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("an empty linker");
            let instance = linker.instantiate_pre(&component).expect("imports of WASI 0.2 only");
            ClientPre::new(instance).expect("the world `client`")
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "client.wasm",
            Self::Tls => "client-tls.wasm",
        }
    }
}

/// Where Cargo puts what it builds.
fn target_dir() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.ancestors().nth(2).expect("a workspace");
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}
