//! `beanwire kick` and `beanwire delete`: jobs one by one.

use beanwire::{Connection, Error, JobId, TubeName};

use crate::context::Context;
use crate::failure::Failure;
use crate::pipeline::{self, WINDOW};
use crate::{job, output};

/// Make buried or delayed jobs ready, by their ids or a number of them.
///
/// With --tube it is the kick of the protocol, on each server: of buried jobs if there are any, else
/// of delayed ones. `beanwire resurrect kick` leaves delayed jobs alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  beanwire kick 17 18\n  beanwire kick --tube mail --bound 100")]
pub(crate) struct KickArgs {
    /// Ids of jobs
    #[arg(value_name = "ID", required_unless_present = "tube", conflicts_with = "tube")]
    ids: Vec<u64>,
    /// Kick jobs of this tube
    #[arg(short, long, value_name = "TUBE", requires = "bound")]
    tube: Option<TubeName>,
    /// Most jobs to kick, with --tube
    #[arg(short = 'n', long, value_name = "N", requires = "tube")]
    bound: Option<u32>,
}

/// Delete jobs by their ids.
///
/// A job that somebody has reserved is not deleted.
#[derive(Debug, clap::Args)]
pub(crate) struct DeleteArgs {
    /// Ids of jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<u64>,
}

pub(crate) async fn kick(args: KickArgs, context: &Context) -> Result<(), Failure> {
    match args.tube {
        Some(tube) => kick_tube(&tube, args.bound.unwrap_or_default(), context).await,
        None => {
            by_id(&args.ids, "kicked", "neither buried nor delayed", context, pipeline::kick).await
        }
    }
}

pub(crate) async fn delete(args: DeleteArgs, context: &Context) -> Result<(), Failure> {
    by_id(&args.ids, "deleted", "not there, or reserved", context, pipeline::delete).await
}

/// One command, for several would go on with delayed jobs once the buried ones are kicked.
async fn kick_tube(tube: &TubeName, bound: u32, context: &Context) -> Result<(), Failure> {
    let gathered = context
        .on_each(async |connection| {
            let kicked = connection.kick(tube, bound).await;
            let kicked = kicked.map_err(|error| Failure::from(error).about(connection.server()))?;
            let server = connection.server().to_string();
            output::line(&format!("{}: {kicked} kicked", context.place(&server, tube.as_str())))
        })
        .await?;
    gathered.verdict(context)?;
    context.finished()
}

async fn by_id(
    ids: &[u64],
    done: &str,
    not_done: &str,
    context: &Context,
    run: impl AsyncFn(&Connection, &[JobId]) -> Vec<Result<(), Error>>,
) -> Result<(), Failure> {
    let server = context.only_server()?;
    let connection = context.connect(server).await?;
    let (mut count, mut missing) = (0, Vec::new());
    for ids in ids.chunks(WINDOW) {
        let ids: Vec<_> = ids.iter().copied().map(JobId).collect();
        for (id, answer) in ids.iter().zip(run(&connection, &ids).await) {
            match answer {
                Ok(()) => {
                    count += 1;
                    output::line(&format!("{id}: {done}"))?;
                }
                Err(error) if error.kind() == beanwire::ErrorKind::NotFound => {
                    missing.push(id.to_string());
                }
                Err(error) => {
                    return Err(Failure::from(error).about(format!("job {id}")).after(count));
                }
            }
        }
        if context.stop.is_asked() {
            return Err(context.stop.failure());
        }
    }
    job::refused(&missing, not_done, count)
}
