//! Jobs that take longer than their TTR: touches advance inside calls, and only there.

use std::time::Duration;

use beanwire_component_tests::types::{ErrorCode, Outcome};
use beanwire_component_tests::{Config, QUICK};
use beanwire_tests::{Beanstalkd, Embedded, wait_until};

use crate::{LONG, TUBE, assert_fails, host, host_of_embedded};

/// In seconds, as short as a touch with a margin allows.
const TTR: u32 = 3;

/// A wait longer than that, in milliseconds.
const LONGER: u64 = 5000;

#[test]
fn a_job_is_touched_by_itself_while_any_call_runs() {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, TTR);
    let host = host(&server);
    let config = Config { auto_touch: Some(true), ..QUICK };
    let consumer = host.consumer(&[&server.uri()], &[TUBE], &config).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    let other = host.connection(&server.uri(), &QUICK).unwrap();
    assert!(other.reserve_with_timeout(LONGER).unwrap().is_none());
    let stats = raw.stats_job(id);
    assert_eq!((&*stats["state"], &*stats["timeouts"]), ("reserved", "0"));
    assert_ne!(raw.stats()["cmd-touch"], "0");
    assert!(!job.is_lost());
    job.delete().unwrap();
}

#[test]
fn a_job_is_not_touched_unless_asked_for() {
    let server = Embedded::start();
    server.freeze();
    let id = server.raw().put_with(TUBE, "x", 0, 0, 10);
    let consumer = host_of_embedded(&server).consumer(&[server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    let again = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut raw = server.raw();
            wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
            server.advance(Duration::from_secs(11));
        });
        consumer.receive(LONG).unwrap().unwrap()
    });
    assert_eq!(again.id(), id, "its time ran out, and it came again");
    let mut raw = server.raw();
    assert_eq!(raw.stats_job(id)["timeouts"], "1");
    assert_eq!(raw.stats()["cmd-touch"], "0");
    drop(job);
    again.delete().unwrap();
}

#[test]
fn a_touch_of_ones_own_keeps_the_job_between_calls() {
    let server = Embedded::start();
    server.freeze();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 10);
    let consumer = host_of_embedded(&server).consumer(&[server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    for _ in 0..3 {
        server.advance(Duration::from_secs(8));
        job.touch().unwrap();
    }
    assert_eq!(raw.stats_job(id)["state"], "reserved");
    server.advance(Duration::from_secs(11));
    assert_eq!(raw.stats_job(id)["state"], "ready");
    assert_fails(job.touch(), ErrorCode::NotFound, Outcome::Rejected);
    assert!(job.is_lost());
}
