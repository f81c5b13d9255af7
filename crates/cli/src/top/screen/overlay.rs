//! What stands before the panels: help, questions, and jobs that are looked at.

use indicatif::HumanCount;
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph};

use super::super::app::View;
use super::super::order::Found;
use super::super::question::{About, Question};
use super::super::show;
use super::Theme;

/// Most of a body that is shown, in bytes.
const SHOWN: usize = 16 * 1024;

const KEYS: [(&str, &str); 14] = [
    ("up down, k j", "select a tube"),
    ("page up and down", "ten tubes at once"),
    ("home end, g G", "the first, the last"),
    ("tab, left right", "another server"),
    ("enter", "look at the next ready, buried and delayed job"),
    ("b", "kick buried jobs, after a question"),
    ("p", "pause a tube, after a question, or resume one with a P"),
    ("/", "only tubes whose name has a text in it"),
    ("esc", "drop that filter"),
    ("s", "sort by the next column"),
    ("r", "sort backwards"),
    ("?", "this help"),
    ("ctrl-z", "suspend"),
    ("q, ctrl-c", "quit"),
];

pub(crate) fn help(frame: &mut Frame<'_>, area: Rect, theme: Theme) {
    let line = |(key, what)| {
        Line::from(vec![Span::styled(format!("{key:<18}"), theme.strong()), Span::raw(what)])
    };
    popup(frame, area, " keys ", KEYS.into_iter().map(line).collect(), 70);
}

pub(crate) fn ask(frame: &mut Frame<'_>, area: Rect, question: &Question, theme: Theme) {
    let tube = question.tube.as_str();
    let (title, text) = match question.about {
        About::Kick(buried) => {
            let buried = HumanCount(buried);
            (" kick ", format!("How many of the {buried} buried jobs are to be kicked?"))
        }
        About::Pause => (" pause ", "For how many seconds is it to be paused?".to_owned()),
    };
    let lines = vec![
        Line::from(vec![Span::raw("tube "), Span::styled(tube, theme.strong())]),
        Line::raw(text),
        Line::from(vec![
            Span::styled(format!(" {} ", question.number), theme.selected()),
            Span::raw("  enter: do it, esc: leave it"),
        ]),
    ];
    popup(frame, area, title, lines, 60);
}

pub(crate) fn peek(frame: &mut Frame<'_>, area: Rect, view: &View, theme: Theme) {
    let (area, inner) = peek_areas(area);
    let block = Block::bordered()
        .border_type(BorderType::Double)
        .title(format!(" next jobs of {} ", view.tube))
        .title_bottom(" up, down: scroll, esc: back ");
    let lines = peek_lines(view, inner.width.into(), theme);
    let top = view.top.min(last_top(lines.len(), inner));
    let shown: Vec<_> = lines.into_iter().skip(top).take(inner.height.into()).collect();
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    frame.render_widget(Paragraph::new(shown), inner);
}

/// The first line at which nothing is left to scroll to.
pub(crate) fn peek_end(area: Rect, view: &View) -> usize {
    let (_, inner) = peek_areas(area);
    last_top(peek_lines(view, inner.width.into(), Theme::new(false)).len(), inner)
}

fn last_top(lines: usize, inner: Rect) -> usize {
    lines.saturating_sub(inner.height.into())
}

fn peek_areas(area: Rect) -> (Rect, Rect) {
    let area = area.centered(Constraint::Percentage(90), Constraint::Percentage(90));
    (area, Block::bordered().inner(area))
}

fn peek_lines(view: &View, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let jobs = &view.jobs;
    let mut lines = Vec::new();
    for (state, job) in
        [("ready", &jobs.ready), ("buried", &jobs.buried), ("delayed", &jobs.delayed)]
    {
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        match job {
            Some(job) => found(&mut lines, state, job, width, theme),
            None => lines.push(Line::styled(format!("no {state} job"), theme.label())),
        }
    }
    lines
}

fn found(lines: &mut Vec<Line<'_>>, state: &str, job: &Found, width: usize, theme: Theme) {
    let Found { stats, body } = job;
    let mut about = format!(
        "priority {}, age {}, ttr {}, {} bytes",
        stats.priority.0,
        show::span(stats.age),
        show::span(stats.ttr),
        HumanCount(body.len() as u64),
    );
    if state == "delayed" {
        about += &format!(", ready in {} s", stats.time_left.max(0));
    }
    let counts = [
        ("reserved", stats.reserves),
        ("timed out", stats.timeouts),
        ("released", stats.releases),
        ("buried", stats.buries),
        ("kicked", stats.kicks),
    ];
    for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        about += &format!(", {what} {count} x");
    }
    let title = format!("{state} job {}", stats.id);
    lines.push(Line::styled(title, theme.label().patch(theme.strong())));
    lines.extend(show::wrapped(&about, width).into_iter().map(Line::raw));
    let shown = body.get(..SHOWN).unwrap_or(body);
    lines.extend(show::body(shown, width).into_iter().map(Line::raw));
    if shown.len() < body.len() {
        let more = HumanCount((body.len() - shown.len()) as u64);
        lines.push(Line::styled(format!("and {more} bytes more"), theme.remark()));
    }
}

/// Lines in a frame in the middle.
fn popup(frame: &mut Frame<'_>, area: Rect, title: &str, lines: Vec<Line<'_>>, width: u16) {
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let area = area.centered(Constraint::Length(width), Constraint::Length(height));
    let block = Block::bordered()
        .border_type(BorderType::Double)
        .title(title)
        .padding(Padding::horizontal(1));
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
