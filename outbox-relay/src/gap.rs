//! Holes: ids that stand below one already seen and have no row yet. A hole is in flight, rolled back, or not inserted
//! yet, and no one can tell which by looking. It is given time, then settled by a tombstone.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The shortest time a hole is given.
pub const SHORTEST_DELAY: Duration = Duration::from_millis(50);

/// How much longer than a statement's 99th percentile a hole is given.
const PATIENCE: u32 = 20;

/// How many statements the percentile is taken over.
const SAMPLES: usize = 256;

/// The holes and when each was first seen.
#[derive(Debug, Clone, Default)]
pub struct Gaps {
    holes: BTreeMap<u64, Hole>,
}

#[derive(Debug, Clone, Copy)]
struct Hole {
    first_seen: Instant,
    try_from: Instant,
}

impl Gaps {
    /// Notes a hole; one that is known keeps its age.
    pub fn open(&mut self, id: u64, now: Instant) {
        self.holes.entry(id).or_insert(Hole { first_seen: now, try_from: now });
    }

    /// Forgets a hole: a row or a tombstone has been seen there.
    pub fn close(&mut self, id: u64) {
        self.holes.remove(&id);
    }

    /// Leaves a hole alone for a while: its writer is alive.
    pub fn put_off(&mut self, id: u64, until: Instant) {
        if let Some(hole) = self.holes.get_mut(&id) {
            hole.try_from = until;
        }
    }

    /// Holes that have been given their time, oldest id first.
    pub fn due(&self, now: Instant, delay: Duration) -> impl Iterator<Item = u64> + '_ {
        self.holes
            .iter()
            .filter(move |(_, hole)| now.duration_since(hole.first_seen) >= delay && now >= hole.try_from)
            .map(|(id, _)| *id)
    }

    /// How many holes there are.
    pub fn len(&self) -> usize {
        self.holes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.holes.is_empty()
    }

    /// When the lowest hole was first seen.
    pub fn lowest(&self) -> Option<(u64, Instant)> {
        self.holes.first_key_value().map(|(id, hole)| (*id, hole.first_seen))
    }

    /// At most `most` ranges that cover every hole: the nearest runs are joined until they fit.
    pub fn ranges(&self, most: usize) -> Vec<(u64, u64)> {
        let mut runs: Vec<(u64, u64)> = Vec::new();
        for id in self.holes.keys() {
            match runs.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(*id) => *last = *id,
                Some(_) | None => runs.push((*id, *id)),
            }
        }
        if runs.len() <= most || most == 0 {
            return runs;
        }
        let mut distances: Vec<(u64, usize)> =
            runs.windows(2).enumerate().map(|(at, two)| (two[1].0 - two[0].1, at + 1)).collect();
        distances.sort_unstable_by(|left, right| right.cmp(left));
        let mut cuts: Vec<usize> = distances.into_iter().take(most - 1).map(|(_, at)| at).collect();
        cuts.sort_unstable();
        let mut joined = Vec::with_capacity(most);
        let mut start = 0;
        for cut in cuts.into_iter().chain(std::iter::once(runs.len())) {
            joined.push((runs[start].0, runs[cut - 1].1));
            start = cut;
        }
        joined
    }
}

/// How long a hole is given: a writer that is merely slow today must not be sealed, so the delay follows the pace of the
/// database. The relay cannot time the writers' statements; its own on the same table are the nearest thing.
#[derive(Debug, Clone)]
pub struct SealDelay {
    floor: Duration,
    times: Vec<Duration>,
    next: usize,
}

impl SealDelay {
    /// A delay that never falls below `floor` (nor below [`SHORTEST_DELAY`]).
    pub fn new(floor: Duration) -> Self {
        Self { floor: floor.max(SHORTEST_DELAY), times: Vec::with_capacity(SAMPLES), next: 0 }
    }

    /// Takes in how long a statement took.
    pub fn record(&mut self, took: Duration) {
        if self.times.len() < SAMPLES {
            self.times.push(took);
        } else {
            self.times[self.next] = took;
        }
        self.next = (self.next + 1) % SAMPLES;
    }

    /// The delay now.
    pub fn get(&self) -> Duration {
        let mut sorted = self.times.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * 99).div_ceil(100);
        let p99 = rank.checked_sub(1).and_then(|at| sorted.get(at)).copied().unwrap_or_default();
        self.floor.max(p99.saturating_mul(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_hole_keeps_its_age_and_is_due_after_the_delay() {
        let (start, mut gaps) = (Instant::now(), Gaps::default());
        let delay = Duration::from_millis(50);
        gaps.open(7, start);
        gaps.open(7, start + delay);
        assert_eq!(gaps.due(start + delay / 2, delay).count(), 0);
        assert_eq!(gaps.due(start + delay, delay).collect::<Vec<_>>(), [7]);
        gaps.put_off(7, start + delay * 2);
        assert_eq!(gaps.due(start + delay, delay).count(), 0);
        assert_eq!(gaps.due(start + delay * 2, delay).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn the_delay_follows_the_slowest_statements() {
        let mut delay = SealDelay::new(Duration::ZERO);
        assert_eq!(delay.get(), SHORTEST_DELAY);
        for _ in 0..98 {
            delay.record(Duration::from_micros(200));
        }
        assert_eq!(delay.get(), SHORTEST_DELAY);
        for _ in 0..3 {
            delay.record(Duration::from_millis(30));
        }
        assert_eq!(delay.get(), Duration::from_millis(600));
    }

    proptest! {
        #[test]
        fn few_ranges_cover_every_hole(ids in proptest::collection::btree_set(1_u64..500, 0..120), most in 1_usize..9) {
            let (now, mut gaps) = (Instant::now(), Gaps::default());
            for id in &ids {
                gaps.open(*id, now);
            }
            let ranges = gaps.ranges(most);
            prop_assert!(ranges.len() <= most);
            prop_assert!(ranges.windows(2).all(|two| two[0].1 < two[1].0));
            for id in &ids {
                prop_assert!(ranges.iter().any(|(from, to)| from <= id && id <= to));
            }
        }
    }
}
