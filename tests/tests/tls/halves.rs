//! Waiting reserves that are ended by ending the sending direction of TLS alone.

use std::time::Duration;

use beanwire::{Connection, Consumer};
use beanwire_tests::wait_until;
use futures_util::FutureExt as _;

use crate::{Secured, ended};

/// A connection that is merely given up would be closed this late.
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_reserve_ends_at_the_server_as_soon_as_nobody_wants_it() {
    for server in Secured::both().await {
        let config = server.config().command_timeout(HOUR).build().unwrap();
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        let mut raw = server.raw();
        for _ in 0..5 {
            let mut waiting = Box::pin(consumer.next_job());
            assert!((&mut waiting).now_or_never().is_none());
            wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
            drop(waiting);
            drop(consumer.jobs());
            wait_until("it is ended", || raw.stats()["current-waiting"] == "0");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_meets_the_end_of_its_reserve_is_not_lost() {
    for server in Secured::both().await {
        let config = server.config().command_timeout(HOUR).build().unwrap();
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        let mut raw = server.raw();
        for round in 0..50_u32 {
            let mut waiting = Box::pin(consumer.next_job());
            assert!((&mut waiting).now_or_never().is_none());
            wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
            let put = std::thread::spawn({
                let mut raw = server.raw();
                move || {
                    // Now before the end, now behind it.
                    std::thread::sleep(Duration::from_micros(u64::from(round % 10) * 50));
                    // It would stay reserved for as long if its holder were not told.
                    raw.put_with("t", round.to_string(), 0, 0, 3600)
                }
            });
            drop(waiting);
            drop(consumer.jobs());
            let id = put.join().unwrap();
            let job = ended(consumer.next_job()).await.unwrap();
            assert_eq!((job.id().0, &job.body()[..]), (id, round.to_string().as_bytes()));
            ended(job.delete()).await.unwrap();
        }
        assert_eq!(raw.stats()["cmd-delete"], "50");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_answers_again_when_its_reserve_was_given_up() {
    for server in Secured::both().await {
        let config = server.config().command_timeout(Duration::from_secs(10)).build().unwrap();
        let connection = Connection::open(server.uri(), config).await.unwrap();
        connection.watch("t").await.unwrap();
        let mut raw = server.raw();
        let mut waiting = Box::pin(connection.reserve());
        assert!((&mut waiting).now_or_never().is_none());
        wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
        drop(waiting);
        let watched = ended(connection.list_tubes_watched()).await.unwrap();
        assert_eq!(watched.len(), 2);
        assert_eq!(raw.stats()["current-waiting"], "0");
    }
}
