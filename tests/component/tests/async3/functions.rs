//! Every function, and what it does at the server.

use beanwire_component_tests::Grants;
use beanwire_tests::{Beanstalkd, Embedded};

use crate::bindings::exports::beanwire::client::types::{
    ErrorCode, JobState, NewJob, Outcome, PutOptions,
};
use crate::host::Host;
use crate::{LONG, TUBE, assert_fails, count, host};

#[test]
fn a_job_goes_there_and_back() {
    let server = Beanstalkd::start();
    let mut host = host(&server);
    host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let put = guest.put(producer, TUBE, b"hello\0\xff").await.unwrap();
        assert_eq!((put.server, put.state), (0, JobState::Ready));
        assert_eq!(guest.servers(producer).await, [server.uri()]);
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        assert_eq!(guest.id(job).await, put.id);
        assert_eq!(guest.server(job).await, server.uri());
        assert_eq!(guest.body(job).await, b"hello\0\xff");
        guest.delete(job).await.unwrap();
        assert_fails(guest.delete(job).await, ErrorCode::JobFinished, Outcome::NotSent);
        assert!(server.raw().stats_job(put.id).is_empty());
        assert!(guest.receive(consumer, 0).await.unwrap().is_none());
    });
}

#[test]
fn options_reach_the_server() {
    let server = Beanstalkd::start();
    let mut host = host(&server);
    let options = PutOptions { priority: Some(7), delay_ms: Some(90_000), ttr_ms: Some(10_001) };
    let put = host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        guest.put_with(producer, TUBE, "x", Some(options), Some(LONG)).await.unwrap()
    });
    assert_eq!(put.state, JobState::Delayed);
    let stats = server.raw().stats_job(put.id);
    assert_eq!((&*stats["pri"], &*stats["delay"], &*stats["ttr"]), ("7", "90", "11"));
}

#[test]
fn a_large_body_goes_there_and_back() {
    const SIZE: usize = 5_000_000;
    let server = Beanstalkd::builder().max_job_size(SIZE as u64).start();
    let mut host = host(&server);
    let body: Vec<u8> = (0..=250).cycle().take(SIZE).collect();
    host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        guest.put(producer, TUBE, &body).await.unwrap();
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        assert!(guest.body(job).await == body);
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn every_way_to_finish_a_job_is_seen_at_the_server() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let id = raw.put(TUBE, "x");
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        let stats = guest.stats(job).await.unwrap();
        assert_eq!((stats.id, stats.state, stats.reserves), (id, JobState::Reserved, 1));
        assert_eq!(stats.tube, TUBE);
        guest.touch(job).await.unwrap();
        guest.release(job, Some(3), None).await.unwrap();
        assert_eq!(raw.stats_job(id)["pri"], "3");

        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        guest.release(job, None, Some(60_000)).await.unwrap();
        assert_eq!(raw.stats_job(id)["state"], "delayed");

        raw.ask(&format!("kick-job {id}"));
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        guest.bury(job, Some(5)).await.unwrap();
        let stats = raw.stats_job(id);
        assert_eq!((&*stats["state"], &*stats["pri"]), ("buried", "5"));

        raw.ask(&format!("kick-job {id}"));
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        guest.fail(job).await.unwrap();
        let stats = raw.stats_job(id);
        assert_eq!((&*stats["state"], &*stats["releases"]), ("delayed", "3"));
        assert_fails(guest.touch(job).await, ErrorCode::JobFinished, Outcome::NotSent);
    });
}

#[test]
fn bad_arguments_are_refused_before_anything_is_sent() {
    let server = Beanstalkd::start();
    let mut host = host(&server);
    host.run(async |guest| {
        let invalid = |result| assert_fails(result, ErrorCode::InvalidArgument, Outcome::NotSent);
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        invalid(guest.put(producer, "a tube", "x").await.map(drop));
        let options = PutOptions { priority: None, delay_ms: None, ttr_ms: Some(0) };
        invalid(guest.put_with(producer, TUBE, "x", Some(options), None).await.map(drop));
        invalid(guest.consumer(&[&server.uri()], &["-"]).await.map(drop));
        invalid(guest.producer(&[]).await.map(drop));
        let uri = guest.producer(&["http://127.0.0.1"]).await;
        assert_fails(uri, ErrorCode::InvalidUri, Outcome::NotSent);
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        server.raw().put(TUBE, "x");
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        invalid(guest.release(job, None, Some(u64::MAX)).await);
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn a_batch_tells_the_result_of_each() {
    let server = Embedded::start();
    let mut host = Host::start(Grants::connect(server.addr()));
    let job = |tube: &str, body: &[u8]| NewJob {
        tube: tube.to_owned(),
        body: body.to_vec(),
        options: None,
    };
    let jobs =
        vec![job(TUBE, b"1"), job("not a tube", b"2"), job(TUBE, &[0; 100_000]), job(TUBE, b"4")];
    let uri = server.addr().to_string();
    let puts = host.run(async |guest| {
        let producer = guest.producer(&[&uri]).await.unwrap();
        assert_eq!(guest.put_many(producer, Vec::new(), None).await, []);
        guest.put_many(producer, jobs, Some(LONG)).await
    });
    let codes: Vec<_> = puts.into_iter().map(|put| put.map(drop).map_err(|e| e.code)).collect();
    let expected = [Ok(()), Err(ErrorCode::InvalidArgument), Err(ErrorCode::JobTooBig), Ok(())];
    assert_eq!(codes, expected);
}

#[test]
fn a_receive_that_ends_without_a_job_leaves_no_reserve() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    let consumer = host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        assert!(guest.receive(consumer, 100).await.unwrap().is_none());
        consumer
    });
    // The instance stands still, and the job is for whoever comes.
    raw.put(TUBE, "x");
    assert_eq!((count(&mut raw, "current-waiting"), count(&mut raw, "current-jobs-ready")), (0, 1));
    host.run(async |guest| {
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        guest.delete(job).await.unwrap();
    });
}

#[test]
fn a_closed_client_says_so() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    raw.put(TUBE, "x");
    let mut host = host(&server);
    host.run(async |guest| {
        let producer = guest.producer(&[&server.uri()]).await.unwrap();
        let report = guest.close_producer(producer, LONG).await;
        assert_eq!((report.abandoned_operations, report.abandoned_jobs), (0, 0));
        let put = guest.put(producer, TUBE, "x").await;
        assert_fails(put, ErrorCode::Closed, Outcome::NotSent);
        let again = guest.close_producer(producer, LONG).await;
        assert_eq!(again, report);

        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let job = guest.receive(consumer, LONG).await.unwrap().unwrap();
        let report = guest.close_consumer(consumer, 50).await;
        assert_eq!((report.abandoned_operations, report.abandoned_jobs), (0, 1));
        assert_fails(guest.receive(consumer, LONG).await, ErrorCode::Closed, Outcome::NotSent);
        assert_fails(guest.receive(consumer, 0).await, ErrorCode::Closed, Outcome::NotSent);
        assert!(guest.jobs(consumer).await.next().await.is_none());
        assert_fails(guest.delete(job).await, ErrorCode::JobLost, Outcome::NotSent);
        crate::wait_until("it is closed", || raw.stats()["current-connections"] == "1").await;
    });
    assert_eq!(count(&mut raw, "current-jobs-ready"), 1);
}

#[test]
fn closing_ends_a_receive_that_waits() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let mut host = host(&server);
    host.run(async |guest| {
        let consumer = guest.consumer(&[&server.uri()], &[TUBE]).await.unwrap();
        let close = async {
            crate::wait_until("it waits", || count(&mut raw, "current-waiting") == 1).await;
            guest.close_consumer(consumer, LONG).await
        };
        let (received, report) =
            futures_util::future::join(guest.receive(consumer, LONG), close).await;
        assert_fails(received, ErrorCode::Closed, Outcome::NotSent);
        assert_eq!(report.abandoned_jobs, 0);
    });
}
