//! Room for puts that have no answer yet: those beyond it wait, in their order.

use std::collections::VecDeque;

use beanwire_core::engine::NewJob;
use beanwire_core::error::{Error, ErrorKind};
use beanwire_core::types::Instant;

/// The unit in which room is counted, in bytes.
const UNIT: usize = 256;

#[derive(Debug)]
pub(crate) struct Room {
    bound: usize,
    all: usize,
    free: usize,
    waiting: VecDeque<Waiting>,
}

/// A put that waits for room.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) number: u32,
    pub(crate) job: NewJob,
    pub(crate) deadline: Instant,
}

impl Room {
    pub(crate) const fn new(bound: usize) -> Self {
        let all = bound / UNIT;
        Self { bound, all, free: all, waiting: VecDeque::new() }
    }

    /// What a put takes up. One that is larger than all the room goes alone.
    pub(crate) fn units(&self, job: &NewJob) -> usize {
        NewJob::cost(job.body.len()).div_ceil(UNIT).min(self.all)
    }

    /// Takes room, if there is and nobody waits for it.
    pub(crate) fn take(&mut self, units: usize) -> bool {
        let fits = self.waiting.is_empty() && units <= self.free;
        if fits {
            self.free -= units;
        }
        fits
    }

    pub(crate) const fn give(&mut self, units: usize) {
        self.free += units;
    }

    pub(crate) fn wait(&mut self, waiting: Waiting) {
        self.waiting.push_back(waiting);
    }

    pub(crate) fn cancel(&mut self, number: u32) {
        self.waiting.retain(|waiting| waiting.number != number);
    }

    /// The first that waits, if there is room for it now. Its room is taken.
    pub(crate) fn next(&mut self) -> Option<(Waiting, usize)> {
        let units = self.units(&self.waiting.front()?.job);
        if units > self.free {
            return None;
        }
        self.free -= units;
        Some((self.waiting.pop_front()?, units))
    }

    /// When the next of those that wait gives up.
    pub(crate) fn alarm(&self) -> Option<Instant> {
        self.waiting.iter().map(|waiting| waiting.deadline).min()
    }

    /// Those whose time is over.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<u32> {
        if self.alarm().is_none_or(|alarm| alarm > now) {
            return Vec::new();
        }
        let late = |waiting: &&Waiting| waiting.deadline <= now;
        let numbers = self.waiting.iter().filter(late).map(|waiting| waiting.number).collect();
        self.waiting.retain(|waiting| waiting.deadline > now);
        numbers
    }

    pub(crate) fn full(&self) -> Error {
        let bound = self.bound;
        let message = format!("puts waiting for an answer fill max_pending_bytes, {bound}");
        Error::not_sent(ErrorKind::QueueFull, message)
    }
}
