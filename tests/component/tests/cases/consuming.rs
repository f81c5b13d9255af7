//! How jobs are received.

use beanwire_component_tests::{Config, QUICK};
use beanwire_tests::{Beanstalkd, CuttingProxy, Embedded, wait_until};

use crate::face::{Consuming, Face, Seen};
use crate::{LONG, TUBE};

fn consumer(face: &dyn Face, uri: &str) -> Box<dyn Consuming> {
    face.consumer(&[uri], &[TUBE], &QUICK).unwrap()
}

pub(crate) fn a_receive_takes_what_is_there(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let consumer = consumer(face, &server.uri());
    let bodies: [&[u8]; 3] = [b"", b"text", b"\r\n\0\xff"];
    for (body, timeout) in bodies.iter().zip([0, 1000, LONG]) {
        raw.put(TUBE, body);
        let job = consumer.receive(timeout).unwrap().unwrap();
        seen.note("job", (job.id(), job.body(), job.is_lost()));
        seen.job("stats", job.stats());
        job.delete().unwrap();
    }
}

pub(crate) fn a_receive_finds_nothing(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let consumer = consumer(face, &server.uri());
    for timeout in [0, 0, 100, 300] {
        seen.note("none", consumer.receive(timeout).map(|job| job.is_some()));
    }
    let many = consumer.receive_many(10, 100).unwrap();
    seen.note("none of many", many.len());
    let id = server.raw().put(TUBE, "x");
    let job = consumer.receive(LONG).unwrap().unwrap();
    seen.note("late", job.id() == id);
    seen.note("deleted", job.delete());
}

pub(crate) fn a_receive_takes_the_most_urgent_job(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for (body, priority) in [("b", 20), ("c", 30), ("a", 10), ("B", 20)] {
        raw.put_with(TUBE, body, priority, 0, 60);
    }
    let consumer = consumer(face, &server.uri());
    for _ in 0..4 {
        let job = consumer.receive(LONG).unwrap().unwrap();
        seen.note("job", (job.id(), job.body()));
        job.delete().unwrap();
    }
}

pub(crate) fn a_receive_waits_for_a_job(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let consumer = consumer(face, &server.uri());
    let job = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut raw = server.raw();
            wait_until("a reserve waits", || raw.stats()["current-waiting"] == "1");
            raw.put(TUBE, "late");
        });
        consumer.receive(LONG).unwrap().unwrap()
    });
    seen.note("job", (job.id(), job.body()));
    seen.note("deleted", job.delete());
}

pub(crate) fn a_receive_takes_many(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for number in 0..25 {
        raw.put(TUBE, number.to_string());
    }
    let consumer = consumer(face, &server.uri());
    let first = consumer.receive_many(20, LONG).unwrap();
    seen.note("as many as asked for", first.len());
    let rest = consumer.receive_many(20, LONG).unwrap();
    seen.note("what is left", rest.len());
    let mut bodies: Vec<_> = first.iter().chain(&rest).map(|job| job.body()).collect();
    bodies.sort();
    seen.note("bodies", bodies);
    for job in first.iter().chain(&rest) {
        seen.note("deleted", job.delete());
    }
    seen.note("none is left", raw.stats_tube(TUBE).get("total-jobs"));
}

pub(crate) fn a_receive_ends_for_good_when_closed(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let consumer = consumer(face, &server.uri());
    server.raw().put(TUBE, "x");
    let job = consumer.receive(LONG).unwrap().unwrap();
    job.delete().unwrap();
    seen.note("close", consumer.close(LONG));
    seen.note("receive", consumer.receive(0).map(|job| job.is_some()));
    seen.note("receive", consumer.receive(LONG).map(|job| job.is_some()));
    seen.note("many", consumer.receive_many(2, LONG).map(|jobs| jobs.len()));
    seen.note("again", consumer.close(LONG));
    drop(job);
}

pub(crate) fn default_is_watched_unless_tubes_are_named(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    for tube in ["default", "a", "b"] {
        raw.put(tube, tube);
    }
    let all: [&[&str]; 3] = [&[], &["b", "a", "a"], &["not a tube"]];
    for tubes in all {
        let Ok(consumer) = face.consumer(&[&server.uri()], tubes, &QUICK) else {
            let refused = face.consumer(&[&server.uri()], tubes, &QUICK).map(drop);
            seen.note("refused", refused);
            continue;
        };
        let jobs = consumer.receive_many(3, LONG).unwrap();
        let mut bodies: Vec<_> = jobs.iter().map(|job| job.body()).collect();
        bodies.sort();
        seen.note("watched", (tubes, bodies));
        for job in jobs {
            job.delete().unwrap();
        }
    }
}

pub(crate) fn jobs_that_are_held_are_counted_by_a_close(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let mut raw = server.raw();
    let id = raw.put(TUBE, "x");
    let consumer = consumer(face, &server.uri());
    let job = consumer.receive(LONG).unwrap().unwrap();
    seen.note("close", consumer.close(100));
    seen.note("lost", job.is_lost());
    wait_until("it is ready", || raw.stats_job(id)["state"] == "ready");
    seen.note("delete", job.delete());
    let stats = raw.stats_job(id);
    seen.note("tried", ["releases", "timeouts", "reserves"].map(|key| stats[key].clone()));
}

pub(crate) fn a_lost_connection_loses_the_job(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let proxy = CuttingProxy::start(server.addr());
    let mut raw = server.raw();
    let id = raw.put(TUBE, "x");
    let consumer = consumer(face, &proxy.uri());
    let job = consumer.receive(LONG).unwrap().unwrap();
    proxy.cut_now();
    wait_until("it is lost", || job.is_lost());
    seen.note("touch", job.touch());
    seen.note("stats", job.stats().map(drop));
    seen.note("delete", job.delete());
    wait_until("it is ready", || raw.stats_job(id)["state"] == "ready");
    let job = consumer.receive(LONG).unwrap().unwrap();
    seen.note("again", (job.id(), job.body()));
    seen.note("deleted", job.delete());
}

pub(crate) fn a_reservation_that_ran_out_is_gone(face: &dyn Face, seen: &mut Seen) {
    let server = Embedded::start();
    server.freeze();
    let mut raw = server.raw();
    let id = raw.put_with(TUBE, "x", 0, 0, 5);
    let consumer = face.consumer(&[server.uri()], &[TUBE], &Config { ..QUICK }).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    server.advance(std::time::Duration::from_secs(6));
    assert_eq!(raw.reserve(TUBE).unwrap().0, id, "the other one has it");
    seen.note("touch", job.touch());
    seen.note("lost", job.is_lost());
    seen.note("delete", job.delete());
    seen.note("timeouts", &raw.stats_job(id)["timeouts"]);
}
