//! What the measured programs have in common: flags in, one line of figures out.
//!
//! One process is one measurement. A client that meets anything but the reply it expects fails: a
//! rate of failures is no rate.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use clap::Parser;

mod latency;
mod measure;
mod options;
mod progress;

pub use latency::{PAUSE, at_once, latency};
pub use measure::{Figures, Meter};
pub use options::{Options, Work};
pub use progress::Progress;

/// Why a measurement failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// What a measurement gives.
pub type Result<T> = std::result::Result<T, Failure>;

/// How long a client may take to connect or to close.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

/// A client or a work that this program does not have.
#[derive(Debug)]
struct Unknown(String);

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for Unknown {}

impl Options {
    /// The failure of a program that does not have the client, or the client not the work.
    #[must_use]
    pub fn unknown(&self) -> Failure {
        Unknown(format!("no client {} that can {}", self.client, self.work)).into()
    }
}

/// The whole program: reads the flags, measures, prints the figures.
///
/// Ends with 0, with 1 if the measurement failed, with 2 if the flags make no sense here.
pub fn main(measure: impl FnOnce(&Options) -> Result<Figures>) -> ExitCode {
    let options = Options::parse();
    let error = match measure(&options).and_then(Figures::print) {
        Ok(()) => return ExitCode::SUCCESS,
        Err(error) => error,
    };
    eprintln!("{}: {error}", options.client);
    ExitCode::from(if error.is::<Unknown>() { 2 } else { 1 })
}
