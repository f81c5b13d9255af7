//! How an operation ends, and the record that JavaScript reads of it.
//!
//! A record is eight numbers of 32 bits: operation, tag, server, state or job, the id in two halves,
//! the age in microseconds, and one that is not used. Some have a payload beside them.

use std::rc::Rc;
use std::time::Instant;

use beanwire::{Error, Events, InsertedJob, Job, JobState};
use napi::bindgen_prelude::Array;
use napi::{Env, Result};

use crate::convert;
use crate::kept::{Client, Kept};
use crate::serve::Embedded;
use crate::value::Value;

/// Numbers of one record.
pub(crate) const RECORD: usize = 8;

/// How an operation ended.
#[derive(Debug)]
pub(crate) enum Completion {
    Done,
    Inserted(InsertedJob),
    Job(Box<Job>),
    Value(Value),
    Error(Error),
    /// A stream has no more.
    Ended,
    /// A client, and what it has to tell from its first moment on.
    Opened(Box<(Client, Events)>),
    Serving(Box<Embedded>),
}

impl From<()> for Completion {
    fn from((): ()) -> Self {
        Self::Done
    }
}

impl From<Value> for Completion {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<InsertedJob> for Completion {
    fn from(job: InsertedJob) -> Self {
        Self::Inserted(job)
    }
}

impl From<Job> for Completion {
    fn from(job: Job) -> Self {
        Self::Job(Box::new(job))
    }
}

/// What JavaScript gets of one turn.
pub(crate) struct Records<'a, 'env> {
    pub(crate) env: &'env Env,
    pub(crate) numbers: &'a mut [u32],
    pub(crate) payloads: Array<'env>,
    written: usize,
}

impl<'a, 'env> Records<'a, 'env> {
    pub(crate) fn new(env: &'env Env, numbers: &'a mut [u32], payloads: Array<'env>) -> Self {
        Self { env, numbers, payloads, written: 0 }
    }

    /// Writes how an operation ended, and keeps what JavaScript will know by a number.
    pub(crate) fn write(
        &mut self,
        operation: usize,
        completion: Completion,
        kept: &mut Kept,
    ) -> Result<()> {
        let mut record = [0; RECORD];
        record[0] = number(operation);
        match completion {
            Completion::Done => record[1] = 0,
            Completion::Inserted(job) => {
                record[1] = 1;
                record[2] = number(job.server.id().index());
                record[3] = state(job.state);
                [record[4], record[5]] = halves(job.id.0);
            }
            Completion::Job(job) => {
                record[1] = 2;
                record[2] = number(job.server().id().index());
                [record[4], record[5]] = halves(job.id().0);
                let age = Instant::now().saturating_duration_since(job.reserved_at());
                record[6] = u32::try_from(age.as_micros()).unwrap_or(u32::MAX);
                self.pay(&Value::Body(job.body().clone()))?;
                record[3] = number(kept.jobs.insert(Rc::new(*job)));
            }
            Completion::Value(value) => record[1] = self.value(&value)?,
            Completion::Opened(opened) => {
                let (client, events) = *opened;
                let servers = client.servers().into_iter().map(Value::text).collect();
                let fields = vec![
                    ("client", Value::number(kept.clients.insert(client))),
                    ("events", Value::number(kept.add_events(events))),
                    ("servers", Value::List(servers)),
                ];
                record[1] = self.value(&Value::object(fields))?;
            }
            Completion::Serving(server) => {
                let uri = Value::text(server.uri());
                let key = Value::number(kept.servers.insert(*server));
                record[1] = self.value(&Value::object([("server", key), ("uri", uri)]))?;
            }
            Completion::Error(error) => {
                record[1] = 4;
                self.pay(&convert::error(&error))?;
            }
            Completion::Ended => record[1] = 5,
        }
        let at = self.written * RECORD;
        if let Some(place) = self.numbers.get_mut(at..at + RECORD) {
            place.copy_from_slice(&record);
        }
        self.written += 1;
        Ok(())
    }

    fn value(&mut self, value: &Value) -> Result<u32> {
        self.pay(value)?;
        Ok(3)
    }

    fn pay(&mut self, value: &Value) -> Result<()> {
        self.payloads.insert(value.to_js(self.env)?)
    }
}

const fn state(state: JobState) -> u32 {
    match state {
        JobState::Ready | JobState::Reserved => 0,
        JobState::Delayed => 1,
        JobState::Buried => 2,
    }
}

fn halves(id: u64) -> [u32; 2] {
    let bytes = id.to_ne_bytes();
    let (first, second) = bytes.split_at(4);
    [first, second].map(|half| u32::from_ne_bytes(half.try_into().unwrap_or_default()))
}

fn number(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
