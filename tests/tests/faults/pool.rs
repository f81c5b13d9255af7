//! Several servers, several connections, and what a reconnect brings back.

use std::collections::BTreeSet;
use std::time::Duration;

use beanwire::{Consumer, Producer};
use beanwire_tests::{Beanstalkd, CuttingProxy, wait_until};

use crate::{ended, quick, ready, up};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_goes_on_while_one_of_two_servers_is_dead() {
    let (mut dead, alive) = (Beanstalkd::start(), Beanstalkd::start());
    dead.kill();
    let uris = [dead.uri(), alive.uri()];
    let config = quick().build().unwrap();
    let producer = Producer::open(&uris, config.clone()).await.unwrap();
    let consumer = Consumer::open(&uris, ["t"], config).await.unwrap();
    for _ in 0..20 {
        let put = ended(producer.put("t", "x")).await.unwrap();
        assert_eq!(put.server.to_string(), alive.uri());
        let job = ended(consumer.next_job()).await.unwrap();
        assert_eq!(job.id(), put.id);
        ended(job.delete()).await.unwrap();
    }
    dead.restart();
    wait_until("both are up", || up(&producer.health()) == 2);
    let mut raw = dead.raw();
    let id = raw.put("t", "from the other one");
    let job = ended(consumer.next_job()).await.unwrap();
    assert_eq!((job.id().0, job.server().to_string()), (id, dead.uri()));
    ended(job.delete()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_dies_takes_no_put_with_it() {
    let (mut dying, alive) = (Beanstalkd::start(), Beanstalkd::start());
    let config = quick().build().unwrap();
    let producer = Producer::open([dying.uri(), alive.uri()], config).await.unwrap();
    wait_until("both are up", || up(&producer.health()) == 2);
    let puts: Vec<_> = (0..200)
        .map(|number: u32| {
            let producer = producer.clone();
            tokio::spawn(async move { producer.put("t", number.to_string()).await })
        })
        .collect();
    dying.kill();
    for put in puts {
        ended(put).await.unwrap().unwrap();
    }
    let before = alive.raw().stats()["total-jobs"].clone();
    ended(producer.put("t", "x")).await.unwrap();
    assert_ne!(alive.raw().stats()["total-jobs"], before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_producer_with_four_connections_uses_all_and_puts_each_job_once() {
    let server = Beanstalkd::start();
    let config = quick().multiply(4).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    wait_until("all are up", || up(&producer.health()) == 4);
    let puts: Vec<_> = (0..400_u32)
        .map(|number| {
            let producer = producer.clone();
            let tube = format!("t{}", number % 3);
            tokio::spawn(async move { producer.put(tube, number.to_string()).await })
        })
        .collect();
    let mut ids = BTreeSet::new();
    for put in puts {
        ids.insert(ended(put).await.unwrap().unwrap().id);
    }
    assert_eq!(ids.len(), 400);
    let mut raw = server.raw();
    let stats = raw.stats();
    assert_eq!((&*stats["total-jobs"], &*stats["current-producers"]), ("400", "4"));
    for tube in 0..3 {
        while let Some((id, body)) = raw.reserve(&format!("t{tube}")) {
            let number: u32 = String::from_utf8(body).unwrap().parse().unwrap();
            assert_eq!(number % 3, tube, "job {id}");
            assert_eq!(raw.command(&format!("delete {id}")), "DELETED");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_connections_come_back_after_a_cut() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let config = quick().multiply(4).build().unwrap();
    let producer = Producer::open(proxy.uri(), config).await.unwrap();
    wait_until("all are up", || up(&producer.health()) == 4);
    proxy.cut_now();
    wait_until("all are new", || proxy.connections() >= 8 && up(&producer.health()) == 4);
    ended(producer.put("t", "x")).await.unwrap();
    let mut raw = server.raw();
    wait_until("the old ones are gone", || raw.stats()["current-connections"] == "5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_cut_jobs_go_to_their_tube_and_come_from_it() {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let config = quick().build().unwrap();
    let producer = Producer::open(proxy.uri(), config.clone()).await.unwrap();
    let consumer = Consumer::open(proxy.uri(), ["orders"], config).await.unwrap();
    let mut raw = server.raw();
    for _ in 0..5 {
        raw.put("default", "not for this one");
        let put = ended(producer.put("orders", "x")).await.unwrap();
        assert_eq!(raw.stats_job(put.id.0)["tube"], "orders");
        let job = ended(consumer.next_job()).await.unwrap();
        assert_eq!(job.id(), put.id);
        ended(job.delete()).await.unwrap();
        let before = proxy.connections();
        proxy.cut_now();
        wait_until("both dial again", || proxy.connections() >= before + 2);
        ready(&producer).await;
    }
    assert_eq!(raw.stats_tube("default")["current-jobs-ready"], "5");
    ended(consumer.close(Duration::from_secs(5))).await;
}
