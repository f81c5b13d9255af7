//! `beanwire`, the command line for beanstalkd.

use std::process::ExitCode;

use clap::Parser as _;

mod args;
mod bench;
mod consume;
mod context;
mod drain_check;
mod failure;
mod generate;
mod job;
mod mend;
mod output;
mod pause;
mod peek;
mod pipeline;
mod progress;
mod put;
mod relocate;
mod resurrect;
mod search;
mod serve;
mod servers;
mod span;
mod stats;
mod stop;
mod text;
mod top;
mod tubes;

use args::{Cli, Command};
use context::Context;
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::refused(format!("no runtime: {error}")).report(false),
    };
    let code = runtime.block_on(run(cli));
    // A thread that waits for standard input cannot be ended and must not be waited for.
    runtime.shutdown_background();
    code
}

async fn run(cli: Cli) -> ExitCode {
    let colour = cli.global.color.stderr();
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(colour),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    match &cli.command {
        Command::Completions(args) => return generate::completions(args),
        Command::Man(args) => return generate::man(args),
        _ => {}
    }
    let context = &Context::new(cli.global)?;
    if !matches!(cli.command, Command::Serve(_)) {
        context.check_tls()?;
    }
    match cli.command {
        Command::Resurrect(args) => resurrect::run(args, context).await,
        Command::Put(args) => put::run(args, context).await,
        Command::Consume(args) => consume::run(args, context).await,
        Command::Peek(args) => context.unless_stopped(peek::run(args, context)).await,
        Command::Stats(args) => context.unless_stopped(stats::run(args, context)).await,
        Command::Tubes(args) => context.unless_stopped(tubes::run(args, context)).await,
        Command::Job(args) => context.unless_stopped(job::run(args, context)).await,
        Command::Kick(args) => context.unless_forced(mend::kick(args, context)).await,
        Command::Delete(args) => context.unless_forced(mend::delete(args, context)).await,
        Command::Pause(args) => context.unless_stopped(pause::pause(args, context)).await,
        Command::Resume(args) => context.unless_stopped(pause::resume(args, context)).await,
        Command::Move(args) => relocate::run(args, context).await,
        Command::DrainCheck(args) => context.unless_stopped(drain_check::run(args, context)).await,
        Command::Top(args) => top::run(args, context).await,
        Command::Serve(args) => serve::run(args, context).await,
        Command::Bench(args) => bench::run(args, context).await,
        Command::Completions(_) | Command::Man(_) => Ok(()),
    }
}
