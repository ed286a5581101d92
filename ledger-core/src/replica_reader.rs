//! The handle of the verifier and of reports: reads a replica with `ledger_read`, and could do nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlPool};
use sqlx::{Column as _, Row as _};

use crate::ids::PaymentId;
use crate::store::error::number_of;
use crate::store::pool::{PoolOptions, connect};
use crate::store::{StoreError, replica};
use crate::time::BusinessDate;

pub use crate::store::replica::{CarriedApproval, CarriedCancel, Disposed, QuarantineReason, QuarantineRow};

/// Payments of one read: what a JSON parameter of a comfortable size holds.
const BATCH: usize = 1_000;

/// A row of a check as text, by column.
pub type TextRow = BTreeMap<String, Option<String>>;

/// Why a reader cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// The account may write.
    #[error(
        "account {account} may {grant}: a reader needs SELECT only, use ledger_read of migrations/roles.sql"
    )]
    TooWide {
        /// Who the server says we are.
        account: String,
        /// What it may do.
        grant: String,
    },
    /// The server did not answer.
    #[error("the grants could not be proven")]
    Store(#[from] StoreError),
}

/// Reads facts on a replica.
#[derive(Debug, Clone)]
pub struct ReplicaReader {
    pool: MySqlPool,
}

impl ReplicaReader {
    /// Opens `url` and proves that the account can read and nothing else.
    pub async fn open(url: &str, options: PoolOptions) -> Result<Self, ReaderError> {
        let pool = connect(url, options).await?;
        let mut connection = pool.acquire().await.map_err(StoreError::from)?;
        prove(&mut connection).await?;
        drop(connection);
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

/// Tables whose writing is tried; a row that is selected nowhere changes nothing.
const ATTEMPTS: [(&str, &str); 4] = [
    ("INSERT", "INSERT INTO payment_change SELECT * FROM payment_change WHERE FALSE"),
    ("INSERT", "INSERT INTO legacy_quarantine SELECT * FROM legacy_quarantine WHERE FALSE"),
    ("UPDATE", "UPDATE payment SET total = total WHERE FALSE"),
    ("DELETE", "DELETE FROM payment WHERE FALSE"),
];

const DATABASE_DENIED: u16 = 1044;
const TABLE_DENIED: u16 = 1142;
const COLUMN_DENIED: u16 = 1143;

async fn prove(connection: &mut MySqlConnection) -> Result<(), ReaderError> {
    let account: String = sqlx::query_scalar("SELECT CURRENT_USER()")
        .fetch_one(&mut *connection)
        .await
        .map_err(StoreError::from)?;
    let grants: Vec<String> =
        sqlx::query_scalar("SHOW GRANTS").fetch_all(&mut *connection).await.map_err(StoreError::from)?;
    if let Some(grant) = grants.iter().find_map(|line| beyond_reading(line)) {
        return Err(ReaderError::TooWide { account, grant });
    }
    for (grant, text) in ATTEMPTS {
        let tried = sqlx::query(text).execute(&mut *connection).await.map(drop);
        match tried.map_err(|error| (number_of(&error), error)) {
            Err((Some(DATABASE_DENIED | TABLE_DENIED | COLUMN_DENIED), _)) => {}
            Ok(()) | Err((Some(_), _)) => {
                return Err(ReaderError::TooWide { account, grant: grant.to_owned() });
            }
            Err((None, error)) => return Err(StoreError::from(error).into()),
        }
    }
    Ok(())
}

/// The part of a `SHOW GRANTS` line that a reader has no use for.
fn beyond_reading(line: &str) -> Option<String> {
    let rest = line.strip_prefix("GRANT ").unwrap_or(line);
    let Some((privileges, _)) = rest.split_once(" ON ") else { return Some(rest.to_owned()) };
    privileges
        .split(',')
        .map(str::trim)
        .find(|privilege| !matches!(*privilege, "USAGE" | "SELECT" | "REPLICATION CLIENT" | "SHOW VIEW"))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_beyond_reading_is_named() {
        assert_eq!(beyond_reading("GRANT USAGE ON *.* TO `ledger_read`@`%`"), None);
        assert_eq!(beyond_reading("GRANT REPLICATION CLIENT ON *.* TO `ledger_read`@`%`"), None);
        assert_eq!(
            beyond_reading("GRANT SELECT, INSERT ON `l`.`payment` TO `x`@`%`").as_deref(),
            Some("INSERT")
        );
        assert!(beyond_reading("GRANT `admin`@`%` TO `x`@`%`").is_some());
    }
}
