//! Step g: the runtime account tries to change and to delete.

use anyhow::{Result, ensure};
use ledger_core::store::error::number_of;
use ledger_core::store::pool::{PoolOptions, connect};

use super::Teller;
use crate::tell::Step;

/// MySQL's number for a command that the account may not use on a table.
const DENIED: u16 = 1142;

impl Teller<'_> {
    /// g. UPDATE and DELETE with the runtime account.
    pub(crate) async fn refused_changes(&self) -> Result<()> {
        let mut step =
            Step::begin(self.format, "g", "UPDATE and DELETE with the runtime account are refused by MySQL")?;
        let pool = connect(self.env.get("MYSQL_APP_URL")?, PoolOptions::default()).await?;
        for text in ["UPDATE payment SET total = 1", "DELETE FROM journal_line"] {
            step.say("sent", text)?;
            let refused = sqlx::query(text).execute(&pool).await.err();
            let number = refused.as_ref().and_then(number_of);
            ensure!(number == Some(DENIED), "MySQL did not refuse {text}: {refused:?}");
            step.say(
                "answer",
                format!("error {DENIED}: {}", refused.map(|error| error.to_string()).unwrap_or_default()),
            )?;
        }
        step.end(true)
    }
}
