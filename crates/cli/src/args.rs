//! The command line as it is typed.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::failure::EXIT_CODES;
use crate::{
    bench, consume, drain_check, generate, job, mend, pause, peek, put, relocate, resurrect, serve,
    span, stats, top, tubes,
};

/// The command line for the beanstalkd work queue.
///
/// Jobs are put into tubes, reserved by workers, and then deleted, released or buried. These
/// commands put and consume jobs, look at them, bring buried ones back, and watch and measure
/// servers.
#[derive(Debug, Parser)]
#[command(name = "beanwire", version, after_help = EXIT_CODES, max_term_width = 100)]
#[command(propagate_version = true, subcommand_required = true, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

/// What they do is told by their arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Resurrect(resurrect::Args),
    Put(put::Args),
    Consume(consume::Args),
    Peek(peek::Args),
    Stats(stats::Args),
    Tubes(tubes::Args),
    Job(job::Args),
    Kick(mend::KickArgs),
    Delete(mend::DeleteArgs),
    Pause(pause::PauseArgs),
    Resume(pause::ResumeArgs),
    Move(relocate::Args),
    DrainCheck(drain_check::Args),
    Top(top::Args),
    Serve(serve::Args),
    Bench(bench::Args),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
}

/// What every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Servers and output")]
pub(crate) struct Global {
    /// A server: host:port, beanstalk://host:port, beanstalks://host:port (TLS) or unix://path;
    /// repeat it, or separate by commas, for several [default: beanstalk://127.0.0.1:11300]
    #[arg(long, global = true, env = "BEANWIRE_URI", value_name = "URI", hide_env_values = true)]
    pub(crate) uri: Vec<String>,
    /// How long to wait for a connection and for each answer
    #[arg(long, global = true, value_name = "SPAN", default_value = "5s", value_parser = timeout)]
    pub(crate) timeout: Duration,
    /// Trust the authorities in this PEM file only, not those of the system
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Show this certificate (PEM, with those that lead to its authority) to the server
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert (PEM)
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) tls_key: Option<PathBuf>,
    /// The name that the server's certificate must carry [default: the host of the URI]
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,
    /// When to use colour; `auto` is on terminals, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Colour,
}

fn timeout(text: &str) -> Result<Duration, String> {
    let span = span::parse(text)?;
    match (Duration::from_millis(1)..=Duration::from_hours(1)).contains(&span) {
        true => Ok(span),
        false => Err("the limit is 1ms to 1h".into()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    Auto,
    Always,
    Never,
}

impl Colour {
    pub(crate) fn stdout(self) -> bool {
        self.on(std::io::stdout().is_terminal())
    }

    pub(crate) fn stderr(self) -> bool {
        self.on(std::io::stderr().is_terminal())
    }

    fn on(self, terminal: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn colour_can_be_forced_either_way() {
        assert!(Colour::Always.on(false));
        assert!(!Colour::Never.on(true));
        assert!(!Colour::Auto.on(false));
    }
}
