//! Clocks, memory, and the line of figures.

use std::fs;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

use crate::Result;

/// What was measured.
#[derive(Debug, Clone)]
pub struct Figures {
    jobs: usize,
    wall: Duration,
    cpu: Duration,
    latencies: Vec<Duration>,
}

/// The clocks at the beginning of what is measured.
#[derive(Debug, Clone, Copy)]
pub struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    /// Begins.
    #[must_use]
    pub fn start() -> Self {
        Self { cpu: cpu(), wall: Instant::now() }
    }

    /// Ends after so many jobs.
    #[must_use]
    pub fn stop(self, jobs: usize) -> Figures {
        let wall = self.wall.elapsed();
        Figures { jobs, wall, cpu: cpu().saturating_sub(self.cpu), latencies: Vec::new() }
    }
}

/// Processor time of the whole process.
fn cpu() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

#[derive(Serialize)]
struct Line {
    jobs: usize,
    seconds: f64,
    cpu: f64,
    peak_memory: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    latencies: Vec<u128>,
}

impl Figures {
    /// The same with these latencies.
    #[must_use]
    pub fn with_latencies(self, latencies: Vec<Duration>) -> Self {
        Self { latencies, ..self }
    }

    /// Prints the line.
    pub(crate) fn print(self) -> Result<()> {
        let line = Line {
            jobs: self.jobs,
            seconds: self.wall.as_secs_f64(),
            cpu: self.cpu.as_secs_f64(),
            peak_memory: peak_memory()?,
            latencies: self.latencies.iter().map(Duration::as_nanos).collect(),
        };
        println!("{}", serde_json::to_string(&line)?);
        Ok(())
    }
}

/// The most memory that this process ever had resident, in bytes.
fn peak_memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kib: u64 = kib.ok_or("no VmHWM in /proc/self/status")?.parse()?;
    Ok(kib * 1024)
}
