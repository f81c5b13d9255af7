//! What the benchmarks share: an engine without a network.

pub mod rig;
