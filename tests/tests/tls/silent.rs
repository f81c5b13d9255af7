//! Servers whose side of TLS takes bytes and gives none.

use beanwire::{Config, Connection, Consumer, Delivery, ErrorKind, Outcome, Producer};
use beanwire_tests::wait_until;
use futures_util::FutureExt as _;

use crate::{MAX_JOB_SIZE, Secured, ended, ms};

const TIMED_OUT: (ErrorKind, Outcome) = (ErrorKind::Timeout, Outcome::Unknown);

fn impatient(server: &Secured) -> Config {
    let config = server.config().command_timeout(ms(300)).connect_timeout(ms(2_000));
    config.delivery(Delivery::AtMostOnce).build().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_time_out_and_work_again_once_the_server_goes_on() {
    for server in Secured::both().await {
        let connection = Connection::open(server.uri(), impatient(&server)).await.unwrap();
        connection.use_tube("mail").await.unwrap();
        server.fall_silent();
        let error = ended(connection.stats()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), TIMED_OUT, "{error}");
        server.go_on();
        wait_until("it is connected again", || connection.is_connected());
        assert_eq!(ended(connection.list_tube_used()).await.unwrap().as_str(), "mail");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_times_out_in_doubt_and_is_not_doubled() {
    for server in Secured::both().await {
        let producer = Producer::open(server.uri(), impatient(&server)).await.unwrap();
        ended(producer.put("other", "x")).await.unwrap();
        server.fall_silent();
        let error = ended(producer.put("t", "first")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), TIMED_OUT, "{error}");
        server.go_on();
        ended(producer.put("t", "second")).await.unwrap();
        let mut raw = server.raw();
        wait_until("it arrives, too", || raw.stats_tube("t")["current-jobs-ready"] == "2");
        assert_eq!(raw.stats_tube("t")["total-jobs"], "2");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_no_buffer_holds_times_out_as_not_sent() {
    // The embedded server reads on while it holds its replies back.
    let server = Secured::stunnel();
    let config = server.config().command_timeout(ms(300)).delivery(Delivery::AtMostOnce);
    let config = config.put_timeout(ms(3_000)).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    ended(producer.put("other", "x")).await.unwrap();
    server.fall_silent();
    let error = ended(producer.put("t", vec![b'x'; MAX_JOB_SIZE])).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    server.go_on();
    assert_eq!(server.raw().stats_tube("t").get("total-jobs").map_or("0", |n| n), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_times_out_in_doubt_and_the_consumer_goes_on_afterwards() {
    for server in Secured::both().await {
        server.raw().put("t", "first");
        let config = impatient(&server);
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        let job = ended(consumer.next_job()).await.unwrap();
        server.fall_silent();
        let error = ended(job.delete()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), TIMED_OUT, "{error}");
        server.go_on();
        let id = server.raw().put("t", "second");
        let job = ended(consumer.next_job()).await.unwrap();
        assert_eq!(job.id().0, id, "the delete had reached the server");
        ended(job.delete()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_is_given_up_in_time() {
    for server in Secured::both().await {
        server.fall_silent();
        let config = server.config().connect_timeout(ms(300)).build().unwrap();
        let error = ended(Connection::open(server.uri(), config.clone())).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::NotSent));
        server.go_on();
        let config = server.config().build().unwrap();
        ended(Connection::open(server.uri(), config)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_close_in_time() {
    for server in Secured::both().await {
        let config = server.config().build().unwrap();
        let producer = Producer::open(server.uri(), config.clone()).await.unwrap();
        let consumer = Consumer::open(server.uri(), ["t"], config).await.unwrap();
        ended(producer.put("t", "x")).await.unwrap();
        let job = ended(consumer.next_job()).await.unwrap();
        server.fall_silent();
        let mut put = Box::pin(producer.put("t", "x").into_future());
        assert!((&mut put).now_or_never().is_none());
        // The connection's own task writes; give it the chance.
        tokio::task::yield_now().await;
        assert_eq!(ended(producer.close(ms(50))).await.abandoned_operations, 1);
        assert_eq!(ended(put).await.unwrap_err().kind(), ErrorKind::Closed);
        assert_eq!(ended(consumer.close(ms(50))).await.abandoned_jobs, 1);
        ended(job.lost()).await;
        server.go_on();
        let mut raw = server.raw();
        wait_until("the job is back", || raw.stats()["current-jobs-reserved"] == "0");
    }
}
