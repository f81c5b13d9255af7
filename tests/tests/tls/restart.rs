//! What speaks TLS ends and comes back.

use beanwire::{Connection, Consumer, NewJob, Producer};
use beanwire_tests::wait_until;

use crate::{Secured, ended};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_find_a_restarted_server_again() {
    for mut server in Secured::both().await {
        let config = server.config().build().unwrap();
        let producer = Producer::open(server.uri(), config.clone()).await.unwrap();
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        for round in 0..3_u8 {
            let put = ended(producer.put("t", vec![round; 100_000])).await.unwrap();
            let job = ended(consumer.next_job()).await.unwrap();
            assert!(job.id() == put.id && job.body()[..] == vec![round; 100_000]);
            ended(job.delete()).await.unwrap();
            server.restart().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_uses_and_watches_the_same_tubes_after_a_restart() {
    for mut server in Secured::both().await {
        let config = server.config().build().unwrap();
        let connection = Connection::open(server.uri(), config).await.unwrap();
        connection.use_tube("mail").await.unwrap();
        connection.watch("mail").await.unwrap();
        connection.ignore("default").await.unwrap();
        server.restart().await;
        // A call that the end of the connection overtakes fails; what comes later does not.
        wait_until("it is up again", || {
            let lost = connection.health().servers[0].last_error.is_some();
            connection.is_connected() && !lost
        });
        let used = loop {
            if let Ok(used) = ended(connection.list_tube_used()).await {
                break used;
            }
        };
        assert_eq!(used.as_str(), "mail");
        let watched = ended(connection.list_tubes_watched()).await.unwrap();
        assert_eq!(watched.iter().map(|tube| tube.as_str()).collect::<Vec<_>>(), ["mail"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_in_the_middle_of_many_puts_loses_none_of_them() {
    const JOBS: usize = 3_000;
    // The embedded server keeps its jobs no longer than itself.
    let mut server = Secured::stunnel();
    let config = server.config().build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    let puts = tokio::spawn(async move {
        let jobs = (0..JOBS).map(|number| NewJob::new("t", vec![b'x'; number]).unwrap());
        producer.put_many(jobs).await
    });
    let mut raw = server.raw();
    wait_until("puts are under way", || raw.stats()["total-jobs"] != "0");
    server.restart().await;
    for (number, result) in ended(puts).await.unwrap().into_iter().enumerate() {
        let job = result.unwrap_or_else(|error| panic!("job {number}: {error}"));
        let reply = raw.ask(&format!("peek {}", job.id));
        assert!(reply.starts_with(&format!("FOUND {} {number}\r\n", job.id)), "job {number}");
    }
}
