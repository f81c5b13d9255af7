//! Connections to a real server that a proxy cuts at every byte.

use std::time::Duration;

use beanwire::{Consumer, Delivery, ErrorKind, JobId, Outcome, Producer};
use beanwire_tests::{Beanstalkd, CuttingProxy, RawClient, wait_until};

use crate::{ended, quick, ready};

const PUT: &str = "put 1024 0 60 5\r\nhello\r\n";

/// A server with a proxy in front, and a producer behind that.
struct Way {
    // Before the server, so that it is closed first.
    producer: Producer,
    proxy: CuttingProxy,
    raw: RawClient,
    server: Beanstalkd,
}

impl Way {
    async fn new(delivery: Delivery) -> Self {
        let server = Beanstalkd::start();
        let proxy = CuttingProxy::start(server.addr());
        let config = quick().delivery(delivery).build().unwrap();
        let producer = Producer::open(proxy.uri(), config).await.unwrap();
        Self { producer, raw: server.raw(), proxy, server }
    }

    /// Waits until a connection answers: the last cut is over for it.
    async fn settle(&self) {
        let server = self.producer.servers().remove(0);
        loop {
            ready(&self.producer).await;
            let error = ended(self.producer.delete(&server, u64::MAX)).await.unwrap_err();
            if error.kind() == ErrorKind::NotFound {
                return;
            }
        }
    }

    /// Puts while `cut` holds, and takes the cut back once a new connection is asked for.
    async fn put(&mut self, cut: impl Fn(&CuttingProxy)) -> Result<JobId, (ErrorKind, Outcome)> {
        self.settle().await;
        let before = self.proxy.connections();
        cut(&self.proxy);
        let put = tokio::spawn({
            let producer = self.producer.clone();
            async move { producer.put("default", "hello").await }
        });
        wait_until("it is cut", || self.proxy.connections() > before);
        self.proxy.forward_all();
        let result = ended(put).await.unwrap();
        result.map(|job| job.id).map_err(|error| (error.kind(), error.outcome()))
    }

    /// Empties the queue, and tells how many jobs there were.
    fn take_all(&mut self) -> usize {
        // Whatever the old connection brought has been read: the server reads in turn.
        self.server.raw().stats();
        let mut count = 0;
        while let Some((id, body)) = self.raw.reserve("default") {
            assert_eq!(body, b"hello");
            assert_eq!(self.raw.command(&format!("delete {id}")), "DELETED");
            count += 1;
        }
        count
    }
}

const IN_DOUBT: (ErrorKind, Outcome) = (ErrorKind::Disconnected, Outcome::Unknown);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_cut_on_its_way_at_any_byte_is_never_half_done_or_doubled_at_most_once() {
    let mut way = Way::new(Delivery::AtMostOnce).await;
    for bytes in 0..=PUT.len() {
        let result = way.put(|proxy| proxy.cut_after_to_server(bytes)).await;
        assert_eq!(result.unwrap_err(), IN_DOUBT, "cut after {bytes}");
        let jobs = way.take_all();
        if bytes == PUT.len() {
            // All of it arrived: the server may read it after this test has looked.
            assert!(jobs <= 1, "doubled");
        } else {
            assert_eq!(jobs, 0, "cut after {bytes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_cut_on_its_way_at_any_byte_is_put_again_at_least_once() {
    let mut way = Way::new(Delivery::AtLeastOnce).await;
    for bytes in 0..=PUT.len() {
        let id = way.put(|proxy| proxy.cut_after_to_server(bytes)).await.unwrap();
        assert_eq!(way.raw.stats_job(id.0)["state"], "ready");
        let jobs = way.take_all();
        if bytes == PUT.len() {
            assert!((1..=2).contains(&jobs), "{jobs}");
        } else {
            assert_eq!(jobs, 1, "cut after {bytes}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_whose_answer_is_cut_at_any_byte_exists_exactly_once_at_most_once() {
    let mut way = Way::new(Delivery::AtMostOnce).await;
    for bytes in 0.."INSERTED 1\r\n".len() {
        let result = way.put(|proxy| proxy.cut_after_to_client(bytes)).await;
        assert_eq!(result.unwrap_err(), IN_DOUBT, "cut after {bytes}");
        assert_eq!(way.take_all(), 1, "cut after {bytes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_whose_answer_is_cut_at_any_byte_has_the_id_of_a_real_job_at_least_once() {
    let mut way = Way::new(Delivery::AtLeastOnce).await;
    for bytes in 0.."INSERTED 1\r\n".len() {
        let id = way.put(|proxy| proxy.cut_after_to_client(bytes)).await.unwrap();
        assert_eq!(way.raw.stats_job(id.0)["state"], "ready", "cut after {bytes}");
        assert_eq!(way.take_all(), 2, "cut after {bytes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_reserve_is_cut_at_any_byte_comes_again_whole() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let proxy = CuttingProxy::start(server.addr());
    let consumer = Consumer::open(proxy.uri(), ["t"], quick().build().unwrap()).await.unwrap();
    for bytes in 0.."RESERVED 10 5\r\nhello\r\n".len() {
        let waiting = tokio::spawn({
            let consumer = consumer.clone();
            async move { consumer.next_job().await }
        });
        wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
        let before = proxy.connections();
        proxy.cut_after_to_client(bytes);
        let id = raw.put("t", "hello");
        if bytes + 1 < format!("RESERVED {id} 5\r\nhello\r\n").len() {
            wait_until("it is cut", || proxy.connections() > before);
        }
        proxy.forward_all();
        let job = ended(waiting).await.unwrap().unwrap();
        assert_eq!((job.id().0, &job.body()[..]), (id, &b"hello"[..]), "cut after {bytes}");
        ended(job.delete()).await.unwrap();
    }
    ended(consumer.close(Duration::from_secs(5))).await;
}
