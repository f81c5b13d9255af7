//! What JavaScript submits: entries in the memory that both sides see.
//!
//! An entry is eight numbers: what to do, the operation's number, and up to six more; bodies of puts
//! stand one behind the other in their own part.

use std::time::Duration;

use beanwire_core::engine::{Finish, NewJob, Request};
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::types::{Instant, Priority, Seconds};
use bytes::Bytes;
use napi_derive::napi;

use crate::driver::{Driver, Wait};
use crate::memory::{Entry, Memory, entries};

/// Puts a job: tube, priority, delay, TTR, timeout in ms, length of the body.
#[napi]
pub const PUT: u32 = 0;

/// Waits for a job.
#[napi]
pub const RECEIVE: u32 = 1;

/// Finishes a job: job, how, priority, delay, whether there is a priority.
#[napi]
pub const FINISH: u32 = 2;

/// As a timeout: the configured one.
#[napi]
pub const CONFIGURED: u32 = u32::MAX;

/// As a timeout: none.
#[napi]
pub const FOREVER: u32 = u32::MAX - 1;

/// Numbers of a put, in the order of its entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PutNumbers {
    pub(crate) number: u32,
    pub(crate) tube: u32,
    pub(crate) priority: u32,
    pub(crate) delay: u32,
    pub(crate) ttr: u32,
    pub(crate) timeout: u32,
}

impl Driver {
    /// Starts what was submitted.
    pub(crate) fn submit(&mut self, memory: &Memory<'_>, count: u32) {
        let mut bodies = memory.bodies;
        for entry in entries(memory.submissions).take(count as usize) {
            let [what, number, ..] = entry;
            match what {
                PUT => {
                    let [.., tube, priority, delay, ttr, timeout, length] = entry;
                    let numbers = PutNumbers { number, tube, priority, delay, ttr, timeout };
                    let (body, rest) = bodies.split_at_checked(length as usize).unwrap_or_default();
                    bodies = rest;
                    self.put(numbers, Bytes::copy_from_slice(body));
                }
                RECEIVE => self.start(number, Request::Receive, None, Wait::Plain),
                _ => self.finish(entry),
            }
        }
    }

    /// Starts a put, or has it wait for room.
    pub(crate) fn put(&mut self, numbers: PutNumbers, body: Bytes) {
        let PutNumbers { number, tube, priority, delay, ttr, timeout } = numbers;
        let span = |seconds| Duration::from_secs(u64::from(seconds));
        let made = self.tube(tube).and_then(|tube| {
            let delay = Seconds::from_duration("delay", span(delay))?;
            let ttr = Seconds::ttr(span(ttr))?;
            Ok(NewJob { tube, priority: Priority(priority), delay, ttr, body })
        });
        match made {
            Ok(job) => self.put_job(number, job, self.put_deadline(timeout)),
            Err(error) => self.fail(number, error),
        }
    }

    fn put_deadline(&self, timeout: u32) -> Option<Instant> {
        let limit = match timeout {
            CONFIGURED => self.put_timeout,
            FOREVER => Some(Duration::MAX),
            millis => Some(Duration::from_millis(u64::from(millis))),
        };
        limit.map(|limit| self.now() + limit)
    }

    fn finish(&mut self, entry: Entry) {
        let [_, number, job, how, priority, delay, has_priority, _] = entry;
        let priority = (has_priority != 0).then_some(Priority(priority));
        let delay = Duration::from_secs(u64::from(delay));
        let how = match how {
            0 => Ok(Finish::Delete),
            1 => Seconds::from_duration("delay", delay)
                .map(|delay| Finish::Release { priority, delay }),
            2 => Ok(Finish::Bury { priority }),
            _ => Ok(Finish::Fail),
        };
        let lease = self.jobs.try_remove(job as usize).ok_or_else(no_job);
        match lease.and_then(|lease| Ok(Request::Finish { lease, how: how? })) {
            Ok(request) => self.start(number, request, None, Wait::Plain),
            Err(error) => self.fail(number, error),
        }
    }
}

pub(crate) fn no_job() -> Error {
    Error::not_sent(ErrorKind::JobFinished, "the job was finished or given back before")
}
