//! The verifier's own record: runs, chained by digest, and findings. Insert-only like everything else.

use sqlx::mysql::MySqlPool;

use crate::store::pool::{PoolOptions, connect};
use crate::store::{LostKey, StoreError, grants, verification};

pub use crate::store::grants::GrantsError;
pub use crate::store::verification::{FindingClass, FindingRecord, RunHead, RunRecord, RunState};

/// How often a run looks for its place again after another verifier was first.
const MAX_TRIES: u32 = 5;

/// Writes runs and findings, as `ledger_mirror`.
#[derive(Debug, Clone)]
pub struct VerifierLog {
    pool: MySqlPool,
}

impl VerifierLog {
    /// Connects, and proves that the account can change nothing.
    pub async fn open(url: &str, options: PoolOptions) -> Result<Self, GrantsError> {
        let pool = connect(url, options).await?;
        grants::prove_mirror(&pool).await?;
        Ok(Self { pool })
    }

    /// The last run over a source.
    pub async fn last(&self, source: &str) -> Result<Option<RunHead>, StoreError> {
        let mut connection = self.pool.acquire().await.map_err(StoreError::Unavailable)?;
        verification::last_run(&mut connection, source).await
    }

    /// Writes a run with its findings in one commit, at the end of the chain.
    pub async fn append(&self, run: &RunRecord, findings: &[FindingRecord]) -> Result<RunHead, StoreError> {
        let mut tries = 0;
        loop {
            match self.try_append(run, findings).await {
                Err(StoreError::Lost(LostKey::Other)) if tries < MAX_TRIES => tries += 1,
                done => return done,
            }
        }
    }

    async fn try_append(&self, run: &RunRecord, findings: &[FindingRecord]) -> Result<RunHead, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(StoreError::Unavailable)?;
        let last = verification::last_run(&mut transaction, &run.source).await?;
        let head = verification::insert_run(&mut transaction, run, findings, last).await?;
        verification::insert_findings(&mut transaction, run.run_id, findings).await?;
        transaction.commit().await.map_err(StoreError::Unavailable)?;
        Ok(head)
    }
}
