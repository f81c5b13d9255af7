//! Connections of which only one direction still works, and puts of which only a part has left.

use std::future::IntoFuture as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use beanwire::{Config, Consumer, Delivery, Outcome, Producer};
use beanwire_tests::{Beanstalkd, ScriptedPeer, handshake, wait_until};
use futures_util::FutureExt as _;
use futures_util::future::join_all;

use crate::{ended, ms, quick, ready};

#[tokio::test]
async fn an_answer_that_came_before_the_connection_broke_is_an_answer() {
    for _ in 0..10 {
        let peer = ScriptedPeer::start(|number, conn| {
            if handshake(conn) && number == 0 && conn.read_line().is_some() {
                conn.read_line();
                conn.send("INSERTED 1\r\n");
                conn.reset();
            } else {
                conn.until_eof();
            }
        });
        let config = quick().delivery(Delivery::AtMostOnce).put_timeout(ms(500)).build().unwrap();
        let producer = Producer::open(peer.uri(), config).await.unwrap();
        ready(&producer).await;
        let mut first = Box::pin(producer.put("default", "a").into_future());
        assert!((&mut first).now_or_never().is_none());
        // Nothing is read meanwhile, for the client has no thread but this one. The answer and the
        // reset come, and the next write fails.
        std::thread::sleep(ms(50));
        let mut second = Box::pin(producer.put("default", "b").into_future());
        assert!((&mut second).now_or_never().is_none());
        assert_eq!(ended(first).await.unwrap().id.0, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_reserve_is_ended_by_ending_the_sending_direction_only() {
    let ended_first = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&ended_first);
    let peer = ScriptedPeer::start(move |number, conn| {
        if !handshake(conn) || number > 0 {
            return conn.until_eof();
        }
        assert_eq!(conn.read_line().unwrap(), "reserve-with-timeout 30");
        // The end of what the client sends, while it waits for what it is sent.
        assert_eq!(conn.read_line(), None);
        seen.store(true, Ordering::SeqCst);
        conn.send("RESERVED 1 1\r\nx\r\n");
    });
    let tubes: [&str; 0] = [];
    // A connection that is merely given up would be closed this late.
    let config = quick().command_timeout(Duration::from_secs(3600)).build().unwrap();
    let consumer = Consumer::open(peer.uri(), tubes, config).await.unwrap();
    let mut waiting = Box::pin(consumer.next_job());
    assert!((&mut waiting).now_or_never().is_none());
    wait_until("a reserve waits", || peer.lines().len() == 2);
    drop(waiting);
    drop(consumer.jobs());
    wait_until("it is ended", || ended_first.load(Ordering::SeqCst));
    assert_eq!(ended(consumer.close(Duration::from_secs(5))).await.abandoned_jobs, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puts_that_did_not_leave_whole_are_done_elsewhere_also_at_most_once() {
    const SIZE: usize = 8 << 20;
    let mut silent = Beanstalkd::builder().max_job_size(SIZE as u64).start();
    let producer = {
        let config = Config::builder().delivery(Delivery::AtMostOnce).reconnect_min(ms(1));
        let config = config.reconnect_max(ms(20)).put_timeout(Duration::from_secs(30));
        Producer::open(silent.uri(), config.build().unwrap()).await.unwrap()
    };
    ready(&producer).await;
    silent.stop_reading();
    // The system's buffers take a part of the first at most.
    let mut puts =
        Box::pin(join_all((0..3).map(|_| producer.put("t", vec![b'x'; SIZE]).into_future())));
    assert!((&mut puts).now_or_never().is_none());
    silent.restart();
    let results = ended(puts).await;
    let ids: Vec<_> = results.iter().map(|result| result.as_ref().unwrap().id.0).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(silent.raw().stats()["total-jobs"], "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_of_which_a_part_left_is_not_sent() {
    const SIZE: usize = 8 << 20;
    let mut silent = Beanstalkd::builder().max_job_size(SIZE as u64).start();
    let config = quick().delivery(Delivery::AtMostOnce).put_timeout(ms(800)).build().unwrap();
    let producer = Producer::open(silent.uri(), config).await.unwrap();
    ready(&producer).await;
    silent.stop_reading();
    let mut put = Box::pin(producer.put("t", vec![b'x'; SIZE]).into_future());
    assert!((&mut put).now_or_never().is_none());
    silent.kill();
    let error = ended(put).await.unwrap_err();
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
}
