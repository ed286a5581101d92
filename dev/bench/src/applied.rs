//! What MySQL says was applied.

use anyhow::Result;
use sqlx::mysql::MySqlPool;

/// Counts at an instant, or between two.
#[derive(Debug, Clone, Copy)]
pub struct Applied {
    /// Confirmed payments.
    pub payments: u64,
    /// Rows inserted, of any table.
    pub rows: u64,
    /// Commits asked for.
    pub commits: u64,
}

impl Applied {
    /// By now.
    pub async fn now(pool: &MySqlPool) -> Result<Self> {
        let payments: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM payment_verdict").fetch_one(pool).await?;
        let rows = "SELECT CAST(variable_value AS UNSIGNED) FROM performance_schema.global_status \
                    WHERE variable_name = 'Innodb_rows_inserted'";
        let rows = sqlx::query_scalar(rows).fetch_one(pool).await?;
        let commits = "SELECT count_star FROM performance_schema.events_statements_summary_global_by_event_name \
                       WHERE event_name = 'statement/sql/commit'";
        let commits = sqlx::query_scalar(commits).fetch_one(pool).await?;
        Ok(Self { payments: u64::try_from(payments)?, rows, commits })
    }

    /// What came between this instant and a later one.
    pub const fn until(&self, later: &Self) -> Self {
        Self {
            payments: later.payments - self.payments,
            rows: later.rows - self.rows,
            commits: later.commits - self.commits,
        }
    }

    /// So many for a thousand payments.
    pub fn per_thousand(&self, count: u64) -> u64 {
        count * 1_000 / self.payments.max(1)
    }
}
