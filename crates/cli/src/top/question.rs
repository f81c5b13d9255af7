//! A question that is answered with a number.

use beanwire::TubeName;
use ratatui::crossterm::event::KeyCode;

use super::order::Order;

/// Digits of the largest number that the protocol carries.
const DIGITS: usize = 10;

/// A number that the user confirms or changes.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) server: usize,
    pub(crate) tube: TubeName,
    pub(crate) about: About,
    /// The number as it stands; empty if all of it was deleted.
    pub(crate) number: String,
    /// Whether the next digit replaces it.
    fresh: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum About {
    /// Of so many buried jobs.
    Kick(u64),
    Pause,
}

/// What a key says to a question.
pub(crate) enum Answer {
    Open,
    No,
    Yes(Order),
}

impl Question {
    pub(crate) const fn new(server: usize, tube: TubeName, about: About, number: String) -> Self {
        Self { server, tube, about, number, fresh: true }
    }

    pub(crate) fn key(&mut self, code: KeyCode) -> Answer {
        match code {
            KeyCode::Esc | KeyCode::Char('n' | 'q') => return Answer::No,
            KeyCode::Enter | KeyCode::Char('y') => {
                return self.order().map_or(Answer::Open, Answer::Yes);
            }
            KeyCode::Backspace => drop(self.number.pop()),
            KeyCode::Char(digit) if digit.is_ascii_digit() => {
                if self.fresh {
                    self.number.clear();
                }
                if self.number.len() < DIGITS {
                    self.number.push(digit);
                }
            }
            _ => return Answer::Open,
        }
        self.fresh = false;
        Answer::Open
    }

    /// None for a number that the protocol does not carry, and for zero, which would mean nothing.
    fn order(&self) -> Option<Order> {
        let number = self.number.parse().ok().filter(|number| *number > 0)?;
        let tube = self.tube.clone();
        Some(match self.about {
            About::Kick(_) => Order::Kick(tube, number),
            About::Pause => Order::Pause(tube, number),
        })
    }
}
