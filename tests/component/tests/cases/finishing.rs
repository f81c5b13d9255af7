//! How reservations end.

use beanwire_component_tests::types::{Exhausted, FailurePolicy};
use beanwire_component_tests::{Config, POLICY, QUICK};
use beanwire_server::Shortage;
use beanwire_tests::{Beanstalkd, Embedded, RawClient, wait_until};

use crate::face::{Consuming, Face, Held, Seen};
use crate::{LONG, TUBE};

/// A server with one job and a consumer that has reserved it.
struct Scene {
    server: Beanstalkd,
    raw: RawClient,
    consumer: Box<dyn Consuming>,
    id: u64,
}

impl Scene {
    fn new(face: &dyn Face, policy: FailurePolicy) -> Self {
        let server = Beanstalkd::start();
        let mut raw = server.raw();
        let id = raw.put_with(TUBE, "x", 77, 0, 60);
        let config = Config { failure: Some(policy), ..QUICK };
        let consumer = face.consumer(&[&server.uri()], &[TUBE], &config).unwrap();
        Self { server, raw, consumer, id }
    }

    fn receive(&self) -> Box<dyn Held> {
        self.consumer.receive(LONG).unwrap().unwrap()
    }

    /// Notes the job as the server has it, once it is in this state.
    fn note(&mut self, seen: &mut Seen, state: &str) {
        wait_until(state, || self.raw.stats_job(self.id)["state"] == state);
        let stats = self.raw.stats_job(self.id);
        let keys = ["pri", "delay", "reserves", "timeouts", "releases", "buries", "kicks"];
        seen.note(state, keys.map(|key| (key, stats[key].clone())));
    }

    /// Makes the job ready.
    fn kick(&mut self) {
        assert_eq!(self.raw.command(&format!("kick-job {}", self.id)), "KICKED");
    }
}

pub(crate) fn a_job_is_deleted(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    let job = scene.receive();
    seen.note("deleted", job.delete());
    seen.note("exists", !scene.raw.stats_job(scene.id).is_empty());
    drop(job);
    seen.note("deletes", &scene.raw.stats()["cmd-delete"]);
}

pub(crate) fn a_job_is_released_with_priority_and_delay(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    seen.note("released", scene.receive().release(Some(5), Some(1500)));
    scene.note(seen, "delayed");
    scene.kick();
    seen.note("released", scene.receive().release(Some(u32::MAX), Some(0)));
    scene.note(seen, "ready");
}

pub(crate) fn a_release_keeps_what_it_is_not_told(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    seen.note("released", scene.receive().release(None, None));
    scene.note(seen, "ready");
    seen.note("released", scene.receive().release(None, Some(3000)));
    scene.note(seen, "delayed");
}

pub(crate) fn a_delay_out_of_range_keeps_the_job(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    let job = scene.receive();
    let most = u64::from(u32::MAX) * 1000;
    seen.note("refused", job.release(None, Some(most + 1)));
    seen.note("refused", job.release(None, Some(u64::MAX)));
    scene.note(seen, "reserved");
    seen.note("released", job.release(None, Some(most)));
    scene.note(seen, "delayed");
}

pub(crate) fn a_release_without_memory_buries(face: &dyn Face, seen: &mut Seen) {
    let server = Embedded::start();
    let mut raw = server.raw();
    let id = raw.put(TUBE, "x");
    let consumer = face.consumer(&[server.uri()], &[TUBE], &QUICK).unwrap();
    let job = consumer.receive(LONG).unwrap().unwrap();
    server.set_shortage(Shortage::Queues);
    seen.note("release", job.release(None, None));
    seen.note("state", &raw.stats_job(id)["state"]);
    seen.note("again", job.delete());
}

pub(crate) fn a_job_is_buried(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    seen.note("buried", scene.receive().bury(None));
    scene.note(seen, "buried");
    scene.kick();
    seen.note("buried", scene.receive().bury(Some(3)));
    scene.note(seen, "buried");
}

pub(crate) fn a_job_is_touched(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    let job = scene.receive();
    seen.note("touched", job.touch());
    seen.note("touches", &scene.raw.stats()["cmd-touch"]);
    seen.job("stats", job.stats());
    seen.note("deleted", job.delete());
    seen.note("touch", job.touch());
    seen.note("stats", job.stats().map(drop));
}

pub(crate) fn a_job_is_finished_once(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, POLICY);
    let finish: [fn(&dyn Held) -> _; 4] =
        [|job| job.release(None, None), |job| job.bury(None), |job| job.fail(), |job| job.delete()];
    for first in finish {
        let job = scene.receive();
        seen.note("first", first(&*job));
        for second in finish {
            seen.note("second", second(&*job));
        }
        job.give_back();
        drop(job);
        if !scene.raw.stats_job(scene.id).is_empty() {
            let _ = scene.raw.command(&format!("kick-job {}", scene.id));
        }
    }
    seen.note("exists", !scene.raw.stats_job(scene.id).is_empty());
}

pub(crate) fn a_failed_job_follows_the_policy(face: &dyn Face, seen: &mut Seen) {
    let policy = FailurePolicy { delay_ms: Some(4000), max_delay_ms: Some(10_000), ..POLICY };
    let mut scene = Scene::new(face, policy);
    for _ in 0..3 {
        seen.note("failed", scene.receive().fail());
        scene.note(seen, "delayed");
        scene.kick();
    }
}

pub(crate) fn a_failed_job_is_buried_in_the_end(face: &dyn Face, seen: &mut Seen) {
    let policy = FailurePolicy { delay_ms: Some(0), max_attempts: Some(2), ..POLICY };
    let mut scene = Scene::new(face, policy);
    seen.note("failed", scene.receive().fail());
    scene.note(seen, "ready");
    seen.note("failed", scene.receive().fail());
    scene.note(seen, "buried");
}

pub(crate) fn a_failed_job_becomes_a_dead_letter(face: &dyn Face, seen: &mut Seen) {
    let exhausted = Some(Exhausted::DeadLetter("dead".to_owned()));
    let policy = FailurePolicy { max_attempts: Some(1), exhausted, ..POLICY };
    let mut scene = Scene::new(face, policy);
    seen.note("failed", scene.receive().fail());
    seen.note("exists", !scene.raw.stats_job(scene.id).is_empty());
    seen.note("dead", scene.server.raw().reserve("dead"));
}

pub(crate) fn a_dropped_job_counts_as_failed(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, FailurePolicy { max_attempts: Some(2), ..POLICY });
    drop(scene.receive());
    scene.note(seen, "delayed");
    scene.kick();
    drop(scene.receive());
    scene.note(seen, "buried");
}

pub(crate) fn a_job_given_back_was_never_tried(face: &dyn Face, seen: &mut Seen) {
    let mut scene = Scene::new(face, FailurePolicy { max_attempts: Some(1), ..POLICY });
    let job = scene.receive();
    job.give_back();
    drop(job);
    scene.note(seen, "ready");
    let job = scene.receive();
    seen.note("again", (job.id(), job.body()));
    job.give_back();
    seen.note("delete", job.delete());
    scene.note(seen, "ready");
}
