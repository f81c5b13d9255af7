//! The engine against a scripted driver and server under virtual time.

mod outcome;
mod put;
mod reconnect;
mod rig;

use rig::{LONG_AGO, Rig, ms, secs};
