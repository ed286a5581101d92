//! The verifier's runs, chained by digest, and what each found.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::mysql::MySqlConnection;

use crate::codes;
use crate::ids::{PaymentId, RunId};

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

codes! {
    /// How a run ended.
    RunState {
        /// Nothing differs.
        Green = "GREEN",
        /// What was missing is there now.
        Healed = "HEALED",
        /// Something differs that a machine must not repair.
        Findings = "FINDINGS",
        /// More is missing than a run may repair: people decide.
        Frozen = "FROZEN",
        /// Nothing was compared: never green.
        Skipped = "SKIPPED",
    }
}

codes! {
    /// What differs.
    FindingClass {
        /// In the legacy ledger, not here.
        MissingLedger = "MISSING_LEDGER",
        /// Changed in the legacy ledger without meaning anything else; its new version is not recorded.
        Stale = "STALE",
        /// In both, and not the same.
        FieldDiff = "FIELD_DIFF",
        /// Here, not in the legacy ledger.
        ExtraLedger = "EXTRA_LEDGER",
        /// In the legacy ledger, and here in quarantine only.
        Quarantined = "QUARANTINED",
        /// Too young to be compared.
        Unsettled = "UNSETTLED",
    }
}

/// A run, before it has its place in the chain.
#[derive(Debug, Clone, Serialize)]
pub struct RunRecord {
    pub run_id: RunId,
    pub source: String,
    pub window_from: DateTime<Utc>,
    pub window_to: DateTime<Utc>,
    pub barrier_gtid: String,
    pub state: RunState,
    pub reason: Option<String>,
    pub legacy_rows: u64,
    pub ledger_rows: u64,
    pub gaps: u32,
    pub healed: u32,
    #[serde(serialize_with = "as_hex")]
    pub legacy_digest: [u8; 32],
    #[serde(serialize_with = "as_hex")]
    pub ledger_digest: [u8; 32],
    pub started_at: DateTime<Utc>,
    pub finished_at: DateTime<Utc>,
}

fn as_hex<S: serde::Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(digest))
}

/// What a run found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingRecord {
    pub class: FindingClass,
    pub table: String,
    pub pk: String,
    pub payment_id: Option<PaymentId>,
    pub detail: String,
    pub healed: bool,
}

/// Where a run stands in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunHead {
    pub run_no: u64,
    pub digest: [u8; 32],
}

const LAST_RUN: Statement = Statement {
    name: "verifier_last_run",
    account: Account::Mirror,
    sql: "SELECT run_no, digest FROM verifier_run WHERE source = ? ORDER BY run_no DESC LIMIT 1",
};
const INSERT_RUN: Statement = Statement {
    name: "insert_verifier_run",
    account: Account::Mirror,
    sql: "INSERT INTO verifier_run (run_id, run_no, source, window_from, window_to, barrier_gtid, state, reason, legacy_rows, \
          ledger_rows, gaps, healed, legacy_digest, ledger_digest, previous_digest, digest, started_at, finished_at) \
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};
const INSERT_FINDINGS: Statement = Statement {
    name: "insert_verifier_finding",
    account: Account::Mirror,
    sql: "INSERT INTO verifier_finding (run_id, finding_no, class, table_name, row_pk, payment_id, detail, healed) \
          SELECT UNHEX(r.run_id), r.finding_no, r.class, r.table_name, r.row_pk, UNHEX(r.payment_id), r.detail, r.healed \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (run_id CHAR(32) PATH '$.run_id' ERROR ON EMPTY ERROR ON ERROR, \
          finding_no INT UNSIGNED PATH '$.finding_no' ERROR ON EMPTY ERROR ON ERROR, \
          class VARCHAR(16) PATH '$.class' ERROR ON EMPTY ERROR ON ERROR, \
          table_name VARCHAR(64) PATH '$.table' ERROR ON EMPTY ERROR ON ERROR, \
          row_pk VARCHAR(128) PATH '$.pk' ERROR ON EMPTY ERROR ON ERROR, \
          payment_id CHAR(32) PATH '$.payment_id' ERROR ON EMPTY ERROR ON ERROR, \
          detail VARCHAR(500) PATH '$.detail' ERROR ON EMPTY ERROR ON ERROR, \
          healed TINYINT PATH '$.healed' ERROR ON EMPTY ERROR ON ERROR)) AS r",
};

/// The statements of this file, for the register.
pub const STATEMENTS: &[Statement] = &[LAST_RUN, INSERT_RUN, INSERT_FINDINGS];

/// The last run over a source.
pub async fn last_run(connection: &mut MySqlConnection, source: &str) -> Result<Option<RunHead>, StoreError> {
    let row = sqlx::query(LAST_RUN.sql).bind(source).fetch_optional(connection).await?;
    row.map(|row| {
        let reading = Reading::new(&row, "verifier_run", source);
        Ok(RunHead { run_no: reading.get("run_no")?, digest: reading.bytes("digest")? })
    })
    .transpose()
}

/// Writes a run on top of `last`.
pub async fn insert_run(
    connection: &mut MySqlConnection,
    run: &RunRecord,
    findings: &[FindingRecord],
    last: Option<RunHead>,
) -> Result<RunHead, StoreError> {
    let run_no = last.map_or(1, |head| head.run_no + 1);
    let digest = chained(run, findings, run_no, last);
    sqlx::query(INSERT_RUN.sql)
        .bind(run.run_id.as_bytes().as_slice())
        .bind(run_no)
        .bind(&run.source)
        .bind(run.window_from)
        .bind(run.window_to)
        .bind(&run.barrier_gtid)
        .bind(run.state.code())
        .bind(&run.reason)
        .bind(run.legacy_rows)
        .bind(run.ledger_rows)
        .bind(run.gaps)
        .bind(run.healed)
        .bind(run.legacy_digest.as_slice())
        .bind(run.ledger_digest.as_slice())
        .bind(last.map(|head| head.digest.to_vec()))
        .bind(digest.as_slice())
        .bind(run.started_at)
        .bind(run.finished_at)
        .execute(connection)
        .await?;
    Ok(RunHead { run_no, digest })
}

/// Writes what a run found.
pub async fn insert_findings(
    connection: &mut MySqlConnection,
    run_id: RunId,
    findings: &[FindingRecord],
) -> Result<(), StoreError> {
    if findings.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = (1_u32..)
        .zip(findings)
        .map(|(finding_no, finding)| {
            json!({
                "run_id": run_id.to_hex(), "finding_no": finding_no, "class": finding.class, "table": finding.table,
                "pk": finding.pk, "payment_id": finding.payment_id.map(PaymentId::to_hex), "detail": finding.detail,
                "healed": u8::from(finding.healed),
            })
        })
        .collect();
    let parameter = serde_json::to_string(&rows).unwrap_or_default();
    sqlx::query(INSERT_FINDINGS.sql).bind(parameter).execute(connection).await?;
    Ok(())
}

/// The digest of a run and its findings, on top of the digest of the run before it.
fn chained(run: &RunRecord, findings: &[FindingRecord], run_no: u64, last: Option<RunHead>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"ledger.verifier-run.v1");
    hash.update(last.map_or([0; 32], |head| head.digest));
    hash.update(run_no.to_be_bytes());
    hash.update(serde_json::to_vec(&(run, findings)).unwrap_or_default());
    hash.finalize().into()
}
