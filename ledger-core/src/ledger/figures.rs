//! A merchant's figures as they were known at an instant: what issuers may hold without our wanting it, what is owed to it.

use chrono::{DateTime, Utc};

use crate::payment::exposure::{self, Exposed};
use crate::store::{exposure as candidates, payable};
use crate::time::BusinessDate;

use super::{Ledger, LedgerError};

pub use crate::store::payable::Payable;

/// Payments of one read.
const BATCH: usize = 1_000;

impl Ledger {
    /// What of a merchant's payments was exposed at an instant, by what was known then.
    pub async fn exposure(&self, merchant_id: &str, at: DateTime<Utc>) -> Result<Vec<Exposed>, LedgerError> {
        let mut connection = self.connection().await?;
        let ids = candidates::candidates_of(&mut connection, merchant_id, at).await?;
        drop(connection);
        let mut exposed = Vec::new();
        for ids in ids.chunks(BATCH) {
            let payments = self.payments_of(merchant_id, ids.iter().copied(), at, |_, _| true).await?;
            exposed.extend(payments.values().flat_map(|payment| exposure::of(payment, at)));
        }
        exposed.sort_by_key(Exposed::place);
        Ok(exposed)
    }

    /// What is owed to a merchant for a business day, by what was known at an instant: one row for each currency.
    pub async fn payables(
        &self,
        merchant_id: &str,
        day: BusinessDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<Payable>, LedgerError> {
        let mut connection = self.connection().await?;
        Ok(payable::of_merchant(&mut connection, merchant_id, day, as_of).await?)
    }
}
