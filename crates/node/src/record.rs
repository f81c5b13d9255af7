//! What JavaScript is told in a turn: records in the memory that both sides see.
//!
//! A record is eight numbers: an operation, job or connection, what became of it, and up to six
//! more. Some have a payload beside them: a JavaScript value, or a body in the buffer for bodies.

use beanwire_core::engine::{CloseReport, InsertedJob, ReservedJob};
use beanwire_core::error::Error;
use beanwire_core::stats::JobState;
use napi::bindgen_prelude::Array;
use napi::{Env, Result};
use napi_derive::napi;

use crate::convert;
use crate::driver::Driver;
use crate::memory::{Entry, RECORDS, write};
use crate::value::Value;

/// An operation has ended, and there is nothing to tell.
#[napi]
pub const DONE: u32 = 0;

/// A put has ended: server, state, id.
#[napi]
pub const INSERTED: u32 = 1;

/// A job: server, its number here, id, age in microseconds, length of the body.
#[napi]
pub const JOB: u32 = 2;

/// A value, beside it.
#[napi]
pub const VALUE: u32 = 3;

/// An error, beside it.
#[napi]
pub const ERROR: u32 = 4;

/// A reservation is lost: the job's number.
#[napi]
pub const LOST: u32 = 5;

/// An event, beside it.
#[napi]
pub const EVENT: u32 = 6;

/// A connection is to be opened: its number, server.
#[napi]
pub const CONNECT: u32 = 7;

/// Bytes are to be sent: their number, whether they are the last.
#[napi]
pub const SEND: u32 = 8;

/// A connection is to be closed.
#[napi]
pub const CLOSE: u32 = 9;

/// The client is closed: abandoned operations and jobs.
#[napi]
pub const CLOSED: u32 = 10;

/// As the length of a body: it stands beside the record.
#[napi]
pub const BESIDE: u32 = u32::MAX;

/// Records that one step may need.
const RESERVE: usize = 2;

/// Bodies up to this length share a buffer.
const SHARED: usize = 1024;

/// How an operation ended.
#[derive(Debug)]
pub(crate) enum Completion {
    Done,
    Inserted(InsertedJob),
    Job(ReservedJob),
    Value(Value),
    Error(Error),
}

impl From<Value> for Completion {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// What JavaScript gets of one turn.
pub(crate) struct Records<'a, 'env> {
    env: &'env Env,
    places: &'a mut [u8],
    /// Where bodies go, one behind the other.
    bodies: &'a mut [u8],
    payloads: Array<'env>,
    pub(crate) written: usize,
    /// Another turn is to follow at once.
    pub(crate) is_more: bool,
}

impl<'a, 'env> Records<'a, 'env> {
    pub(crate) const fn new(
        env: &'env Env,
        places: &'a mut [u8],
        bodies: &'a mut [u8],
        payloads: Array<'env>,
    ) -> Self {
        Self { env, places, bodies, payloads, written: 0, is_more: false }
    }

    pub(crate) const fn has_room(&self) -> bool {
        self.written + RESERVE <= RECORDS as usize
    }

    /// Writes how an operation ended, and keeps what JavaScript will know by a number.
    pub(crate) fn completed(
        &mut self,
        number: u32,
        completion: Completion,
        driver: &mut Driver,
    ) -> Result<()> {
        let mut entry = [number, DONE, 0, 0, 0, 0, 0, 0];
        match completion {
            Completion::Done => {}
            Completion::Inserted(job) => {
                let [low, high] = halves(job.id.0);
                let server = small(job.server.id().index());
                entry = [number, INSERTED, server, state(job.state), low, high, 0, 0];
            }
            Completion::Job(job) => {
                let [low, high] = halves(job.id.0);
                let server = small(job.server.id().index());
                let age = driver.now().saturating_since(job.reserved_at).as_micros();
                let age = u32::try_from(age).unwrap_or(u32::MAX);
                let length = self.body(&job)?;
                let key = small(driver.jobs.insert(job.lease));
                entry = [number, JOB, server, key, low, high, age, length];
            }
            Completion::Value(value) => {
                entry[1] = VALUE;
                self.pay(&value)?;
            }
            Completion::Error(error) => {
                entry[1] = ERROR;
                self.pay(&convert::error(&error))?;
            }
        }
        self.write(&entry);
        Ok(())
    }

    /// Copies a body to the buffer for bodies, or, if it does not fit, to one of its own.
    fn body(&mut self, job: &ReservedJob) -> Result<u32> {
        let length = job.body.len();
        if length > SHARED || length > self.bodies.len() {
            self.pay(&Value::Body(job.body.clone()))?;
            return Ok(BESIDE);
        }
        let bodies = std::mem::take(&mut self.bodies);
        let (place, rest) = bodies.split_at_mut_checked(length).unwrap_or_default();
        place.copy_from_slice(&job.body);
        self.bodies = rest;
        Ok(small(length))
    }

    pub(crate) fn lost(&mut self, job: usize) {
        self.write(&[0, LOST, 0, small(job), 0, 0, 0, 0]);
    }

    pub(crate) fn event(&mut self, event: &Value) -> Result<()> {
        self.write(&[0, EVENT, 0, 0, 0, 0, 0, 0]);
        self.pay(event)
    }

    pub(crate) fn connect(&mut self, link: usize, server: usize) {
        self.write(&[small(link), CONNECT, small(server), 0, 0, 0, 0, 0]);
    }

    pub(crate) fn send(&mut self, link: usize, length: usize, is_last: bool) {
        self.write(&[small(link), SEND, small(length), u32::from(is_last), 0, 0, 0, 0]);
    }

    pub(crate) fn close(&mut self, link: usize) {
        self.write(&[small(link), CLOSE, 0, 0, 0, 0, 0, 0]);
    }

    pub(crate) fn closed(&mut self, report: &CloseReport) {
        let (operations, jobs) = (small(report.abandoned_operations), small(report.abandoned_jobs));
        self.write(&[0, CLOSED, operations, jobs, 0, 0, 0, 0]);
    }

    fn write(&mut self, entry: &Entry) {
        write(self.places, self.written, entry);
        self.written += 1;
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

/// A number of 64 bits as it stands in memory.
fn halves(id: u64) -> [u32; 2] {
    let bytes = id.to_ne_bytes();
    let (first, second) = bytes.split_at(4);
    [first, second].map(|half| u32::from_ne_bytes(half.try_into().unwrap_or_default()))
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
