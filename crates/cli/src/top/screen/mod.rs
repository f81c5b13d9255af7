//! The dashboard as a frame: from what is known to cells, and nothing else.

mod overlay;
mod panel;
mod table;

use std::time::Instant;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Tabs};

use super::app::{App, Mode};
use super::board::State;
use panel::Panel;

/// Narrowest panel that stands beside others; where there is less room, there are tabs.
const COLUMN: u16 = 60;

/// Smallest screen that has room for anything.
const SMALLEST: (u16, u16) = (20, 4);

/// How things look: with colours or without.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    colour: bool,
}

impl Theme {
    pub(crate) const fn new(colour: bool) -> Self {
        Self { colour }
    }

    fn tint(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    /// Names of figures.
    fn label(self) -> Style {
        self.tint(Color::Cyan)
    }

    fn good(self) -> Style {
        self.tint(Color::Green)
    }

    fn bad(self) -> Style {
        self.tint(Color::Red).add_modifier(Modifier::BOLD)
    }

    fn remark(self) -> Style {
        self.tint(Color::Yellow)
    }

    fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    fn selected(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }
}

/// Keeps what is scrolled within its bounds on a screen of this size.
pub(crate) fn settle(app: &mut App, screen: Rect) {
    if let Mode::Peek(view) = &mut app.mode {
        view.top = view.top.min(overlay::peek_end(main_and_foot(screen).0, view));
    }
}

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, app: &App, now: Instant, theme: Theme) {
    let area = frame.area();
    if area.is_empty() {
        return;
    }
    let (width, height) = SMALLEST;
    if area.width < width || area.height < height {
        frame.render_widget("too small", area);
        return;
    }
    let (main, foot) = main_and_foot(area);
    panels(frame, main, app, now, theme);
    frame.render_widget(foot_line(app, theme), foot);
    match &app.mode {
        Mode::Browse | Mode::Filter => {}
        Mode::Help => overlay::help(frame, main, theme),
        Mode::Ask(question) => overlay::ask(frame, main, question, theme),
        Mode::Peek(view) => overlay::peek(frame, main, view, theme),
    }
}

fn main_and_foot(screen: Rect) -> (Rect, Rect) {
    let rows = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]);
    let [main, foot] = rows.areas(screen);
    (main, foot)
}

/// The servers alone, as they are printed where nobody presses keys.
pub(crate) fn draw_plain(frame: &mut Frame<'_>, app: &App, now: Instant) {
    let area = frame.area();
    let rows = plain_panels(app, now).map(|panel| Constraint::Length(panel.height(area.width)));
    let areas = Layout::vertical(rows).split(area);
    for (panel, area) in plain_panels(app, now).zip(areas.iter()) {
        panel::draw(frame, *area, &panel, Theme::new(false));
    }
}

/// Lines that the servers need to show all of their tubes.
pub(crate) fn plain_height(app: &App, now: Instant, width: u16) -> u16 {
    plain_panels(app, now).map(|panel| panel.height(width)).fold(0, u16::saturating_add)
}

fn plain_panels(app: &App, now: Instant) -> impl Iterator<Item = Panel<'_>> {
    app.boards.iter().map(move |board| Panel { app, board, now, current: false })
}

fn panels(frame: &mut Frame<'_>, area: Rect, app: &App, now: Instant, theme: Theme) {
    let count = u16::try_from(app.boards.len()).unwrap_or(u16::MAX).max(1);
    if count == 1 || area.width / count >= COLUMN {
        let columns = vec![Constraint::Fill(1); count.into()];
        let areas = Layout::horizontal(columns).split(area);
        for (index, (board, area)) in app.boards.iter().zip(areas.iter()).enumerate() {
            let current = index == app.current;
            panel::draw(frame, *area, &Panel { app, board, now, current }, theme);
        }
        return;
    }
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    frame.render_widget(tabs(app, head.width, theme), head);
    if let Some(board) = app.boards.get(app.current) {
        panel::draw(frame, body, &Panel { app, board, now, current: true }, theme);
    }
}

/// The servers from the one before the current on, so that this one is always to be seen.
fn tabs(app: &App, width: u16, theme: Theme) -> Tabs<'_> {
    let wide = usize::from(width) / 3;
    let first = app.current.saturating_sub(1);
    let titles = app.boards.iter().skip(first).map(|board| {
        let name = board.uri.strip_prefix("beanstalk://").unwrap_or(&board.uri);
        let down = matches!(board.state, State::Down(..));
        let style = if down { theme.bad() } else { Style::new() };
        let mark = if down { "!" } else { "" };
        Span::styled(format!("{mark}{}", clipped(name, wide)), style)
    });
    let selected = app.current - first;
    Tabs::new(titles).select(selected).highlight_style(theme.selected()).divider("|")
}

fn foot_line<'a>(app: &'a App, theme: Theme) -> Paragraph<'a> {
    let line = match (&app.mode, &app.notice) {
        (Mode::Filter, _) => Line::from(vec![
            Span::styled("filter ", theme.label()),
            Span::raw(app.filter.as_str()),
            Span::styled(" ", theme.selected()),
            Span::raw("  enter keeps it, esc drops it"),
        ]),
        (_, Some(Ok(text))) => Line::styled(text.as_str(), theme.good()),
        (_, Some(Err(text))) => Line::styled(text.as_str(), theme.bad()),
        _ => {
            let keys =
                [("q", "quit"), ("?", "help"), ("/", "filter"), ("s", "sort"), ("enter", "peek")];
            let more = [("b", "kick"), ("p", "pause"), ("tab", "server")];
            let servers = if app.boards.len() > 1 { 3 } else { 2 };
            let keys = keys.into_iter().chain(more.into_iter().take(servers));
            Line::from_iter(keys.flat_map(|(key, what)| {
                [Span::styled(key, theme.strong()), Span::raw(format!(" {what}  "))]
            }))
        }
    };
    Paragraph::new(line)
}

/// A text in at most so many cells, its end left out where it is longer.
fn clipped(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(width.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

#[cfg(test)]
mod tests;
