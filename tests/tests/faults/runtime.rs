//! Callers and subscribers that do what nobody expects of them.

use std::future::IntoFuture as _;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};
use std::thread::Thread;
use std::time::Duration;

use beanwire::{Config, Consumer, Error, ErrorKind, Producer};
use beanwire_tests::{Beanstalkd, wait_until};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{self, Layer, SubscriberExt as _};

use crate::{ended, ms, quick, ready};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_limit_without_end_is_one() {
    let mut server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    ended(producer.ready(Duration::MAX)).await.unwrap();
    ended(producer.put("t", "x").timeout(Duration::MAX)).await.unwrap();
    // Time still passes for everything else.
    server.kill();
    let error = ended(producer.put("t", "x").timeout(ms(100))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Disconnected);
    server.restart();
    ready(&producer).await;
    let report = ended(producer.close(Duration::MAX)).await;
    assert_eq!(report.abandoned_operations, 0);
}

/// Panics at each of its events, and counts them.
struct Panics(&'static AtomicUsize);

impl<S: Subscriber> Layer<S> for Panics {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        if event.metadata().target() == "beanwire" {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic!("a subscriber with a fault");
        }
    }
}

#[test]
fn a_subscriber_that_panics_does_not_stop_the_client() {
    static EVENTS: AtomicUsize = AtomicUsize::new(0);
    // One thread, for the subscriber is its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _subscriber =
        tracing::subscriber::set_default(tracing_subscriber::registry().with(Panics(&EVENTS)));
    runtime.block_on(async {
        let mut server = Beanstalkd::start();
        let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
        ready(&producer).await;
        server.restart();
        ended(producer.put("t", "x")).await.unwrap();
        ended(producer.close(Duration::from_secs(5))).await;
    });
    assert!(EVENTS.load(Ordering::SeqCst) >= 3, "connected, disconnected, connected");
}

#[test]
fn a_client_whose_runtime_is_gone_is_closed() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = Beanstalkd::start();
    server.raw().put("t", "x");
    let (producer, consumer, job) = {
        let first = runtime();
        first.block_on(async {
            let config = Config::default();
            let producer = Producer::open(server.uri(), config.clone()).await.unwrap();
            let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
            ready(&producer).await;
            let job = ended(consumer.next_job()).await.unwrap();
            (producer, consumer, job)
        })
    };
    assert!(!producer.is_connected());
    assert!(job.is_lost());
    runtime().block_on(async {
        assert_eq!(ended(producer.put("t", "x")).await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(ended(consumer.next_job()).await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(ended(job.delete()).await.unwrap_err().kind(), ErrorKind::JobLost);
        ended(producer.close(Duration::from_secs(5))).await;
    });
    wait_until("the job is back", || server.raw().stats()["current-jobs-ready"] == "1");
}

#[test]
fn a_put_may_be_polled_outside_a_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Beanstalkd::start();
    let config = quick().max_pending_bytes(4096).build().unwrap();
    let producer = runtime.block_on(Producer::open(server.uri(), config)).unwrap();
    server.stop_reading();
    // The first one fills the room for longer than the others wait for it.
    let puts = [ms(2_000), ms(200), ms(200)]
        .map(|limit| producer.put("t", "x".repeat(3000)).timeout(limit).into_future());
    let results = block_on(futures_util::future::join_all(puts));
    let full = |result: &Result<_, Error>| {
        result.as_ref().is_err_and(|error| error.kind() == ErrorKind::QueueFull)
    };
    assert!(results.iter().any(full), "{results:?}");
    server.resume();
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls on this thread, which belongs to no runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::park();
    }
}
