//! A map that remembers how to go back.

use std::collections::{BTreeMap, VecDeque};

/// What remembers the changes of recent blocks.
pub(crate) trait Undo {
    /// Undoes every change above `block`.
    fn retract(&mut self, block: u64);

    /// Forgets how to go back behind `block`: it is final.
    fn settle(&mut self, block: u64);
}

/// Undoes a whole by undoing its parts.
macro_rules! undo_by_parts {
    ($whole:ident: $($part:ident),+) => {
        impl crate::view::journal::Undo for $whole {
            fn retract(&mut self, block: u64) {
                $(self.$part.retract(block);)+
            }

            fn settle(&mut self, block: u64) {
                $(self.$part.settle(block);)+
            }
        }
    };
}
pub(crate) use undo_by_parts;

/// A map with the changes of recent blocks, so that retracted blocks can be undone exactly.
#[derive(Clone, Debug)]
pub(crate) struct Journaled<K, V> {
    now: BTreeMap<K, V>,
    /// Oldest first: the block of a change, and what stood there before it.
    undo: VecDeque<(u64, K, Option<V>)>,
}

impl<K, V> Default for Journaled<K, V> {
    fn default() -> Self {
        Self { now: BTreeMap::new(), undo: VecDeque::new() }
    }
}

impl<K: Ord + Clone, V> Journaled<K, V> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.now.get(key)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.now.contains_key(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.now.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.now.len()
    }

    pub(crate) fn insert(&mut self, block: u64, key: K, value: V) {
        let before = self.now.insert(key.clone(), value);
        self.undo.push_back((block, key, before));
    }

    pub(crate) fn remove(&mut self, block: u64, key: &K) {
        if let Some(before) = self.now.remove(key) {
            self.undo.push_back((block, key.clone(), Some(before)));
        }
    }
}

impl<K: Ord + Clone, V> Undo for Journaled<K, V> {
    fn retract(&mut self, block: u64) {
        while let Some((_, key, before)) = self.undo.pop_back_if(|(changed, ..)| *changed > block) {
            match before {
                Some(value) => self.now.insert(key, value),
                None => self.now.remove(&key),
            };
        }
    }

    fn settle(&mut self, block: u64) {
        while self.undo.front().is_some_and(|(changed, ..)| *changed <= block) {
            self.undo.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(map: &Journaled<&'static str, u32>) -> Vec<(&'static str, u32)> {
        map.iter().map(|(key, value)| (*key, *value)).collect()
    }

    #[test]
    fn retracting_restores_what_stood_there() {
        let mut map = Journaled::default();
        map.insert(1, "a", 1);
        map.insert(2, "a", 2);
        map.insert(2, "b", 5);
        map.remove(3, &"a");
        assert_eq!(entries(&map), [("b", 5)]);
        map.retract(2);
        assert_eq!(entries(&map), [("a", 2), ("b", 5)]);
        map.retract(1);
        assert_eq!(entries(&map), [("a", 1)]);
        map.retract(0);
        assert_eq!(map.len(), 0);
    }

    #[test]
    fn what_is_final_stays() {
        let mut map = Journaled::default();
        map.insert(1, "a", 1);
        map.insert(2, "a", 2);
        map.settle(1);
        map.retract(0);
        assert_eq!(entries(&map), [("a", 1)], "the change of block 1 can't be undone any more");
    }
}
