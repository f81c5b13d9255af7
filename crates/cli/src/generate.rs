//! `beanwire completions` and `beanwire man`: made from the definition of the command line.

use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use crate::args::Cli;
use crate::failure::Failure;
use crate::output;

/// Print the completions for a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArgs {
    /// For example: beanwire completions bash > /etc/bash_completion.d/beanwire
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// Print the manual page of a command, or write all of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  beanwire man put | man -l -\n  beanwire man --dir /usr/local/share/man/man1"
)]
pub(crate) struct ManArgs {
    /// The command, such as `put` or `resurrect kick` [default: the page of beanwire itself]
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    command: Vec<String>,
    /// Write the pages of all commands into this directory
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "beanwire", &mut text);
    output::write(&text)
}

pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let mut root = Cli::command();
    if let Some(dir) = &args.dir {
        let failed = |error| Failure::refused(format!("--dir {}: {error}", dir.display()));
        std::fs::create_dir_all(dir).map_err(failed)?;
        return clap_mangen::generate_to(root, dir).map_err(failed);
    }
    root.build();
    let mut command = &root;
    let mut name = "beanwire".to_owned();
    for word in &args.command {
        command = command
            .find_subcommand(word)
            .ok_or_else(|| Failure::usage(format!("there is no command {name} {word}")))?;
        name = format!("{name} {word}");
    }
    let mut text = Vec::new();
    Man::new(command.clone()).render(&mut text)?;
    output::write(&text)
}
