//! Where legacy rows went: mapped, excluded, quarantined; and the receipts of a copy.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use sqlx::mysql::MySqlConnection;

use crate::codes;
use crate::ids::{PaymentId, RunId};

use super::StoreError;
use super::cell::{Cell, Cells, cells};
use super::read::Reading;
use super::statement::{Account, Statement};
use super::text::{Insert, Script};

codes! {
    /// Which part of the migration recorded it.
    RecordedBy {
        /// The bulk copy.
        Copy = "COPY",
        /// The live mirror.
        Mirror = "MIRROR",
        /// The verifier's repair.
        Verifier = "VERIFIER",
    }
}

codes! {
    /// What a legacy row is about.
    RowKind {
        /// An approval.
        Approval = "APPROVAL",
        /// A cancel.
        Cancel = "CANCEL",
        /// A header without money of its own.
        Header = "HEADER",
    }
}

/// A run of a migration tool, and when it acts.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The legacy ledger.
    pub source: String,
    /// The run.
    pub run_id: RunId,
    /// Which tool.
    pub recorded_by: RecordedBy,
    /// Who runs it.
    pub actor: String,
    /// Version of the mapping.
    pub mapper_version: u32,
    /// Now.
    pub now: DateTime<Utc>,
}

/// A legacy row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyRow {
    pub table: String,
    pub pk: String,
    /// SHA-256 of its columns.
    pub hash: [u8; 32],
    pub kind: RowKind,
    pub method: String,
    pub amount: i64,
    pub business_date: Option<NaiveDate>,
}

/// A legacy row that does not fit, with the reason.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantined {
    pub table: String,
    pub pk: String,
    pub hash: [u8; 32],
    pub reason: String,
    pub detail: String,
    pub column: Option<String>,
    pub kind: RowKind,
    pub method: String,
    pub amount: Option<i64>,
    pub business_date: Option<NaiveDate>,
    /// Masked before it gets here.
    pub raw: Value,
}

/// A row and where it went, ready to be written.
#[derive(Debug, Clone)]
pub struct Carried(Cells<'static>);

/// A finished chunk of a copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub mapping: String,
    pub chunk_no: u64,
    pub from_key: String,
    pub to_key: String,
    pub read_rows: u32,
    pub mapped_rows: u32,
    pub quarantined_rows: u32,
    pub excluded_rows: u32,
    pub amount_read: i64,
}

/// The key of a version of a legacy row.
pub type RowKey = (String, String, [u8; 32]);

const INSERT_ROWS: Insert = Insert {
    statement: Statement {
        name: "insert_legacy_row",
        account: Account::Mirror,
        sql: "INSERT INTO legacy_row (source, table_name, row_pk, row_hash, disposition, reason, payment_id, kind, method, amount, business_date, mapper_version, run_id, recorded_by, recorded_at) \
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    },
    columns: &[
        "source",
        "table_name",
        "row_pk",
        "row_hash",
        "disposition",
        "reason",
        "payment_id",
        "kind",
        "method",
        "amount",
        "business_date",
        "mapper_version",
        "run_id",
        "recorded_by",
        "recorded_at",
    ],
};
const INSERT_QUARANTINE: Insert = Insert {
    statement: Statement {
        name: "insert_legacy_quarantine",
        account: Account::Mirror,
        sql: "INSERT INTO legacy_quarantine (source, table_name, row_pk, row_hash, reason, detail, column_name, kind, method, amount, business_date, raw, run_id, recorded_by, recorded_at) \
              VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    },
    columns: &[
        "source",
        "table_name",
        "row_pk",
        "row_hash",
        "reason",
        "detail",
        "column_name",
        "kind",
        "method",
        "amount",
        "business_date",
        "raw",
        "run_id",
        "recorded_by",
        "recorded_at",
    ],
};
const INSERT_RECEIPT: Statement = Statement {
    name: "insert_copy_receipt",
    account: Account::Mirror,
    sql: "INSERT INTO copy_receipt (source, mapping, mapper_version, chunk_no, from_key, to_key, read_rows, mapped_rows, \
          quarantined_rows, excluded_rows, amount_read, run_id, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};
const RECEIPTS: Statement = Statement {
    name: "copy_receipts",
    account: Account::Mirror,
    sql: "SELECT chunk_no, from_key, to_key, read_rows, mapped_rows, quarantined_rows, excluded_rows, amount_read \
          FROM copy_receipt WHERE source = ? AND mapping = ? AND mapper_version = ? ORDER BY chunk_no",
};
const KNOWN_MAPPED: Statement = Statement {
    name: "known_legacy_rows",
    account: Account::Mirror,
    sql: "SELECT t.table_name, t.row_pk, t.row_hash FROM JSON_TABLE(?, '$[*]' COLUMNS (table_name VARCHAR(64) PATH '$[0]', \
          row_pk VARCHAR(128) PATH '$[1]', row_hash CHAR(64) PATH '$[2]')) AS w STRAIGHT_JOIN legacy_row AS t \
          ON t.source = ? AND t.table_name = w.table_name AND t.row_pk = w.row_pk AND t.row_hash = UNHEX(w.row_hash)",
};
const KNOWN_QUARANTINED: Statement = Statement {
    name: "known_quarantined_rows",
    account: Account::Mirror,
    sql: "SELECT t.table_name, t.row_pk, t.row_hash FROM JSON_TABLE(?, '$[*]' COLUMNS (table_name VARCHAR(64) PATH '$[0]', \
          row_pk VARCHAR(128) PATH '$[1]', row_hash CHAR(64) PATH '$[2]')) AS w STRAIGHT_JOIN legacy_quarantine AS t \
          ON t.source = ? AND t.table_name = w.table_name AND t.row_pk = w.row_pk AND t.row_hash = UNHEX(w.row_hash)",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[
    INSERT_ROWS.statement,
    INSERT_QUARANTINE.statement,
    INSERT_RECEIPT,
    RECEIPTS,
    KNOWN_MAPPED,
    KNOWN_QUARANTINED,
];

impl Carried {
    /// A row that was mapped to a payment.
    pub fn mapped(row: &LegacyRow, payment_id: PaymentId, by: &Provenance) -> Self {
        Self::new(row, "MAPPED", None, Some(payment_id), by)
    }

    /// A row that is left out on purpose.
    pub fn excluded(row: &LegacyRow, reason: &str, by: &Provenance) -> Self {
        Self::new(row, "EXCLUDED", Some(reason), None, by)
    }

    fn new(
        row: &LegacyRow,
        disposition: &'static str,
        reason: Option<&str>,
        id: Option<PaymentId>,
        by: &Provenance,
    ) -> Self {
        Self(cells! {
            "source": by.source.clone(), "table_name": row.table.clone(), "row_pk": row.pk.clone(),
            "row_hash": Cell::Bytes(row.hash.to_vec().into()), "disposition": disposition,
            "reason": reason.map(str::to_owned), "payment_id": id.map(|id| Cell::Bytes(id.as_bytes().to_vec().into())),
            "kind": row.kind.code(), "method": row.method.clone(), "amount": row.amount,
            "business_date": row.business_date, "mapper_version": by.mapper_version,
            "run_id": Cell::Bytes(by.run_id.as_bytes().to_vec().into()), "recorded_by": by.recorded_by.code(),
            "recorded_at": by.now,
        })
    }
}

/// Adds where rows went.
pub fn write_carried(script: &mut Script, rows: &[Carried]) -> Result<(), StoreError> {
    script.insert_rows(&INSERT_ROWS, rows.iter().map(|row| &row.0))
}

/// Writes where rows went.
pub async fn insert_carried(connection: &mut MySqlConnection, rows: &[Carried]) -> Result<(), StoreError> {
    let mut script = Script::default();
    write_carried(&mut script, rows)?;
    script.run(connection).await
}

/// Puts rows into quarantine.
pub async fn insert_quarantined(
    connection: &mut MySqlConnection,
    rows: &[Quarantined],
    by: &Provenance,
) -> Result<(), StoreError> {
    let rows: Vec<_> = rows
        .iter()
        .map(|row| {
            cells! {
                "source": &by.source, "table_name": &row.table, "row_pk": &row.pk, "row_hash": &row.hash,
                "reason": &row.reason, "detail": &row.detail, "column_name": &row.column,
                "kind": row.kind.code(), "method": &row.method, "amount": row.amount,
                "business_date": row.business_date, "raw": row.raw.to_string(), "run_id": by.run_id.as_bytes(),
                "recorded_by": by.recorded_by.code(), "recorded_at": by.now,
            }
        })
        .collect();
    let mut script = Script::default();
    script.insert_rows(&INSERT_QUARANTINE, &rows)?;
    script.run(connection).await
}

/// Records a finished chunk.
pub async fn insert_receipt(
    connection: &mut MySqlConnection,
    receipt: &Receipt,
    by: &Provenance,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_RECEIPT.sql)
        .bind(&by.source)
        .bind(&receipt.mapping)
        .bind(by.mapper_version)
        .bind(receipt.chunk_no)
        .bind(&receipt.from_key)
        .bind(&receipt.to_key)
        .bind(receipt.read_rows)
        .bind(receipt.mapped_rows)
        .bind(receipt.quarantined_rows)
        .bind(receipt.excluded_rows)
        .bind(receipt.amount_read)
        .bind(by.run_id.as_bytes().as_slice())
        .bind(by.now)
        .execute(connection)
        .await?;
    Ok(())
}

/// The finished chunks of a mapping.
pub async fn receipts(
    connection: &mut MySqlConnection,
    source: &str,
    mapping: &str,
    mapper_version: u32,
) -> Result<Vec<Receipt>, StoreError> {
    let query = sqlx::query(RECEIPTS.sql).bind(source).bind(mapping).bind(mapper_version);
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let row = Reading::new(row, "copy_receipt", format!("{source}/{mapping}"));
            Ok(Receipt {
                mapping: mapping.to_owned(),
                chunk_no: row.get("chunk_no")?,
                from_key: row.get("from_key")?,
                to_key: row.get("to_key")?,
                read_rows: row.get("read_rows")?,
                mapped_rows: row.get("mapped_rows")?,
                quarantined_rows: row.get("quarantined_rows")?,
                excluded_rows: row.get("excluded_rows")?,
                amount_read: row.get("amount_read")?,
            })
        })
        .collect()
}

/// Which of these versions are recorded already: mapped or excluded, and quarantined.
pub async fn known_rows(
    connection: &mut MySqlConnection,
    source: &str,
    rows: &[RowKey],
) -> Result<(Vec<RowKey>, Vec<RowKey>), StoreError> {
    let wanted: Vec<_> = rows.iter().map(|(table, pk, hash)| (table, pk, hex::encode_upper(hash))).collect();
    let wanted = serde_json::to_string(&wanted).unwrap_or_default();
    let mapped = known(connection, KNOWN_MAPPED, source, &wanted).await?;
    let quarantined = known(connection, KNOWN_QUARANTINED, source, &wanted).await?;
    Ok((mapped, quarantined))
}

async fn known(
    connection: &mut MySqlConnection,
    statement: Statement,
    source: &str,
    wanted: &str,
) -> Result<Vec<RowKey>, StoreError> {
    let rows = sqlx::query(statement.sql).bind(wanted).bind(source).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let row = Reading::new(row, "legacy_row", source);
            Ok((row.get("table_name")?, row.get("row_pk")?, row.bytes("row_hash")?))
        })
        .collect()
}
