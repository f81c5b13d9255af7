//! What really happened on the servers, put by put and job by job, as read off the wire.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use beanwire_core::types::{Instant, JobId};

use crate::network::WireId;
use crate::scenario::DEAD_LETTERS;

/// One job on one server since that server last lost its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) server: usize,
    pub(crate) epoch: u32,
    pub(crate) id: JobId,
}

/// What a put was to bring about. Its number stands in the body.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) tube: String,
    pub(crate) priority: u32,
    pub(crate) ttr: u32,
    /// Whether it must never exist twice.
    pub(crate) once: bool,
    /// Every job that came of it, dead letters aside.
    pub(crate) inserted: Vec<Key>,
    /// How often the client said that it is done again and may already be.
    pub(crate) doubts: usize,
    /// The client said for sure that nothing came of it.
    pub(crate) denied: bool,
    /// A copy went to the dead letters.
    pub(crate) dead: bool,
}

/// A job as the servers' answers tell of it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) token: usize,
    /// Those it may be released or buried with: its first, and those that callers asked for.
    pub(crate) priorities: BTreeSet<u32>,
    /// The connection that got it last.
    pub(crate) holder: Option<WireId>,
    /// When its TTR last started.
    pub(crate) renewed_at: Instant,
    pub(crate) deleted: bool,
    /// A caller wanted it deleted.
    pub(crate) asked: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) tokens: Vec<Token>,
    pub(crate) jobs: BTreeMap<Key, Entry>,
}

impl Ledger {
    /// A new put; its body is made from the number.
    pub(crate) fn announce(&mut self, tube: &str, priority: u32, ttr: u32, once: bool) -> usize {
        let (inserted, doubts, denied, dead) = (Vec::new(), 0, false, false);
        let tube = tube.to_owned();
        self.tokens.push(Token { tube, priority, ttr, once, inserted, doubts, denied, dead });
        self.tokens.len() - 1
    }

    /// The body of a put: its number, and padding of a length that follows from it.
    pub(crate) fn body(token: usize) -> String {
        let padding = [0, 10, 300, 5_000, 20_000][token % 5];
        format!("{token}:{}", "x".repeat(padding))
    }

    /// The number in a body.
    ///
    /// # Errors
    /// If the body is not whole.
    pub(crate) fn read(body: &[u8]) -> Result<usize, String> {
        let text = String::from_utf8_lossy(body);
        let number = text.split(':').next().and_then(|number| number.parse().ok());
        number
            .filter(|token| Self::body(*token) == text)
            .ok_or_else(|| format!("a body of {} bytes was changed on its way", body.len()))
    }

    /// A server has inserted a job.
    pub(crate) fn insert(
        &mut self,
        now: Instant,
        key: Key,
        tube: &str,
        body: &[u8],
        priority: u32,
    ) -> Result<(), String> {
        let number = Self::read(body)?;
        let token = &mut self.tokens[number];
        if tube == DEAD_LETTERS {
            token.dead = true;
        } else {
            if priority != token.priority {
                let expected = token.priority;
                return Err(format!("put {number} has priority {priority}, not {expected}"));
            }
            if tube != token.tube {
                return Err(format!("put {number} for {} landed in {tube}", token.tube));
            }
            token.inserted.push(key);
            if token.inserted.len() > 1 + token.doubts {
                return Err(format!("put {number} was doubled in silence: {:?}", token.inserted));
            }
            if token.once && token.inserted.len() > 1 {
                return Err(format!("put {number}, at most once, was doubled"));
            }
            if token.denied {
                return Err(format!("put {number} exists although it was said not to"));
            }
        }
        let priorities = BTreeSet::from([priority]);
        let (deleted, asked) = (false, false);
        let holder = None;
        let entry = Entry { token: number, priorities, holder, renewed_at: now, deleted, asked };
        self.jobs.insert(key, entry);
        Ok(())
    }

    /// A server has deleted a job.
    pub(crate) fn delete(&mut self, key: Key) -> Result<(), String> {
        let Some(entry) = self.jobs.get_mut(&key) else { return Err(unknown(key)) };
        entry.deleted = true;
        entry.holder = None;
        let dead = self.tokens[entry.token].dead;
        if entry.asked || dead {
            return Ok(());
        }
        Err(format!("{key:?} was deleted although nobody wanted it"))
    }

    /// Whether the reservation of this connection has not run out.
    pub(crate) fn is_held(&self, now: Instant, key: Key, wire: WireId) -> bool {
        self.jobs.get(&key).is_some_and(|entry| {
            let ttr = Duration::from_secs(self.tokens[entry.token].ttr.into());
            entry.holder == Some(wire) && entry.renewed_at + ttr > now
        })
    }

    pub(crate) fn entry(&mut self, key: Key) -> Result<&mut Entry, String> {
        self.jobs.get_mut(&key).ok_or_else(|| unknown(key))
    }

    /// A caller was told that its put was done.
    pub(crate) fn check_acknowledged(
        &self,
        number: usize,
        server: usize,
        id: JobId,
    ) -> Result<(), String> {
        let token = &self.tokens[number];
        let known = token.inserted.iter().any(|key| key.server == server && key.id == id);
        if known { Ok(()) } else { Err(format!("put {number} is told to be job {id}, and is not")) }
    }
}

fn unknown(key: Key) -> String {
    format!("{key:?} was never put")
}
