//! Puts: what is refused, what is done again, and what never reaches the wire.

use std::time::Duration;

use beanwire::{Connection, Delivery, ErrorKind, JobState, Outcome, Producer, Server};
use beanwire_tests::{Beanstalkd, RawClient, wait_until};

use crate::{connect, count, ended, ms, one_answer, peer, quick};

async fn producer(uri: String) -> Producer {
    let producer = Producer::open(uri, quick().build().unwrap()).await.unwrap();
    producer.ready(Duration::from_secs(30)).await.unwrap();
    producer
}

fn connections(raw: &mut RawClient) -> String {
    raw.stats()["total-connections"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_03_invalid_puts_cost_no_connection_and_say_why() {
    let server = Beanstalkd::builder().max_job_size(10).start();
    let mut raw = server.raw();
    let producer = producer(server.uri()).await;
    let before = connections(&mut raw);
    let error = producer.put("no tube", "x").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidArgument, Outcome::NotSent));
    assert!(error.to_string().contains("tube"), "{error}");
    let error = producer.put("tube", "elevenbytes").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::JobTooBig, Outcome::NotSent));
    assert!(error.to_string().contains("11") && error.to_string().contains("10"), "{error}");
    producer.put("tube", "just right").await.unwrap();
    assert_eq!(connections(&mut raw), before);
    assert_eq!(raw.stats()["total-jobs"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_03_job_too_big_from_the_server_keeps_the_connection_and_is_not_tried_elsewhere() {
    let strict = || {
        peer(|_, conn| {
            while let Some(line) = conn.read_line() {
                let Ok(size): Result<usize, _> = line.rsplit(' ').next().unwrap().parse() else {
                    return;
                };
                conn.read_exact(size + 2);
                conn.send(if size > 2 { "JOB_TOO_BIG\r\n" } else { "INSERTED 2\r\n" });
            }
        })
    };
    let (one, two) = (strict(), strict());
    let config = quick().build().unwrap();
    let producer = Producer::open([one.uri(), two.uri()], config).await.unwrap();
    let error = ended(producer.put("default", "big")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::JobTooBig, Outcome::Rejected));
    assert_eq!(count(&one, "put") + count(&two, "put"), 1);
    assert_eq!(ended(producer.put("default", "x")).await.unwrap().id.0, 2);
    wait_until("both are up", || (one.connections(), two.connections()) == (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_03_draining_is_told_and_nobody_reconnects_for_it() {
    let server = Beanstalkd::start();
    server.drain();
    let mut raw = server.raw();
    let producer = producer(server.uri()).await;
    let before = connections(&mut raw);
    for _ in 0..20 {
        let error = producer.put("tube", "x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Draining);
        assert_ne!(error.outcome(), Outcome::Unknown);
    }
    assert_eq!(connections(&mut raw), before);
    assert!(producer.is_connected() && producer.health().servers[0].draining);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_04_a_put_that_was_buried_keeps_its_id_and_is_not_put_again() {
    let first = one_answer("BURIED 17\r\n");
    let config = quick().build().unwrap();
    let producer = Producer::open([first.uri(), first.uri()], config).await.unwrap();
    let job = ended(producer.put("default", "x")).await.unwrap();
    assert_eq!((job.id.0, job.state), (17, JobState::Buried));
    assert_eq!(job.server.to_string(), first.uri());
    assert_eq!(count(&first, "put"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_04_a_put_without_an_answer_is_put_again_only_if_that_was_asked_for() {
    for (delivery, puts) in [(Delivery::AtMostOnce, 1), (Delivery::AtLeastOnce, 2)] {
        let peer = peer(|number, conn| {
            if conn.read_line().is_some() && number > 0 {
                conn.send("INSERTED 8\r\n");
                conn.until_eof();
            }
        });
        let config = quick().delivery(delivery).build().unwrap();
        let producer = Producer::open(peer.uri(), config).await.unwrap();
        match ended(producer.put("default", "x")).await {
            Ok(job) => assert_eq!((job.id.0, delivery), (8, Delivery::AtLeastOnce)),
            Err(error) => {
                let told = (error.kind(), error.outcome(), delivery);
                let lost = (ErrorKind::Disconnected, Outcome::Unknown, Delivery::AtMostOnce);
                assert_eq!(told, lost);
            }
        }
        assert_eq!(count(&peer, "put"), puts);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_04_a_put_that_may_exist_is_never_said_to_be_unsent() {
    // It is read once and never answered, and no connection comes up again.
    let peer = peer(|number, conn| {
        if number == 0 {
            conn.read_line();
        }
    });
    let config = quick().put_timeout(ms(300)).build().unwrap();
    let producer = Producer::open(peer.uri(), config).await.unwrap();
    let error = ended(producer.put("default", "x")).await.unwrap_err();
    assert!(count(&peer, "put") >= 1);
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_04_a_put_that_may_exist_is_never_said_to_be_rejected() {
    let peer = peer(|number, conn| {
        if conn.read_line().is_some() && number > 0 {
            conn.send("DRAINING\r\n");
            conn.until_eof();
        }
    });
    let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
    let error = ended(producer.put("default", "x")).await.unwrap_err();
    assert_eq!(count(&peer, "put"), 2);
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_05_no_tube_name_injects_a_command() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let before = raw.stats();
    let long = "t".repeat(201);
    for tube in ["", "-t", "a b", "t\r\ndelete 1", "t\r", "t\n", "t\0", "tübe", long.as_str()] {
        let errors = [
            connection.put(tube, "x").await.map(drop),
            connection.use_tube(tube).await,
            connection.watch(tube).await.map(drop),
            connection.ignore(tube).await.map(drop),
            connection.kick(tube, 1).await.map(drop),
            connection.peek_ready(tube).await.map(drop),
            connection.stats_tube(tube).await.map(drop),
            connection.pause_tube(tube, ms(1)).await,
        ];
        for error in errors {
            let error = error.expect_err(tube);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{tube:?}");
            assert_eq!(error.outcome(), Outcome::NotSent, "{tube:?}");
        }
    }
    let after = raw.stats();
    for key in before.keys().filter(|key| key.starts_with("cmd-") && *key != "cmd-stats") {
        assert_eq!(before[key], after[key], "{key}");
    }
    connection.put("t".repeat(200), "x").await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_05_spans_beyond_the_wire_are_refused_and_the_largest_passes() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let most = Duration::from_secs(u64::from(u32::MAX));
    let over = most + ms(1);
    for result in [
        connection.put("t", "x").delay(over).await,
        connection.put("t", "x").ttr(over).await,
        connection.put("t", "x").ttr(Duration::ZERO).await,
    ] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    let error = connection.release(1, 0, over).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (ErrorKind::InvalidArgument, Outcome::NotSent));
    let error = connection.reserve_with_timeout(Duration::from_secs(1 << 31)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    let job = connection.put("t", "x").priority(u32::MAX).delay(most).ttr(most).await.unwrap();
    let stats = raw.stats_job(job.id.0);
    for (key, value) in [("pri", u32::MAX), ("delay", u32::MAX), ("ttr", u32::MAX)] {
        assert_eq!(stats[key], value.to_string(), "{key}");
    }
    assert_eq!(raw.stats()["cmd-put"], "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_05_no_body_is_run_as_commands() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let bodies: [&[u8]; 5] = [b"\r\n", b"", b"x\r\nquit\r\n", b"\r", b"put 0 0 1 1\r\nx\r\n"];
    for body in bodies {
        let job = connection.put("t", body).await.unwrap();
        let found = connection.peek(job.id).await.unwrap();
        assert_eq!(found.body(), body);
        assert_eq!(raw.reserve("t").unwrap(), (job.id.0, body.to_vec()));
    }
    assert_eq!(raw.stats()["cmd-put"], "5");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_14_fractions_of_a_second_are_rounded_up_and_never_cut_to_zero() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let connection = connect(&server.uri()).await;
    let job = connection.put("t", "x").delay(ms(300)).ttr(ms(1001)).await.unwrap();
    let stats = raw.stats_job(job.id.0);
    assert_eq!((stats["delay"].as_str(), stats["ttr"].as_str()), ("1", "2"));
    connection.pause_tube("t", ms(1)).await.unwrap();
    assert_eq!(raw.stats_tube("t")["pause"], "1");
    let job = connection.put("u", "x").await.unwrap();
    connection.reserve_job(job.id).await.unwrap().release_with(None, ms(1)).await.unwrap();
    assert_eq!(raw.stats_job(job.id.0)["delay"], "1");

    let peer = one_answer("TIMED_OUT\r\n");
    let connection: Connection = connect(&peer.uri()).await;
    assert!(ended(connection.reserve_with_timeout(ms(1))).await.unwrap().is_none());
    assert_eq!(count(&peer, "reserve-with-timeout 1"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_14_a_kick_moves_no_more_than_its_bound() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for _ in 0..5 {
        raw.put_with("t", "x", 0, 1000, 60);
    }
    let connection = connect(&server.uri()).await;
    assert_eq!(connection.kick("t", 0).await.unwrap(), 0);
    assert_eq!(connection.kick("t", 2).await.unwrap(), 2);
    assert_eq!(raw.stats_tube("t")["current-jobs-delayed"], "3");
    assert_eq!(connection.kick("t", u32::MAX).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn defect_15_a_producer_deletes_by_id_on_the_server_that_holds_the_job() {
    let (one, two) = (Beanstalkd::start(), Beanstalkd::start());
    let config = quick().build().unwrap();
    let producer = Producer::open([one.uri(), two.uri()], config).await.unwrap();
    let mut jobs = Vec::new();
    for _ in 0..20 {
        jobs.push(producer.put("t", "x").await.unwrap());
    }
    let (mut raw_one, mut raw_two) = (one.raw(), two.raw());
    // The same id exists on the other server and has to stay there.
    let foreign = two.raw().put("other", "x");
    for job in &jobs {
        producer.delete(&job.server, job.id).await.unwrap();
    }
    assert_eq!(raw_one.stats_tube("t").get("current-jobs-ready").map_or("0", |n| n), "0");
    assert_eq!(raw_two.stats()["current-jobs-ready"], "1");
    assert_eq!(raw_two.stats_job(foreign)["tube"], "other");
    let job: (&Server, _) = (&jobs[0].server, jobs[0].id);
    assert_eq!(producer.delete(job.0, job.1).await.unwrap_err().kind(), ErrorKind::NotFound);
}
