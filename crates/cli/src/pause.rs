//! `beanwire pause` and `beanwire resume`.

use std::time::Duration;

use beanwire::ErrorKind;

use crate::context::Context;
use crate::failure::Failure;
use crate::tubes::{TubeChoice, TubeGlob};
use crate::{output, pipeline, span};

const EXAMPLES: &str = "\
Examples:
  beanwire pause mail --for 5m
  beanwire pause 'mail.*' other --for 1h";

/// Stop reservations from tubes for a while.
///
/// Jobs can still be put, and jobs that are reserved are not touched.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PauseArgs {
    /// Names of tubes, or globs; '*' is all of them
    #[arg(required = true, value_name = "TUBE")]
    tubes: Vec<TubeGlob>,
    /// For how long, rounded up to whole seconds
    #[arg(short = 'f', long = "for", value_name = "SPAN", value_parser = span::parse_delay)]
    span: Duration,
}

/// End the pause of tubes.
#[derive(Debug, clap::Args)]
pub(crate) struct ResumeArgs {
    /// Names of tubes, or globs; '*' is all of them
    #[arg(required = true, value_name = "TUBE")]
    tubes: Vec<TubeGlob>,
}

pub(crate) async fn pause(args: PauseArgs, context: &Context) -> Result<(), Failure> {
    set(args.tubes, args.span, context).await
}

pub(crate) async fn resume(args: ResumeArgs, context: &Context) -> Result<(), Failure> {
    set(args.tubes, Duration::ZERO, context).await
}

async fn set(globs: Vec<TubeGlob>, span: Duration, context: &Context) -> Result<(), Failure> {
    let choice = TubeChoice::new(globs);
    let gathered = context
        .on_each(async |connection| {
            let names = choice.names(connection).await?;
            let commands = names.iter().map(|name| connection.pause_tube(name, span));
            let mut done = 0;
            for (name, answer) in names.iter().zip(pipeline::all(commands).await) {
                match answer {
                    Ok(()) => {
                        done += 1;
                        say(context, &connection.server().to_string(), name.as_str(), span)?;
                    }
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => {
                        let failure = Failure::from(error).about(connection.server());
                        return Err(failure.after(done));
                    }
                }
            }
            Ok(done)
        })
        .await?;
    gathered.verdict(context)?;
    choice.check(&gathered, |done| usize::from(*done > 0))
}

fn say(context: &Context, server: &str, tube: &str, span: Duration) -> Result<(), Failure> {
    let what = match span.is_zero() {
        true => "resumed".to_owned(),
        false => format!("paused for {}", span::show(span)),
    };
    output::line(&format!("{}: {what}", context.place(server, tube)))
}
