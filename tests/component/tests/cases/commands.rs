//! What a connection does.

use beanwire_component_tests::{OPTIONS, PutOptions, QUICK};
use beanwire_tests::{Beanstalkd, Embedded};

use crate::face::{Connected, Face, Seen};
use crate::{LONG, TUBE};

fn connection(face: &dyn Face, server: &Beanstalkd) -> Box<dyn Connected> {
    face.connection(&server.uri(), &QUICK).unwrap()
}

pub(crate) fn tubes_are_used_and_watched(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    seen.note("used", connection.list_tube_used());
    seen.note("use", connection.use_tube("a"));
    seen.note("used", connection.list_tube_used());
    seen.note("watch", connection.watch("b"));
    seen.note("watch again", connection.watch("b"));
    seen.note("ignore", connection.ignore("default"));
    seen.note("ignore another", connection.ignore("c"));
    seen.note("ignore the last", connection.ignore("b"));
    seen.note("watched", connection.list_tubes_watched());
    let tubes = connection.list_tubes().map(|mut tubes| {
        tubes.sort();
        tubes
    });
    seen.note("tubes", tubes);
}

pub(crate) fn jobs_are_reserved_and_finished_by_id(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    seen.note("put", connection.put(TUBE, b"x", None));
    seen.note("nothing", connection.reserve_with_timeout(0).map(|job| job.is_some()));
    connection.watch(TUBE).unwrap();
    let job = connection.reserve().unwrap();
    seen.note("reserve", (job.id(), job.body()));
    seen.note("held", connection.reserve_job(1).map(|job| job.id()));
    seen.note("touch", connection.touch(1));
    seen.note("release", connection.release(1, 9, 0));
    seen.job("stats", connection.stats_job(1));
    seen.note("late", job.delete());
    let job = connection.reserve_with_timeout(LONG).unwrap().unwrap();
    seen.note("reserve", (job.id(), job.body()));
    seen.note("bury", connection.bury(1, 8));
    seen.job("stats", connection.stats_job(1));
    let again = connection.reserve_job(1).unwrap();
    seen.note("reserve", (again.id(), again.body()));
    seen.note("delete", connection.delete(1));
    seen.note("delete", connection.delete(1));
    drop((job, again));
}

pub(crate) fn jobs_are_peeked_at(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    seen.note("none", connection.peeks(TUBE));
    let mut raw = server.raw();
    let buried = raw.put(TUBE, "buried");
    raw.reserve(TUBE).unwrap();
    assert_eq!(raw.command(&format!("bury {buried} 0")), "BURIED");
    raw.put(TUBE, b"ready\r\n\xff");
    raw.put_with(TUBE, "delayed", 0, 100, 60);
    seen.note("one each", connection.peeks(TUBE));
    seen.note("other tube", connection.peeks("default"));
    for id in 0..5 {
        seen.note("peek", connection.peek(id));
    }
}

pub(crate) fn jobs_are_kicked(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    let delayed = PutOptions { delay_ms: Some(100_000), ..OPTIONS };
    for body in [b"1", b"2", b"3", b"4"] {
        connection.put(TUBE, body, Some(delayed)).unwrap();
    }
    seen.note("one", connection.kick_job(2));
    seen.note("again", connection.kick_job(2));
    seen.note("bound", connection.kick(TUBE, 1));
    seen.note("nothing", connection.kick(TUBE, 0));
    seen.note("rest", connection.kick(TUBE, u32::MAX));
    seen.note("none", connection.kick(TUBE, 1));
    seen.note("no tube", connection.kick("other", 1));
    for id in 1..=4 {
        seen.job("stats", connection.stats_job(id));
    }
}

pub(crate) fn a_tube_is_paused(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    connection.put(TUBE, b"x", None).unwrap();
    connection.watch(TUBE).unwrap();
    seen.note("pause", connection.pause_tube(TUBE, 99_001));
    let stats = connection.stats_tube(TUBE).unwrap();
    seen.note("paused", (stats.pause_ms, stats.cmd_pause_tube));
    seen.note("nothing", connection.reserve_with_timeout(0).map(|job| job.is_some()));
    seen.note("resume", connection.pause_tube(TUBE, 0));
    let job = connection.reserve_with_timeout(LONG).unwrap().unwrap();
    seen.note("job", job.id());
    seen.note("delete", job.delete());
}

pub(crate) fn statistics_are_read(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    let options = PutOptions { priority: Some(3), delay_ms: None, ttr_ms: Some(9000) };
    connection.put(TUBE, b"x", Some(options)).unwrap();
    connection.watch(TUBE).unwrap();
    seen.job("ready", connection.stats_job(1));
    seen.note("tube", connection.stats_tube(TUBE));
    let job = connection.reserve().unwrap();
    seen.job("reserved", connection.stats_job(1));
    seen.note("tube", connection.stats_tube(TUBE));
    job.delete().unwrap();
    seen.note("tube", connection.stats_tube(TUBE));
}

pub(crate) fn what_does_not_exist_is_not_found(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    for id in [0, 1, u64::MAX] {
        seen.note("delete", connection.delete(id));
        seen.note("release", connection.release(id, 0, 0));
        seen.note("bury", connection.bury(id, 0));
        seen.note("touch", connection.touch(id));
        seen.note("peek", connection.peek(id));
        seen.note("kick", connection.kick_job(id));
        seen.note("stats", connection.stats_job(id).map(drop));
        seen.note("reserve", connection.reserve_job(id).map(drop));
    }
    seen.note("tube", connection.stats_tube("nowhere"));
    seen.note("pause", connection.pause_tube("nowhere", 1000));
}

pub(crate) fn bad_arguments_of_commands_are_refused(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    for tube in ["", "-", "two words", "x\r\ndelete 1"] {
        seen.note("put", connection.put(tube, b"x", None));
        seen.note("use", connection.use_tube(tube));
        seen.note("watch", connection.watch(tube));
        seen.note("ignore", connection.ignore(tube));
        seen.note("peeks", connection.peeks(tube));
        seen.note("kick", connection.kick(tube, 1));
        seen.note("stats", connection.stats_tube(tube));
        seen.note("pause", connection.pause_tube(tube, 1000));
    }
    let over = u64::from(u32::MAX) * 1000 + 1;
    seen.note("release", connection.release(1, 0, over));
    seen.note("pause", connection.pause_tube(TUBE, over));
    let over = 2_147_483_647_001;
    seen.note("reserve", connection.reserve_with_timeout(over).map(|job| job.is_some()));
    let stats = server.raw().stats();
    let keys = ["cmd-put", "cmd-use", "cmd-watch", "cmd-ignore", "cmd-kick", "cmd-pause-tube"];
    seen.note("nothing was sent", keys.map(|key| stats[key].clone()));
}

pub(crate) fn a_deadline_is_told(face: &dyn Face, seen: &mut Seen) {
    let server = Embedded::start();
    server.freeze();
    let connection = face.connection(server.uri(), &QUICK).unwrap();
    let options = PutOptions { ttr_ms: Some(1000), ..OPTIONS };
    connection.put("default", b"x", Some(options)).unwrap();
    let job = connection.reserve().unwrap();
    seen.note("timeout", connection.reserve_with_timeout(LONG).map(|job| job.is_some()));
    seen.note("none", connection.reserve().map(drop));
    seen.note("delete", job.delete());
}

pub(crate) fn a_connection_closes(face: &dyn Face, seen: &mut Seen) {
    let server = Beanstalkd::start();
    let connection = connection(face, &server);
    connection.put("default", b"x", None).unwrap();
    let job = connection.reserve().unwrap();
    seen.note("close", connection.close(100));
    seen.note("put", connection.put("default", b"x", None));
    seen.note("peek", connection.peek(1));
    seen.note("reserve", connection.reserve_with_timeout(0).map(|job| job.is_some()));
    seen.note("delete", job.delete());
    seen.note("again", connection.close(100));
}
