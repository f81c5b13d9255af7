//! A map and a set for what comes and goes in about the order of its keys, such as ids that count up.
//!
//! Both ends are reached at once, and all else is found by halving. What is removed leaves a gap, so
//! that nothing has to move; there are never more gaps than entries for long. Every type of entry
//! needs code of its own, and this is a fraction of a tree's.

/// Fewer places are not worth tidying up.
const FEW: usize = 32;

/// Places that are kept, however few are in use.
const KEPT: usize = 1024;

/// A map in the order of its keys.
#[derive(Debug, Clone)]
pub struct SortedMap<K, V> {
    /// With no value where an entry was removed.
    places: Vec<(K, Option<V>)>,
    /// The first place that is in use. The last one in use is the last of all.
    start: usize,
    len: usize,
}

impl<K, V> Default for SortedMap<K, V> {
    fn default() -> Self {
        Self { places: Vec::new(), start: 0, len: 0 }
    }
}

impl<K: Copy + Ord, V> SortedMap<K, V> {
    /// An empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The place of the key, or the one before which it would have to go.
    fn find(&self, key: &K) -> Result<usize, usize> {
        let places = self.places.get(self.start..).unwrap_or_default();
        let found = match (places.first(), places.last()) {
            (_, Some((last, _))) if last < key => Err(places.len()),
            (Some((first, _)), _) if first == key => Ok(0),
            _ => places.binary_search_by_key(key, |(key, _)| *key),
        };
        found.map(|at| self.start + at).map_err(|at| self.start + at)
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.places.get(self.find(key).ok()?)?.1.as_ref()
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.places.get_mut(at)?.1.as_mut()
    }

    /// Whether the key has a value.
    #[must_use]
    pub fn contains_key(&self, key: &K) -> bool {
        self.get(key).is_some()
    }

    /// Gives the key a value, and tells the one before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let before = match self.find(&key) {
            Ok(at) => self.places.get_mut(at)?.1.replace(value),
            Err(at) => {
                if at == self.start && at > 0 {
                    self.start -= 1;
                    *self.places.get_mut(self.start)? = (key, Some(value));
                } else {
                    self.places.insert(at, (key, Some(value)));
                }
                None
            }
        };
        self.len += usize::from(before.is_none());
        before
    }

    /// Takes the key and its value out.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let at = self.find(key).ok()?;
        let value = self.places.get_mut(at)?.1.take()?;
        self.len -= 1;
        self.tidy();
        Some(value)
    }

    fn tidy(&mut self) {
        while let Some((_, None)) = self.places.last() {
            self.places.pop();
        }
        while let Some((_, None)) = self.places.get(self.start) {
            self.start += 1;
        }
        let count = self.places.len();
        if count == 0 {
            self.start = 0;
            if self.places.capacity() > KEPT {
                self.places = Vec::new();
            }
        } else if count > FEW && count / 2 > self.len {
            self.places.retain(|(_, value)| value.is_some());
            self.start = 0;
            if self.places.capacity() > KEPT.max(4 * self.len) {
                self.places.shrink_to(2 * self.len);
            }
        }
    }

    /// The entries.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.places.iter().filter_map(|(key, value)| Some((key, value.as_ref()?)))
    }

    /// The entries, to change their values.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.places.iter_mut().filter_map(|(key, value)| Some((&*key, value.as_mut()?)))
    }

    /// The keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The values, to change them.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// The values for good.
    pub fn into_values(self) -> impl Iterator<Item = V> {
        self.places.into_iter().filter_map(|(_, value)| value)
    }

    /// The first key.
    #[must_use]
    pub fn first_key(&self) -> Option<&K> {
        self.places.get(self.start).map(|(key, _)| key)
    }

    /// The last key.
    #[must_use]
    pub fn last_key(&self) -> Option<&K> {
        self.places.last().map(|(key, _)| key)
    }
}

/// A set in order.
#[derive(Debug, Clone)]
pub struct SortedSet<K>(SortedMap<K, ()>);

impl<K> Default for SortedSet<K> {
    fn default() -> Self {
        Self(SortedMap::default())
    }
}

impl<K: Copy + Ord> SortedSet<K> {
    /// An empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is there.
    #[must_use]
    pub fn contains(&self, key: &K) -> bool {
        self.0.contains_key(key)
    }

    /// Adds it, and says whether it is new.
    pub fn insert(&mut self, key: K) -> bool {
        self.0.insert(key, ()).is_none()
    }

    /// Takes it out, and says whether it was there.
    pub fn remove(&mut self, key: &K) -> bool {
        self.0.remove(key).is_some()
    }

    /// Takes all out.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<&K> {
        self.0.first_key()
    }

    /// The last one.
    #[must_use]
    pub fn last(&self) -> Option<&K> {
        self.0.last_key()
    }

    /// Takes the first one out.
    pub fn pop_first(&mut self) -> Option<K> {
        let first = *self.0.first_key()?;
        self.0.remove(&first)?;
        Some(first)
    }

    /// Takes the last one out.
    pub fn pop_last(&mut self) -> Option<K> {
        let last = *self.last()?;
        self.0.remove(&last)?;
        Some(last)
    }

    /// All of them.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &K> {
        self.0.keys()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_does_what_a_tree_does(steps in prop::collection::vec((any::<bool>(), 0_u8..120), 0..2000)) {
            let mut map = SortedMap::new();
            let mut tree = BTreeMap::new();
            for (place, (insert, key)) in steps.into_iter().enumerate() {
                if insert {
                    prop_assert_eq!(map.insert(key, place), tree.insert(key, place));
                } else {
                    prop_assert_eq!(map.remove(&key), tree.remove(&key));
                }
                prop_assert_eq!(map.get(&key), tree.get(&key));
                prop_assert_eq!(map.len(), tree.len());
                prop_assert!(map.places.len() <= FEW.max(2 * map.len() + 1));
            }
            prop_assert!(map.iter().eq(tree.iter()));
            prop_assert!(map.into_values().eq(tree.into_values()));
        }

        #[test]
        fn both_ends_of_a_set_are_reached(keys in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut set = SortedSet::new();
            for key in &keys {
                set.insert(*key);
            }
            for key in keys.iter().step_by(2) {
                set.remove(key);
            }
            let mut left: VecDeque<_> = set.iter().copied().collect();
            prop_assert!(left.iter().is_sorted());
            while let Some(last) = set.last().copied() {
                prop_assert_eq!(left.back(), Some(&last));
                prop_assert_eq!(set.pop_first(), left.pop_front());
                prop_assert_eq!(set.pop_last(), left.pop_back());
            }
            prop_assert!(left.is_empty() && set.is_empty());
        }
    }

    #[test]
    fn a_map_that_shrinks_gives_its_memory_back() {
        let mut map: SortedMap<usize, usize> =
            (0..10 * KEPT).fold(SortedMap::new(), |mut map, key| {
                map.insert(key, key);
                map
            });
        // The first one stays for long.
        for key in 1..10 * KEPT {
            map.remove(&key);
        }
        assert!(map.places.capacity() <= KEPT);
        map.remove(&0);
        assert!(map.places.capacity() <= KEPT);
    }
}
