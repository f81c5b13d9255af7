//! What is on the screen, and what keys do to it.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use beanwire::{TubeName, TubeStats};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::board::Board;
use super::order::{Done, Order, Peeked};
use super::question::{About, Answer, Question};
use super::sample::Sample;

/// Rows that a page is long; the screen may be shorter or longer.
const PAGE: isize = 10;

/// How long a pause is unless the user types another number, in seconds.
const PAUSE: u32 = 60;

/// Longest filter, which is the longest name of a tube.
const FILTER: usize = 200;

/// News from a server.
#[derive(Debug)]
pub(crate) enum News {
    Up(Box<Sample>),
    Down(String),
    Done(Result<Done, String>),
}

/// What a key asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Nothing,
    Quit,
    /// To the shell, until it calls the program back.
    Suspend,
    /// Of the server with this index.
    Do(usize, Order),
}

/// What tubes are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Name,
    Ready,
    Reserved,
    Delayed,
    Buried,
    Put,
    Delete,
}

impl Sort {
    const ALL: [Self; 7] = [
        Self::Name,
        Self::Ready,
        Self::Reserved,
        Self::Delayed,
        Self::Buried,
        Self::Put,
        Self::Delete,
    ];

    fn next(self) -> Self {
        let mut rest = Self::ALL.into_iter().skip_while(|sort| *sort != self).skip(1);
        rest.next().unwrap_or(Self::Name)
    }
}

/// What keys mean at the moment.
#[derive(Debug)]
pub(crate) enum Mode {
    Browse,
    Filter,
    Help,
    Ask(Question),
    Peek(View),
}

/// Jobs of a tube that are looked at.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) tube: TubeName,
    pub(crate) jobs: Peeked,
    /// First line that is shown.
    pub(crate) top: usize,
}

/// The dashboard.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) boards: Vec<Board>,
    /// Time between two looks at a server.
    pub(crate) interval: Duration,
    /// The server that keys act on.
    pub(crate) current: usize,
    pub(crate) sort: Sort,
    pub(crate) reversed: bool,
    pub(crate) filter: String,
    pub(crate) mode: Mode,
    /// What came of the last order, until the next key.
    pub(crate) notice: Option<Result<String, String>>,
}

impl App {
    pub(crate) fn new(uris: Vec<String>, interval: Duration) -> Self {
        Self {
            boards: uris.into_iter().map(Board::new).collect(),
            interval,
            current: 0,
            sort: Sort::Name,
            reversed: false,
            filter: String::new(),
            mode: Mode::Browse,
            notice: None,
        }
    }

    pub(crate) fn hear(&mut self, server: usize, at: Instant, news: News) {
        let Some(board) = self.boards.get_mut(server) else { return };
        match news {
            News::Up(sample) => board.up(at, *sample),
            News::Down(error) => board.down(at, error),
            News::Done(Ok(Done::Said(text))) => self.notice = Some(Ok(text)),
            News::Done(Ok(Done::Peeked(tube, jobs))) => {
                self.notice = None;
                self.mode = Mode::Peek(View { tube, jobs, top: 0 });
            }
            News::Done(Err(error)) => self.notice = Some(Err(error)),
        }
    }

    /// The tubes of a server that pass the filter, in the order asked for.
    pub(crate) fn tubes<'a>(&self, board: &'a Board) -> Vec<&'a TubeStats> {
        let mut tubes: Vec<_> = board.tubes().iter().collect();
        tubes.retain(|tube| tube.name.as_str().contains(&self.filter));
        let rate = |tube: &TubeStats| {
            let trends = board.trends_of(&tube.name)?;
            match self.sort {
                Sort::Delete => trends.delete.rate(),
                _ => trends.put.rate(),
            }
        };
        // They come by name, and stay so where nothing else tells them apart.
        match self.sort {
            Sort::Name => {}
            Sort::Ready => tubes.sort_by_key(|tube| Reverse(tube.current_jobs_ready)),
            Sort::Reserved => tubes.sort_by_key(|tube| Reverse(tube.current_jobs_reserved)),
            Sort::Delayed => tubes.sort_by_key(|tube| Reverse(tube.current_jobs_delayed)),
            Sort::Buried => tubes.sort_by_key(|tube| Reverse(tube.current_jobs_buried)),
            Sort::Put | Sort::Delete => {
                tubes.sort_by(|a, b| {
                    let [a, b] = [a, b].map(|tube| rate(tube).unwrap_or(-1.0));
                    b.total_cmp(&a)
                });
            }
        }
        if self.reversed {
            tubes.reverse();
        }
        tubes
    }

    /// Where the selection of a server is among its [`tubes`](Self::tubes): at the top unless the
    /// user has moved it to a tube that is still there.
    pub(crate) fn selected(board: &Board, tubes: &[&TubeStats]) -> usize {
        let same = |tube: &&TubeStats| Some(&tube.name) == board.selected.as_ref();
        tubes.iter().position(same).unwrap_or(0)
    }

    pub(crate) fn key(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::Nothing;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        if control && key.code == KeyCode::Char('c') {
            return Wish::Quit;
        }
        if control && key.code == KeyCode::Char('z') {
            return Wish::Suspend;
        }
        if control || key.modifiers.contains(KeyModifiers::ALT) {
            return Wish::Nothing;
        }
        self.notice = None;
        match &mut self.mode {
            Mode::Browse => return self.browse(key.code),
            Mode::Filter => self.edit_filter(key.code),
            Mode::Help => self.mode = Mode::Browse,
            Mode::Ask(question) => match question.key(key.code) {
                Answer::Open => {}
                Answer::No => self.mode = Mode::Browse,
                Answer::Yes(order) => {
                    let server = question.server;
                    self.mode = Mode::Browse;
                    return Wish::Do(server, order);
                }
            },
            Mode::Peek(view) => match key.code {
                KeyCode::Up | KeyCode::Char('k') => view.top = view.top.saturating_sub(1),
                KeyCode::Down | KeyCode::Char('j') => view.top = view.top.saturating_add(1),
                KeyCode::PageUp => view.top = view.top.saturating_sub(PAGE.unsigned_abs()),
                KeyCode::PageDown | KeyCode::Char(' ') => {
                    view.top = view.top.saturating_add(PAGE.unsigned_abs());
                }
                KeyCode::Home | KeyCode::Char('g') => view.top = 0,
                KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q') => self.mode = Mode::Browse,
                _ => {}
            },
        }
        Wish::Nothing
    }

    fn browse(&mut self, code: KeyCode) -> Wish {
        match code {
            KeyCode::Char('q') => return Wish::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.mode = Mode::Help,
            KeyCode::Char('/') => self.mode = Mode::Filter,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('s') => {
                self.sort = self.sort.next();
                self.reversed = false;
            }
            KeyCode::Char('r') => self.reversed = !self.reversed,
            KeyCode::Up | KeyCode::Char('k') => self.step(-1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1),
            KeyCode::PageUp => self.step(-PAGE),
            KeyCode::PageDown => self.step(PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.step(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.step(isize::MAX),
            KeyCode::Tab | KeyCode::Right => self.turn(1),
            KeyCode::BackTab | KeyCode::Left => self.turn(self.boards.len().saturating_sub(1)),
            KeyCode::Char('b') => self.ask_kick(),
            KeyCode::Char('p') => return self.pause(),
            KeyCode::Enter => {
                let tube = self.target().map(|tube| tube.name.clone());
                return tube
                    .map_or(Wish::Nothing, |tube| Wish::Do(self.current, Order::Peek(tube)));
            }
            _ => {}
        }
        Wish::Nothing
    }

    fn edit_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.mode = Mode::Browse,
            KeyCode::Esc => {
                self.filter.clear();
                self.mode = Mode::Browse;
            }
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Char(letter) if letter.is_ascii_graphic() && self.filter.len() < FILTER => {
                self.filter.push(letter);
            }
            KeyCode::Up => self.step(-1),
            KeyCode::Down => self.step(1),
            _ => {}
        }
    }

    /// Moves the selection by so many tubes, to the first or last at most.
    fn step(&mut self, by: isize) {
        let Some(board) = self.boards.get(self.current) else { return };
        let tubes = self.tubes(board);
        let at = Self::selected(board, &tubes).saturating_add_signed(by);
        let tube = tubes.get(at.min(tubes.len().saturating_sub(1))).map(|tube| tube.name.clone());
        if let Some(board) = self.boards.get_mut(self.current) {
            board.selected = tube;
        }
    }

    fn turn(&mut self, by: usize) {
        self.current = (self.current + by) % self.boards.len().max(1);
    }

    /// The tube that keys act on. What is acted on must not change under the user's hands, so a tube
    /// that only happens to be at the top becomes the one that is selected.
    fn target(&mut self) -> Option<TubeStats> {
        let board = self.boards.get(self.current)?;
        if !board.is_up() {
            self.notice = Some(Err(format!("{} does not answer", board.uri)));
            return None;
        }
        let tubes = self.tubes(board);
        let tube = tubes.get(Self::selected(board, &tubes)).copied()?.clone();
        self.boards.get_mut(self.current)?.selected = Some(tube.name.clone());
        Some(tube)
    }

    fn ask_kick(&mut self) {
        let Some(tube) = self.target() else { return };
        let buried = tube.current_jobs_buried;
        if buried == 0 {
            self.notice = Some(Err(format!("{} has no buried jobs", tube.name)));
            return;
        }
        let number = buried.min(u32::MAX.into());
        self.ask(tube.name, About::Kick(buried), number.to_string());
    }

    fn pause(&mut self) -> Wish {
        let Some(tube) = self.target() else { return Wish::Nothing };
        if !tube.pause.is_zero() {
            return Wish::Do(self.current, Order::Pause(tube.name, 0));
        }
        self.ask(tube.name, About::Pause, PAUSE.to_string());
        Wish::Nothing
    }

    fn ask(&mut self, tube: TubeName, about: About, number: String) {
        self.mode = Mode::Ask(Question::new(self.current, tube, about, number));
    }
}

#[cfg(test)]
mod tests;
