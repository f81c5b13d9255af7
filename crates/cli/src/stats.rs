//! `beanwire stats`.

use beanwire::{ServerStats, ServerUri};
use serde::Serialize;
use serde_json::Value;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Column, Output, Table};
use crate::text;

/// Show the statistics of servers.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Serialize)]
struct Row<'a> {
    server: String,
    #[serde(flatten)]
    stats: &'a ServerStats,
}

pub(crate) async fn run(args: Args, context: &Context) -> Result<(), Failure> {
    let gathered = context
        .on_each(async |connection| {
            let stats = connection.stats().await;
            stats.map_err(|error| Failure::from(error).about(connection.server()))
        })
        .await?;
    let rows: Vec<_> = gathered.results.iter().map(|(server, stats)| row(server, stats)).collect();
    if !rows.is_empty() {
        args.output.print(context, &rows, || table(&rows, context.several_servers()))?;
    }
    gathered.verdict(context)
}

fn row<'a>(server: &ServerUri, stats: &'a ServerStats) -> Row<'a> {
    Row { server: server.to_string(), stats }
}

/// One line per figure: there are too many of them for columns.
fn table(rows: &[Row<'_>], several: bool) -> Table {
    let columns = [Column::Text("name"), Column::Text("value")];
    let mut table = Table::of_servers(several, &columns);
    for row in rows {
        let fields = serde_json::to_value(row.stats).unwrap_or_default();
        for (name, value) in fields.as_object().into_iter().flatten() {
            if name == "other" {
                continue;
            }
            table.server_row(&row.server, [name.clone(), plain(value)]);
        }
    }
    table
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text::line(text.as_bytes()),
        other => other.to_string(),
    }
}
