//! A payment's changes with the events each emitted, made again from the facts: the outbox may be gone.

use chrono::{DateTime, Utc};

use crate::event::catalogue::{self, Emitting, Event};
use crate::event::position::Positions;
use crate::ids::{PaymentId, RequestId};
use crate::journal::{self, JournalLine};
use crate::payment::fact::{Fact, Origin};
use crate::payment::fold::{Head, Payment};
use crate::store::{StoreError, load};

use super::{Ledger, LedgerError};

/// One change, as it was.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// Its number.
    pub seq: u32,
    /// Where it came from.
    pub origin: Origin,
    /// What was commanded.
    pub command: String,
    /// By whom.
    pub actor: String,
    /// Under which request.
    pub request_id: RequestId,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Its digest, chained.
    pub digest: [u8; 32],
    /// What it added.
    pub facts: Vec<Fact>,
    /// What it posted.
    pub journal: Vec<JournalLine>,
    /// What it emitted.
    pub events: Vec<Event>,
}

impl Ledger {
    /// The history of a merchant's payment; none when there is no such payment.
    pub async fn history(
        &self,
        merchant_id: &str,
        id: PaymentId,
    ) -> Result<Option<Vec<HistoryEntry>>, LedgerError> {
        let mut connection = self.connection().await?;
        let changes = load::changes(&mut connection, id).await?;
        let facts = load::facts_by_change(&mut connection, id).await?;
        let mut entries: Vec<HistoryEntry> = Vec::with_capacity(changes.len());
        let mut so_far: Option<Payment> = None;
        for change in changes {
            let added: Vec<_> =
                facts.iter().filter(|(seq, _)| *seq == change.seq).map(|(_, fact)| fact.clone()).collect();
            let positions = so_far.as_ref().map_or_else(Positions::default, |payment| payment.head.positions);
            let head = Head { seq: change.seq, digest: change.digest, positions };
            let folded = match &so_far {
                Some(before) => before.after(head, &added),
                None => Payment::fold(id, head, added.clone()),
            };
            let corrupt =
                || StoreError::Corrupt { table: "payment_change", column: "seq", id: id.to_string() };
            let mut payment = folded.map_err(|_| corrupt())?;
            let journal = journal::post(&payment, &added).map_err(|_| corrupt())?;
            let emitting = Emitting {
                payment: &payment,
                added: &added,
                journal: &journal,
                origin: change.origin,
                at: change.recorded_at,
            };
            let (events, positions) = catalogue::emit(emitting, change.seq, positions);
            payment.head.positions = positions;
            so_far = Some(payment);
            entries.push(HistoryEntry {
                seq: change.seq,
                origin: change.origin,
                command: change.command,
                actor: change.actor,
                request_id: change.request_id,
                recorded_at: change.recorded_at,
                digest: change.digest,
                facts: added,
                journal,
                events,
            });
        }
        Ok(so_far.filter(|payment| payment.opened.merchant_id == merchant_id).map(|_| entries))
    }
}
