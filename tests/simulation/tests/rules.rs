//! The rules hold in every run, and a fault of the engine is noticed.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a failed preparation is a failed test and should say so on the spot"
)]

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use beanwire_simulation::{Plan, Sabotage, run};

/// Seeds that are always tried. `cargo xtask simulate` tries more.
const FIXED: u64 = 60;

/// Seeds that nobody has seen before.
const FRESH: u64 = 10;

/// Runs in which a deliberate fault has to be noticed.
const PATIENCE: u64 = 300;

fn holds(seed: u64) {
    if let Err(violation) = run(Plan { seed, sabotage: None }) {
        panic!("{violation}");
    }
}

#[test]
fn no_rule_is_broken_with_the_fixed_seeds() {
    (0..FIXED).for_each(holds);
}

#[test]
fn no_rule_is_broken_with_fresh_seeds() {
    // A seed that fails is printed with the command that has it again.
    let first = RandomState::new().hash_one("fresh");
    (0..FRESH).map(|n| first.wrapping_add(n)).for_each(holds);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let figures = |seed| run(Plan { seed, sabotage: None }).unwrap().to_string();
    assert_eq!(figures(7), figures(7));
    assert_ne!(figures(7), figures(8));
}

#[test]
fn every_deliberate_fault_is_noticed() {
    let expected = BTreeMap::from([
        ("ForgetUse", "landed in"),
        ("DoubleUnknownPut", "at most once, was doubled"),
        ("ParkOnBusyConnection", "a reserve waits on a connection that holds"),
        ("KeepAbandonedJob", "and nobody has it"),
        ("ReleaseWithDefaultPriority", "should keep one of the priorities"),
    ]);
    for fault in Sabotage::ALL {
        let name = format!("{fault:?}");
        let plan = |seed| Plan { seed, sabotage: Some(fault) };
        let found = (0..PATIENCE).find_map(|seed| run(plan(seed)).err());
        let violation = found.unwrap_or_else(|| panic!("{name} goes unnoticed"));
        assert!(violation.what.contains(expected[name.as_str()]), "{name}:\n{violation}");
        println!("{name} is noticed with seed {}: {}", violation.plan.seed, violation.what);
    }
}
