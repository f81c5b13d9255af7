//! Many calls at once in one instance, and what goes on when none runs.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::Duration;

use beanwire_component_tests::Grants;
use beanwire_tests::{Beanstalkd, ScriptedPeer, handshake};
use futures_util::future::{join, join_all, select};

use crate::bindings::exports::beanwire::client::types::{Config, ErrorCode, NewJob, Outcome};
use crate::host::Host;
use crate::{DEFAULTS, LONG, TUBE, count, host, wait_until};

#[test]
fn a_hundred_puts_share_one_connection() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    let before: u64 = raw.stats()["total-connections"].parse().unwrap();
    let ids: BTreeSet<u64> = host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let puts = (0..100).map(|number| guest.put(producer, TUBE, number.to_string()));
        join_all(puts).await.into_iter().map(|put| put.unwrap().id).collect()
    });
    assert_eq!(ids.len(), 100);
    assert_eq!(count(&mut raw, "current-jobs-ready"), 100);
    let after: u64 = raw.stats()["total-connections"].parse().unwrap();
    assert_eq!(after, before + 1);
}

/// The server answers none before it has them all.
#[test]
fn a_hundred_puts_are_in_flight_at_once() {
    let peer = ScriptedPeer::start(|_, conn| {
        if !handshake(conn) {
            return;
        }
        let mut puts = 0;
        while puts < 100 {
            let Some(line) = conn.read_line() else { return };
            if line.starts_with("use ") {
                conn.send(format!("USING {TUBE}\r\n"));
            } else {
                assert!(line.starts_with("put "), "{line}");
                conn.read_line();
                puts += 1;
            }
        }
        (0..100).for_each(|id| conn.send(format!("INSERTED {id}\r\n")));
        conn.until_eof();
    });
    let mut host = Host::start(Grants::connect(peer.addr()));
    let ids: Vec<u64> = host.run(async |guest| {
        let producer = guest.producer(&[&peer.uri()]).await.unwrap();
        let puts = (0..100).map(|number| guest.put(producer, TUBE, number.to_string()));
        join_all(puts).await.into_iter().map(|put| put.unwrap().id).collect()
    });
    assert_eq!(ids, (0..100).collect::<Vec<_>>());
    assert_eq!(peer.connections(), 1);
}

#[test]
fn a_put_arrives_while_a_receive_waits() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let put = async {
            wait_until("the receive waits", || count(&mut raw, "current-waiting") == 1).await;
            guest.put(producer, TUBE, "now").await.unwrap()
        };
        let (job, put) = join(guest.receive(consumer, LONG), put).await;
        let job = job.unwrap().unwrap();
        assert_eq!(guest.id(job).await, put.id);
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn several_receives_get_a_job_each() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    let ids: BTreeSet<u64> = host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let receives = join_all((0..5).map(|_| guest.receive(consumer, LONG)));
        let puts = async {
            wait_until("they wait", || count(&mut raw, "current-waiting") > 0).await;
            (0..5).map(|_| raw.put(TUBE, "x")).collect::<Vec<_>>()
        };
        let (jobs, _) = join(receives, puts).await;
        let jobs = jobs.into_iter().map(|job| guest.id(job.unwrap().unwrap()));
        join_all(jobs.collect::<Vec<_>>()).await.into_iter().collect()
    });
    assert_eq!(ids.len(), 5);
    assert_eq!(count(&mut raw, "current-jobs-reserved"), 5);
}

#[test]
fn a_batch_larger_than_what_is_under_way_at_once_goes_through_in_order() {
    const JOBS: usize = 2000;
    let server = Beanstalkd::start();
    let mut host = host(&server);
    let config = Config { max_pending_bytes: Some(4096), ..DEFAULTS };
    let ids: Vec<u64> = host.run(async |guest| {
        let producer = guest.producer_with(&[&server.uri()], Some(config)).await.unwrap();
        let job = |number: usize| NewJob {
            tube: TUBE.to_owned(),
            body: vec![b'x'; if number == 7 { 3_000 } else { 10 }],
            options: None,
        };
        let puts = guest.put_many(producer, (0..JOBS).map(job).collect(), None).await;
        puts.into_iter().map(|put| put.unwrap().id).collect()
    });
    assert_eq!(ids.len(), JOBS);
    assert!(ids.is_sorted());
    assert_eq!(count(&mut server.raw(), "current-jobs-ready"), JOBS as u64);
}

#[test]
fn puts_beyond_the_bound_on_memory_are_refused() {
    let server = Beanstalkd::start();
    let mut host = host(&server);
    let config = Config { max_pending_bytes: Some(4096), ..DEFAULTS };
    let puts = host.run(async |guest| {
        let producer = guest.producer_with(&[&server.uri()], Some(config)).await.unwrap();
        server.stop_reading();
        let puts = join_all((0..4).map(|_| guest.put(producer, TUBE, [0; 1000])));
        let resume = async {
            // The last of them has been refused by then.
            tokio::time::sleep(Duration::from_millis(50)).await;
            server.resume();
        };
        join(puts, resume).await.0
    });
    let refused: Vec<_> = puts.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].code, refused[0].outcome), (ErrorCode::QueueFull, Outcome::NotSent));
}

#[test]
fn a_dropped_job_fails_in_the_background() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put(TUBE, "x");
    let mut host = host(&server);
    let job = host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        guest.receive(consumer, LONG).await.unwrap().unwrap()
    });
    host.release(job);
    // No call runs, and yet the instance works.
    host.run(async |_| {
        wait_until("it is released", || raw.stats_job(id)["releases"] == "1").await;
    });
    assert_eq!(raw.stats_job(id)["state"], "delayed");
}

#[test]
fn a_held_job_is_touched_although_no_call_runs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 2);
    let mut host = host(&server);
    let config = Config { auto_touch: Some(true), ..DEFAULTS };
    host.run(async |guest| {
        let uri = server.uri();
        let consumer = guest.consumer_with(&[&uri], &[TUBE], Some(config)).await.unwrap();
        guest.receive(consumer, LONG).await.unwrap().unwrap();
    });
    host.run(async |_| {
        wait_until("it is touched twice", || raw.stats()["cmd-touch"].parse::<u64>().unwrap() >= 2)
            .await;
    });
    let stats = raw.stats_job(id);
    assert_eq!((&*stats["state"], &*stats["timeouts"]), ("reserved", "0"));
}

#[test]
fn an_answer_that_came_while_the_instance_rested_is_no_silence() {
    let (answer, may_answer) = std::sync::mpsc::channel();
    let may_answer = std::sync::Mutex::new(may_answer);
    let peer = ScriptedPeer::start(move |_, conn| {
        if !handshake(conn) {
            return;
        }
        let mut id = 0;
        while let Some(line) = conn.read_line() {
            if line.starts_with("use ") {
                conn.send(format!("USING {TUBE}\r\n"));
            } else if line.starts_with("put ") {
                conn.read_line();
                if may_answer.lock().unwrap().recv_timeout(Duration::from_secs(10)).is_err() {
                    return;
                }
                id += 1;
                conn.send(format!("INSERTED {id}\r\n"));
            }
        }
    });
    let mut host = Host::start(Grants::connect(peer.addr()));
    let config = Config { command_timeout_ms: Some(300), ..DEFAULTS };
    let producer = host.run(async |guest| {
        let uri = peer.uri();
        let producer = guest.producer_with(&[&uri], Some(config)).await.unwrap();
        let mut put = pin!(guest.put(producer, TUBE, "x"));
        let sent = wait_until("it is sent", || peer.lines().iter().any(|(_, line)| line == "x"));
        select(pin!(sent), &mut put).await;
        producer
    });
    answer.send(()).unwrap();
    // Much longer than a server may be silent.
    std::thread::sleep(Duration::from_secs(1));
    answer.send(()).unwrap();
    let put = host.run(async |guest| guest.put(producer, TUBE, "y").await.unwrap());
    assert_eq!(put.id, 2);
    assert_eq!(peer.connections(), 1);
}

#[test]
fn dropping_a_client_closes_its_connections() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    let producer = host.run(async |guest| guest.producer(&[&server.uri()]).await.unwrap());
    assert_eq!(raw.stats()["current-connections"], "2");
    host.release(producer);
    host.run(async |_| {
        wait_until("it is closed", || raw.stats()["current-connections"] == "1").await;
    });
}

#[test]
fn two_instances_do_not_share_a_thing() {
    let server = Beanstalkd::start();
    let (mut first, mut second) = (host(&server), host(&server));
    let id = first.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        guest.put(producer, TUBE, "x").await.unwrap().id
    });
    second.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        assert_eq!(guest.id(job).await, id);
        drop(first);
        guest.delete(job).await.unwrap();
    });
}
