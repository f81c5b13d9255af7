//! Engines and server machines in one thread under virtual time, with everything going wrong that
//! can: one seed decides it all, so a run that fails can be had again.
//!
//! A run has two halves. In the first, producers put, handlers work, fail and are slow, callers give
//! up, connections are cut at any byte, servers fall silent, restart with and without their jobs,
//! drain and run out of memory, and clocks jump. In the second all is well again: whatever is stuck
//! then is stuck for good. Every rule is checked where it can first be broken; see `ledger` for
//! what servers did and `client` for what callers were told.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a fault of the simulation itself should say so on the spot"
)]

mod client;
mod driver;
mod faults;
mod finale;
mod ledger;
mod network;
mod observer;
mod scenario;
mod work;
mod world;

use std::fmt;
use std::time::Duration;

pub use beanwire_core::engine::Sabotage;

pub use faults::FaultCounts;

/// What is to be simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Decides everything.
    pub seed: u64,
    /// A deliberate fault of all engines.
    pub sabotage: Option<Sabotage>,
}

/// What happened in a run that broke no rule.
#[derive(Debug, Clone, Copy, Default)]
pub struct Report {
    /// Simulated time, over all engines' clocks the same.
    pub time: Duration,
    /// Steps of the simulation.
    pub steps: u64,
    /// Puts that their callers know to have been done.
    pub acknowledged: u64,
    /// Jobs handed to handlers.
    pub handled: u64,
    /// Operations submitted.
    pub operations: u64,
    /// Operations given up by their callers.
    pub cancelled: u64,
    /// What went wrong on purpose.
    pub faults: FaultCounts,
}

impl Report {
    /// Adds another run's figures.
    pub fn add(&mut self, other: &Self) {
        self.time += other.time;
        self.steps += other.steps;
        self.acknowledged += other.acknowledged;
        self.handled += other.handled;
        self.operations += other.operations;
        self.cancelled += other.cancelled;
        self.faults.add(&other.faults);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.time.as_secs_f64() / 3600.0;
        writeln!(f, "virtual time   {hours:.1} h in {} steps", self.steps)?;
        writeln!(f, "operations     {}, {} given up", self.operations, self.cancelled)?;
        writeln!(f, "jobs           {} acknowledged and accounted for", self.acknowledged)?;
        writeln!(f, "handlers       {} jobs handed over", self.handled)?;
        write!(f, "faults         {}", self.faults)
    }
}

/// A rule that was broken.
#[derive(Debug, Clone)]
pub struct Violation {
    /// Where.
    pub plan: Plan,
    /// Which rule, and how.
    pub what: String,
    /// The last things that happened, the latest at the end.
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        let seed = self.plan.seed;
        writeln!(f, "seed {seed}: {}", self.what)?;
        write!(f, "again: cargo xtask simulate --seed {seed}")
    }
}

/// Simulates one plan.
///
/// # Errors
/// The first rule that was broken.
pub fn run(plan: Plan) -> Result<Report, Box<Violation>> {
    world::World::new(plan, false).run().or_else(|_| {
        // Once more, with a record of what happens.
        world::World::new(plan, true).run()
    })
}
