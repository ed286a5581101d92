//! A payment's history, for its merchant.

use crate::history::{HistoryEntry, replay};
use crate::ids::PaymentId;
use crate::store::load;

use super::{Ledger, LedgerError};

impl Ledger {
    /// The changes of a merchant's payment with the events each emitted; none when there is no such payment.
    pub async fn history(
        &self,
        merchant_id: &str,
        id: PaymentId,
    ) -> Result<Option<Vec<HistoryEntry>>, LedgerError> {
        let mut connection = self.connection().await?;
        let changes = load::changes(&mut connection, &[id]).await?;
        let facts = load::facts_by_change(&mut connection, &[id]).await?;
        let rows = changes.into_iter().map(|(_, row)| row).collect();
        let facts: Vec<_> = facts.into_iter().map(|(_, seq, fact)| (seq, fact)).collect();
        let (entries, payment) =
            replay(id, rows, &facts).map_err(|error| LedgerError::Contradiction { id, error })?;
        Ok(payment.filter(|payment| payment.opened.merchant_id == merchant_id).map(|_| entries))
    }
}
