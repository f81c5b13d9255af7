//! An instance and its calls.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use tokio::runtime::{self, Runtime};
use wasmtime::Store;
use wasmtime::component::{ResourceAny, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::Client;
use crate::component::Component;
use crate::grants::Grants;

/// How long a call may take before it must be hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// What all instances run on, and what a native client beside them should.
///
/// # Panics
/// If the system has no threads to give.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime")
    });
    &RUNTIME
}

/// What belongs to an instance on the host's side.
pub(crate) struct State {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

struct Instance {
    store: Store<State>,
    client: Client,
}

/// One instance of a component. Clones share it; calls of several threads wait for each other.
#[derive(Clone)]
pub struct Host(Arc<Mutex<Instance>>);

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").finish_non_exhaustive()
    }
}

impl Host {
    /// Makes an instance with these grants.
    ///
    /// # Panics
    /// If the component's file is missing, or is no component of ours.
    #[must_use]
    pub fn start(component: Component, grants: Grants) -> Self {
        let prepared = component.prepared();
        let state = State { context: grants.context(), table: ResourceTable::new() };
        let mut store = Store::new(prepared.engine(), state);
        let client = runtime().block_on(prepared.instantiate_async(&mut store));
        Self(Arc::new(Mutex::new(Instance { store, client: client.expect("an instance") })))
    }

    /// Runs a call to its end.
    pub(crate) fn call<T>(
        &self,
        call: impl AsyncFnOnce(&Client, &mut Store<State>) -> wasmtime::Result<T>,
    ) -> T {
        let mut instance = self.0.lock().expect("an instance that has not failed");
        let Instance { store, client } = &mut *instance;
        let call = async { tokio::time::timeout(PATIENCE, call(client, store)).await };
        let result = runtime().block_on(call).expect("a call that ends");
        result.unwrap_or_else(|trap| panic!("the component trapped: {trap:?}"))
    }

    /// Drops a resource of the guest. In a test that fails already the instance may be unusable.
    pub(crate) fn release(&self, resource: ResourceAny) {
        if !std::thread::panicking() {
            self.call(async |_, store| resource.resource_drop_async(store).await);
        }
    }
}
