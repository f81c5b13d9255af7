//! The flags.

use std::fmt;

use clap::{Parser, ValueEnum};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Work {
    /// Jobs put.
    Put,
    /// Jobs reserved and deleted.
    Consume,
    /// Time from a put to its handler.
    Latency,
    /// Processor time while nothing happens.
    Idle,
    /// Time from the start of the process to the first job done.
    Startup,
    /// Time to make an instance; of the component only.
    Instantiate,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.write_str(value.as_ref().map_or("", |value| value.get_name()))
    }
}

/// The flags; each work ignores those it has no use for.
#[derive(Debug, Clone, Parser)]
pub struct Options {
    /// Who is measured.
    #[arg(long)]
    pub client: String,
    /// What is measured.
    #[arg(long)]
    pub work: Work,
    /// The server, as host:port.
    #[arg(long)]
    pub uri: String,
    /// The tube.
    #[arg(long)]
    pub tube: String,
    /// Bytes of a body.
    #[arg(long)]
    pub size: usize,
    /// Connections.
    #[arg(long)]
    pub connections: usize,
    /// Jobs at a time, over all connections.
    #[arg(long)]
    pub in_flight: usize,
    /// Jobs that count.
    #[arg(long)]
    pub jobs: usize,
    /// Jobs before them that do not.
    #[arg(long)]
    pub warm_up: usize,
    /// Jobs whose handlers are busy meanwhile.
    #[arg(long)]
    pub busy: usize,
    /// Seconds to be idle.
    #[arg(long)]
    pub seconds: u64,
}

impl Options {
    /// The body of every job.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        vec![b'x'; self.size]
    }

    /// Fails for a body that is not as large as it was put.
    ///
    /// # Errors
    /// If its size is wrong.
    pub fn check_size(&self, size: usize) -> crate::Result<()> {
        if size == self.size {
            Ok(())
        } else {
            Err(format!("a body of {size} bytes instead of {}", self.size).into())
        }
    }

    /// Jobs of work `consume`: what the tube holds.
    #[must_use]
    pub fn total(&self) -> usize {
        self.warm_up + self.jobs
    }

    /// What one of the connections does of `all`.
    #[must_use]
    pub fn share(&self, all: usize, connection: usize) -> usize {
        let rest = all % self.connections;
        all / self.connections + usize::from(connection < rest)
    }
}
