//! One look at a server.

use beanwire::{Connection, Error, ErrorKind, ServerStats, TubeStats};

use crate::pipeline;
use crate::tubes::TubeChoice;

/// Tubes that are asked for their statistics at every look: more would keep the server busy.
pub(crate) const MAX_TUBES: usize = 1000;

/// What a look at a server shows.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) server: ServerStats,
    /// By name, [`MAX_TUBES`] at most.
    pub(crate) tubes: Vec<TubeStats>,
    /// Tubes beyond that limit.
    pub(crate) left_out: usize,
}

/// Asks for everything in two round trips, however many tubes there are.
pub(crate) async fn sample(connection: &Connection, tubes: &TubeChoice) -> Result<Sample, Error> {
    let (server, mut names) = tokio::try_join!(connection.stats(), connection.list_tubes())?;
    names.retain(|name| tubes.matches(name));
    names.sort_unstable();
    let left_out = names.len().saturating_sub(MAX_TUBES);
    names.truncate(MAX_TUBES);
    let mut tubes = Vec::with_capacity(names.len());
    for stats in pipeline::all(names.iter().map(|name| connection.stats_tube(name))).await {
        match stats {
            Ok(stats) => tubes.push(stats),
            // It was there a moment ago.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Sample { server, tubes, left_out })
}
