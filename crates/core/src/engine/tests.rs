//! The engine against a scripted driver and server under virtual time.

mod close;
mod connection;
mod consumer;
mod failure;
mod finish;
mod gather;
mod lease;
mod look;
mod outcome;
mod pace;
mod put;
mod reconnect;
mod rig;
mod surplus;
mod trouble;

use rig::{LONG_AGO, Rig, job_stats, ms, secs};
