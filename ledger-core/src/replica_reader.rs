//! The handle of the verifier and of reports: reads a replica with `ledger_read`, and could do nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;
use sqlx::{Column as _, Row as _};

use crate::ids::PaymentId;
use crate::store::pool::{PoolOptions, connect};
use crate::store::{StoreError, grants, replica};
use crate::time::BusinessDate;

pub use crate::store::grants::GrantsError;
pub use crate::store::replica::{CarriedApproval, CarriedCancel, Disposed, QuarantineReason, QuarantineRow};

/// Payments of one read: what a JSON parameter of a comfortable size holds.
const BATCH: usize = 1_000;

/// A row of a check as text, by column.
pub type TextRow = BTreeMap<String, Option<String>>;

/// Reads facts on a replica.
#[derive(Debug, Clone)]
pub struct ReplicaReader {
    pool: MySqlPool,
}

impl ReplicaReader {
    /// Opens `url` and proves that the account can read and nothing else.
    pub async fn open(url: &str, options: PoolOptions) -> Result<Self, GrantsError> {
        let pool = connect(url, options).await?;
        grants::prove_read(&pool).await?;
        Ok(Self { pool })
    }

    pub(crate) const fn pool(&self) -> &MySqlPool {
        &self.pool
    }

    /// Which server this is.
    pub async fn server_uuid(&self) -> Result<String, StoreError> {
        Ok(replica::server(&self.pool).await?.0)
    }

    /// Whether the server takes writes, so that it is no replica to verify on.
    pub async fn is_writable_server(&self) -> Result<bool, StoreError> {
        Ok(replica::server(&self.pool).await?.1)
    }

    /// Everything the server has committed, as a GTID set.
    pub async fn executed(&self) -> Result<String, StoreError> {
        replica::executed(&self.pool).await
    }

    /// Waits until the server has applied all of `set`; false when it has not within `limit`.
    pub async fn wait_for_gtid(&self, set: &str, limit: Duration) -> Result<bool, StoreError> {
        replica::wait_for(&self.pool, set, limit).await
    }

    /// The approvals of legacy origin of these payments.
    pub async fn approvals(&self, ids: &[PaymentId]) -> Result<Vec<CarriedApproval>, StoreError> {
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            found.extend(replica::approvals(&self.pool, batch).await?);
        }
        Ok(found)
    }

    /// The cancellations of legacy origin of these payments.
    pub async fn cancels(&self, ids: &[PaymentId]) -> Result<Vec<CarriedCancel>, StoreError> {
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            found.extend(replica::cancels(&self.pool, batch).await?);
        }
        Ok(found)
    }

    /// The payments of legacy origin that were made or canceled in a window.
    pub async fn legacy_payments_between(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> Result<Vec<PaymentId>, StoreError> {
        let days = (BusinessDate::in_seoul(from).day(), BusinessDate::in_seoul(to).day());
        let mut ids = replica::created(&self.pool, from, to).await?;
        ids.extend(replica::canceled(&self.pool, days, from, to).await?);
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    /// The legacy rows (table, key) that these payments were made of.
    pub async fn rows_of(
        &self,
        source: &str,
        ids: &[PaymentId],
    ) -> Result<Vec<(PaymentId, String, String)>, StoreError> {
        let mut found = Vec::new();
        for batch in ids.chunks(BATCH) {
            found.extend(replica::rows_of(&self.pool, source, batch).await?);
        }
        Ok(found)
    }

    /// Where these legacy rows (table, key) went, every version of them that is known.
    pub async fn disposed(&self, source: &str, keys: &[(&str, &str)]) -> Result<Vec<Disposed>, StoreError> {
        let mut found = Vec::new();
        for batch in keys.chunks(BATCH) {
            found.extend(replica::disposed(&self.pool, source, batch).await?);
        }
        Ok(found)
    }

    /// The reasons for which rows of a source wait in quarantine.
    pub async fn quarantine_reasons(&self, source: &str) -> Result<Vec<QuarantineReason>, StoreError> {
        replica::quarantine_reasons(&self.pool, source).await
    }

    /// The rows that wait in quarantine for one reason.
    pub async fn quarantine_rows(
        &self,
        source: &str,
        reason: &str,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>, StoreError> {
        replica::quarantine_rows(&self.pool, source, reason, limit).await
    }

    /// Runs a check that is kept as a file: one SELECT, its rows as text.
    pub async fn select(&self, sql: &'static str) -> Result<Vec<TextRow>, StoreError> {
        let rows = sqlx::raw_sql(sql).fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                row.columns()
                    .iter()
                    .map(|column| {
                        // Over the text protocol every value is text, whatever its type.
                        let value: Option<Vec<u8>> = row.try_get_unchecked(column.ordinal())?;
                        let text = value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                        Ok((column.name().to_owned(), text))
                    })
                    .collect()
            })
            .collect()
    }
}
