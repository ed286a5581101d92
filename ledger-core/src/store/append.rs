//! What is written in one transaction: changes with their facts, journal lines and events, claims and answers, together
//! or not at all. What is written together may belong to many requests (see [`super::batch`]) or to one batch of a migration.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlPool;

use crate::change::Change;
use crate::ids::RequestId;

use super::committer::Committer;
use super::error::number_of;
use super::idempotency::{self, Answering, Claim, Claiming, Rendered};
use super::insert::Table;
use super::mirror::{self, Carried};
use super::outbox::OutboxName;
use super::rows::Rows;
use super::statement::{Account, Statement};
use super::text::{Script, datetime};
use super::{StoreError, load, outbox_insert};

/// A change is asked to be committed within this of the instant that it says it was recorded at, by the database's clock, or
/// not at all; and a commit that was asked for is expected to take no longer than that.
pub const COMMIT_WITHIN: Duration = Duration::from_secs(3);
pub const COMMIT_TAKES: Duration = Duration::from_secs(2);

/// Refuses a transaction that comes too late: the one clock of all writers and readers is the database's.
const IN_TIME: Statement = Statement {
    name: "append_in_time",
    account: Account::App,
    sql: "SELECT UUID_TO_BIN(IF(UTC_TIMESTAMP(6) <= ?, '00000000-0000-0000-0000-000000000000', 'too late'))",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[IN_TIME];

/// A sealed outbox id is nobody's fault: the transaction is run again as it is, this many times.
const MAX_RERUNS: u32 = 20;

/// A deadlock or a lock that was waited for too long splits a group; who is alone tries again, this many times.
const MAX_LOCK_RERUNS: u32 = 2;

/// MySQL's errors for a deadlock and for a lock that was waited for too long.
const DEADLOCK: u16 = 1213;
const LOCK_WAIT: u16 = 1205;

/// MySQL's error for a text that is no UUID: what [`IN_TIME`] says when it is too late.
const TOO_LATE: u16 = 1411;

/// Which account writes, and so where.
#[derive(Debug, Clone, Copy)]
pub enum Writer<'a> {
    /// `ledger_app`: tables and the main outbox.
    Live,
    /// `ledger_app`, and everything is taken back: tables alone, as an id of the outbox that is taken back is a hole.
    Rehearsal,
    /// `ledger_mirror`: views, the backfill outbox, and where the legacy rows went.
    Mirror(&'a [Carried]),
}

/// What one request wants to be written.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its change; a refusal has none.
    pub change: Option<Change>,
    /// The key it claims.
    pub claim: Option<Claim>,
    /// The terminal answer to a claimed key.
    pub answer: Option<(Claim, Rendered)>,
    /// The request.
    pub request_id: RequestId,
    /// When.
    pub at: DateTime<Utc>,
    /// Until when its commit may be asked for, by the database's clock; any time when there is nothing.
    pub commit_by: Option<DateTime<Utc>>,
}

/// How a transaction failed.
#[derive(Debug)]
pub enum Failed {
    /// A statement was refused: nothing was written.
    Statement(StoreError),
    /// The commit was not acknowledged: look before saying anything.
    Commit(StoreError),
}

impl<E: Into<StoreError>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self::Statement(error.into())
    }
}

/// Carries a batch of legacy changes over in one commit.
pub async fn append_carried(
    pool: &MySqlPool,
    changes: &[Change],
    carried: &[Carried],
    request_id: RequestId,
) -> Result<(), StoreError> {
    let refs: Vec<_> = changes.iter().collect();
    let mut reruns = 0;
    loop {
        match carry(pool, script_of(&refs, &[], Writer::Mirror(carried))?).await {
            Ok(()) => return Ok(()),
            Err(Failed::Statement(error)) if may_rerun(&error, 1, reruns) => reruns += 1,
            Err(Failed::Statement(error)) => return Err(error),
            Err(Failed::Commit(error)) => {
                let Some(change) = changes.first() else { return Err(error) };
                let found = request_of(pool, change).await?;
                return if found.as_ref() == Some(request_id.as_bytes()) { Ok(()) } else { Err(error) };
            }
        }
    }
}

async fn carry(pool: &MySqlPool, script: Script) -> Result<(), Failed> {
    let mut transaction = pool.begin().await.map_err(StoreError::Unavailable)?;
    script.run(&mut transaction).await?;
    watched(transaction.commit()).await
}

/// Writes the entries of many requests in one commit; run again as it is when an outbox id was sealed.
pub async fn append_entries(committer: &mut Committer, entries: &[&Entry]) -> Result<(), Failed> {
    let changes: Vec<_> = entries.iter().filter_map(|entry| entry.change.as_ref()).collect();
    let mut reruns = 0;
    loop {
        let script = script_of(&changes, entries, Writer::Live)?;
        match committer.commit(script).await {
            Err(Failed::Statement(error)) if may_rerun(&error, entries.len(), reruns) => {
                reruns += 1;
                metrics::counter!("ledger_append_reruns_total").increment(1);
            }
            Err(Failed::Statement(error)) => return Err(Failed::Statement(told_too_late(error))),
            done => return done,
        }
    }
}

/// Does all that writing an entry does but for its events and the commit: what would be refused is refused.
pub async fn rehearse(pool: &MySqlPool, entry: &Entry) -> Result<(), StoreError> {
    let changes: Vec<_> = entry.change.iter().collect();
    let mut transaction = pool.begin().await.map_err(StoreError::Unavailable)?;
    let script = script_of(&changes, &[entry], Writer::Rehearsal)?;
    let written = script.run(&mut transaction).await.map_err(told_too_late);
    transaction.rollback().await.map_err(StoreError::Unavailable)?;
    written
}

fn may_rerun(error: &StoreError, entries: usize, reruns: u32) -> bool {
    match error {
        StoreError::Lost(super::LostKey::OutboxId) => reruns < MAX_RERUNS,
        StoreError::Unavailable(error) => {
            entries == 1 && reruns < MAX_LOCK_RERUNS && matches!(number_of(error), Some(DEADLOCK | LOCK_WAIT))
        }
        StoreError::Lost(_)
        | StoreError::Refused { .. }
        | StoreError::Corrupt { .. }
        | StoreError::NotWritten(_)
        | StoreError::Busy => false,
    }
}

/// Waits for a commit, and tells when it took longer than is expected of one.
pub(super) async fn watched(commit: impl Future<Output = Result<(), sqlx::Error>>) -> Result<(), Failed> {
    let asked = Instant::now();
    commit.await.map_err(|error| Failed::Commit(StoreError::Unavailable(error)))?;
    if asked.elapsed() > COMMIT_TAKES {
        metrics::counter!("ledger_append_slow_commits_total").increment(1);
        tracing::warn!("a commit took so long that lists may have been shown without it");
    }
    Ok(())
}

/// Says what [`IN_TIME`] means. It is no fault of any one entry: all that share the transaction have waited.
fn told_too_late(error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(ref cause) if number_of(cause) == Some(TOO_LATE) => {
            metrics::counter!("ledger_append_late_total").increment(1);
            let within = COMMIT_WITHIN.as_secs();
            let why = format!(
                "a change was not asked to be committed within {within} s of its time, by the clock of the database"
            );
            StoreError::Unavailable(sqlx::Error::Protocol(why))
        }
        StoreError::Unavailable(_)
        | StoreError::Lost(_)
        | StoreError::Refused { .. }
        | StoreError::Corrupt { .. }
        | StoreError::NotWritten(_)
        | StoreError::Busy => error,
    }
}

/// All that is to be written, in the order in which keys are to be lost: claims first; events last, so that an outbox id is
/// open for as short a time as can be. What waited for a row is refused before it takes one.
fn script_of(changes: &[&Change], entries: &[&Entry], writer: Writer<'_>) -> Result<Script, StoreError> {
    let mut script = Script::default();
    let claims = entries.iter().filter_map(|entry| claiming(entry));
    idempotency::write_claims(&mut script, claims)?;
    write_facts(&mut script, changes, writer)?;
    let answers = entries.iter().filter_map(|entry| {
        entry.answer.as_ref().map(|(claim, answer)| Answering { claim, answer, at: entry.at })
    });
    idempotency::write_answers(&mut script, answers)?;
    let outbox = match writer {
        Writer::Live => Some(OutboxName::Main),
        Writer::Rehearsal => None,
        Writer::Mirror(carried) => {
            mirror::write_carried(&mut script, carried)?;
            Some(OutboxName::Backfill)
        }
    };
    if let Some(commit_by) = entries.iter().filter_map(|entry| entry.commit_by).min() {
        script.add(&IN_TIME.sql.replace('?', &format!("'{}'", datetime(commit_by))));
    }
    if let Some(outbox) = outbox {
        outbox_insert::write(&mut script, outbox, changes)?;
    }
    Ok(script)
}

/// The rows of these changes, table by table.
pub(super) fn write_facts(
    script: &mut Script,
    changes: &[&Change],
    writer: Writer<'_>,
) -> Result<(), StoreError> {
    let rows = Rows::of(changes.iter().copied());
    Table::ALL.into_iter().try_for_each(|table| {
        let (live, mirror) = table.inserts();
        let insert = match writer {
            Writer::Live | Writer::Rehearsal => live,
            Writer::Mirror(_) => mirror,
        };
        script.insert_rows(insert, rows.of_table(table))
    })
}

fn claiming(entry: &Entry) -> Option<Claiming<'_>> {
    let claim = entry.claim.as_ref()?;
    let about = entry.change.as_ref().map(|change| (change.payment_id, change.seq));
    Some(Claiming { claim, about, request_id: entry.request_id, at: entry.at })
}

async fn request_of(pool: &MySqlPool, change: &Change) -> Result<Option<[u8; 16]>, StoreError> {
    let mut connection = pool.acquire().await.map_err(StoreError::Unavailable)?;
    load::request_of(&mut connection, change.payment_id, change.seq).await
}

/// Whether what an entry would have written is there, and is its own.
pub async fn is_written(pool: &MySqlPool, entry: &Entry) -> Result<bool, StoreError> {
    let request_id = entry.request_id.as_bytes();
    if let Some(change) = &entry.change {
        return Ok(request_of(pool, change).await?.as_ref() == Some(request_id));
    }
    let Some((claim, _)) = &entry.answer else { return Ok(false) };
    let mut connection = pool.acquire().await.map_err(StoreError::Unavailable)?;
    let known = idempotency::find(&mut connection, claim.claim_id).await?;
    Ok(known.is_some_and(|known| match entry.claim {
        Some(_) => known.request_id == *request_id,
        None => known.outcome.is_some(),
    }))
}
