//! `beanwire tubes`, and how tubes are chosen by their names.

use std::fmt;
use std::str::FromStr;

use beanwire::{Connection, ErrorKind, ServerUri, TubeName, TubeStats};
use globset::{GlobBuilder, GlobMatcher};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Column, Output, Table};
use crate::pipeline::{self, WINDOW};
use crate::servers::Gathered;
use crate::span;

/// A pattern for names of tubes. What is special in it, none of them contains.
#[derive(Clone)]
pub(crate) struct TubeGlob {
    text: String,
    matcher: GlobMatcher,
}

impl fmt::Debug for TubeGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl FromStr for TubeGlob {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let special = |c| "*?[]{},!\\".contains(c);
        if !text.contains(special) {
            // A plain name gets the error of a name.
            TubeName::new(text).map_err(|error| error.to_string())?;
        }
        let glob = GlobBuilder::new(text).build().map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }
}

/// The flag that chooses tubes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TubeChoice {
    /// Only tubes whose name matches, such as mail, 'mail.*' or '{a,b}?'; may be repeated
    /// [default: all]
    #[arg(short = 't', long = "tube", value_name = "GLOB")]
    globs: Vec<TubeGlob>,
}

impl TubeChoice {
    pub(crate) const fn new(globs: Vec<TubeGlob>) -> Self {
        Self { globs }
    }

    pub(crate) fn matches(&self, tube: &TubeName) -> bool {
        let tube = tube.as_str();
        self.globs.is_empty() || self.globs.iter().any(|glob| glob.matcher.is_match(tube))
    }

    /// The chosen tubes of a server that exist, by their names.
    pub(crate) async fn names(&self, connection: &Connection) -> Result<Vec<TubeName>, Failure> {
        let about = |error| Failure::from(error).about(connection.server());
        let mut names = connection.list_tubes().await.map_err(about)?;
        names.retain(|name| self.matches(name));
        names.sort_unstable();
        Ok(names)
    }

    /// The statistics of the chosen tubes of a server, by their names.
    pub(crate) async fn stats(&self, connection: &Connection) -> Result<Vec<TubeStats>, Failure> {
        let names = self.names(connection).await?;
        let mut all = Vec::new();
        for names in names.chunks(WINDOW) {
            for stats in pipeline::all(names.iter().map(|name| connection.stats_tube(name))).await {
                match stats {
                    Ok(stats) => all.push(stats),
                    // A tube that nobody uses any more is gone.
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(Failure::from(error).about(connection.server())),
                }
            }
        }
        Ok(all)
    }

    /// Whether at least one tube of all servers was chosen; a name that is nowhere may be a typo.
    pub(crate) fn check<T>(
        &self,
        gathered: &Gathered<T>,
        chosen: impl Fn(&T) -> usize,
    ) -> Result<(), Failure> {
        let found = gathered.results.iter().any(|(_, result)| chosen(result) > 0);
        if found || gathered.results.is_empty() || self.globs.is_empty() {
            return Ok(());
        }
        let globs: Vec<_> = self.globs.iter().map(|glob| glob.text.as_str()).collect();
        let message = format!("no tube matches {}", globs.join(", "));
        Err(Failure::refused(message).hint("`beanwire tubes` lists the tubes that exist"))
    }
}

/// Show tubes and how many jobs are in them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    tubes: TubeChoice,
    #[command(flatten)]
    output: Output,
}

/// A tube as JSON shows it.
#[derive(Debug, Serialize)]
struct Row<'a> {
    server: String,
    #[serde(flatten)]
    stats: &'a TubeStats,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let gathered = context.on_each(async |connection| args.tubes.stats(connection).await).await?;
    let rows: Vec<_> =
        gathered.results.iter().flat_map(|(server, tubes)| rows(server, tubes)).collect();
    if !gathered.results.is_empty() {
        args.output.print(context, &rows, || table(&rows, context.several_servers()))?;
    }
    gathered.verdict(context)?;
    args.tubes.check(&gathered, Vec::len)
}

fn rows<'a>(server: &ServerUri, tubes: &'a [TubeStats]) -> impl Iterator<Item = Row<'a>> {
    let server = server.to_string();
    tubes.iter().map(move |stats| Row { server: server.clone(), stats })
}

fn table(rows: &[Row<'_>], several: bool) -> Table {
    let columns = [
        Column::Text("tube"),
        Column::Number("ready"),
        Column::Number("reserved"),
        Column::Number("delayed"),
        Column::Number("buried"),
        Column::Number("urgent"),
        Column::Number("total"),
        Column::Number("using"),
        Column::Number("watching"),
        Column::Number("waiting"),
        Column::Number("paused"),
    ];
    let mut table = Table::of_servers(several, &columns);
    for Row { server, stats } in rows {
        let paused = match stats.pause.is_zero() {
            true => "-".to_owned(),
            false => span::show(stats.pause_time_left),
        };
        let numbers = [
            stats.current_jobs_ready,
            stats.current_jobs_reserved,
            stats.current_jobs_delayed,
            stats.current_jobs_buried,
            stats.current_jobs_urgent,
            stats.total_jobs,
            stats.current_using,
            stats.current_watching,
            stats.current_waiting,
        ];
        let numbers = numbers.map(|number| number.to_string());
        let cells = [stats.name.to_string()].into_iter().chain(numbers).chain([paused]);
        table.server_row(server, cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(glob: &str, name: &str) -> bool {
        let choice = TubeChoice::new(vec![glob.parse().unwrap()]);
        choice.matches(&TubeName::new(name).unwrap())
    }

    #[test]
    fn globs_choose_tubes() {
        assert!(matches("mail", "mail"));
        assert!(!matches("mail", "mails"));
        assert!(matches("mail*", "mail/high.eu"));
        assert!(matches("{a,b}?", "b1"));
        assert!(matches("a+$_();.x", "a+$_();.x"));
        assert!(TubeChoice::new(Vec::new()).matches(&TubeName::new("any").unwrap()));
    }

    #[test]
    fn a_name_that_no_tube_can_have_is_refused() {
        let error = "a b".parse::<TubeGlob>().unwrap_err();
        assert!(error.contains("only A-Z"), "{error}");
        assert!("[".parse::<TubeGlob>().is_err());
    }
}
