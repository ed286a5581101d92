//! The handle of the verifier and of reports: reads a replica with `ledger_read`, and could do nothing else.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;

use crate::ids::PaymentId;
use crate::payment::exposure::{self, Exposed};
use crate::store::pool::{PoolOptions, connect};
use crate::store::{self, StoreError, grants, load, owned, payable, replica, script};
use crate::time::BusinessDate;

pub use crate::store::grants::GrantsError;
pub use crate::store::payable::Payable;
pub use crate::store::replica::{CarriedApproval, CarriedCancel, Disposed, QuarantineReason, QuarantineRow};
pub use crate::store::script::{Given, ScriptRows, TextRow};

/// Payments of one read: what a JSON parameter of a comfortable size holds.
const BATCH: usize = 1_000;

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

    /// What was exposed at an instant, of all merchants, by what was known then.
    pub async fn exposure(&self, at: DateTime<Utc>) -> Result<Vec<Exposed>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::Unavailable)?;
        let ids = store::exposure::candidates(&mut connection, at).await?;
        let mut exposed = Vec::new();
        for ids in ids.chunks(BATCH) {
            let heads = owned::any_heads_as_of(&mut connection, ids, at).await?;
            let payments = load::payments_at(&mut connection, heads).await?;
            exposed.extend(payments.values().flat_map(|payment| exposure::of(payment, at)));
        }
        exposed.sort_by_key(Exposed::place);
        Ok(exposed)
    }

    /// What is owed to every merchant for a business day, by what was known at an instant.
    pub async fn payables(
        &self,
        day: BusinessDate,
        as_of: DateTime<Utc>,
    ) -> Result<Vec<Payable>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::Unavailable)?;
        payable::of_all(&mut connection, day, as_of).await
    }

    /// About how many payments there are: for people who wait.
    pub async fn payments_about(&self) -> Result<u64, StoreError> {
        replica::about(&self.pool).await
    }

    /// Runs a script that is kept as a file, as the `mysql` client would: on one connection, with `@since` and `@until` (UTC
    /// as MySQL writes times) or nothing set before it. Of the rows it returns, the first `keep` are kept as text.
    pub async fn run_script(
        &self,
        sql: &'static str,
        given: &Given,
        keep: usize,
    ) -> Result<ScriptRows, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::Unavailable)?;
        script::run(&mut connection, sql, given, keep).await
    }
}
