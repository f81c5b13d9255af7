//! What becomes of puts.

use beanwire_component_tests::types::{Delivery, NewJob};
use beanwire_component_tests::{Config, OPTIONS, PutOptions, QUICK, job};
use beanwire_server::Shortage;
use beanwire_tests::{Beanstalkd, Embedded, RawClient, free_port};

use crate::face::{Face, Producing, Seen};
use crate::{LONG, TUBE};

fn producer(face: &dyn Face, uri: &str) -> Box<dyn Producing> {
    let producer = face.producer(&[uri], &QUICK).unwrap();
    producer.ready(LONG).unwrap();
    producer
}

/// Notes the job as the server has it.
fn note(seen: &mut Seen, raw: &mut RawClient, id: u64) {
    let stats = raw.stats_job(id);
    let keys = ["tube", "state", "pri", "delay", "ttr"];
    seen.note("job", keys.map(|key| stats[key].clone()));
}

pub(crate) fn a_put_takes_the_defaults(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    let bodies: [&[u8]; 3] = [b"", b"text", b"\r\n\0\xff"];
    for body in bodies {
        let job = producer.put(TUBE, body, None, None).unwrap();
        seen.note("put", job);
        note(seen, &mut server.raw(), job.id);
        seen.note("reply", server.raw().ask(&format!("peek {}", job.id)));
    }
}

pub(crate) fn a_put_takes_its_options(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    let most = u64::from(u32::MAX) * 1000;
    let options = [
        OPTIONS,
        PutOptions { priority: Some(0), ..OPTIONS },
        PutOptions { priority: Some(u32::MAX), ..OPTIONS },
        PutOptions { delay_ms: Some(5000), ..OPTIONS },
        PutOptions { delay_ms: Some(most), ..OPTIONS },
        PutOptions { ttr_ms: Some(7000), ..OPTIONS },
        PutOptions { ttr_ms: Some(most), ..OPTIONS },
        PutOptions { priority: Some(1), delay_ms: Some(2000), ttr_ms: Some(3000) },
    ];
    for options in options {
        let job = producer.put(TUBE, b"x", Some(options), None).unwrap();
        seen.note("put", job);
        note(seen, &mut server.raw(), job.id);
    }
}

pub(crate) fn spans_are_rounded_up_to_seconds(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    for span in [1, 300, 1000, 1001, 59_999] {
        let options = PutOptions { delay_ms: Some(span), ttr_ms: Some(span), ..OPTIONS };
        let job = producer.put(TUBE, b"x", Some(options), None).unwrap();
        note(seen, &mut server.raw(), job.id);
    }
}

pub(crate) fn bad_arguments_of_a_put_are_refused(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    let long = "t".repeat(201);
    for tube in ["", "-t", "a b", "t\r\n", "tübe", &long] {
        seen.note(tube, producer.put(tube, b"x", None, None));
    }
    let over = u64::from(u32::MAX) * 1000 + 1;
    let options = [
        PutOptions { delay_ms: Some(over), ..OPTIONS },
        PutOptions { ttr_ms: Some(over), ..OPTIONS },
        PutOptions { ttr_ms: Some(0), ..OPTIONS },
        PutOptions { delay_ms: Some(u64::MAX), ..OPTIONS },
    ];
    for options in options {
        seen.note("options", producer.put(TUBE, b"x", Some(options), None));
    }
    seen.note("longest", producer.put(&"t".repeat(200), b"x", None, None));
    seen.note("puts", &server.raw().stats()["cmd-put"]);
}

pub(crate) fn a_job_too_big_is_refused(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::builder().max_job_size(10).start();
    let producer = producer(face, &server.uri());
    seen.note("fits", producer.put(TUBE, &[b'x'; 10], None, None));
    seen.note("too big", producer.put(TUBE, &[b'x'; 11], None, None));
    let jobs = [job(TUBE, "x"), job(TUBE, [b'x'; 11]), job(TUBE, "y")];
    seen.note("many", producer.put_many(&jobs));
    seen.note("puts", &server.raw().stats()["cmd-put"]);
}

pub(crate) fn a_put_to_a_draining_server_goes_elsewhere_or_fails(face: &dyn Face, seen: &mut Seen) {
    let (draining, other) = (Beanstalkd::start(), Beanstalkd::start());
    let alone = producer(face, &draining.uri());
    let both = face.producer(&[&draining.uri(), &other.uri()], &QUICK).unwrap();
    both.ready(LONG).unwrap();
    draining.drain();
    seen.note("alone", alone.put(TUBE, b"x", None, None));
    for _ in 0..4 {
        // Whichever is tried first, the job ends at the other one.
        seen.note("both", both.put(TUBE, b"x", None, None));
    }
    seen.note("jobs", &other.raw().stats()["current-jobs-ready"]);
}

pub(crate) fn a_put_without_memory_fails_or_is_buried(face: &dyn Face, seen: &mut Seen) {
    let server = Embedded::start();
    let producer = producer(face, server.uri());
    server.set_shortage(Shortage::Jobs);
    seen.note("no memory", producer.put(TUBE, b"x", None, Some(500)));
    server.set_shortage(Shortage::Queues);
    let job = producer.put(TUBE, b"x", None, None).unwrap();
    seen.note("buried", job.state);
    server.clear_faults();
    seen.note("memory", producer.put(TUBE, b"x", None, None).map(|job| job.state));
}

pub(crate) fn many_puts_have_results_in_their_order(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    seen.note("none", producer.put_many(&[]));
    let late = PutOptions { delay_ms: Some(9000), ..OPTIONS };
    let never = PutOptions { ttr_ms: Some(0), ..OPTIONS };
    let jobs = [
        job("a", "1"),
        job("not a tube", "2"),
        job("b", "3"),
        NewJob { options: Some(late), ..job("a", "4") },
        NewJob { options: Some(never), ..job("a", "5") },
        job("b", [b'x'; 65_536]),
        job("a", "7"),
    ];
    seen.note("many", producer.put_many(&jobs));
    for tube in ["a", "b"] {
        seen.note(tube, server.raw().reserve(tube));
    }
    let jobs: Vec<NewJob> = (0..500).map(|number| job(TUBE, number.to_string())).collect();
    let ids: Vec<u64> = producer.put_many(&jobs).into_iter().map(|put| put.unwrap().id).collect();
    seen.note("ids", &ids);
    let mut raw = server.raw();
    let bodies: Vec<_> = std::iter::from_fn(|| raw.reserve(TUBE)).collect();
    seen.note("bodies", bodies);
}

pub(crate) fn a_producer_deletes_what_nobody_holds(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    let job = producer.put(TUBE, b"x", None, None).unwrap();
    seen.note("deleted", producer.delete(job.server, job.id));
    seen.note("again", producer.delete(job.server, job.id));
    let job = producer.put(TUBE, b"x", None, None).unwrap();
    let mut raw = server.raw();
    raw.reserve(TUBE).unwrap();
    seen.note("held", producer.delete(job.server, job.id));
}

pub(crate) fn a_put_without_a_server_fails_in_time(face: &dyn Face, seen: &mut Seen) {
    let uri = format!("beanstalk://127.0.0.1:{}", free_port());
    let producer = face.producer(&[&uri], &QUICK).unwrap();
    seen.note("at once", producer.put(TUBE, b"x", None, Some(0)));
    seen.note("in time", producer.put(TUBE, b"x", None, Some(100)));
    let config = Config { put_timeout_ms: Some(100), ..QUICK };
    let producer = face.producer(&[&uri], &config).unwrap();
    seen.note("as set", producer.put(TUBE, b"x", None, None));
    seen.note("many", producer.put_many(&[job(TUBE, "x"), job("no tube", "y")]));
}

pub(crate) fn a_put_whose_answer_is_lost_is_done_again_or_in_doubt(
    face: &dyn Face,
    seen: &mut Seen,
) {
    for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
        let server = Embedded::start();
        let config = Config { delivery: Some(delivery), ..QUICK };
        let producer = face.producer(&[server.uri()], &config).unwrap();
        producer.put("default", b"first", None, None).unwrap();
        server.cut_after_sent(0);
        seen.note("put", producer.put("default", b"second", None, None));
        seen.note("jobs", &server.raw().stats()["current-jobs-ready"]);
    }
}

pub(crate) fn a_closed_producer_refuses_work(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let producer = producer(face, &server.uri());
    producer.put(TUBE, b"x", None, None).unwrap();
    seen.note("close", producer.close(LONG));
    seen.note("put", producer.put(TUBE, b"x", None, None));
    seen.note("many", producer.put_many(&[job(TUBE, "x")]));
    seen.note("delete", producer.delete(0, 1));
    seen.note("ready", producer.ready(100));
    seen.note("again", producer.close(LONG));
}
