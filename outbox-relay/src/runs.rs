//! A set of ids as runs of neighbours: what is decided above the low-water mark is a handful of runs, however many events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Ids as `[first, last]` pairs that neither touch nor overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<(u64, u64)>", into = "Vec<(u64, u64)>")]
pub struct Runs(BTreeMap<u64, u64>);

impl Runs {
    /// Adds one id; false if it was there already.
    pub fn insert(&mut self, id: u64) -> bool {
        if self.contains(id) {
            return false;
        }
        let before = id.checked_sub(1).and_then(|left| self.run_with(left));
        let after = id.checked_add(1).and_then(|right| self.0.remove(&right));
        let first = before.map_or(id, |(first, _)| first);
        self.0.insert(first, after.unwrap_or(id));
        true
    }

    /// Whether the id is in the set.
    pub fn contains(&self, id: u64) -> bool {
        self.run_with(id).is_some()
    }

    /// Takes the run that starts at `id` out of the set and returns its last id.
    pub fn take_from(&mut self, id: u64) -> Option<u64> {
        self.0.remove(&id)
    }

    /// The highest id.
    pub fn last(&self) -> Option<u64> {
        self.0.last_key_value().map(|(_, last)| *last)
    }

    /// The runs, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(first, last)| (*first, *last))
    }

    /// How many runs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn run_with(&self, id: u64) -> Option<(u64, u64)> {
        let (first, last) = self.0.range(..=id).next_back()?;
        (id <= *last).then_some((*first, *last))
    }
}

/// Runs that overlap, touch, stand in the wrong order or end before they start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the runs of decided ids are not in order")]
pub struct Disordered;

impl TryFrom<Vec<(u64, u64)>> for Runs {
    type Error = Disordered;

    fn try_from(pairs: Vec<(u64, u64)>) -> Result<Self, Disordered> {
        let ordered = pairs.iter().all(|(first, last)| first <= last)
            && pairs.windows(2).all(|two| two[0].1.checked_add(1).is_some_and(|next| next < two[1].0));
        if ordered { Ok(Self(pairs.into_iter().collect())) } else { Err(Disordered) }
    }
}

impl From<Runs> for Vec<(u64, u64)> {
    fn from(runs: Runs) -> Self {
        runs.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_set_of_runs_is_a_set(ids in proptest::collection::vec(1_u64..60, 0..80)) {
            let (mut runs, mut model) = (Runs::default(), BTreeSet::new());
            for id in ids {
                prop_assert_eq!(runs.insert(id), model.insert(id));
            }
            for id in 0..61 {
                prop_assert_eq!(runs.contains(id), model.contains(&id));
            }
            prop_assert_eq!(runs.last(), model.last().copied());
            let pairs: Vec<(u64, u64)> = runs.clone().into();
            prop_assert_eq!(Runs::try_from(pairs), Ok(runs));
        }
    }

    #[test]
    fn runs_that_touch_are_refused() {
        assert_eq!(Runs::try_from(vec![(1, 2), (3, 4)]), Err(Disordered));
        assert_eq!(Runs::try_from(vec![(4, 3)]), Err(Disordered));
    }
}
