//! Several connections in one thread, each with its share of the work.

use std::thread;
use std::time::{Duration, Instant};

use beanwire_bench_program::{Options, Result};

use crate::wire::Wire;

/// A connection and its share.
pub(crate) struct Lane {
    pub(crate) wire: Wire,
    /// Jobs it may have under way.
    window: usize,
    /// Jobs it has to do.
    pub(crate) jobs: usize,
    /// Jobs it has begun.
    pub(crate) sent: usize,
    /// Jobs it is done with.
    pub(crate) done: usize,
}

impl Lane {
    /// Opens all connections.
    pub(crate) fn open(options: &Options) -> Result<Vec<Self>> {
        let lane = |number| {
            let window = options.share(options.in_flight, number).max(1);
            Ok(Self { wire: Wire::open(options)?, window, jobs: 0, sent: 0, done: 0 })
        };
        (0..options.connections).map(lane).collect()
    }

    /// Shares so many jobs out.
    pub(crate) fn share<'a>(
        lanes: &'a mut [Self],
        options: &Options,
        jobs: usize,
    ) -> &'a mut [Self] {
        for (number, lane) in lanes.iter_mut().enumerate() {
            (lane.jobs, lane.sent, lane.done) = (options.share(jobs, number), 0, 0);
        }
        lanes
    }

    /// How many jobs it may begin now.
    pub(crate) fn room(&self) -> usize {
        (self.done + self.window).min(self.jobs) - self.sent
    }
}

/// Reads replies and has `answer` look at them, until all lanes are done.
///
/// One thread reads from one connection after the other. It may well wait at one of them: each has
/// commands at the server, which meanwhile has those of the others to work on.
pub(crate) fn rounds(
    lanes: &mut [Lane],
    options: &Options,
    mut answer: impl FnMut(&mut Lane) -> Result<()>,
) -> Result<()> {
    while lanes.iter().any(|lane| lane.done < lane.jobs) {
        rest(options.in_flight);
        for lane in lanes.iter_mut().filter(|lane| lane.done < lane.jobs) {
            lane.wire.read()?;
            answer(lane)?;
        }
    }
    Ok(())
}

/// Leaves the server alone for about half the time that it takes for what is under way, if it is
/// as fast as 2 to 4 us a job.
///
/// A read that waits is woken for each single reply, at the server's expense; not to be in one
/// makes for up to twice the rate. How much of the window is free before it is filled again, all
/// that there is or at least half, makes no difference beside that.
fn rest(in_flight: usize) {
    let micros = u64::try_from(in_flight).unwrap_or(u64::MAX);
    match in_flight {
        0 | 1 => {}
        // Sleeping takes 50 us longer than asked for, which is too long here.
        2..64 => {
            let start = Instant::now();
            while start.elapsed() < Duration::from_micros(2 * micros) {
                std::hint::spin_loop();
            }
        }
        _ => thread::sleep(Duration::from_micros(micros)),
    }
}
