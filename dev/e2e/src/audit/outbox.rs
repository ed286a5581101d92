//! The ids of both outboxes are contiguous: every one is a row or a tombstone.

use std::time::Duration;

use anyhow::Result;
use sqlx::AssertSqlSafe;

use super::{Auditor, Check};

/// How long the relay may take to settle the last holes.
const PATIENCE: Duration = Duration::from_secs(30);

impl Auditor<'_> {
    pub(super) async fn outbox(&self) -> Result<Vec<Check>> {
        let mut checks = Vec::new();
        for table in ["outbox_event", "outbox_backfill"] {
            let deadline = tokio::time::Instant::now() + PATIENCE;
            loop {
                let check = self.contiguity(table).await?;
                if check.violations.is_empty() || tokio::time::Instant::now() > deadline {
                    checks.extend((check.examined > 0 || table == "outbox_event").then_some(check));
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(checks)
    }

    async fn contiguity(&self, table: &str) -> Result<Check> {
        let text = format!(
            "SELECT COUNT(*), CAST(COALESCE(MIN(id), 1) AS UNSIGNED), CAST(COALESCE(MAX(id), 0) AS UNSIGNED) FROM {table}"
        );
        let (rows, first, last): (i64, u64, u64) =
            sqlx::query_as(AssertSqlSafe(text)).fetch_one(&self.replica).await?;
        let rows = u64::try_from(rows)?;
        let mut check = Check::new(&format!("{table}-contiguity"), rows);
        if first != 1 || last != rows {
            check.add(format!("{rows} rows between {first} and {last}"));
        }
        Ok(check)
    }
}
