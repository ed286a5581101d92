//! The one place that opens a transaction: changes with their facts, journal lines and events, a claim and an answer,
//! together or not at all.

use chrono::{DateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlPool};

use crate::change::Change;
use crate::ids::RequestId;

use super::error::number_of;
use super::idempotency::{self, Claim, Rendered};
use super::insert::Table;
use super::mirror::{self, Carried};
use super::outbox::OutboxName;
use super::rows::Rows;
use super::{StoreError, load, outbox_insert};

/// A sealed outbox id or a deadlock is nobody's fault: the transaction is run again, this many times.
const MAX_RERUNS: u32 = 20;

/// MySQL's errors for a deadlock and for a lock that was waited for too long.
const DEADLOCK: u16 = 1213;
const LOCK_WAIT: u16 = 1205;

/// Which account writes, and so where.
#[derive(Debug, Clone, Copy)]
pub enum Writer<'a> {
    /// `ledger_app`: tables and the main outbox.
    Live,
    /// `ledger_mirror`: views, the backfill outbox, and where the legacy rows went.
    Mirror(&'a [Carried]),
}

/// What is written together.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The changes.
    pub changes: &'a [Change],
    /// A key claimed by the first of them, or by a refusal.
    pub claim: Option<&'a Claim>,
    /// The terminal answer to a claimed key.
    pub answer: Option<(&'a Claim, &'a Rendered)>,
    /// The request.
    pub request_id: RequestId,
    /// When.
    pub at: DateTime<Utc>,
    /// By whom.
    pub writer: Writer<'a>,
}

/// Writes it all in one commit. An unknown commit is found out by looking for our own write: found means success.
pub async fn append(pool: &MySqlPool, what: Append<'_>) -> Result<(), StoreError> {
    let mut reruns = 0;
    loop {
        match once(pool, what).await {
            Ok(()) => return Ok(()),
            Err(Failed::Statement(error)) if is_rerun(&error) && reruns < MAX_RERUNS => {
                reruns += 1;
                metrics::counter!("ledger_append_reruns_total").increment(1);
            }
            Err(Failed::Statement(error)) => return Err(error),
            Err(Failed::Commit(error)) => {
                metrics::counter!("ledger_append_unknown_commits_total").increment(1);
                tracing::warn!("a commit was not acknowledged, looking for its rows");
                return if is_written(pool, what).await? { Ok(()) } else { Err(error) };
            }
        }
    }
}

enum Failed {
    Statement(StoreError),
    Commit(StoreError),
}

impl<E: Into<StoreError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Statement(error.into())
    }
}

fn is_rerun(error: &StoreError) -> bool {
    match error {
        StoreError::Lost(super::LostKey::OutboxId) => true,
        StoreError::Unavailable(error) => matches!(number_of(error), Some(DEADLOCK | LOCK_WAIT)),
        StoreError::Lost(_) | StoreError::Refused { .. } | StoreError::Corrupt { .. } => false,
    }
}

async fn once(pool: &MySqlPool, what: Append<'_>) -> Result<(), Failed> {
    let mut transaction = pool.begin().await.map_err(StoreError::Unavailable)?;
    write(&mut transaction, what).await?;
    transaction.commit().await.map_err(|error| Failed::Commit(StoreError::Unavailable(error)))
}

async fn write(connection: &mut MySqlConnection, what: Append<'_>) -> Result<(), StoreError> {
    if let Some(claim) = what.claim {
        let about = what.changes.first().map(|change| (change.payment_id, change.seq));
        idempotency::insert_claim(connection, claim, about, what.request_id, what.at).await?;
    }
    let rows = Rows::of(what.changes);
    for table in Table::ALL {
        let Some(parameter) = rows.parameter(table) else { continue };
        let (live, mirror) = table.inserts();
        let statement = match what.writer {
            Writer::Live => live,
            Writer::Mirror(_) => mirror,
        };
        sqlx::query(statement.sql).bind(parameter).execute(&mut *connection).await?;
    }
    if let Some((claim, answer)) = what.answer {
        idempotency::insert_outcome(connection, claim, answer, what.at).await?;
    }
    let outbox = match what.writer {
        Writer::Live => OutboxName::Main,
        Writer::Mirror(carried) => {
            mirror::insert_carried(connection, carried).await?;
            OutboxName::Backfill
        }
    };
    outbox_insert::insert(connection, outbox, what.changes).await
}

/// Whether the first thing this append would have written is there, and is ours.
async fn is_written(pool: &MySqlPool, what: Append<'_>) -> Result<bool, StoreError> {
    let mut connection = pool.acquire().await.map_err(StoreError::Unavailable)?;
    let request_id = what.request_id.as_bytes();
    if let Some(change) = what.changes.first() {
        let found = load::request_of(&mut connection, change.payment_id, change.seq).await?;
        return Ok(found.as_ref() == Some(request_id));
    }
    if let Some(claim) = what.claim {
        let found = idempotency::find(&mut connection, claim.claim_id).await?;
        return Ok(found.is_some_and(|known| known.request_id == *request_id));
    }
    Ok(false)
}
