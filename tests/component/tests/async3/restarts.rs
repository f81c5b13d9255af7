//! Servers that end and come back, between calls and within them.

use beanwire_tests::Beanstalkd;
use futures_util::future::{join, join_all};

use crate::bindings::exports::beanwire::client::types::{Config, ErrorCode, Outcome};
use crate::{DEFAULTS, LONG, TUBE, assert_fails, count, host, wait_until};

#[test]
fn puts_go_on_after_a_restart() {
    let mut server = Beanstalkd::builder().binlog().start();
    let mut host = host(&server);
    let producer = host.run(async |guest| guest.producer(&[&server.uri()]).await.unwrap());
    for round in 0..3 {
        server.restart();
        host.run(async |guest| guest.put(producer, TUBE, [round]).await.unwrap());
    }
    assert_eq!(count(&mut server.raw(), "current-jobs-ready"), 3);
}

#[test]
fn a_lost_connection_is_replaced_although_no_call_runs() {
    let mut server = Beanstalkd::start();
    let mut host = host(&server);
    host.run(async |guest| guest.producer(&[&server.uri()]).await.unwrap());
    server.restart();
    let mut raw = server.raw();
    host.run(async |_| {
        wait_until("it is back", || raw.stats()["current-connections"] == "2").await;
    });
}

#[test]
fn a_receive_outlives_a_restart_while_it_waits() {
    let mut server = Beanstalkd::start();
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let restart = async {
            let mut raw = server.raw();
            wait_until("a reserve waits", || count(&mut raw, "current-waiting") == 1).await;
            server.restart();
            server.raw().put(TUBE, "after the restart");
        };
        let (job, ()) = join(guest.receive(consumer, LONG), restart).await;
        let job = job.unwrap().unwrap();
        assert_eq!(guest.body(job).await, b"after the restart");
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn a_held_job_is_lost_by_a_restart_and_comes_again() {
    let mut server = Beanstalkd::builder().binlog().start();
    let id = server.raw().put(TUBE, "x");
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        server.restart();
        let again = guest.receive(consumer, LONG).await.unwrap().unwrap();
        assert_eq!(guest.id(again).await, id);
        assert_fails(guest.delete(job).await, ErrorCode::JobLost, Outcome::NotSent);
        guest.delete(again).await.unwrap();
    });
    assert!(server.raw().stats_job(id).is_empty());
}

#[test]
fn every_acknowledged_put_outlives_a_restart_among_them() {
    let mut server = Beanstalkd::builder().binlog().start();
    let mut host = host(&server);
    let ids = host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let rounds = join_all((0..10).map(async |_| {
            let mut ids = Vec::new();
            for number in 0..100 {
                ids.push(guest.put(producer, TUBE, number.to_string()).await.unwrap().id);
            }
            ids
        }));
        let restart = async {
            let mut raw = server.raw();
            wait_until("puts have begun", || count(&mut raw, "total-jobs") > 100).await;
            server.restart();
        };
        join(rounds, restart).await.0
    });
    let mut raw = server.raw();
    for round in ids {
        for (number, id) in round.into_iter().enumerate() {
            let reply = raw.ask(&format!("peek {id}"));
            assert!(reply.ends_with(&format!("\r\n{number}")), "{number}: {reply:?}");
        }
    }
}

#[test]
fn a_server_that_is_down_fails_calls_in_time_and_is_used_once_it_is_there() {
    let mut server = Beanstalkd::start();
    server.kill();
    let mut host = host(&server);
    host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let put = guest.put_with(producer, TUBE, "x", None, Some(100)).await;
        assert_fails(put, ErrorCode::Disconnected, Outcome::NotSent);
        let put = guest.put_with(producer, TUBE, "x", None, Some(0)).await;
        assert_fails(put, ErrorCode::Disconnected, Outcome::NotSent);
        assert!(guest.receive(consumer, 0).await.unwrap().is_none());
        assert!(guest.receive(consumer, 100).await.unwrap().is_none());
        server.restart();
        guest.put(producer, TUBE, "x").await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn a_silent_server_is_given_up_in_time() {
    let server = Beanstalkd::start();
    let mut host = host(&server);
    let producer = host.run(async |guest| guest.producer(&[&server.uri()]).await.unwrap());
    server.stop_reading();
    host.run(async |guest| {
        let put = guest.put_with(producer, TUBE, "x", None, Some(300)).await;
        assert_fails(put, ErrorCode::Timeout, Outcome::Unknown);
    });
    server.resume();
    host.run(async |guest| guest.put(producer, TUBE, "x").await.unwrap());
}

#[test]
fn a_connection_that_takes_no_more_bytes_is_given_up_and_replaced() {
    const SIZE: usize = 20_000_000;
    let server = Beanstalkd::builder().max_job_size(SIZE as u64).start();
    let mut host = host(&server);
    let config = Config { command_timeout_ms: Some(300), ..DEFAULTS };
    host.run(async |guest| {
        let producer = guest.producer_with(&[&server.uri()], Some(config)).await.unwrap();
        server.stop_reading();
        let put = guest.put_with(producer, TUBE, vec![0; SIZE], None, Some(1000)).await;
        // The host has told how much it did not take: the server cannot have the job.
        assert_fails(put, ErrorCode::Disconnected, Outcome::NotSent);
        server.resume();
        guest.put_with(producer, TUBE, "small", None, Some(LONG)).await.unwrap();
    });
    assert_eq!(count(&mut server.raw(), "current-jobs-ready"), 1);
}
