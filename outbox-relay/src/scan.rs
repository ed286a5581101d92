//! Which rows of an outbox are decided, which are new, and where to look next: a state machine without I/O.
//!
//! **State.** `L`, the low-water mark: every id up to it is decided (published, or a tombstone). `D`, the decided ids
//! above `L`. `H`, the highest id ever seen. Every id between `L` and `H` that is neither in `D` nor parked is a hole.
//! The cursor is not `max(id)`: ids are handed out in order and commit out of order, so a row may yet appear in a hole.
//!
//! **Nothing is lost.** An id below `H` stays a hole until a row or a tombstone has been seen there, and `L` cannot pass
//! it. Ids above `H` are read from `H` on. There is no third place for a row to be.
//!
//! **Nothing is doubled.** An id is published only when it is not in `D` and above `L`, and both move in the Kafka
//! transaction that publishes it.
//!
//! **Order within a payment needs no waiting.** Event n+1 of a payment is decided by a writer that has seen n committed,
//! and its id is handed out after that decision; so
//! 1. of two events of a payment the later one has the higher id, and
//! 2. a snapshot that holds the later one holds the earlier one.
//!
//! A poll is *one* statement and so one snapshot over all holes and everything above `H`, sorted by id. If it shows event
//! n+1 and n is not decided yet, it shows n as well (2), at a lower id (1), and a read cut short by its limit cuts off the
//! higher ids (1). Rows are published in that order, polls one after the other. Two statements, one for the holes and one
//! for what is above, would break this: n could commit between them. So would sending what is above `H` from one read and
//! the holes from the next.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ledger_core::outbox_reader::Sealed;
use serde::{Deserialize, Serialize};

use crate::gap::Gaps;
use crate::runs::Runs;

/// What is decided: kept in Kafka, moved only in the transaction that publishes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marks {
    /// `L`: every id up to it is decided.
    pub low_water: u64,
    /// `D`: the decided ids above `L`.
    pub decided: Runs,
}

impl Marks {
    /// Marks with everything up to `low_water` decided and nothing above.
    pub fn at(low_water: u64) -> Self {
        Self { low_water, decided: Runs::default() }
    }

    /// Whether the id is decided.
    pub fn contains(&self, id: u64) -> bool {
        id <= self.low_water || self.decided.contains(id)
    }

    /// Decides an id, and moves the low-water mark over what is decided without a hole.
    pub fn decide(&mut self, id: u64) {
        if id <= self.low_water {
            return;
        }
        self.decided.insert(id);
        while let Some(last) = self.low_water.checked_add(1).and_then(|next| self.decided.take_from(next)) {
            self.low_water = last;
        }
    }

    /// The highest decided id.
    pub fn highest(&self) -> u64 {
        self.decided.last().unwrap_or(self.low_water)
    }
}

/// More undecided ids at once than could come from transactions in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{holes} ids without a row between {from} and {to}, more than relay.max_holes = {limit}: rows are missing or an id was written by hand"
)]
pub struct TooManyHoles {
    /// Where the missing ids begin.
    pub from: u64,
    /// Where they end.
    pub to: u64,
    /// How many there are.
    pub holes: u64,
    /// How many are allowed.
    pub limit: u64,
}

/// What to read next: rows above `above`, and those within `ranges`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// `H`.
    pub above: u64,
    /// Where the holes are.
    pub ranges: Vec<(u64, u64)>,
}

/// The state of one outbox's relay.
#[derive(Debug, Clone)]
pub struct Scan {
    marks: Marks,
    gaps: Gaps,
    highest: u64,
    parked: BTreeMap<u64, Instant>,
    max_holes: u64,
}

impl Scan {
    /// Goes on from what was decided. What was a hole then is a hole again, first seen now.
    pub fn resume(marks: Marks, max_holes: u64, now: Instant) -> Self {
        let mut gaps = Gaps::default();
        let mut next = marks.low_water.saturating_add(1);
        for (first, last) in marks.decided.iter() {
            (next..first).for_each(|id| gaps.open(id, now));
            next = last.saturating_add(1);
        }
        let highest = marks.highest();
        Self { marks, gaps, highest, parked: BTreeMap::new(), max_holes }
    }

    /// Where to look next, in at most `ranges` ranges besides what is above `H`.
    pub fn plan(&self, ranges: usize) -> Plan {
        Plan { above: self.highest, ranges: self.gaps.ranges(ranges) }
    }

    /// Takes in the ids of one read, sorted, and returns those that are new. Each new id must then be decided or parked
    /// before the next read.
    pub fn observe(&mut self, ids: &[u64], now: Instant) -> Result<Vec<u64>, TooManyHoles> {
        let mut fresh = Vec::with_capacity(ids.len());
        for &id in ids {
            if id > self.highest {
                self.open_up_to(id, now)?;
                self.highest = id;
            } else if self.marks.contains(id) || self.parked.contains_key(&id) {
                continue;
            } else {
                self.gaps.close(id);
            }
            fresh.push(id);
        }
        Ok(fresh)
    }

    fn open_up_to(&mut self, id: u64, now: Instant) -> Result<(), TooManyHoles> {
        let from = self.highest.saturating_add(1);
        let new = id.saturating_sub(from);
        let holes = new.saturating_add(u64::try_from(self.gaps.len()).unwrap_or(u64::MAX));
        if holes > self.max_holes {
            return Err(TooManyHoles { from, to: id, holes, limit: self.max_holes });
        }
        (from..id).for_each(|hole| self.gaps.open(hole, now));
        Ok(())
    }

    /// The marks as they will be once `ids` are decided; nothing changes here until [`Scan::commit`].
    pub fn marks_with(&self, ids: impl IntoIterator<Item = u64>) -> Marks {
        let mut marks = self.marks.clone();
        ids.into_iter().for_each(|id| marks.decide(id));
        marks
    }

    /// The transaction that carried these marks is committed.
    pub fn commit(&mut self, marks: Marks) {
        self.marks = marks;
    }

    /// Keeps an event back: it stays undecided, so the low-water mark cannot pass it and a restart tries it again.
    pub fn park(&mut self, id: u64, now: Instant) {
        self.parked.insert(id, now);
    }

    /// Holes that may be sealed now. All lie below `H`, which has been seen.
    pub fn due(&self, now: Instant, delay: Duration) -> Vec<u64> {
        self.gaps.due(now, delay).collect()
    }

    /// Takes in what became of a hole.
    pub fn settled(&mut self, id: u64, outcome: Sealed, now: Instant, delay: Duration) {
        match outcome {
            Sealed::Dead => {
                self.gaps.close(id);
                self.marks.decide(id);
            }
            Sealed::Exists => {} // the next read shows it
            Sealed::InFlight => self.gaps.put_off(id, now + delay),
        }
    }

    /// What is decided.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// `H`.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// How many holes there are.
    pub fn holes(&self) -> usize {
        self.gaps.len()
    }

    /// How many events are kept back.
    pub fn parked(&self) -> usize {
        self.parked.len()
    }

    /// Since when the low-water mark has been waiting, and for which id.
    pub fn waiting(&self) -> Option<(u64, Instant)> {
        let parked = self.parked.first_key_value().map(|(id, since)| (*id, *since));
        [self.gaps.lowest(), parked].into_iter().flatten().min_by_key(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests;
