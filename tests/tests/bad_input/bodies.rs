use beanwire::{Config, Connection, ErrorKind, NewJob, Producer};
use beanwire_tests::{Beanstalkd, ScriptedPeer, stats_reply};
use futures_util::future::join_all;

use crate::{MINUTE, assert_refused, producer, within};

/// A peer that takes jobs of at most ten bytes.
fn small_peer() -> ScriptedPeer {
    ScriptedPeer::start(|_, conn| {
        while let Some(line) = conn.read_line() {
            match line.strip_prefix("put ").and_then(|rest| rest.rsplit(' ').next()) {
                Some(size) => {
                    conn.read_exact(size.parse::<usize>().unwrap() + 2);
                    conn.send("INSERTED 1\r\n");
                }
                None if line == "stats" => conn.send(stats_reply(10, false)),
                None => return,
            }
        }
    })
}

#[tokio::test]
async fn a_body_that_is_too_big_is_refused_before_anything_is_written() {
    let peer = small_peer();
    let connection = within(Connection::open(peer.uri(), Config::default())).await.unwrap();
    let producer = within(Producer::open(peer.uri(), Config::default())).await.unwrap();
    within(producer.ready(MINUTE)).await.unwrap();
    let body = || vec![b'x'; 11];
    let parts = ["body", "11 bytes", "max-job-size is 10"];
    for _ in 0..3 {
        // The tube is not the one in use: not even that is sent.
        let result = within(connection.put("mail", body())).await;
        assert_refused(result, ErrorKind::JobTooBig, &parts);
        let result = within(producer.put("mail", body())).await;
        assert_refused(result, ErrorKind::JobTooBig, &parts);
        let jobs = [NewJob::new("mail", body()).unwrap()];
        let result = within(producer.put_many(jobs)).await.remove(0);
        assert_refused(result, ErrorKind::JobTooBig, &parts);
    }
    within(connection.put("default", vec![b'x'; 10])).await.unwrap();
    within(producer.put("default", vec![b'x'; 10])).await.unwrap();
    let mut lines: Vec<_> = peer.lines().into_iter().map(|(_, line)| line).collect();
    lines.sort();
    assert_eq!(lines, ["put 1024 0 60 10", "put 1024 0 60 10", "stats", "stats"]);
}

#[tokio::test]
async fn a_body_that_is_too_big_does_no_harm_to_those_under_way() {
    let server = Beanstalkd::builder().max_job_size(100).start();
    let producer = producer(&server).await;
    let puts = (0..100).map(|size| producer.put("mail", vec![b'x'; size * 2 + 2]).into_future());
    for (number, result) in within(join_all(puts)).await.into_iter().enumerate() {
        match number {
            0..50 => drop(result.unwrap()),
            _ => assert_refused(result, ErrorKind::JobTooBig, &["max-job-size is 100"]),
        }
    }
    let told = server.raw().stats();
    assert_eq!((told["total-jobs"].as_str(), told["cmd-put"].as_str()), ("50", "50"));
    assert_eq!(told["current-connections"], "2");
}

#[tokio::test]
async fn of_two_servers_the_one_that_takes_the_body_gets_it() {
    let small = Beanstalkd::builder().max_job_size(10).start();
    let large = Beanstalkd::builder().max_job_size(20).start();
    let uris = [small.uri(), large.uri()];
    let producer = within(Producer::open(&uris, Config::default())).await.unwrap();
    all_limits_known(&producer).await;
    for _ in 0..10 {
        let inserted = within(producer.put("mail", vec![b'x'; 15])).await.unwrap();
        assert_eq!(inserted.server.to_string(), large.uri());
    }
    let result = within(producer.put("mail", vec![b'x'; 21])).await;
    assert_refused(result, ErrorKind::JobTooBig, &["21 bytes", "max-job-size is 20"]);
    assert_eq!(small.raw().stats()["cmd-put"], "0");
}

/// Waits until all servers have told their limits.
async fn all_limits_known(producer: &Producer) {
    let unknown = || producer.health().servers.iter().any(|server| server.max_job_size.is_none());
    within(async {
        while unknown() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
