//! Calls that end in time, reach the server in one go, and exist at all.

use std::time::Duration;

use beanwire::{
    Connection, ConnectionState, Consumer, ErrorKind, JobState, Outcome, Producer, TubeName,
};
use beanwire_tests::{Beanstalkd, wait_until};
use futures_util::FutureExt as _;

use crate::{connect, count, ended, ms, peer, quick};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_07_a_put_to_a_silent_server_ends_at_its_own_limit() {
    let peer = peer(|_, conn| conn.until_eof());
    let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
    let error = ended(producer.put("default", "x").timeout(ms(100))).await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Timeout, Outcome::Unknown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_07_every_call_to_a_silent_server_ends_at_command_timeout() {
    let peer = peer(|_, conn| conn.until_eof());
    let config = quick().command_timeout(ms(100)).build().unwrap();
    let connection = Connection::open(peer.uri(), config).await.unwrap();
    let put = ended(connection.put("default", "x")).await;
    assert_eq!(put.unwrap_err().kind(), ErrorKind::Timeout);
    let reserve = ended(connection.reserve_with_timeout(Duration::ZERO)).await;
    assert_eq!(reserve.unwrap_err().kind(), ErrorKind::Timeout);
    let stats = ended(connection.stats()).await;
    assert_eq!(stats.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_07_one_hung_connection_blocks_neither_close_nor_questions() {
    let peer = peer(|_, conn| conn.until_eof());
    let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
    let mut put = Box::pin(producer.put("default", "x").into_future());
    assert!((&mut put).now_or_never().is_none());
    wait_until("the put is sent", || count(&peer, "put") == 1);
    assert!(producer.is_connected());
    assert_eq!(producer.health().servers[0].connections[0].pending, 1);
    let report = ended(producer.close(ms(100))).await;
    assert_eq!(report.abandoned_operations, 1);
    let error = ended(put).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::Unknown));
    let error = ended(producer.put("default", "x")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::Closed, Outcome::NotSent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_07_a_dropped_reserve_does_not_block_the_commands_behind_it() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let mut reserve = Box::pin(connection.reserve());
    assert!((&mut reserve).now_or_never().is_none());
    wait_until("it waits", || raw.stats()["current-waiting"] == "1");
    drop(reserve);
    assert_eq!(ended(connection.list_tube_used()).await.unwrap(), TubeName::default_tube());
    wait_until("nobody waits", || raw.stats()["current-waiting"] == "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_09_a_job_comes_through_a_waiting_reserve_without_polling_or_statistics() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let config = quick().concurrency(1).build().unwrap();
    let consumer = Consumer::open(server.uri(), ["work"], config).await.unwrap();
    let mut waiting = Box::pin(consumer.next_job());
    assert!((&mut waiting).now_or_never().is_none());
    wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
    let before = raw.stats()["cmd-reserve-with-timeout"].clone();
    let id = raw.put("work", "x");
    let job = ended(waiting).await.unwrap();
    assert_eq!(job.id().0, id);
    assert_eq!(before, "1", "one reserve, and it waits");
    job.delete().await.unwrap();
    let stats = raw.stats();
    assert_eq!(stats["cmd-reserve-with-timeout"], before);
    assert_eq!((stats["cmd-stats-job"].as_str(), stats["cmd-delete"].as_str()), ("0", "1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_09_use_and_put_go_out_without_a_wait_between_them() {
    let peer = peer(|_, conn| {
        // Says nothing until it has both.
        let lines = [conn.read_line(), conn.read_line(), conn.read_line()];
        if let [Some(_), Some(_), Some(_)] = lines {
            conn.send("USING mail\r\nINSERTED 4\r\n");
            conn.read_line();
            conn.read_line();
            conn.send("INSERTED 5\r\n");
            conn.until_eof();
        }
    });
    let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
    assert_eq!(ended(producer.put("mail", "x")).await.unwrap().id.0, 4);
    assert_eq!(ended(producer.put("mail", "y")).await.unwrap().id.0, 5);
    let lines: Vec<_> = peer.lines().into_iter().map(|(_, line)| line).collect();
    let put = "put 1024 0 60 1";
    assert_eq!(lines, ["stats", "use mail", put, "x", put, "y"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_15_every_question_of_the_protocol_can_be_asked() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let ready = raw.put("t", "ready");
    let delayed = raw.put_with("t", "delayed", 7, 1000, 60);
    assert_eq!(connection.stats().await.unwrap().version, raw.stats()["version"]);
    assert_eq!(connection.stats_tube("t").await.unwrap().current_jobs_delayed, 1);
    let stats = connection.stats_job(delayed).await.unwrap();
    assert_eq!((stats.state, stats.priority.0), (JobState::Delayed, 7));
    assert_eq!(connection.peek(ready).await.unwrap().body(), "ready");
    assert_eq!(connection.peek_ready("t").await.unwrap().unwrap().id().0, ready);
    assert_eq!(connection.peek_delayed("t").await.unwrap().unwrap().id().0, delayed);
    assert!(connection.peek_buried("t").await.unwrap().is_none());
    connection.use_tube("u").await.unwrap();
    assert_eq!(connection.list_tube_used().await.unwrap().as_str(), "u");
    assert_eq!(connection.watch("t").await.unwrap(), 2);
    assert_eq!(connection.ignore("default").await.unwrap(), 1);
    assert_eq!(connection.ignore("t").await.unwrap_err().kind(), ErrorKind::NotIgnored);
    let watched = connection.list_tubes_watched().await.unwrap();
    assert_eq!(watched.iter().map(TubeName::as_str).collect::<Vec<_>>(), ["t"]);
    let mut tubes = connection.list_tubes().await.unwrap();
    tubes.sort();
    assert_eq!(tubes.iter().map(TubeName::as_str).collect::<Vec<_>>(), ["default", "t", "u"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_15_a_job_is_reserved_by_its_id_and_a_tube_is_paused() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let id = raw.put("elsewhere", "x");
    let job = connection.reserve_job(id).await.unwrap();
    assert_eq!((job.id().0, &job.body()[..]), (id, &b"x"[..]));
    job.bury_with(3).await.unwrap();
    let buried = connection.peek_buried("elsewhere").await.unwrap().unwrap();
    assert_eq!(buried.stats().await.unwrap().priority.0, 3);
    buried.kick().await.unwrap();
    assert_eq!(raw.stats_job(id)["state"], "ready");

    connection.pause_tube("elsewhere", Duration::from_secs(100)).await.unwrap();
    connection.watch("elsewhere").await.unwrap();
    assert!(connection.reserve_with_timeout(Duration::ZERO).await.unwrap().is_none());
    connection.pause_tube("elsewhere", Duration::ZERO).await.unwrap();
    assert!(connection.reserve_with_timeout(Duration::ZERO).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_15_health_tells_of_every_server_and_connection() {
    let mut dead = Beanstalkd::start();
    let server = Beanstalkd::builder().max_job_size(4321).start();
    dead.kill();
    let config = quick().multiply(2).build().unwrap();
    let producer = Producer::open([server.uri(), dead.uri()], config).await.unwrap();
    wait_until("two are up and the other server has failed", || {
        let health = producer.health();
        let up = |c: &&beanwire::ConnectionHealth| c.state == ConnectionState::Up;
        let ups = health.servers[0].connections.iter().filter(up).count();
        ups == 2 && health.servers[1].last_error.is_some()
    });
    let health = producer.health();
    assert_eq!(health.servers[0].max_job_size, Some(4321));
    assert_eq!(health.servers[0].version, server.raw().stats()["version"]);
    assert_eq!(health.servers[1].server.to_string(), dead.uri());
    assert_eq!((health.servers[1].max_job_size, health.waiting), (None, 0));
}
