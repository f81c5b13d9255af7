//! What read commands print: a table for people, JSON for programs.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table as Layout};
use serde::Serialize;

use crate::context::Context;
use crate::failure::Failure;
use crate::text;

/// How a read command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people; they may change
    #[default]
    Table,
    /// One JSON document with field names that stay
    Json,
}

/// The flag of every read command.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Output {
    /// How to print
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) output: Format,
}

impl Output {
    /// Prints `value` as JSON, or the table that `table` makes.
    pub(crate) fn print(
        self,
        context: &Context,
        value: &impl Serialize,
        table: impl FnOnce() -> Table,
    ) -> Result<(), Failure> {
        match self.output {
            Format::Json => json(value),
            Format::Table => write(table().render(context.stdout_colour).as_bytes()),
        }
    }
}

/// Prints JSON, and a line end behind it.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    text.push('\n');
    match io::stdout().is_terminal() {
        true => write(text::json(&text).as_bytes()),
        false => write(text.as_bytes()),
    }
}

/// Writes to standard output, at once.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// Writes a line to standard output, at once.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write(format!("{text}\n").as_bytes())
}

/// Columns under a headline. What is in a cell must be safe for a terminal.
#[derive(Debug)]
pub(crate) struct Table {
    layout: Layout,
    /// Whether rows begin with their server.
    servers: bool,
}

/// The name of a column, and to which side it is aligned.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

impl Table {
    pub(crate) fn new(columns: &[Column]) -> Self {
        let mut layout = Layout::new();
        layout.load_style(comfy_table::presets::NOTHING);
        layout.set_header(columns.iter().map(|column| match column {
            Column::Text(name) | Column::Number(name) => name,
        }));
        let last = columns.len().saturating_sub(1);
        for (index, column) in columns.iter().enumerate() {
            if let Some(place) = layout.column_mut(index) {
                place.set_padding((0, if index == last { 0 } else { 2 }));
                if let Column::Number(_) = column {
                    place.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self { layout, servers: false }
    }

    /// A table of what servers have: with one more column if there are several of them.
    pub(crate) fn of_servers(several: bool, columns: &[Column]) -> Self {
        let server = several.then_some(Column::Text("server"));
        let columns: Vec<_> = server.into_iter().chain(columns.iter().copied()).collect();
        Self { servers: several, ..Self::new(&columns) }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.layout.add_row(cells.into_iter().collect::<Vec<_>>());
    }

    /// A row of [`of_servers`](Self::of_servers).
    pub(crate) fn server_row(&mut self, server: &str, cells: impl IntoIterator<Item = String>) {
        let server = self.servers.then(|| text::line(server.as_bytes()));
        self.row(server.into_iter().chain(cells));
    }

    fn render(&self, colour: bool) -> String {
        let mut text = String::new();
        for (number, line) in self.layout.lines().enumerate() {
            let line = line.trim_end();
            match colour && number == 0 {
                true => text.push_str(&format!("\x1b[1m{line}\x1b[0m\n")),
                false => text.push_str(&format!("{line}\n")),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&[Column::Text("tube"), Column::Number("ready")]);
        table.row(["mail".into(), "7".into()]);
        table.row(["a-long-name".into(), "123456".into()]);
        let plain = "tube          ready\nmail              7\na-long-name  123456\n";
        assert_eq!(table.render(false), plain);
        assert!(table.render(true).starts_with("\x1b[1mtube          ready\x1b[0m\nmail "));
    }
}
