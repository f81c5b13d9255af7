//! One server: how it is, its figures, its rates and its tubes.

use std::time::{Duration, Instant};

use beanwire::ServerStats;
use indicatif::HumanCount;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Paragraph};

use super::super::app::{App, Sort};
use super::super::board::{Board, State};
use super::super::show::{self, count};
use super::super::trend::Trend;
use super::{Theme, clipped, table};

/// A sample that is so much older than it should be is worth a word.
const STALE: Duration = Duration::from_secs(4);

/// What a panel shows.
pub(crate) struct Panel<'a> {
    pub(crate) app: &'a App,
    pub(crate) board: &'a Board,
    pub(crate) now: Instant,
    /// Whether keys act on it.
    pub(crate) current: bool,
}

impl Panel<'_> {
    /// Lines that it takes to show all: the frame, the figures, and the tubes under a headline.
    pub(crate) fn height(&self, width: u16) -> u16 {
        let figures = figures(self, width.saturating_sub(2), Theme::new(false)).len();
        let tubes = self.app.tubes(self.board).len();
        u16::try_from(figures + tubes + 3).unwrap_or(u16::MAX)
    }
}

pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, panel: &Panel<'_>, theme: Theme) {
    let Panel { app, board, .. } = panel;
    let tubes = app.tubes(board);
    let border = if panel.current { BorderType::Thick } else { BorderType::Plain };
    let block = Block::bordered()
        .border_type(border)
        .title(Span::styled(format!(" {} ", board.uri), theme.strong()))
        .title_bottom(tubes_title(app, board, tubes.len()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let figures = figures(panel, inner.width, theme);
    // What is at the top matters most, but the tubes get half of the room if they need it.
    let room = usize::from(inner.height);
    let lines = figures.len().min(room - (tubes.len() + 1).min(room.div_ceil(2)));
    let height = u16::try_from(lines).unwrap_or(u16::MAX);
    let [head, body] =
        Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(inner);
    let figures: Vec<_> = figures.into_iter().take(lines).collect();
    frame.render_widget(Paragraph::new(figures), head);
    table::draw(frame, body, panel, &tubes, theme);
}

fn tubes_title(app: &App, board: &Board, shown: usize) -> String {
    let (seen, left_out) =
        board.seen.as_ref().map_or((0, 0), |(_, sample)| (sample.tubes.len(), sample.left_out));
    let all = seen + left_out;
    let mut title = match all {
        1 => " 1 tube".to_owned(),
        _ if shown < all => {
            format!(" {} of {} tubes", HumanCount(shown as u64), HumanCount(all as u64))
        }
        _ => format!(" {} tubes", HumanCount(all as u64)),
    };
    if !app.filter.is_empty() {
        title += &format!(" with \"{}\"", clipped(&app.filter, 20));
    }
    if app.sort != Sort::Name || app.reversed {
        title += &format!(", by {}", table::name(app.sort));
        if app.reversed {
            title += " backwards";
        }
    }
    title + " "
}

fn figures<'a>(panel: &Panel<'_>, width: u16, theme: Theme) -> Vec<Line<'a>> {
    let mut lines = state(panel, width, theme);
    let Some(stats) = panel.board.stats() else { return lines };
    let trends = &panel.board.trends;
    lines.push(pairs(
        "jobs",
        theme,
        [
            ("ready", count(stats.current_jobs_ready)),
            ("buried", count(stats.current_jobs_buried)),
            ("reserved", count(stats.current_jobs_reserved)),
            ("delayed", count(stats.current_jobs_delayed)),
            ("urgent", count(stats.current_jobs_urgent)),
        ],
    ));
    lines.push(rate_line("put/s", &trends.put, width, theme));
    lines.push(rate_line("reserve/s", &trends.reserve, width, theme));
    lines.push(rate_line("delete/s", &trends.delete, width, theme));
    lines.push(pairs(
        "other/s",
        theme,
        [
            ("release", show::rate(trends.release.rate())),
            ("bury", show::rate(trends.bury.rate())),
            ("kick", show::rate(trends.kick.rate())),
            ("timeout", show::rate(trends.timeout.rate())),
        ],
    ));
    lines.push(connections(stats, &trends.processor, theme));
    lines
}

/// Whether it is up, and for how long.
fn state<'a>(panel: &Panel<'_>, width: u16, theme: Theme) -> Vec<Line<'a>> {
    let (board, now) = (panel.board, panel.now);
    match (&board.state, &board.seen) {
        (State::Down(since, error), _) => {
            let ago = show::span(now.saturating_duration_since(*since));
            let lines = show::wrapped(&format!("down: {error} (for {ago})"), width.into());
            lines.into_iter().map(|line| Line::styled(line, theme.bad())).collect()
        }
        (State::Up, Some((at, sample))) => {
            let stats = &sample.server;
            let version = crate::text::line(stats.version.as_bytes());
            let mut spans = vec![
                Span::styled("up", theme.good()),
                Span::raw(format!(" {}, beanstalkd {version}", show::span(stats.uptime))),
            ];
            if stats.draining {
                spans.push(Span::styled(", draining", theme.remark()));
            }
            let age = now.saturating_duration_since(*at);
            if age >= panel.app.interval.saturating_add(STALE) {
                let silent = format!(", silent for {}", show::span(age));
                spans.push(Span::styled(silent, theme.bad()));
            }
            vec![Line::from(spans)]
        }
        _ => vec![Line::styled("connecting", theme.remark())],
    }
}

fn connections<'a>(stats: &ServerStats, processor: &Trend, theme: Theme) -> Line<'a> {
    // Milliseconds per second are tenths of a percent.
    let processor = processor.rate().map_or("-".to_owned(), |rate| format!("{:.0}%", rate / 10.0));
    pairs(
        "clients",
        theme,
        [
            ("all", count(stats.current_connections)),
            ("producers", count(stats.current_producers)),
            ("workers", count(stats.current_workers)),
            ("waiting", count(stats.current_waiting)),
            ("cpu", processor),
        ],
    )
}

/// A label, and figures with their names.
fn pairs<'a, const N: usize>(
    label: &'static str,
    theme: Theme,
    pairs: [(&'static str, String); N],
) -> Line<'a> {
    let mut spans = vec![Span::styled(format!("{label:<10}"), theme.label())];
    for (name, figure) in pairs {
        spans.push(Span::raw(format!("{name} ")));
        spans.push(Span::styled(figure, Style::new().patch(theme.strong())));
        spans.push(Span::raw("  "));
    }
    Line::from(spans)
}

fn rate_line<'a>(label: &'static str, trend: &Trend, width: u16, theme: Theme) -> Line<'a> {
    let bars = show::spark(trend.last(usize::MAX), usize::from(width.saturating_sub(21)));
    Line::from(vec![
        Span::styled(format!("{label:<10}"), theme.label()),
        Span::styled(format!("{:>9}  ", show::rate(trend.rate())), theme.strong()),
        Span::styled(bars, theme.good()),
    ])
}
