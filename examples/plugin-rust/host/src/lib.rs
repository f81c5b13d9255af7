//! A host that lets a plugin reach one server and nothing else.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

pub use bindings::exports::example::thumbnails::thumbnails::Summary;

#[allow(missing_docs, unreachable_pub, reason = "generated")]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../../wit", "../guest/wit"],
        world: "example:thumbnails/composed",
        exports: { default: async },
    });
}

/// How long a run may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an instance has on this side.
struct State {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

/// A composed plugin, compiled and ready to be instantiated any number of times.
#[expect(missing_debug_implementations, reason = "the generated code has none")]
pub struct Plugin {
    engine: Engine,
    prepared: bindings::ComposedPre<State>,
}

impl Plugin {
    /// Compiles a composed plugin.
    ///
    /// # Errors
    /// If the file cannot be read, is no such plugin, or imports more than WASI 0.2 has.
    pub fn load(file: &Path) -> Result<Self> {
        let engine = Engine::default();
        let component = Component::from_file(&engine, file)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
        let prepared = bindings::ComposedPre::new(linker.instantiate_pre(&component)?)?;
        Ok(Self { engine, prepared })
    }

    /// Runs the plugin for these images with `server`, in an instance of its own that can reach
    /// `granted` and nothing else. What the plugin complains about is the inner error.
    ///
    /// # Errors
    /// If the plugin traps or takes longer than a minute.
    pub async fn run(
        &self,
        granted: SocketAddr,
        server: &str,
        images: &[String],
    ) -> Result<Result<Summary, String>> {
        let state = State { context: context(granted), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        let run = async {
            let plugin = self.prepared.instantiate_async(&mut store).await?;
            plugin.example_thumbnails_thumbnails().call_run(&mut store, server, images).await
        };
        // Where the guest waits, a call can be dropped; its instance is of no use after that.
        tokio::time::timeout(PATIENCE, run).await?
    }
}

/// What the instance may do: open TCP connections to one address.
fn context(granted: SocketAddr) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder.allow_tcp(true).allow_udp(false).allow_ip_name_lookup(false);
    builder.socket_addr_check(move |addr, purpose| {
        let allowed = match purpose {
            SocketAddrUse::TcpConnect => addr == granted,
            // A socket is bound to a port of the system's choice before it connects.
            SocketAddrUse::TcpBind => addr.ip().is_unspecified() && addr.port() == 0,
            _ => false,
        };
        Box::pin(async move { allowed })
    });
    builder.build()
}

/// The code in the documentation of the component, which is compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../../docs/wasi.md")]
struct Documentation;
