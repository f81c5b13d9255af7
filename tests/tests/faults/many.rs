//! Many puts in one call: one result for each, in their order, whatever becomes of the others.

use beanwire::{ErrorKind, InsertedJob, NewJob, Outcome, Producer};
use beanwire_server::Server;
use beanwire_tests::{Beanstalkd, PeerConn, RawClient, ScriptedPeer, handshake, wait_until};

use crate::{ended, quick, ready, up};

/// The tube that needs no `use`, so that a script sees nothing but puts.
const TUBE: &str = "default";

/// The server's own default for the largest body.
const MAX_JOB_SIZE: usize = 65_535;

/// Jobs whose bodies tell their numbers.
fn numbered(numbers: std::ops::Range<usize>) -> impl Iterator<Item = NewJob> {
    numbers.map(|number| NewJob::new(TUBE, number.to_string()).unwrap())
}

/// The body of a job that is ready.
fn body(raw: &mut RawClient, job: &InsertedJob) -> String {
    let reply = raw.ask(&format!("peek {}", job.id));
    let (line, body) = reply.split_once("\r\n").expect(&reply);
    assert!(line.starts_with(&format!("FOUND {} ", job.id)), "{line}");
    body.to_owned()
}

/// Reads a put of a numbered job; nothing if the client leaves.
fn read_put(conn: &mut PeerConn) -> Option<usize> {
    conn.read_line().filter(|line| line.starts_with("put "))?;
    conn.read_line()?.parse().ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_too_big_for_the_server_fail_in_their_places_and_are_not_sent() {
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    ready(&producer).await;
    let jobs: Vec<_> = (0..300)
        .map(|number| {
            let size = if number % 3 == 1 { MAX_JOB_SIZE + 1 } else { MAX_JOB_SIZE - number };
            NewJob::new(TUBE, vec![b'x'; size]).unwrap()
        })
        .collect();
    let results = ended(producer.put_many(jobs)).await;
    assert_eq!(results.len(), 300);
    let mut raw = server.raw();
    for (number, result) in results.iter().enumerate() {
        if number % 3 == 1 {
            let error = result.as_ref().unwrap_err();
            let found = (error.kind(), error.outcome());
            assert_eq!(found, (ErrorKind::JobTooBig, Outcome::NotSent), "job {number}: {error}");
        } else {
            let job = result.as_ref().unwrap_or_else(|error| panic!("job {number}: {error}"));
            assert_eq!(body(&mut raw, job).len(), MAX_JOB_SIZE - number, "job {number}");
        }
    }
    assert_eq!(raw.stats()["cmd-put"], "200");
}

#[tokio::test]
async fn the_server_begins_before_the_last_job_is_there() {
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    ready(&producer).await;
    let mut raw = server.raw();
    let last = std::iter::once_with(|| {
        // Nothing else runs in this thread meanwhile.
        wait_until("a job", || raw.reserve(TUBE).is_some());
        NewJob::new(TUBE, "last").unwrap()
    });
    let results = ended(producer.put_many(numbered(0..100).chain(last))).await;
    assert_eq!(results.len(), 101);
    assert!(results.iter().all(Result::is_ok), "{results:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_the_server_refuses_fail_in_their_places_and_the_others_go_through() {
    let peer = ScriptedPeer::start(|_, conn| {
        if !handshake(conn) {
            return;
        }
        while let Some(number) = read_put(conn) {
            conn.send(match number % 4 {
                1 => "JOB_TOO_BIG\r\n".to_owned(),
                2 => "INTERNAL_ERROR\r\n".to_owned(),
                3 => format!("BURIED {number}\r\n"),
                _ => format!("INSERTED {number}\r\n"),
            });
        }
    });
    let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
    ready(&producer).await;
    let results = ended(producer.put_many(numbered(0..200))).await;
    assert_eq!(results.len(), 200);
    for (number, result) in results.into_iter().enumerate() {
        let found = result.map(|job| job.id.0).map_err(|error| (error.kind(), error.outcome()));
        let expected = match number % 4 {
            1 => Err((ErrorKind::JobTooBig, Outcome::Rejected)),
            2 => Err((ErrorKind::InternalError, Outcome::Rejected)),
            _ => Ok(number as u64),
        };
        assert_eq!(found, expected, "job {number}");
    }
}

/// A server that takes that many jobs and then drains.
fn draining_after(jobs: usize) -> ScriptedPeer {
    ScriptedPeer::start(move |_, conn| {
        if !handshake(conn) {
            return;
        }
        for taken in 0.. {
            if read_put(conn).is_none() {
                return;
            }
            conn.send(match taken < jobs {
                true => format!("INSERTED {taken}\r\n"),
                false => "DRAINING\r\n".to_owned(),
            });
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drains_in_the_middle_keeps_what_it_took_and_the_other_one_gets_the_rest() {
    let (draining, other) = (draining_after(20), Beanstalkd::start());
    let uris = [draining.uri(), other.uri()];
    let producer = Producer::open(uris, quick().build().unwrap()).await.unwrap();
    wait_until("both are up", || up(&producer.health()) == 2);
    let results = ended(producer.put_many(numbered(0..500))).await;
    assert_eq!(results.len(), 500);
    let mut raw = other.raw();
    let mut kept = 0;
    for (number, result) in results.into_iter().enumerate() {
        let job = result.unwrap_or_else(|error| panic!("job {number}: {error}"));
        if job.server.to_string() == draining.uri() {
            assert_eq!(job.id.0, kept, "its jobs stand in the order in which it took them");
            kept += 1;
        } else {
            assert_eq!(body(&mut raw, &job), number.to_string());
        }
    }
    assert_eq!(kept, 20);
    assert_eq!(raw.stats()["total-jobs"], "480");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_other_server_the_jobs_behind_the_drain_fail() {
    let peer = draining_after(20);
    let producer = Producer::open(peer.uri(), quick().build().unwrap()).await.unwrap();
    ready(&producer).await;
    let results = ended(producer.put_many(numbered(0..500))).await;
    assert_eq!(results.len(), 500);
    for (number, result) in results.into_iter().enumerate() {
        match result {
            Ok(job) => assert_eq!((job.id.0, number < 20), (number as u64, true)),
            Err(error) => {
                assert_eq!((error.kind(), number < 20), (ErrorKind::Draining, false), "{error}");
                assert_ne!(error.outcome(), Outcome::Unknown, "job {number}: {error}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_drains_under_load_has_every_job_whose_result_names_it() {
    let (one, two) = (Server::start().await.unwrap(), Server::start().await.unwrap());
    let raw = |server: &Server| RawClient::connect(server.addr().unwrap());
    let uris = [one.uri().to_owned(), two.uri().to_owned()];
    let producer = Producer::open(uris, quick().build().unwrap()).await.unwrap();
    wait_until("both are up", || up(&producer.health()) == 2);
    let puts = tokio::spawn(async move { producer.put_many(numbered(0..20_000)).await });
    wait_until("puts are under way", || raw(&one).stats()["total-jobs"] != "0");
    one.drain();
    let results = ended(puts).await.unwrap();
    assert_eq!(results.len(), 20_000);
    let (mut raw_one, mut raw_two) = (raw(&one), raw(&two));
    for (number, result) in results.into_iter().enumerate() {
        let job = result.unwrap_or_else(|error| panic!("job {number}: {error}"));
        let raw = if job.server.to_string() == one.uri() { &mut raw_one } else { &mut raw_two };
        assert_eq!(body(raw, &job), number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_jobs_are_inserted_in_their_order() {
    let server = Beanstalkd::start();
    let producer = Producer::open(server.uri(), quick().build().unwrap()).await.unwrap();
    let results = ended(producer.put_many(numbered(0..20_000))).await;
    let ids: Vec<_> = results.into_iter().map(|result| result.unwrap().id.0).collect();
    assert!(ids.iter().copied().eq(1..=20_000), "{ids:?}");
    let mut raw = server.raw();
    for (number, id) in (0..20_000).zip(ids) {
        assert_eq!(raw.reserve(TUBE).unwrap(), (id, number.to_string().into_bytes()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_of_all_sizes_are_inserted_in_their_order_through_little_room() {
    let server = Beanstalkd::start();
    // Less than the largest of them, which goes alone.
    let config = quick().max_pending_bytes(4096).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    let bodies: Vec<_> = (0..1000).map(|number| vec![b'x'; number * 37 % 6000]).collect();
    let jobs = bodies.iter().map(|body| NewJob::new(TUBE, body.clone()).unwrap());
    let results = ended(producer.put_many(jobs)).await;
    assert_eq!(results.len(), 1000);
    let mut raw = server.raw();
    for (body, result) in bodies.into_iter().zip(results) {
        assert_eq!(raw.reserve(TUBE).unwrap(), (result.unwrap().id.0, body));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_calls_share_little_room_and_each_keeps_its_order() {
    let server = Beanstalkd::start();
    let config = quick().max_pending_bytes(4096).build().unwrap();
    let producer = Producer::open(server.uri(), config).await.unwrap();
    let calls: Vec<_> = (0..4)
        .map(|call| {
            let producer = producer.clone();
            let jobs = numbered(call * 1000..(call + 1) * 1000);
            tokio::spawn(async move { producer.put_many(jobs).await })
        })
        .collect();
    let mut raw = server.raw();
    for (call, results) in calls.into_iter().enumerate() {
        let results = ended(results).await.unwrap();
        assert_eq!(results.len(), 1000);
        for (number, result) in (call * 1000..).zip(results) {
            assert_eq!(body(&mut raw, &result.unwrap()), number.to_string());
        }
    }
    assert_eq!(raw.stats()["total-jobs"], "4000");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_jobs_are_no_results() {
    // Nobody listens there: nothing is waited for, either.
    let config = quick().build().unwrap();
    let producer = Producer::open("127.0.0.1:1", config).await.unwrap();
    assert!(ended(producer.put_many([])).await.is_empty());
}
