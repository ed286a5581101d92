//! A payment's history, for its merchant.

use chrono::{DateTime, Utc};

use crate::history::{self, Explained, HistoryEntry, replay};
use crate::ids::PaymentId;
use crate::store::load;
use crate::store::owned::{self, Moment};

use super::{Ledger, LedgerError};

impl Ledger {
    /// Why a merchant's payment is as it is, or as it was known at an instant; none when there is or was no such payment.
    pub async fn explain(
        &self,
        merchant_id: &str,
        id: PaymentId,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Option<Explained>, LedgerError> {
        let Some(entries) = self.history(merchant_id, id).await? else { return Ok(None) };
        history::explain(id, entries, as_of).map_err(|error| LedgerError::Contradiction { id, error })
    }

    /// The changes of a merchant's payment with the events each emitted; none when there is no such payment.
    pub async fn history(
        &self,
        merchant_id: &str,
        id: PaymentId,
    ) -> Result<Option<Vec<HistoryEntry>>, LedgerError> {
        let mut connection = self.connection().await?;
        if owned::heads(&mut connection, merchant_id, &[id], Moment::Now).await?.is_empty() {
            return Ok(None);
        }
        let changes = load::changes(&mut connection, &[id]).await?;
        let facts = load::facts_by_change(&mut connection, &[id]).await?;
        let rows = changes.into_iter().map(|(_, row)| row).collect();
        let facts: Vec<_> = facts.into_iter().map(|(_, seq, fact)| (seq, fact)).collect();
        let replayed = replay(id, rows, &facts).map_err(|error| LedgerError::Contradiction { id, error });
        replayed.map(|(entries, _)| Some(entries))
    }
}
