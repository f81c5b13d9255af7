//! An instance, what it may do, and its calls.

use std::net::SocketAddr;

use beanwire_bench_program::{Options, Result};
use wasmtime::component::{ResourceAny, ResourceTable};
use wasmtime::{Engine, Store};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::exports::beanwire::client::types::{Config, Error, NewJob};
use crate::bindings::{Client, ClientPre};

/// How long a call may wait for a job, in milliseconds.
const LONG: u64 = 3_600_000;

/// How long an instance may take to close, in milliseconds.
const PATIENCE: u64 = 10_000;

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

/// Lets an instance connect to the server and nothing else.
fn grants(server: SocketAddr) -> WasiCtx {
    let mut builder = WasiCtx::builder();
    builder.allow_tcp(true).allow_udp(false).allow_ip_name_lookup(false);
    builder.socket_addr_check(move |addr, purpose| {
        let allowed = match purpose {
            SocketAddrUse::TcpConnect => addr == server,
            SocketAddrUse::TcpBind => addr.ip().is_unspecified() && addr.port() == 0,
            _ => false,
        };
        Box::pin(async move { allowed })
    });
    builder.build()
}

/// An instance.
pub(crate) struct Instance {
    store: Store<State>,
    client: Client,
}

impl Instance {
    /// Makes one.
    pub(crate) async fn make(
        engine: &Engine,
        prepared: &ClientPre<State>,
        server: SocketAddr,
    ) -> Result<Self> {
        let state = State { context: grants(server), table: ResourceTable::new() };
        let mut store = Store::new(engine, state);
        let client = prepared.instantiate_async(&mut store).await?;
        Ok(Self { store, client })
    }

    /// A producer with so many connections.
    pub(crate) async fn producer(
        mut self,
        options: &Options,
        connections: usize,
    ) -> Result<Producer> {
        let uris = [options.uri.clone()];
        let config = Config { multiply: Some(u32::try_from(connections)?), ..DEFAULTS };
        let guest = self.client.beanwire_client_producer().producer();
        let opened = guest.call_open(&mut self.store, &uris, Some(&config)).await?;
        let resource = opened.map_err(text)?;
        Ok(Producer { instance: self, resource })
    }

    /// A consumer of the tube.
    pub(crate) async fn consumer(mut self, options: &Options) -> Result<Consumer> {
        let (uris, tubes) = ([options.uri.clone()], [options.tube.clone()]);
        let most = u32::try_from(options.connections)?;
        let config = Config { max_connections: Some(most), ..DEFAULTS };
        let guest = self.client.beanwire_client_consumer().consumer();
        let opened = guest.call_open(&mut self.store, &uris, &tubes, Some(&config)).await?;
        let resource = opened.map_err(text)?;
        Ok(Consumer { instance: self, resource })
    }
}

/// A producer and its instance.
pub(crate) struct Producer {
    instance: Instance,
    resource: ResourceAny,
}

impl Producer {
    pub(crate) async fn put(&mut self, tube: &str, body: &[u8]) -> Result<()> {
        let Instance { store, client } = &mut self.instance;
        let guest = client.beanwire_client_producer().producer();
        let put = guest.call_put(store, self.resource, tube, body, None, None).await?;
        Ok(put.map(drop).map_err(text)?)
    }

    pub(crate) async fn put_many(&mut self, jobs: &[NewJob]) -> Result<()> {
        let Instance { store, client } = &mut self.instance;
        let guest = client.beanwire_client_producer().producer();
        let puts = guest.call_put_many(store, self.resource, jobs, None).await?;
        Ok(puts.into_iter().try_for_each(|put| put.map(drop)).map_err(text)?)
    }

    pub(crate) async fn close(mut self) -> Result<()> {
        let guest = self.instance.client.beanwire_client_producer().producer();
        guest.call_close(&mut self.instance.store, self.resource, PATIENCE).await?;
        Ok(())
    }
}

/// A consumer and its instance.
pub(crate) struct Consumer {
    instance: Instance,
    resource: ResourceAny,
}

impl Consumer {
    /// Waits for a job.
    pub(crate) async fn receive(&mut self) -> Result<ResourceAny> {
        let Instance { store, client } = &mut self.instance;
        let guest = client.beanwire_client_consumer().consumer();
        let received = guest.call_receive(store, self.resource, LONG).await?;
        Ok(received.map_err(text)?.ok_or("no job")?)
    }

    /// Waits for a job, and takes at most so many.
    pub(crate) async fn receive_many(&mut self, most: usize) -> Result<Vec<ResourceAny>> {
        let (Instance { store, client }, most) = (&mut self.instance, u32::try_from(most)?);
        let guest = client.beanwire_client_consumer().consumer();
        let received = guest.call_receive_many(store, self.resource, most, LONG).await?;
        Ok(received.map_err(text)?)
    }

    /// The size of the job's body, which is copied out of the instance as for any handler.
    pub(crate) async fn size(&mut self, job: ResourceAny) -> Result<usize> {
        let Instance { store, client } = &mut self.instance;
        let guest = client.beanwire_client_consumer().job();
        Ok(guest.call_body(store, job).await?.len())
    }

    pub(crate) async fn delete(&mut self, job: ResourceAny) -> Result<()> {
        let Instance { store, client } = &mut self.instance;
        let guest = client.beanwire_client_consumer().job();
        guest.call_delete(&mut *store, job).await?.map_err(text)?;
        Ok(job.resource_drop_async(store).await?)
    }

    pub(crate) async fn delete_many(&mut self, jobs: &[ResourceAny]) -> Result<()> {
        let Instance { store, client } = &mut self.instance;
        let guest = client.beanwire_client_consumer().consumer();
        let deleted = guest.call_delete_many(&mut *store, jobs).await?;
        deleted.into_iter().collect::<std::result::Result<(), _>>().map_err(text)?;
        for job in jobs {
            job.resource_drop_async(&mut *store).await?;
        }
        Ok(())
    }

    pub(crate) async fn close(mut self) -> Result<()> {
        let guest = self.instance.client.beanwire_client_consumer().consumer();
        guest.call_close(&mut self.instance.store, self.resource, PATIENCE).await?;
        Ok(())
    }
}

fn text(error: Error) -> String {
    error.message
}

/// Settings that leave everything at its default.
const DEFAULTS: Config = Config {
    multiply: None,
    max_connections: None,
    connect_timeout_ms: None,
    command_timeout_ms: None,
    put_timeout_ms: None,
    reserve_timeout_ms: None,
    reconnect_min_ms: None,
    reconnect_max_ms: None,
    delivery: None,
    auto_touch: None,
    failure: None,
    max_body_size: None,
    max_pending_bytes: None,
    tls: None,
    validate_uris: None,
};
