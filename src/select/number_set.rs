//! A set of numbers of captures: a bit for each number up to the highest.

/// Numbers of captures.
#[derive(Clone, Debug, Default)]
pub(super) struct NumberSet {
    bits: Vec<u64>,
    len: u64,
}

impl NumberSet {
    /// Adds a number.
    pub(super) fn insert(&mut self, number: usize) {
        let (word, bit) = (number / 64, 1 << (number % 64));
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(held) = self.bits.get_mut(word) {
            self.len += u64::from(*held & bit == 0);
            *held |= bit;
        }
    }

    /// Whether it has a number.
    pub(super) fn contains(&self, number: usize) -> bool {
        self.bits.get(number / 64).is_some_and(|held| held & (1 << (number % 64)) != 0)
    }

    /// How many numbers it has.
    pub(super) fn len(&self) -> u64 {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn it_has_what_was_put_in() {
        let numbers: Vec<usize> = (0..1000_usize).map(|it| it * 7919 % 5000).chain([0, 63, 64, 63]).collect();
        let mut set = NumberSet::default();
        numbers.iter().for_each(|number| set.insert(*number));
        let all: HashSet<usize> = numbers.into_iter().collect();
        assert_eq!(set.len(), all.len() as u64);
        assert!((0..6000).all(|number| set.contains(number) == all.contains(&number)));
    }
}
