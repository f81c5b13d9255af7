//! The tubes of a server, with as many columns as fit.

use beanwire::TubeStats;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Row, Table};

use super::super::app::{App, Sort};
use super::super::board::TubeTrends;
use super::super::show::{self, count};
use super::panel::Panel;
use super::{Theme, clipped};

/// Narrowest column for names.
const NAME: u16 = 12;

/// Narrowest column for bars, and the widest: a minute and a half at a look per second.
const BARS: (u16, u16) = (10, 90);

/// Narrower ones have a letter behind the names of paused tubes, wider ones a word.
const WORDY: usize = 26;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Ready,
    Reserved,
    Delayed,
    Buried,
    Waiting,
    Put,
    Delete,
}

impl Column {
    /// From left to right.
    const ALL: [Self; 7] = [
        Self::Ready,
        Self::Reserved,
        Self::Delayed,
        Self::Buried,
        Self::Waiting,
        Self::Put,
        Self::Delete,
    ];

    /// How much it would be missed: those with the largest numbers go first.
    const fn rank(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::Buried => 1,
            Self::Put => 2,
            Self::Delete => 3,
            Self::Reserved => 4,
            Self::Delayed => 5,
            Self::Waiting => 6,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Reserved => "RESERVED",
            Self::Delayed => "DELAYED",
            Self::Buried => "BURIED",
            Self::Waiting => "WAITING",
            Self::Put => "PUT/S",
            Self::Delete => "DELETE/S",
        }
    }

    const fn width() -> u16 {
        9
    }

    const fn sort(self) -> Option<Sort> {
        match self {
            Self::Ready => Some(Sort::Ready),
            Self::Reserved => Some(Sort::Reserved),
            Self::Delayed => Some(Sort::Delayed),
            Self::Buried => Some(Sort::Buried),
            Self::Waiting => None,
            Self::Put => Some(Sort::Put),
            Self::Delete => Some(Sort::Delete),
        }
    }

    fn figure(self, tube: &TubeStats, trends: Option<&TubeTrends>) -> String {
        match self {
            Self::Ready => count(tube.current_jobs_ready),
            Self::Reserved => count(tube.current_jobs_reserved),
            Self::Delayed => count(tube.current_jobs_delayed),
            Self::Buried => count(tube.current_jobs_buried),
            Self::Waiting => count(tube.current_waiting),
            Self::Put => show::rate(trends.and_then(|trends| trends.put.rate())),
            Self::Delete => show::rate(trends.and_then(|trends| trends.delete.rate())),
        }
    }
}

/// What a sort is called.
pub(crate) const fn name(sort: Sort) -> &'static str {
    match sort {
        Sort::Name => "name",
        Sort::Ready => "ready",
        Sort::Reserved => "reserved",
        Sort::Delayed => "delayed",
        Sort::Buried => "buried",
        Sort::Put => "put/s",
        Sort::Delete => "delete/s",
    }
}

pub(crate) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    panel: &Panel<'_>,
    tubes: &[&TubeStats],
    theme: Theme,
) {
    let (app, board) = (panel.app, panel.board);
    let (columns, bars) = columns(area.width);
    let selected = App::selected(board, tubes);
    let first = first(selected, tubes.len(), usize::from(area.height.saturating_sub(1)));
    let fixed = u16::try_from(columns.len()).unwrap_or(0) * (Column::width() + 1);
    let name = usize::from(area.width.saturating_sub(fixed + bars.map_or(0, |bars| bars + 1)));
    let rows = tubes.iter().enumerate().skip(first).take(area.height.into()).map(|(at, tube)| {
        let trends = board.trends_of(&tube.name);
        let chosen = panel.current && at == selected;
        let mut cells = vec![name_cell(tube, chosen, name, theme)];
        cells.extend(columns.iter().map(|column| right(column.figure(tube, trends))));
        if let (Some(bars), Some(trends)) = (bars, trends) {
            let bars = show::spark(trends.delete.last(usize::MAX), bars.into());
            cells.push(Cell::new(Span::styled(bars, theme.good())));
        }
        let row = Row::new(cells);
        if chosen { row.style(theme.selected()) } else { row }
    });
    let mut titles = vec![Cell::new(title("TUBE", app, Some(Sort::Name)))];
    titles.extend(columns.iter().map(|column| right(title(column.title(), app, column.sort()))));
    let mut widths = vec![Constraint::Fill(1)];
    widths.extend(columns.iter().map(|_| Constraint::Length(Column::width())));
    if let Some(bars) = bars {
        titles.push(Cell::new("TREND"));
        widths.push(Constraint::Length(bars));
    }
    let head = Row::new(titles).style(theme.label().patch(theme.strong()));
    frame.render_widget(Table::new(rows, widths).header(head).column_spacing(1), area);
}

/// The columns that fit, and the width of the bars if there is room left for them.
fn columns(width: u16) -> (Vec<Column>, Option<u16>) {
    let each = Column::width() + 1;
    let room = width.saturating_sub(NAME);
    let all = u16::try_from(Column::ALL.len()).unwrap_or(u16::MAX);
    let (least, most) = BARS;
    // Names get as much of what is left as bars do.
    let bars = |count| (room.saturating_sub(count * each) / 2).min(most);
    let mut count = (room / each).min(all);
    // The last column matters less than bars.
    if count == all && bars(all) < least && bars(all - 1) >= least {
        count = all - 1;
    }
    let fits = |column: &Column| u16::from(column.rank()) < count;
    let bars = (count + 1 >= all && bars(count) >= least).then(|| bars(count));
    (Column::ALL.into_iter().filter(fits).collect(), bars)
}

/// The first row that is shown: the selected one stays in the middle where that can be.
fn first(selected: usize, rows: usize, height: usize) -> usize {
    selected.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

fn name_cell<'a>(tube: &TubeStats, chosen: bool, width: usize, theme: Theme) -> Cell<'a> {
    let mark = if chosen { "> " } else { "  " };
    let paused = match tube.pause.is_zero() {
        true => String::new(),
        false if width < WORDY => " P".to_owned(),
        false => format!(" paused {}", show::span(tube.pause_time_left)),
    };
    let room = width.saturating_sub(mark.len() + paused.len());
    Cell::new(Line::from(vec![
        Span::raw(format!("{mark}{}", clipped(tube.name.as_str(), room))),
        Span::styled(paused, theme.remark()),
    ]))
}

/// A title, with an arrow if it is what tubes are sorted by: names rise, figures fall.
fn title(title: &str, app: &App, sort: Option<Sort>) -> String {
    if sort != Some(app.sort) {
        return title.to_owned();
    }
    let rises = (app.sort == Sort::Name) != app.reversed;
    format!("{title}{}", if rises { '▲' } else { '▼' })
}

fn right<'a>(text: String) -> Cell<'a> {
    Cell::new(Line::from(text).right_aligned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_that_matter_most_stay() {
        let titles = |width| columns(width).0.into_iter().map(Column::title).collect::<Vec<_>>();
        assert_eq!(titles(0), [""; 0]);
        assert_eq!(titles(22), ["READY"]);
        assert_eq!(titles(52), ["READY", "BURIED", "PUT/S", "DELETE/S"]);
        assert_eq!(titles(82), Column::ALL.map(Column::title));
        let shape = |width| (columns(width).0.len(), columns(width).1);
        assert_eq!([81, 82, 91].map(shape), [(6, None), (7, None), (7, None)]);
        assert_eq!([92, 101].map(shape), [(6, Some(10)), (6, Some(14))]);
        assert_eq!([102, 1000].map(shape), [(7, Some(10)), (7, Some(90))]);
    }

    #[test]
    fn the_selected_row_is_in_view() {
        for rows in 0..30_usize {
            for height in 1..12 {
                for selected in 0..rows {
                    let first = first(selected, rows, height);
                    assert!(first <= selected && selected < first + height);
                }
            }
        }
        assert_eq!(first(0, 3, 10), 0);
        assert_eq!(first(5, 10, 0), 5);
    }
}
