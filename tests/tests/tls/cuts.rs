//! Connections that are cut in the middle of what TLS carries.

use std::sync::Arc;
use std::time::Duration;

use beanwire::{Consumer, Delivery, ErrorKind, Outcome, Producer};
use beanwire_tests::{CuttingProxy, wait_until};

use crate::{Secured, ended, pattern};

const SIZE: usize = 4 << 20;

/// Where a put of that size is cut: in its first record, within what rustls buffers, and far behind.
const CUTS: [usize; 5] = [1, 100, 40_000, 400_000, 4_000_000];

fn uri(proxy: &CuttingProxy) -> String {
    format!("beanstalks://{}", proxy.addr())
}

async fn producer(server: &Secured, proxy: &CuttingProxy, delivery: Delivery) -> Producer {
    let config = server.config().delivery(delivery).build().unwrap();
    let producer = Producer::open(uri(proxy), config).await.unwrap();
    settle(&producer).await;
    producer
}

/// Waits until a connection answers: the last cut is over for it.
async fn settle(producer: &Producer) {
    let server = producer.servers().remove(0);
    loop {
        ended(producer.ready(Duration::from_secs(30))).await.unwrap();
        let error = ended(producer.delete(&server, u64::MAX)).await.unwrap_err();
        if error.kind() == ErrorKind::NotFound {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_cut_on_its_way_is_put_again_whole() {
    for server in Secured::both().await {
        for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
            let proxy = Arc::new(CuttingProxy::start(server.addr()));
            let producer = producer(&server, &proxy, delivery).await;
            let mut raw = server.raw();
            for bytes in CUTS {
                settle(&producer).await;
                let before = proxy.connections();
                proxy.cut_after_to_server(bytes);
                let put = tokio::spawn({
                    let producer = producer.clone();
                    async move { producer.put("t", pattern(SIZE)).await }
                });
                wait_until("it is cut", || proxy.connections() > before);
                proxy.forward_all();
                let result = ended(put).await.unwrap();
                // What was not written whole is known not to have been done.
                let found = raw.reserve("t");
                match result {
                    Ok(job) => {
                        let (id, body) = found.expect("the job whose id was told");
                        assert!(id == job.id.0 && body == pattern(SIZE), "cut after {bytes}");
                        assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
                    }
                    // The last pieces may have been out of the client's hands.
                    Err(error) => {
                        assert_eq!(delivery, Delivery::AtMostOnce, "cut after {bytes}: {error}");
                        assert_eq!(error.outcome(), Outcome::Unknown, "cut after {bytes}: {error}");
                        assert_eq!(found, None, "cut after {bytes}");
                    }
                }
                assert_eq!(raw.reserve("t"), None, "doubled, cut after {bytes}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_whose_answer_is_cut_exists_exactly_once_at_most_once() {
    for server in Secured::both().await {
        let proxy = CuttingProxy::start(server.addr());
        let producer = producer(&server, &proxy, Delivery::AtMostOnce).await;
        for bytes in [0, 1, 10] {
            settle(&producer).await;
            proxy.cut_after_to_client(bytes);
            let error = ended(producer.put("t", "hello")).await.unwrap_err();
            let found = (error.kind(), error.outcome());
            assert_eq!(found, (ErrorKind::Disconnected, Outcome::Unknown), "cut after {bytes}");
            proxy.forward_all();
            let mut raw = server.raw();
            let (id, body) = raw.reserve("t").expect("it had arrived");
            assert_eq!(body, b"hello");
            assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
            assert_eq!(raw.reserve("t"), None, "doubled, cut after {bytes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_job_that_is_cut_on_its_way_to_a_consumer_comes_again_whole() {
    for server in Secured::both().await {
        let proxy = CuttingProxy::start(server.addr());
        let config = server.config().build().unwrap();
        let consumer = Consumer::open(uri(&proxy), ["t"], config.clone()).await.unwrap();
        let producer = Producer::open(server.uri(), config).await.unwrap();
        for bytes in CUTS {
            let waiting = tokio::spawn({
                let consumer = consumer.clone();
                async move { consumer.next_job().await }
            });
            let mut raw = server.raw();
            wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
            let before = proxy.connections();
            proxy.cut_after_to_client(bytes);
            let put = ended(producer.put("t", pattern(SIZE))).await.unwrap();
            wait_until("it is cut", || proxy.connections() > before);
            proxy.forward_all();
            let job = ended(waiting).await.unwrap().unwrap();
            assert!(job.id() == put.id && job.body()[..] == pattern(SIZE), "cut after {bytes}");
            ended(job.delete()).await.unwrap();
        }
    }
}
