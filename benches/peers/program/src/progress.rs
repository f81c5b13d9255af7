//! How far work `consume` is.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Figures, Meter, Options, Result};

/// Counts deletes from any thread: the clock runs from the last delete of the warm-up to the last
/// of all.
#[derive(Debug)]
pub struct Progress {
    warm_up: usize,
    total: usize,
    done: AtomicUsize,
    meter: OnceLock<Meter>,
    figures: OnceLock<Figures>,
}

impl Progress {
    /// Nothing is deleted yet.
    #[must_use]
    pub fn new(options: &Options) -> Self {
        let progress = Self {
            warm_up: options.warm_up,
            total: options.total(),
            done: AtomicUsize::new(0),
            meter: OnceLock::new(),
            figures: OnceLock::new(),
        };
        if progress.warm_up == 0 {
            progress.meter.get_or_init(Meter::start);
        }
        progress
    }

    /// So many more deletes are confirmed. Tells whether they were the last.
    pub fn add(&self, count: usize) -> bool {
        let before = self.done.fetch_add(count, Ordering::AcqRel);
        let after = before + count;
        if before < self.warm_up && after >= self.warm_up {
            self.meter.get_or_init(Meter::start);
        }
        let all = before < self.total && after >= self.total;
        if all {
            // The thread that ended the warm-up may have been held up right before its clock.
            let meter = self.meter.wait();
            self.figures.get_or_init(|| meter.stop(self.total - self.warm_up));
        }
        all
    }

    /// What was measured.
    ///
    /// # Errors
    /// If jobs are missing, or there were too many.
    pub fn figures(&self) -> Result<Figures> {
        let done = self.done.load(Ordering::Acquire);
        match self.figures.get() {
            Some(figures) if done == self.total => Ok(figures.clone()),
            _ => Err(format!("{done} jobs instead of {}", self.total).into()),
        }
    }
}
