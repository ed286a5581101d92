//! The bounded queue between the legacy service and the mirror. Mirror work may be dropped: it is counted, and the
//! verifier makes up for it. What the legacy service does never waits for it.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::metrics;

/// A row of the legacy ledger that was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// Its table.
    pub table: String,
    /// The key of its payment.
    pub key: String,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It waits its turn.
    Taken,
    /// The queue was full.
    DroppedFull,
    /// A drill wanted it dropped.
    DroppedDrill,
}

/// Where calls come in.
#[derive(Debug)]
pub struct Queue {
    sender: Sender<Touch>,
    drill: Mutex<Drill>,
    /// What happened so far.
    pub counts: Counts,
}

/// What happened to calls so far.
#[derive(Debug, Default)]
pub struct Counts {
    taken: AtomicU64,
    dropped_full: AtomicU64,
    dropped_drill: AtomicU64,
    polled: AtomicU64,
    carried: AtomicU64,
    inserted: AtomicU64,
    quarantined: AtomicU64,
    failed: AtomicU64,
}

/// The counts as they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Calls taken into the queue.
    pub taken: u64,
    /// Calls dropped, for whatever reason.
    pub dropped: u64,
    /// Of these, because a drill wanted it.
    pub dropped_by_drill: u64,
    /// Keys found by polling change columns.
    pub polled: u64,
    /// Calls and polled keys whose payments were read and mapped.
    pub carried: u64,
    /// Changes that were not there before.
    pub inserted: u64,
    /// Rows that did not fit.
    pub quarantined: u64,
    /// Batches that failed and were tried again.
    pub failed: u64,
    /// Calls that wait.
    pub waiting: u64,
}

/// A drill: the next calls are dropped, and so is whatever names the same payments later, by call or by polling, until the
/// process ends. Only the verifier can find them.
#[derive(Debug, Default)]
struct Drill {
    next: u64,
    dropped: Vec<Touch>,
    keys: BTreeSet<String>,
}

impl Queue {
    /// A queue for so many calls, and its other end.
    pub fn new(capacity: usize) -> (Self, Receiver<Touch>) {
        let (sender, receiver) = channel(capacity.max(1));
        (Self { sender, drill: Mutex::default(), counts: Counts::default() }, receiver)
    }

    /// Takes a call, or drops and counts it; never waits.
    pub fn offer(&self, touch: Touch) -> Offered {
        if self.drilled(&touch) {
            return self.dropped(Offered::DroppedDrill);
        }
        if self.sender.try_send(touch).is_err() {
            return self.dropped(Offered::DroppedFull);
        }
        self.counts.taken.fetch_add(1, Ordering::Relaxed);
        Offered::Taken
    }

    /// Puts in what polling found; waits for room, since polling can wait.
    pub async fn put(&self, touch: Touch) {
        let known = self.drill().keys.contains(&touch.key);
        if !known && self.sender.send(touch).await.is_ok() {
            self.counts.polled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets the next `count` calls be dropped.
    pub fn drop_next(&self, count: u64) {
        self.drill().next += count;
    }

    /// How many calls a drill will still drop, and which it dropped.
    pub fn drill_state(&self) -> (u64, Vec<Touch>) {
        let drill = self.drill();
        (drill.next, drill.dropped.clone())
    }

    /// The counts.
    pub fn shown(&self) -> Shown {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        let waiting = self.sender.max_capacity() - self.sender.capacity();
        Shown {
            taken: get(&counts.taken),
            dropped: get(&counts.dropped_full) + get(&counts.dropped_drill),
            dropped_by_drill: get(&counts.dropped_drill),
            polled: get(&counts.polled),
            carried: get(&counts.carried),
            inserted: get(&counts.inserted),
            quarantined: get(&counts.quarantined),
            failed: get(&counts.failed),
            waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
        }
    }

    fn drilled(&self, touch: &Touch) -> bool {
        let mut drill = self.drill();
        let known = drill.keys.contains(&touch.key);
        if drill.next == 0 && !known {
            return false;
        }
        if !known {
            drill.next -= 1;
        }
        drill.keys.insert(touch.key.clone());
        drill.dropped.push(touch.clone());
        true
    }

    fn dropped(&self, how: Offered) -> Offered {
        let (count, reason) = match how {
            Offered::DroppedDrill => (&self.counts.dropped_drill, "drill"),
            Offered::DroppedFull | Offered::Taken => (&self.counts.dropped_full, "full"),
        };
        count.fetch_add(1, Ordering::Relaxed);
        metrics::dropped(reason);
        how
    }

    fn drill(&self) -> MutexGuard<'_, Drill> {
        self.drill.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// A batch went through.
    pub fn carried(&self, calls: u64, inserted: u64, quarantined: u64) {
        self.carried.fetch_add(calls, Ordering::Relaxed);
        self.inserted.fetch_add(inserted, Ordering::Relaxed);
        self.quarantined.fetch_add(quarantined, Ordering::Relaxed);
        metrics::carried(calls, inserted, quarantined);
    }

    /// A batch did not go through and will be tried again.
    pub fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
        metrics::failed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(key: &str) -> Touch {
        Touch { table: "TB_CARD_APPR".to_owned(), key: key.to_owned() }
    }

    #[tokio::test]
    async fn a_full_queue_drops_and_counts_and_never_waits() {
        let (queue, _receiver) = Queue::new(2);
        let offered: Vec<_> = ["a", "b", "c"].map(|key| queue.offer(touch(key))).into();
        assert_eq!(offered, [Offered::Taken, Offered::Taken, Offered::DroppedFull]);
        assert_eq!((queue.shown().dropped, queue.shown().waiting), (1, 2));
    }

    #[tokio::test]
    async fn what_a_drill_dropped_stays_dropped_by_every_feed() {
        let (queue, mut receiver) = Queue::new(8);
        queue.drop_next(2);
        for key in ["a", "b", "a", "c"] {
            queue.offer(touch(key));
        }
        queue.put(touch("b")).await;
        assert_eq!(queue.drill_state().1.len(), 3, "a twice and b");
        assert_eq!(receiver.recv().await, Some(touch("c")));
        assert_eq!(queue.shown().waiting, 0);
    }
}
