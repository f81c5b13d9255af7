//! What is to be looked at when, first things first.

#[cfg(not(target_family = "wasm"))]
use std::collections::BTreeSet;

use crate::sorted::SortedSet;
use crate::types::Instant;

/// Those that do not stand in line. A tree is fast for very many of them, and much code.
#[cfg(not(target_family = "wasm"))]
type Others<T> = BTreeSet<(Instant, T)>;
#[cfg(target_family = "wasm")]
type Others<T> = SortedSet<(Instant, T)>;

/// Times with what is due then.
///
/// Most are later than all before, because they lie a fixed span ahead. Those stand in line, which
/// costs next to nothing; only the others need more.
#[derive(Debug)]
pub(super) struct Agenda<T> {
    line: SortedSet<(Instant, T)>,
    others: Others<T>,
}

impl<T: Copy + Ord> Agenda<T> {
    pub(super) fn new() -> Self {
        Self { line: SortedSet::new(), others: Others::new() }
    }

    pub(super) fn insert(&mut self, at: Instant, what: T) {
        if self.line.last().is_none_or(|last| *last < (at, what)) {
            self.line.insert((at, what));
        } else {
            self.others.insert((at, what));
        }
    }

    pub(super) fn remove(&mut self, at: Instant, what: T) {
        if !self.line.remove(&(at, what)) {
            self.others.remove(&(at, what));
        }
    }

    /// What is due first, and when.
    pub(super) fn first(&self) -> Option<(Instant, T)> {
        self.line.first().into_iter().chain(self.others.first()).min().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_due_first_comes_first(
            steps in prop::collection::vec((any::<bool>(), 0_u64..20, 0_u8..4), 0..200),
        ) {
            let mut agenda = Agenda::new();
            let mut tree = BTreeSet::new();
            for (insert, at, what) in steps {
                let at = Instant::from_origin(std::time::Duration::from_secs(at));
                // What is there is not added again.
                if insert && tree.insert((at, what)) {
                    agenda.insert(at, what);
                } else if !insert {
                    tree.remove(&(at, what));
                    agenda.remove(at, what);
                }
                prop_assert_eq!(agenda.first(), tree.first().copied());
            }
        }
    }
}
