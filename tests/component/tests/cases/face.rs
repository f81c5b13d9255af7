//! What the native client and the component have in common, and what is seen of them.

use std::fmt::Debug;

use beanwire_component_tests::types::{
    CloseReport, InsertedJob, JobStats, NewJob, Outcome, Retry, TubeStats,
};
use beanwire_component_tests::{Config, PutOptions};

/// An error, without the text for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) code: String,
    pub(crate) outcome: Outcome,
    pub(crate) retry: Retry,
}

pub(crate) type Told<T> = Result<T, Trouble>;

/// The id and the body of a job that was looked at.
pub(crate) type Peeked = (u64, Vec<u8>);

pub(crate) trait Face {
    fn producer(&self, uris: &[&str], config: &Config) -> Told<Box<dyn Producing>>;
    fn consumer(&self, uris: &[&str], tubes: &[&str], config: &Config) -> Told<Box<dyn Consuming>>;
    fn connection(&self, uri: &str, config: &Config) -> Told<Box<dyn Connected>>;
}

pub(crate) trait Producing {
    fn put(
        &self,
        tube: &str,
        body: &[u8],
        options: Option<PutOptions>,
        timeout_ms: Option<u64>,
    ) -> Told<InsertedJob>;
    fn put_many(&self, jobs: &[NewJob]) -> Vec<Told<InsertedJob>>;
    fn delete(&self, server: u32, id: u64) -> Told<()>;
    fn ready(&self, timeout_ms: u64) -> Told<()>;
    fn servers(&self) -> usize;
    fn close(&self, timeout_ms: u64) -> CloseReport;
}

pub(crate) trait Consuming {
    fn receive(&self, timeout_ms: u64) -> Told<Option<Box<dyn Held>>>;
    fn receive_many(&self, max: u32, timeout_ms: u64) -> Told<Vec<Box<dyn Held>>>;
    fn close(&self, timeout_ms: u64) -> CloseReport;
}

/// A reserved job. Dropping it unfinished is a failure.
pub(crate) trait Held {
    fn id(&self) -> u64;
    fn body(&self) -> Vec<u8>;
    fn is_lost(&self) -> bool;
    fn stats(&self) -> Told<JobStats>;
    fn touch(&self) -> Told<()>;
    fn delete(&self) -> Told<()>;
    fn release(&self, priority: Option<u32>, delay_ms: Option<u64>) -> Told<()>;
    fn bury(&self, priority: Option<u32>) -> Told<()>;
    fn fail(&self) -> Told<()>;
    fn give_back(&self);
}

pub(crate) trait Connected {
    fn put(&self, tube: &str, body: &[u8], options: Option<PutOptions>) -> Told<InsertedJob>;
    fn use_tube(&self, tube: &str) -> Told<()>;
    fn watch(&self, tube: &str) -> Told<u64>;
    fn ignore(&self, tube: &str) -> Told<u64>;
    fn reserve(&self) -> Told<Box<dyn Held>>;
    fn reserve_with_timeout(&self, timeout_ms: u64) -> Told<Option<Box<dyn Held>>>;
    fn reserve_job(&self, id: u64) -> Told<Box<dyn Held>>;
    fn delete(&self, id: u64) -> Told<()>;
    fn release(&self, id: u64, priority: u32, delay_ms: u64) -> Told<()>;
    fn bury(&self, id: u64, priority: u32) -> Told<()>;
    fn touch(&self, id: u64) -> Told<()>;
    fn peek(&self, id: u64) -> Told<Vec<u8>>;
    /// What `peek-ready`, `peek-delayed` and `peek-buried` find in a tube.
    fn peeks(&self, tube: &str) -> [Told<Option<Peeked>>; 3];
    fn kick(&self, tube: &str, bound: u32) -> Told<u64>;
    fn kick_job(&self, id: u64) -> Told<()>;
    fn stats_tube(&self, tube: &str) -> Told<TubeStats>;
    fn stats_job(&self, id: u64) -> Told<JobStats>;
    fn list_tubes(&self) -> Told<Vec<String>>;
    fn list_tubes_watched(&self) -> Told<Vec<String>>;
    fn list_tube_used(&self) -> Told<String>;
    fn pause_tube(&self, tube: &str, delay_ms: u64) -> Told<()>;
    fn close(&self, timeout_ms: u64) -> CloseReport;
}

/// What a case has seen, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen(Vec<String>);

impl Seen {
    pub(crate) fn note(&mut self, what: &str, value: impl Debug) {
        self.0.push(format!("{what}: {value:?}"));
    }

    /// Notes what does not depend on the moment.
    pub(crate) fn job(&mut self, what: &str, stats: Told<JobStats>) {
        let stats = stats.map(|stats| JobStats { age_ms: 0, time_left_s: 0, ..stats });
        self.note(what, stats);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
