//! What is due: read from rows, by the schedule, and kept apart by what this process did a moment ago.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{AttemptKey, DueReversal, Ledger, LedgerError, OpenCancel, Undoing};
use ledger_core::payment::fact::AttemptKind;
use tracing::warn;

use crate::schedule::{Progress, Schedule};
use crate::settings::Times;
use crate::{metrics, overdue};

/// An unanswered cancel is not repeated more rarely than this.
const LONGEST_REPEAT: TimeDelta = TimeDelta::hours(1);

/// Something to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Work {
    /// Give up an authorization whose sender died (R10).
    Recover(AttemptKey),
    /// Try to undo an abandoned authorization, or an approval that nobody wants.
    Reverse(Undoing),
    /// Send an unanswered cancel again (R6).
    RepeatCancel(PaymentId, u16),
    /// Close a payment whose deposit did not come in time.
    Expire(PaymentId),
}

impl Work {
    /// The payment it is about.
    pub const fn payment_id(self) -> PaymentId {
        match self {
            Self::Recover(key) | Self::Reverse(Undoing { key, .. }) => key.payment_id,
            Self::RepeatCancel(payment_id, _) | Self::Expire(payment_id) => payment_id,
        }
    }
}

/// Finds what is due. What it remembers only keeps tries apart: everything that counts is in the rows.
#[derive(Debug)]
pub struct Scanner {
    schedule: Schedule,
    times: Times,
    limit: u32,
    begun: HashMap<Work, Begun>,
}

#[derive(Debug, Clone, Copy)]
struct Begun {
    at: DateTime<Utc>,
    times: u32,
}

impl Scanner {
    /// A scanner that has begun nothing yet.
    pub fn new(schedule: Schedule, times: Times, limit: u32) -> Self {
        Self { schedule, times, limit, begun: HashMap::new() }
    }

    /// Everything that is due at `now`; what was tried least often comes first, so that an issuer that does not answer
    /// keeps no other waiting.
    pub async fn due(&mut self, ledger: &Ledger, now: DateTime<Utc>) -> Result<Vec<Work>, LedgerError> {
        let stale = ledger.stale_intents(now, delta(self.times.recovery_grace), self.limit).await?;
        let mut reversals = ledger.due_reversals(now, self.limit).await?;
        let cancels = ledger.open_cancels(now - delta(self.times.cancel_repeat), self.limit).await?;
        let overdue = overdue::due(ledger, now, self.limit).await?;
        metrics::open(&reversals, cancels.len(), now);
        if reversals.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX) {
            warn!(limit = self.limit, "more orders to undo than one scan reads, raise job.scan_limit");
        }
        reversals.sort_by_key(|order| order.tries);
        let mut open = Vec::with_capacity(stale.len() + reversals.len() + cancels.len() + overdue.len());
        open.extend(one_a_payment(stale).map(|key| (Work::Recover(key), true)));
        open.extend(reversals.iter().map(|order| self.reversal(order, now)));
        open.extend(cancels.into_iter().map(|open| self.cancel(open, now)));
        open.extend(overdue.into_iter().map(|work| (work, true)));
        let known: HashSet<_> = open.iter().map(|(work, _)| *work).collect();
        self.begun.retain(|work, _| known.contains(work));
        Ok(open.into_iter().filter(|(_, due)| *due).map(|(work, _)| work).collect())
    }

    /// Remembers that a piece of work was begun.
    pub fn begun(&mut self, work: Work, now: DateTime<Utc>) {
        let times = self.begun.get(&work).map_or(0, |begun| begun.times);
        self.begun.insert(work, Begun { at: now, times: times.saturating_add(1) });
    }

    fn reversal(&self, order: &DueReversal, now: DateTime<Utc>) -> (Work, bool) {
        let key = AttemptKey {
            payment_id: order.payment_id,
            leg_no: order.leg_no,
            kind: AttemptKind::Auth,
            attempt_no: order.attempt_no,
        };
        let work = Work::Reverse(Undoing { key, result_no: order.result_no });
        let begun = self.begun.get(&work);
        // a cancel that is sent again adds no row
        let times = begun.map_or(0, |begun| u16::try_from(begun.times).unwrap_or(u16::MAX));
        let progress = Progress {
            requested_at: order.requested_at,
            tries: order.tries.max(times),
            last_try_at: begun.map(|begun| begun.at),
            late_until: order.late_until,
            valid_until: order.valid_until,
            seed: seed(order.payment_id),
        };
        (work, self.schedule.next_due(&progress) <= now)
    }

    fn cancel(&self, open: OpenCancel, now: DateTime<Utc>) -> (Work, bool) {
        let work = Work::RepeatCancel(open.payment_id, open.cancel_no);
        let due = self.begun.get(&work).is_none_or(|begun| {
            let doubled = self.times.cancel_repeat.saturating_mul(1 << begun.times.saturating_sub(1).min(16));
            now >= begun.at + delta(doubled).min(LONGEST_REPEAT)
        });
        (work, due)
    }
}

/// Recovering one attempt gives up its whole payment.
fn one_a_payment(stale: Vec<AttemptKey>) -> impl Iterator<Item = AttemptKey> {
    let mut seen = HashSet::new();
    stale.into_iter().filter(move |key| seen.insert(key.payment_id))
}

fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}

fn seed(id: PaymentId) -> u64 {
    id.as_bytes().iter().fold(0, |seed: u64, byte| seed.wrapping_mul(31).wrapping_add(u64::from(*byte)))
}
