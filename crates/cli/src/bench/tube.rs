//! The tube of the load: nobody else's before, and as it was after.

use std::collections::HashSet;
use std::time::Duration;

use beanwire::{Connection, ErrorKind, JobId, ServerUri, TubeName};

use super::Args;
use super::load::Left;
use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline;

/// Refuses what would disturb others, or could not work, on every server.
pub(crate) async fn check(context: &Context, tube: &TubeName, args: &Args) -> Result<(), Failure> {
    for server in &context.servers {
        let connection = context.connect(server).await?;
        let checked = check_one(&connection, tube, args).await;
        checked.map_err(|failure| failure.about(server))?;
    }
    Ok(())
}

async fn check_one(connection: &Connection, tube: &TubeName, args: &Args) -> Result<(), Failure> {
    let server = connection.stats().await?;
    if args.size > server.max_job_size {
        let message =
            format!("--size {}: the server's limit is {}", args.size, server.max_job_size);
        return Err(Failure::usage(message));
    }
    if server.draining {
        return Err(Failure::refused("the server drains and takes no jobs"));
    }
    let stats = match connection.stats_tube(tube).await {
        Ok(stats) => stats,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    if args.force {
        return Ok(());
    }
    let jobs = stats.current_jobs_ready
        + stats.current_jobs_reserved
        + stats.current_jobs_delayed
        + stats.current_jobs_buried;
    if jobs > 0 {
        let failure = Failure::refused(format!("tube {tube} is not empty (jobs: {jobs})"));
        return Err(failure.hint("leave out --tube for a tube of its own, or add --force"));
    }
    // Every connection watches `default` at first, this one as well.
    let own = u64::from(*tube == TubeName::default());
    if stats.current_watching > own {
        let others = stats.current_watching - own;
        let message = format!("tube {tube} is watched (by {others}), and they would get the jobs");
        let hint = "leave out --tube for a tube of its own, or add --force";
        return Err(Failure::refused(message).hint(hint));
    }
    Ok(())
}

/// Deletes the jobs that are left, and all others if the tube is its own. Tells how many there were.
pub(crate) async fn sweep(
    context: &Context,
    tube: &TubeName,
    own: bool,
    left: Left,
) -> Result<u64, Failure> {
    if left.is_clean() {
        return Ok(0);
    }
    let mut removed = 0;
    for server in &context.servers {
        let ids = left.ids_on(server);
        let swept = sweep_one(context, server, tube, own, &ids).await;
        removed += swept.map_err(|failure| {
            failure.about(format!("{} jobs may be left in tube {tube}", ids.len()))
        })?;
    }
    Ok(removed)
}

async fn sweep_one(
    context: &Context,
    server: &ServerUri,
    tube: &TubeName,
    own: bool,
    ids: &HashSet<u64>,
) -> Result<u64, Failure> {
    let connection = context.connect(server).await?;
    let mut removed = 0;
    let ids: Vec<_> = ids.iter().map(|id| JobId(*id)).collect();
    for ids in ids.chunks(pipeline::WINDOW) {
        for deleted in pipeline::delete(&connection, ids).await {
            match deleted {
                Ok(()) => removed += 1,
                // Somebody else was faster.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    if own {
        // Jobs whose put had no answer.
        connection.watch(tube).await?;
        connection.ignore(TubeName::default()).await?;
        while let Some(job) = connection.reserve_with_timeout(Duration::ZERO).await? {
            job.delete().await?;
            removed += 1;
        }
    }
    Ok(removed)
}
