//! How far a long command is: a bar on a terminal, a line now and then in a pipe.

use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::context::Context;
use crate::failure::{Failure, note};
use crate::output;

/// How often a pipe gets a line.
const PACE: Duration = Duration::from_secs(5);

const TEMPLATE: &str =
    "{bar:30} {human_pos}/{human_len} {msg}, {per_sec}, {elapsed} of about {duration}";

/// How far a command is, on standard error.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    terminal: bool,
    verb: &'static str,
    done: u64,
    expected: u64,
    start: Instant,
    told: Instant,
}

impl Progress {
    /// `verb` is what is done to jobs: "kicked".
    pub(crate) fn new(context: &Context, verb: &'static str) -> Self {
        let terminal = context.stderr_terminal;
        let target = match terminal {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target).with_message(verb);
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, terminal, verb, done: 0, expected: 0, start: now, told: now }
    }

    /// So many more are to be done.
    pub(crate) fn expect(&mut self, more: u64) {
        self.expected += more;
        self.bar.set_length(self.expected);
    }

    /// So many more are done.
    pub(crate) fn add(&mut self, done: u64) {
        self.done += done;
        self.bar.set_position(self.done);
        if !self.terminal && self.told.elapsed() >= PACE {
            self.told = Instant::now();
            let Self { done, expected, verb, .. } = self;
            note(&format!("{done} of {expected} {verb}"));
        }
    }

    pub(crate) const fn done(&self) -> u64 {
        self.done
    }

    /// A line of the result.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.bar.suspend(|| output::line(text))
    }

    /// The last line: how many, and how fast.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        self.bar.finish_and_clear();
        let Self { done, verb, .. } = self;
        let jobs = if *done == 1 { "job" } else { "jobs" };
        let span = self.start.elapsed();
        let micros = span.as_micros().max(1);
        let rate = u64::try_from(u128::from(*done) * 1_000_000 / micros).unwrap_or(u64::MAX);
        let (seconds, rate) = (span.as_secs_f64(), HumanCount(rate));
        output::line(&format!("{done} {jobs} {verb} in {seconds:.2} s ({rate}/s)"))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // An error message is not to stand in the middle of a bar.
        self.bar.finish_and_clear();
    }
}
