//! A host for the component of WASI 0.3: calls run at once, inside of [`Host::run`].

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};
use std::time::Duration;

use beanwire_component_tests::{Grants, read, runtime};
use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{
    self, Accessor, Linker, ResourceAny, ResourceTable, Source, StreamConsumer, StreamReader,
    StreamResult,
};
use wasmtime::{Config, Engine, Store, StoreContextMut};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::bindings::exports::beanwire::client::types;
use crate::bindings::exports::beanwire::client::types::{
    CloseReport, Error, InsertedJob, JobStats, NewJob, PutOptions,
};
use crate::bindings::{ClientAsync, ClientAsyncPre};

/// How long calls may take before they must be hanging.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct State {
    context: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }
}

impl State {
    pub(crate) fn new(grants: Grants) -> Self {
        Self { context: grants.context(), table: ResourceTable::new() }
    }
}

/// Compiles a file, and gives it WASI 0.3.
pub(crate) fn load(file: &str) -> (component::Component, Linker<State>) {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    let component = component::Component::new(&engine, read(file)).unwrap();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
    (component, linker)
}

/// Lets an instance run until `work` is done; what else it does stands still afterwards.
pub(crate) fn run<T>(store: &mut Store<State>, work: impl AsyncFnOnce(&Accessor<State>) -> T) -> T {
    // A timer inside could not stop a guest that does not let go.
    let run = async { tokio::time::timeout(PATIENCE, store.run_concurrent(work)).await };
    let result = runtime().block_on(run).expect("calls that end");
    result.unwrap_or_else(|trap| panic!("the component trapped: {trap:?}"))
}

/// One instance.
pub(crate) struct Host {
    store: Store<State>,
    client: ClientAsync,
}

/// The instance while it runs.
pub(crate) struct Guest<'a> {
    accessor: &'a Accessor<State>,
    client: &'a ClientAsync,
}

fn prepared() -> &'static ClientAsyncPre<State> {
    static PREPARED: LazyLock<ClientAsyncPre<State>> = LazyLock::new(|| {
        let (component, linker) = load("client-async.wasm");
        let instance = linker.instantiate_pre(&component).expect("imports of WASI 0.3 only");
        ClientAsyncPre::new(instance).unwrap()
    });
    &PREPARED
}

impl Host {
    pub(crate) fn start(grants: Grants) -> Self {
        let mut store = Store::new(prepared().engine(), State::new(grants));
        let client = runtime().block_on(prepared().instantiate_async(&mut store)).unwrap();
        Self { store, client }
    }

    /// Lets the instance run until `work` is done.
    pub(crate) fn run<T>(&mut self, work: impl AsyncFnOnce(&Guest<'_>) -> T) -> T {
        let Self { store, client } = self;
        run(store, async |accessor| work(&Guest { accessor, client }).await)
    }

    /// Drops a resource of the guest.
    pub(crate) fn release(&mut self, resource: impl Into<ResourceAny>) {
        let release = resource.into().resource_drop_async(&mut self.store);
        runtime().block_on(release).unwrap();
    }
}

macro_rules! resources {
    ($($name:ident)*) => {$(
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name(ResourceAny);

        impl From<$name> for ResourceAny {
            fn from(resource: $name) -> Self {
                resource.0
            }
        }
    )*};
}

resources!(Producer Consumer Job);

impl Guest<'_> {
    pub(crate) async fn producer(&self, uris: &[&str]) -> Result<Producer, Error> {
        self.producer_with(uris, None).await
    }

    pub(crate) async fn producer_with(
        &self,
        uris: &[&str],
        config: Option<types::Config>,
    ) -> Result<Producer, Error> {
        let producers = self.client.beanwire_client_async_producer().producer();
        let opened = producers.call_open(self.accessor, strings(uris), config).await;
        opened.unwrap().map(Producer)
    }

    pub(crate) async fn consumer(&self, uris: &[&str], tubes: &[&str]) -> Result<Consumer, Error> {
        self.consumer_with(uris, tubes, None).await
    }

    pub(crate) async fn consumer_with(
        &self,
        uris: &[&str],
        tubes: &[&str],
        config: Option<types::Config>,
    ) -> Result<Consumer, Error> {
        let consumers = self.client.beanwire_client_async_consumer().consumer();
        let (uris, tubes) = (strings(uris), strings(tubes));
        consumers.call_open(self.accessor, uris, tubes, config).await.unwrap().map(Consumer)
    }

    pub(crate) async fn put(
        &self,
        producer: Producer,
        tube: &str,
        body: impl AsRef<[u8]>,
    ) -> Result<InsertedJob, Error> {
        self.put_with(producer, tube, body, None, None).await
    }

    pub(crate) async fn put_with(
        &self,
        producer: Producer,
        tube: &str,
        body: impl AsRef<[u8]>,
        options: Option<PutOptions>,
        timeout_ms: Option<u64>,
    ) -> Result<InsertedJob, Error> {
        let producers = self.client.beanwire_client_async_producer().producer();
        let (tube, body) = (tube.to_owned(), body.as_ref().to_vec());
        let put = producers.call_put(self.accessor, producer.0, tube, body, options, timeout_ms);
        put.await.unwrap()
    }

    pub(crate) async fn put_many(
        &self,
        producer: Producer,
        jobs: Vec<NewJob>,
        timeout_ms: Option<u64>,
    ) -> Vec<Result<InsertedJob, Error>> {
        let producers = self.client.beanwire_client_async_producer().producer();
        producers.call_put_many(self.accessor, producer.0, jobs, timeout_ms).await.unwrap()
    }

    pub(crate) async fn servers(&self, producer: Producer) -> Vec<String> {
        let producers = self.client.beanwire_client_async_producer().producer();
        producers.call_servers(self.accessor, producer.0).await.unwrap()
    }

    pub(crate) async fn close_producer(&self, producer: Producer, timeout_ms: u64) -> CloseReport {
        let producers = self.client.beanwire_client_async_producer().producer();
        producers.call_close(self.accessor, producer.0, timeout_ms).await.unwrap()
    }

    pub(crate) async fn close_consumer(&self, consumer: Consumer, timeout_ms: u64) -> CloseReport {
        let consumers = self.client.beanwire_client_async_consumer().consumer();
        consumers.call_close(self.accessor, consumer.0, timeout_ms).await.unwrap()
    }

    pub(crate) async fn receive(
        &self,
        consumer: Consumer,
        timeout_ms: u64,
    ) -> Result<Option<Job>, Error> {
        let consumers = self.client.beanwire_client_async_consumer().consumer();
        let job = consumers.call_receive(self.accessor, consumer.0, timeout_ms).await.unwrap();
        Ok(job?.map(Job))
    }

    /// The jobs, read by whoever holds the other end.
    pub(crate) async fn jobs(&self, consumer: Consumer) -> Jobs {
        let consumers = self.client.beanwire_client_async_consumer().consumer();
        let stream: StreamReader<ResourceAny> =
            consumers.call_jobs(self.accessor, consumer.0).await.unwrap();
        let (asks, asked) = mpsc::unbounded_channel();
        let reader = Reader { asked, ask: None };
        self.accessor.with(|access| stream.pipe(access, reader)).unwrap();
        Jobs(asks)
    }

    pub(crate) async fn id(&self, job: Job) -> u64 {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_id(self.accessor, job.0).await.unwrap()
    }

    pub(crate) async fn server(&self, job: Job) -> String {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_server(self.accessor, job.0).await.unwrap()
    }

    pub(crate) async fn body(&self, job: Job) -> Vec<u8> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_body(self.accessor, job.0).await.unwrap()
    }

    pub(crate) async fn stats(&self, job: Job) -> Result<JobStats, Error> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_stats(self.accessor, job.0).await.unwrap()
    }

    pub(crate) async fn touch(&self, job: Job) -> Result<(), Error> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_touch(self.accessor, job.0).await.unwrap()
    }

    pub(crate) async fn delete(&self, job: Job) -> Result<(), Error> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_delete(self.accessor, job.0).await.unwrap()
    }

    pub(crate) async fn release(
        &self,
        job: Job,
        priority: Option<u32>,
        delay_ms: Option<u64>,
    ) -> Result<(), Error> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_release(self.accessor, job.0, priority, delay_ms).await.unwrap()
    }

    pub(crate) async fn bury(&self, job: Job, priority: Option<u32>) -> Result<(), Error> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_bury(self.accessor, job.0, priority).await.unwrap()
    }

    pub(crate) async fn fail(&self, job: Job) -> Result<(), Error> {
        let jobs = self.client.beanwire_client_async_consumer().job();
        jobs.call_fail(self.accessor, job.0).await.unwrap()
    }
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// The end of a stream that asks for jobs. Dropping it drops the stream's reader.
pub(crate) struct Jobs(mpsc::UnboundedSender<oneshot::Sender<Job>>);

impl Jobs {
    /// Asks for a job. None once the stream has ended.
    pub(crate) fn next(&self) -> impl Future<Output = Option<Job>> + use<> {
        let (ask, answer) = oneshot::channel();
        // If the stream has ended the answer says so.
        let _ = self.0.send(ask);
        answer.map(Result::ok)
    }
}

/// The host's side of it, which takes a job for each time it is asked.
struct Reader {
    asked: mpsc::UnboundedReceiver<oneshot::Sender<Job>>,
    ask: Option<oneshot::Sender<Job>>,
}

impl StreamConsumer<State> for Reader {
    type Item = ResourceAny;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: StoreContextMut<'_, State>,
        mut source: Source<'_, ResourceAny>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let this = &mut *self;
        if this.ask.is_none() {
            match this.asked.poll_recv(context) {
                Poll::Ready(Some(ask)) => this.ask = Some(ask),
                Poll::Ready(None) => return Poll::Ready(Ok(StreamResult::Dropped)),
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                Poll::Pending => return Poll::Pending,
            }
        } else if this.asked.is_closed() {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        let mut job = None;
        source.read(&mut store, &mut job)?;
        if let Some(job) = job {
            let _ = this.ask.take().map(|ask| ask.send(Job(job)));
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}
