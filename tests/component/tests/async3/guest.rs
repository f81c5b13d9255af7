//! A guest that is composed with the client: unlike a host it can give calls up.

use std::sync::Arc;

use beanwire_component_tests::{Grants, runtime};
use beanwire_tests::Beanstalkd;
use futures_util::future::join;
use tokio::sync::Notify;
use wasmtime::Store;
use wasmtime::component::{Instance, Linker};

use crate::host::{State, load, run};
use crate::{TUBE, count, wait_until};

struct Guest {
    store: Store<State>,
    instance: Instance,
    give_up: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Guest {
    fn start(server: &Beanstalkd) -> Self {
        let (component, mut linker) = load("async-plugin.wasm");
        let give_up = signal(&mut linker, "give-up");
        let go_on = signal(&mut linker, "go-on");
        let grants = Grants::connect(server.addr());
        let mut store = Store::new(linker.engine(), State::new(grants));
        let instance = runtime().block_on(linker.instantiate_async(&mut store, &component));
        Self { store, instance: instance.unwrap(), give_up, go_on }
    }

    /// Gives up what `function` does, as soon as its reserve waits, and tells the job that the guest
    /// gets when it does it again.
    fn give_up_and_go_on(&mut self, server: &Beanstalkd, function: &str) {
        let Self { store, instance, give_up, go_on } = self;
        let function = instance.get_typed_func::<(String, String), (u64,)>(&mut *store, function);
        let function = function.unwrap();
        run(store, async |accessor| {
            let mut raw = server.raw();
            let control = async {
                wait_until("a reserve waits", || count(&mut raw, "current-waiting") == 1).await;
                give_up.notify_one();
                wait_until("it is taken back", || count(&mut raw, "current-waiting") == 0).await;
                let id = raw.put(TUBE, "x");
                assert_eq!(count(&mut raw, "current-jobs-ready"), 1);
                go_on.notify_one();
                id
            };
            let call = function.call_concurrent(accessor, (server.uri(), TUBE.to_owned()));
            let (result, id) = join(call, control).await;
            assert_eq!(result.unwrap(), (id,));
            assert!(raw.stats_job(id).is_empty());
        });
    }
}

/// Has the guest wait in this import until it is notified.
fn signal(linker: &mut Linker<State>, name: &str) -> Arc<Notify> {
    let notify = Arc::new(Notify::new());
    let known = Arc::clone(&notify);
    let import = linker.root().func_wrap_concurrent(name, move |_, ()| {
        let notify = Arc::clone(&known);
        Box::pin(async move {
            notify.notified().await;
            Ok(())
        })
    });
    import.unwrap();
    notify
}

#[test]
fn a_receive_that_is_given_up_leaves_nothing_reserved() {
    let server = Beanstalkd::start();
    Guest::start(&server).give_up_and_go_on(&server, "receive");
}

#[test]
fn a_reader_that_stops_to_ask_leaves_nothing_reserved() {
    let server = Beanstalkd::start();
    Guest::start(&server).give_up_and_go_on(&server, "read");
}

#[test]
fn a_guest_reads_some_jobs_and_the_others_stay() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let put: Vec<u64> = (0..5).map(|_| raw.put(TUBE, "x")).collect();
    let Guest { mut store, instance, go_on, .. } = Guest::start(&server);
    let read_many = instance.get_typed_func(&mut store, "read-many").unwrap();
    run(&mut store, async |accessor| {
        let call = read_many.call_concurrent(accessor, (server.uri(), TUBE.to_owned(), 3_u32));
        let control = async {
            wait_until("three are deleted", || count(&mut raw, "cmd-delete") == 3).await;
            assert_eq!(count(&mut raw, "current-jobs-ready"), 2);
            assert_eq!(count(&mut raw, "current-jobs-reserved"), 0);
            go_on.notify_one();
        };
        let (result, ()) = join(call, control).await;
        let (ids,): (Vec<u64>,) = result.unwrap();
        assert_eq!(ids, put[..3]);
    });
}
