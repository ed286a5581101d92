//! When an order to undo is tried next. Pure: times go in, a time comes out, the same on every process.

use chrono::{DateTime, TimeDelta, Utc};
use issuer_gateway::timeouts::NetCancel;

/// What the rows say about an order to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// When it was ordered.
    pub requested_at: DateTime<Utc>,
    /// Tries so far, answered or not.
    pub tries: u16,
    /// When this process began the last one, if it did: what others did is in the rows, and what they do at the same
    /// time does no harm.
    pub last_try_at: Option<DateTime<Utc>>,
    /// Until then the authorization may still land: "no original" is provisional, and a try right after this is due.
    pub late_until: DateTime<Utc>,
    /// Until then the issuer takes it.
    pub valid_until: DateTime<Utc>,
    /// Spreads tries of many orders: any number that differs between orders.
    pub seed: u64,
}

/// Offsets and shares of the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    offsets: Vec<TimeDelta>,
    jitter_permille: u32,
    escalate_permille: u32,
}

impl From<&NetCancel> for Schedule {
    fn from(timeouts: &NetCancel) -> Self {
        Self {
            offsets: timeouts.schedule_s.iter().map(|s| TimeDelta::seconds(i64::from(*s))).collect(),
            jitter_permille: timeouts.jitter_permille,
            escalate_permille: timeouts.escalate_permille,
        }
    }
}

impl Schedule {
    /// When the next try is due. The last one is due when people take over, so that they get a fresh answer; after it
    /// the same again, until the ledger says that it is theirs.
    pub fn next_due(&self, progress: &Progress) -> DateTime<Utc> {
        let offsets = self.offsets_with_window(progress);
        let place = usize::from(progress.tries);
        let before = place.checked_sub(1).and_then(|place| offsets.get(place));
        let gap = offsets.get(place).map(|offset| *offset - before.copied().unwrap_or_default());
        let planned = match offsets.get(place) {
            Some(offset) => progress.requested_at + *offset + self.jitter(progress, gap.unwrap_or_default()),
            None => self.escalate_at(progress),
        };
        let planned = planned.min(self.escalate_at(progress));
        // After an outage the plan lies in the past: tries keep their distance and do not come in a burst.
        let apart = progress.last_try_at.map(|last| {
            let gap = gap.unwrap_or_default().min(self.escalate_at(progress) - last);
            last + gap.max(self.least_gap())
        });
        let due = apart.map_or(planned, |apart| apart.max(planned));
        // A try that would fall just short of the late window waits for its end: only then does "no original" count.
        let short_of_window = due > progress.late_until - self.least_gap() && due < progress.late_until;
        if short_of_window && progress.tries > 0 { progress.late_until } else { due }
    }

    /// When people take over: at this share of the validity.
    pub fn escalate_at(&self, progress: &Progress) -> DateTime<Utc> {
        let validity = progress.valid_until - progress.requested_at;
        progress.requested_at + permille(validity, self.escalate_permille)
    }

    /// The schedule with the issuer's late window at its place in it.
    fn offsets_with_window(&self, progress: &Progress) -> Vec<TimeDelta> {
        let window = progress.late_until - progress.requested_at;
        let mut offsets = self.offsets.clone();
        let place = offsets.partition_point(|offset| *offset < window);
        offsets.insert(place, window);
        offsets.dedup();
        offsets
    }

    fn least_gap(&self) -> TimeDelta {
        self.offsets.get(1).copied().unwrap_or(TimeDelta::seconds(1))
    }

    /// Up to the configured share of the gap, later only: a try at the end of the late window must not come before it.
    fn jitter(&self, progress: &Progress, gap: TimeDelta) -> TimeDelta {
        let spread = u64::from(self.jitter_permille) + 1;
        let mixed =
            progress.seed.wrapping_add(u64::from(progress.tries)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        let share = u32::try_from(mixed % spread).unwrap_or(0);
        permille(gap, share)
    }
}

fn permille(of: TimeDelta, share: u32) -> TimeDelta {
    TimeDelta::milliseconds(of.num_milliseconds() * i64::from(share) / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(jitter_permille: u32) -> Schedule {
        let offsets = [0, 2, 10, 300, 900, 2700].map(TimeDelta::seconds).to_vec();
        Schedule { offsets, jitter_permille, escalate_permille: 850 }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap()
    }

    fn progress(tries: u16, last_try: i64, window: i64) -> Progress {
        Progress {
            requested_at: at(0),
            tries,
            last_try_at: (tries > 0).then(|| at(last_try)),
            late_until: at(window),
            valid_until: at(3600),
            seed: 7,
        }
    }

    /// Seconds at which tries happen when each happens as soon as it is due.
    fn tries(schedule: &Schedule, window: i64, count: u16) -> Vec<i64> {
        let mut last = 0;
        (0..count)
            .map(|n| {
                let due = schedule.next_due(&progress(n, last, window));
                last = (due - at(0)).num_seconds();
                last
            })
            .collect()
    }

    #[test]
    fn the_late_window_has_its_place_in_the_schedule() {
        assert_eq!(tries(&schedule(0), 60, 8), [0, 2, 10, 60, 300, 900, 2700, 3060]);
        assert_eq!(tries(&schedule(0), 300, 7), [0, 2, 10, 300, 900, 2700, 3060]);
        assert_eq!(
            tries(&schedule(0), 3, 5),
            [0, 3, 5, 12, 302],
            "a try follows the end of a short window at once"
        );
        assert_eq!(tries(&schedule(0), 0, 4), [0, 2, 10, 300]);
    }

    #[test]
    fn a_try_always_follows_the_end_of_the_late_window() {
        for window in [0, 1, 2, 5, 9, 11, 59, 60, 90, 299, 600] {
            let times = tries(&schedule(100), window, 9);
            let first_after = times.iter().find(|t| **t >= window).unwrap();
            assert!(*first_after <= window + window / 5 + 3, "{window}: {times:?}");
        }
    }

    #[test]
    fn after_an_outage_tries_do_not_come_in_a_burst() {
        let due = schedule(0).next_due(&progress(1, 700, 60));
        assert_eq!(due, at(702), "two seconds after the last one, though the plan said long ago");
        assert_eq!(schedule(0).next_due(&progress(2, 702, 60)), at(710));
        let after_a_restart = Progress { last_try_at: None, ..progress(2, 0, 60) };
        assert_eq!(schedule(0).next_due(&after_a_restart), at(10), "by the plan, which lies in the past");
    }

    #[test]
    fn the_last_try_is_due_when_people_take_over() {
        assert_eq!(schedule(0).next_due(&progress(7, 2700, 60)), at(3060));
        assert_eq!(schedule(0).next_due(&progress(8, 3060, 60)), at(3062), "and again until they have");
        assert_eq!(schedule(0).next_due(&progress(5, 3055, 60)), at(3060), "whatever the plan says");
    }

    #[test]
    fn jitter_is_later_only_bounded_and_the_same_for_everyone() {
        for seed in 0..1000 {
            let due = schedule(100).next_due(&Progress { seed, ..progress(4, 60, 60) });
            assert!(due >= at(300) && due <= at(324), "{due}");
            assert_eq!(due, schedule(100).next_due(&Progress { seed, ..progress(4, 60, 60) }));
        }
        let spread: std::collections::BTreeSet<_> =
            (0..100).map(|seed| schedule(100).next_due(&Progress { seed, ..progress(4, 60, 60) })).collect();
        assert!(spread.len() > 30, "{}", spread.len());
    }
}
