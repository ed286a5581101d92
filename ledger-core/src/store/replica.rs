//! What a verifier reads: where a server stands, what was carried over, and where legacy rows went. SELECT only.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::mysql::{MySqlPool, MySqlRow};

use crate::ids::PaymentId;
use crate::money::Currency;
use crate::payment::fact::Method;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// An approval of legacy origin as the ledger holds it: accepted, of a confirmed payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedApproval {
    pub payment_id: PaymentId,
    pub merchant_id: String,
    pub order_id: String,
    pub currency: Currency,
    pub total: i64,
    pub payment_tax_free: i64,
    pub payment_vat: i64,
    pub created_at: DateTime<Utc>,
    pub leg_no: u8,
    pub method: Method,
    pub issuer_id: String,
    pub amount: i64,
    pub tax_free: i64,
    pub card_bin: Option<String>,
    pub card_last4: Option<String>,
    pub installment_months: u8,
    pub trace_no: String,
    pub business_date: NaiveDate,
    pub approval_no: Option<String>,
    pub approved_at: DateTime<Utc>,
}

/// A cancellation of legacy origin as the ledger holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarriedCancel {
    pub payment_id: PaymentId,
    /// Its key in the legacy ledger.
    pub key: String,
    pub amount: i64,
    /// The sum of its shares that are done.
    pub done: i64,
    pub reason: String,
    pub business_date: NaiveDate,
    pub canceled_at: DateTime<Utc>,
}

/// Where a legacy row went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disposed {
    pub table: String,
    pub pk: String,
    pub hash: [u8; 32],
    /// MAPPED, EXCLUDED or QUARANTINED.
    pub disposition: String,
    pub payment_id: Option<PaymentId>,
}

/// What waits in quarantine for one reason. A row that was carried over later, or came again changed, no longer counts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct QuarantineReason {
    pub reason: String,
    pub rows: i64,
    /// Sum of the amounts that could be read.
    pub amount: i64,
    /// Rows whose amount could not.
    pub unreadable: i64,
    pub oldest: DateTime<Utc>,
}

/// A row that waits in quarantine.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct QuarantineRow {
    pub table: String,
    pub pk: String,
    pub reason: String,
    pub detail: String,
    pub column: Option<String>,
    pub amount: Option<i64>,
    /// The row as it was read, card numbers masked.
    pub raw: serde_json::Value,
}

macro_rules! read {
    ($const:ident, $name:literal, $sql:literal) => {
        const $const: Statement = Statement { name: $name, account: Account::Read, sql: $sql };
    };
}

read!(
    SERVER,
    "replica_server",
    "SELECT @@server_uuid AS server_uuid, CAST(@@global.read_only AS SIGNED) AS read_only"
);
read!(EXECUTED, "replica_executed", "SELECT @@global.gtid_executed");
read!(WAIT, "replica_wait", "SELECT WAIT_FOR_EXECUTED_GTID_SET(?, ?)");
read!(NOW, "replica_now", "SELECT UTC_TIMESTAMP(6)");
read!(
    APPROVALS,
    "replica_approvals",
    "SELECT p.payment_id, p.merchant_id, p.order_id, p.currency, p.total, p.tax_free AS payment_tax_free, p.vat, p.created_at, \
     a.leg_no, a.method, a.issuer_id, a.amount, a.tax_free, a.card_bin, a.card_last4, a.installment_months, t.trace_no, \
     t.trace_date, r.issuer_ref, r.received_at \
     FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
     STRAIGHT_JOIN payment AS p ON p.payment_id = UNHEX(w.id) AND p.origin = 'LEGACY' \
     STRAIGHT_JOIN payment_verdict AS v ON v.payment_id = p.payment_id AND v.verdict = 'CONFIRMED' \
     STRAIGHT_JOIN approval AS a ON a.payment_id = p.payment_id \
     STRAIGHT_JOIN attempt_verdict AS av ON av.payment_id = a.payment_id AND av.leg_no = a.leg_no AND av.verdict_ref = 'ACCEPT' \
     STRAIGHT_JOIN attempt AS t ON t.payment_id = av.payment_id AND t.leg_no = av.leg_no AND t.kind = av.kind \
       AND t.attempt_no = av.attempt_no \
     STRAIGHT_JOIN attempt_result AS r ON r.payment_id = av.payment_id AND r.leg_no = av.leg_no AND r.kind = av.kind \
       AND r.attempt_no = av.attempt_no AND r.outcome = av.result_outcome AND r.result_no = av.result_no"
);
read!(
    CANCELS,
    "replica_cancels",
    "SELECT c.payment_id, c.cancel_request_id, c.amount, c.reason, c.business_date, c.requested_at, \
     (SELECT CAST(COALESCE(SUM(s.amount), 0) AS SIGNED) FROM cancel_share AS s \
       JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no \
       WHERE s.payment_id = c.payment_id AND s.cancel_no = c.cancel_no AND o.outcome = 'DONE') AS done \
     FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
     STRAIGHT_JOIN cancellation AS c ON c.payment_id = UNHEX(w.id) AND c.origin = 'LEGACY'"
);
// By the index of the time: of a window that ends now the optimizer thinks more than there is, and would read all payments.
read!(
    CREATED,
    "replica_created",
    "SELECT payment_id FROM payment FORCE INDEX (ix_payment_created) \
     WHERE created_at >= ? AND created_at < ? AND origin = 'LEGACY'"
);
// By the index of the day, for the same reason.
read!(
    CANCELED,
    "replica_canceled",
    "SELECT DISTINCT payment_id FROM cancellation FORCE INDEX (ix_cancellation_day) \
     WHERE business_date BETWEEN ? AND ? AND requested_at >= ? AND requested_at < ? AND origin = 'LEGACY'"
);
// By the payment: the source alone is most of the table, and also leads its primary key.
read!(
    ROWS_OF,
    "replica_rows_of",
    "SELECT l.payment_id, l.table_name, l.row_pk \
     FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
     STRAIGHT_JOIN legacy_row AS l FORCE INDEX (ix_legacy_row_payment) ON l.payment_id = UNHEX(w.id) AND l.source = ?"
);
read!(
    DISPOSED,
    "replica_disposed",
    "SELECT l.table_name, l.row_pk, l.row_hash, l.disposition, l.payment_id \
     FROM JSON_TABLE(?, '$[*]' COLUMNS (t VARCHAR(64) PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR, \
       k VARCHAR(128) PATH '$[1]' ERROR ON EMPTY ERROR ON ERROR)) AS w \
     STRAIGHT_JOIN legacy_row AS l ON l.source = ? AND l.table_name = w.t COLLATE utf8mb4_0900_bin \
       AND l.row_pk = w.k COLLATE utf8mb4_0900_bin"
);
read!(
    QUARANTINED,
    "replica_quarantined",
    "SELECT q.table_name, q.row_pk, q.row_hash, 'QUARANTINED' AS disposition, NULL AS payment_id \
     FROM JSON_TABLE(?, '$[*]' COLUMNS (t VARCHAR(64) PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR, \
       k VARCHAR(128) PATH '$[1]' ERROR ON EMPTY ERROR ON ERROR)) AS w \
     STRAIGHT_JOIN legacy_quarantine AS q ON q.source = ? AND q.table_name = w.t COLLATE utf8mb4_0900_bin \
       AND q.row_pk = w.k COLLATE utf8mb4_0900_bin"
);

// By the reason: rows then come grouped, and the wide rows are read in one order only.
read!(
    QUARANTINE_REASONS,
    "replica_quarantine_reasons",
    "SELECT q.reason, COUNT(*) AS row_count, CAST(COALESCE(SUM(q.amount), 0) AS SIGNED) AS amount, \
     CAST(SUM(q.amount IS NULL) AS SIGNED) AS unreadable, MIN(q.recorded_at) AS oldest \
     FROM legacy_quarantine AS q FORCE INDEX (ix_legacy_quarantine_reason) \
     WHERE q.source = ? AND NOT EXISTS (SELECT 1 FROM legacy_row AS l WHERE l.source = q.source \
       AND l.table_name = q.table_name AND l.row_pk = q.row_pk \
       AND (l.row_hash = q.row_hash OR l.recorded_at > q.recorded_at)) \
     GROUP BY q.reason ORDER BY q.reason"
);
// By the reason: the primary key begins with the source as well, and would read all that waits for other reasons.
read!(
    QUARANTINE_ROWS,
    "replica_quarantine_rows",
    "SELECT q.table_name, q.row_pk, q.reason, q.detail, q.column_name, q.amount, CAST(q.raw AS CHAR) AS raw \
     FROM legacy_quarantine AS q FORCE INDEX (ix_legacy_quarantine_reason) \
     WHERE q.source = ? AND q.reason = ? AND NOT EXISTS (SELECT 1 FROM legacy_row AS l WHERE l.source = q.source \
       AND l.table_name = q.table_name AND l.row_pk = q.row_pk \
       AND (l.row_hash = q.row_hash OR l.recorded_at > q.recorded_at)) \
     ORDER BY q.table_name, q.row_pk LIMIT ?"
);

read!(
    PAYMENTS_AFTER,
    "replica_payments_after",
    "SELECT DISTINCT payment_id FROM payment_change WHERE payment_id > ? ORDER BY payment_id LIMIT ?"
);

read!(
    ABOUT,
    "replica_about",
    "SELECT CAST(COALESCE(MAX(TABLE_ROWS), 0) AS UNSIGNED) FROM information_schema.tables \
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'payment'"
);

/// The statements of this file, for the register.
pub const STATEMENTS: &[Statement] = &[
    ABOUT,
    SERVER,
    EXECUTED,
    WAIT,
    NOW,
    APPROVALS,
    CANCELS,
    CREATED,
    CANCELED,
    ROWS_OF,
    DISPOSED,
    QUARANTINED,
    QUARANTINE_REASONS,
    QUARANTINE_ROWS,
    PAYMENTS_AFTER,
];

/// Which server it is, and whether it takes writes.
pub async fn server(pool: &MySqlPool) -> Result<(String, bool), StoreError> {
    let row = sqlx::query(SERVER.sql).fetch_one(pool).await?;
    let reading = Reading::new(&row, "server", "variables");
    Ok((reading.get("server_uuid")?, reading.get::<i64>("read_only")? == 0))
}

/// Everything the server has committed.
pub async fn executed(pool: &MySqlPool) -> Result<String, StoreError> {
    let set: String = sqlx::query_scalar(EXECUTED.sql).fetch_one(pool).await?;
    Ok(set.replace(['\n', ' '], ""))
}

/// Waits until the server has applied all of `set`; false when it has not within `limit`.
pub async fn wait_for(pool: &MySqlPool, set: &str, limit: Duration) -> Result<bool, StoreError> {
    let seconds = rust_decimal::Decimal::new(i64::try_from(limit.as_millis()).unwrap_or(i64::MAX), 3);
    let late: i64 = sqlx::query_scalar(WAIT.sql).bind(set).bind(seconds.to_string()).fetch_one(pool).await?;
    Ok(late == 0)
}

/// The server's own clock.
pub async fn now(pool: &MySqlPool) -> Result<DateTime<Utc>, StoreError> {
    Ok(sqlx::query_scalar(NOW.sql).fetch_one(pool).await?)
}

/// The approvals of these payments.
pub async fn approvals(pool: &MySqlPool, ids: &[PaymentId]) -> Result<Vec<CarriedApproval>, StoreError> {
    let rows = sqlx::query(APPROVALS.sql).bind(list(ids)).fetch_all(pool).await?;
    rows.iter().map(carried_approval).collect()
}

fn carried_approval(row: &MySqlRow) -> Result<CarriedApproval, StoreError> {
    let (reading, payment_id) = Reading::of_payment(row, "approval")?;
    Ok(CarriedApproval {
        payment_id,
        merchant_id: reading.get("merchant_id")?,
        order_id: reading.get("order_id")?,
        currency: reading.code("currency")?,
        total: reading.get("total")?,
        payment_tax_free: reading.get("payment_tax_free")?,
        payment_vat: reading.get("vat")?,
        created_at: reading.get("created_at")?,
        leg_no: reading.get("leg_no")?,
        method: reading.code("method")?,
        issuer_id: reading.get("issuer_id")?,
        amount: reading.get("amount")?,
        tax_free: reading.get("tax_free")?,
        card_bin: reading.get("card_bin")?,
        card_last4: reading.get("card_last4")?,
        installment_months: reading.get("installment_months")?,
        trace_no: reading.get("trace_no")?,
        business_date: reading.get("trace_date")?,
        approval_no: reading.get("issuer_ref")?,
        approved_at: reading.get("received_at")?,
    })
}

/// The cancellations of these payments.
pub async fn cancels(pool: &MySqlPool, ids: &[PaymentId]) -> Result<Vec<CarriedCancel>, StoreError> {
    let rows = sqlx::query(CANCELS.sql).bind(list(ids)).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let (reading, payment_id) = Reading::of_payment(row, "cancellation")?;
            Ok(CarriedCancel {
                payment_id,
                key: reading.get("cancel_request_id")?,
                amount: reading.get("amount")?,
                done: reading.get("done")?,
                reason: reading.get("reason")?,
                business_date: reading.get("business_date")?,
                canceled_at: reading.get("requested_at")?,
            })
        })
        .collect()
}

/// The payments of legacy origin that were made in a window.
pub async fn created(
    pool: &MySqlPool,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<PaymentId>, StoreError> {
    let rows = sqlx::query(CREATED.sql).bind(from).bind(to).fetch_all(pool).await?;
    ids(&rows, "payment")
}

/// The payments of legacy origin that were canceled in a window; `days` are the Korean days it touches.
pub async fn canceled(
    pool: &MySqlPool,
    days: (NaiveDate, NaiveDate),
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Result<Vec<PaymentId>, StoreError> {
    let query = sqlx::query(CANCELED.sql).bind(days.0).bind(days.1).bind(from).bind(to);
    ids(&query.fetch_all(pool).await?, "cancellation")
}

/// The legacy rows that these payments were made of.
pub async fn rows_of(
    pool: &MySqlPool,
    source: &str,
    ids: &[PaymentId],
) -> Result<Vec<(PaymentId, String, String)>, StoreError> {
    let rows = sqlx::query(ROWS_OF.sql).bind(list(ids)).bind(source).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let (reading, id) = Reading::of_payment(row, "legacy_row")?;
            Ok((id, reading.get("table_name")?, reading.get("row_pk")?))
        })
        .collect()
}

/// Where these rows (table, key) went, every version of them that is known.
pub async fn disposed(
    pool: &MySqlPool,
    source: &str,
    keys: &[(&str, &str)],
) -> Result<Vec<Disposed>, StoreError> {
    let wanted = serde_json::to_string(keys).unwrap_or_default();
    let mut found = Vec::new();
    for sql in [DISPOSED.sql, QUARANTINED.sql] {
        let rows = sqlx::query(sql).bind(&wanted).bind(source).fetch_all(pool).await?;
        for row in &rows {
            let reading = Reading::new(row, "legacy_row", "a row");
            let payment_id: Option<Vec<u8>> = reading.get("payment_id")?;
            let payment_id = payment_id.map(|bytes| PaymentId::try_from(bytes.as_slice())).transpose();
            found.push(Disposed {
                table: reading.get("table_name")?,
                pk: reading.get("row_pk")?,
                hash: reading.bytes("row_hash")?,
                disposition: reading.get("disposition")?,
                payment_id: payment_id.map_err(|_| reading.corrupt("payment_id"))?,
            });
        }
    }
    Ok(found)
}

/// The reasons for which rows of a source wait in quarantine.
pub async fn quarantine_reasons(pool: &MySqlPool, source: &str) -> Result<Vec<QuarantineReason>, StoreError> {
    let rows = sqlx::query(QUARANTINE_REASONS.sql).bind(source).fetch_all(pool).await?;
    rows.iter()
        .map(|row| {
            let reading = Reading::new(row, "legacy_quarantine", source);
            Ok(QuarantineReason {
                reason: reading.get("reason")?,
                rows: reading.get("row_count")?,
                amount: reading.get("amount")?,
                unreadable: reading.get("unreadable")?,
                oldest: reading.get("oldest")?,
            })
        })
        .collect()
}

/// The rows that wait in quarantine for one reason.
pub async fn quarantine_rows(
    pool: &MySqlPool,
    source: &str,
    reason: &str,
    limit: u32,
) -> Result<Vec<QuarantineRow>, StoreError> {
    let query = sqlx::query(QUARANTINE_ROWS.sql).bind(source).bind(reason).bind(limit);
    query
        .fetch_all(pool)
        .await?
        .iter()
        .map(|row| {
            let reading = Reading::new(row, "legacy_quarantine", source);
            let raw: String = reading.get("raw")?;
            Ok(QuarantineRow {
                table: reading.get("table_name")?,
                pk: reading.get("row_pk")?,
                reason: reading.get("reason")?,
                detail: reading.get("detail")?,
                column: reading.get("column_name")?,
                amount: reading.get("amount")?,
                raw: serde_json::from_str(&raw).map_err(|_| reading.corrupt("raw"))?,
            })
        })
        .collect()
}

fn ids(rows: &[MySqlRow], table: &'static str) -> Result<Vec<PaymentId>, StoreError> {
    rows.iter().map(|row| Reading::of_payment(row, table).map(|(_, id)| id)).collect()
}

fn list(ids: &[PaymentId]) -> String {
    let hex: Vec<String> = ids.iter().map(|id| id.to_hex()).collect();
    serde_json::to_string(&hex).unwrap_or_default()
}

/// About how many payments there are, by the server's statistics.
pub async fn about(pool: &MySqlPool) -> Result<u64, StoreError> {
    Ok(sqlx::query_scalar(ABOUT.sql).fetch_one(pool).await?)
}

/// Payments in the order of their ids, from after one on.
pub async fn payments_after(
    pool: &MySqlPool,
    after: Option<PaymentId>,
    limit: u32,
) -> Result<Vec<PaymentId>, StoreError> {
    let after = after.map_or([0; 16], |id| *id.as_bytes());
    let rows = sqlx::query(PAYMENTS_AFTER.sql).bind(after.as_slice()).bind(limit).fetch_all(pool).await?;
    rows.iter().map(|row| Ok(Reading::of_payment(row, "payment_change")?.1)).collect()
}
