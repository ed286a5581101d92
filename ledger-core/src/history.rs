//! A payment's changes played again: what each added, posted and emitted, made from the facts alone. The outbox may be
//! gone; and a change whose digest does not come out the same has been tampered with.

use chrono::{DateTime, Utc};

use crate::change::{Asked, Change, ChangeError};
use crate::ids::{PaymentId, RequestId};
use crate::payment::explain::{self, Because};
use crate::payment::fact::{Fact, Origin};
use crate::payment::fold::Payment;
use crate::payment::status::Status;

/// Row of `payment_change` without what can be made again.
#[derive(Debug, Clone)]
pub struct ChangeRow {
    pub seq: u32,
    pub origin: Origin,
    pub command: String,
    pub actor: String,
    pub request_id: RequestId,
    pub recorded_at: DateTime<Utc>,
    pub digest: [u8; 32],
}

/// One change, as it was.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// What its row says.
    pub row: ChangeRow,
    /// What follows from its facts, its digest included.
    pub change: Change,
}

impl HistoryEntry {
    /// Whether the digest in the row is the one that follows from the facts.
    pub fn is_intact(&self) -> bool {
        self.row.digest == self.change.digest
    }
}

/// A payment as it was known at an instant, and how it came to be so.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The payment.
    pub payment: Payment,
    /// Its changes, oldest first.
    pub steps: Vec<Step>,
}

/// One change, what it made of the payment, and why each of its facts is there.
#[derive(Debug, Clone)]
pub struct Step {
    /// The change.
    pub entry: HistoryEntry,
    /// The status after it, when it was recorded.
    pub status: Status,
    /// Its facts.
    pub because: Vec<Because>,
}

/// Explains a payment by its changes; with `as_of`, by those that were known then: all before the first that was recorded
/// later. Nothing when there was none.
pub fn explain(
    id: PaymentId,
    entries: Vec<HistoryEntry>,
    as_of: Option<DateTime<Utc>>,
) -> Result<Option<Explained>, ChangeError> {
    let mut payment: Option<Payment> = None;
    let mut steps = Vec::with_capacity(entries.len());
    let is_known = |entry: &HistoryEntry| as_of.is_none_or(|as_of| entry.row.recorded_at <= as_of);
    for entry in entries.into_iter().take_while(is_known) {
        let (head, facts) = (entry.change.head(), &entry.change.facts);
        let after = match &payment {
            Some(before) => before.after(head, facts)?,
            None => Payment::fold(id, head, facts.clone())?,
        };
        let because = facts.iter().map(|fact| explain::because(payment.as_ref(), &after, fact)).collect();
        steps.push(Step { status: after.status(entry.row.recorded_at), because, entry });
        payment = Some(after);
    }
    Ok(payment.map(|payment| Explained { payment, steps }))
}

/// Plays the changes of a payment again, oldest first, and says how it stands after the last. Digests are chained as
/// stored, so that one tampered change is one finding.
pub fn replay(
    id: PaymentId,
    rows: Vec<ChangeRow>,
    facts: &[(u32, Fact)],
) -> Result<(Vec<HistoryEntry>, Option<Payment>), ChangeError> {
    let mut entries = Vec::with_capacity(rows.len());
    let mut before: Option<Payment> = None;
    for row in rows {
        let added: Vec<_> =
            facts.iter().filter(|(seq, _)| *seq == row.seq).map(|(_, fact)| fact.clone()).collect();
        let asked = Asked { actor: row.actor.clone(), request_id: row.request_id, at: row.recorded_at };
        let command = row.command.clone();
        let (change, mut after) = Change::next(id, before.as_ref(), row.origin, command, asked, added)?;
        after.head.digest = row.digest;
        entries.push(HistoryEntry { row, change });
        before = Some(after);
    }
    Ok((entries, before))
}
