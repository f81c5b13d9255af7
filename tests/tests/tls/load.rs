//! Much to carry, in both directions at once.

use beanwire::{Consumer, Job, NewJob, Producer};
use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{MAX_JOB_SIZE, Secured, ended, pattern};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_larger_than_every_buffer_arrive_whole_and_come_back_whole() {
    for server in Secured::both().await {
        let config = server.config().build().unwrap();
        let producer = Producer::open(server.uri(), config.clone()).await.unwrap();
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        let mut raw = server.raw();
        // Around the 64 KiB that rustls buffers, and far beyond.
        for size in [65_535, 65_536, 65_537, 200_000, 4 << 20, MAX_JOB_SIZE] {
            let body = pattern(size);
            let put = ended(producer.put("t", body.clone())).await.unwrap();
            let (id, found) = raw.reserve("t").unwrap();
            assert!(id == put.id.0 && found == body, "{size} bytes on their way there");
            assert_eq!(raw.command(&format!("release {id} 0 0")), "RELEASED");
            let job = ended(consumer.next_job()).await.unwrap();
            assert!(job.id() == put.id && job.body()[..] == body, "{size} bytes on their way back");
            ended(job.delete()).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_jobs_in_one_call_are_inserted_in_their_order() {
    const JOBS: usize = 5_000;
    for server in Secured::both().await {
        let config = server.config().build().unwrap();
        let producer = Producer::open(server.uri(), config).await.unwrap();
        let jobs = (0..JOBS).map(|number| NewJob::new("t", number.to_string()).unwrap());
        let results = ended(producer.put_many(jobs)).await;
        assert_eq!(results.len(), JOBS);
        let mut raw = server.raw();
        for (number, result) in results.into_iter().enumerate() {
            let found = raw.reserve("t").unwrap();
            assert_eq!(found, (result.unwrap().id.0, number.to_string().into_bytes()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_jobs_pass_in_both_directions_at_once() {
    const JOBS: usize = 40;
    const SIZE: usize = 500_000;
    for server in Secured::both().await {
        let config = server.config().concurrency(4).build().unwrap();
        let producer = Producer::open(server.uri(), config.clone()).await.unwrap();
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        let stop = CancellationToken::new();
        let until = stop.clone();
        let receive = tokio::spawn(async move {
            let handler = |job: Job| async move {
                assert!(job.body()[..] == pattern(SIZE), "job {}", job.id());
                job.delete().await
            };
            consumer.receive(handler).shutdown(until.cancelled_owned()).await
        });
        let puts = (0..JOBS).map(|_| producer.put("t", pattern(SIZE)).into_future());
        for put in ended(join_all(puts)).await {
            put.unwrap();
        }
        let mut raw = server.raw();
        while raw.stats()["cmd-delete"] != JOBS.to_string() {
            assert!(!receive.is_finished());
            tokio::time::sleep(crate::ms(5)).await;
        }
        stop.cancel();
        let report = ended(receive).await.unwrap().unwrap();
        assert_eq!((report.handled, report.failed), (JOBS, 0));
    }
}
