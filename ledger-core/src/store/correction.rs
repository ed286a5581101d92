//! Reading corrections, the journal they correct, and operators' keys. They are read by those who correct and by those who
//! replay a payment, never on the way of a payment.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::ids::PaymentId;
use crate::journal::JournalLine;
use crate::operator::OperatorKey;
use crate::payment::correction::Posted;
use crate::payment::correction_fact::{
    Correction, CorrectionLine, CorrectionVerdict, LineRef, Signature, SignedDecision,
};
use crate::payment::fact::Fact;
use crate::time::BusinessDate;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// A statement over the rows of the wanted payments, one lookup each.
macro_rules! of_wanted {
    ($const:ident, $table:literal, $columns:literal) => {
        pub(super) const $const: Statement = Statement {
            name: concat!("load_", $table),
            account: Account::App,
            sql: concat!(
                "SELECT t.payment_id, t.seq, ",
                $columns,
                " FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w",
                " STRAIGHT_JOIN ",
                $table,
                " AS t ON t.payment_id = UNHEX(w.id)"
            ),
        };
    };
}

of_wanted!(
    CORRECTIONS,
    "correction",
    "t.correction_no, t.reason, t.proposed_by, t.proposed_key, t.proposed_at, t.expires_at, t.signature"
);
of_wanted!(
    CORRECTION_LINES,
    "correction_line",
    "t.correction_no, t.line_no, t.account, t.side, t.amount, t.leg_no, t.reverses_seq, t.reverses_line"
);
of_wanted!(
    CORRECTION_VERDICTS,
    "correction_verdict",
    "t.correction_no, t.verdict, t.proposed_by, t.decided_by, t.decided_key, t.reason, t.decided_at, t.signature"
);

const POSTED: Statement = Statement {
    name: "journal_of_payment",
    account: Account::App,
    sql: "SELECT payment_id, seq, line_no, account, side, currency, amount, merchant_id, leg_no, business_date \
          FROM journal_line WHERE payment_id = ? ORDER BY seq, line_no",
};

/// By the index of the time, backwards: the newest are wanted, and with few corrections the whole table looked cheaper.
const PROPOSED_SINCE: Statement = Statement {
    name: "corrections_proposed_since",
    account: Account::App,
    sql: "SELECT c.payment_id, c.correction_no FROM correction AS c FORCE INDEX (ix_correction_proposed) \
          LEFT JOIN correction_verdict AS v ON v.payment_id = c.payment_id AND v.correction_no = c.correction_no \
          WHERE c.proposed_at >= ? AND (? = 0 OR v.verdict IS NULL) ORDER BY c.proposed_at DESC LIMIT ?",
};

// FORCE INDEX: of a table with a few revocations the optimizer rather makes a hash of all rows, however many there will be
const KEYS: Statement = Statement {
    name: "find_operator_keys",
    account: Account::App,
    sql: "SELECT k.key_id, k.operator_id, k.public_key, k.created_at, k.created_by, r.revoked_at, r.reason \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id VARCHAR(24) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN operator_key AS k ON k.key_id = w.id COLLATE utf8mb4_0900_bin \
          LEFT JOIN operator_key_revocation AS r FORCE INDEX (PRIMARY) ON r.key_id = k.key_id",
};
// FORCE INDEX: as above
const LIST_KEYS: Statement = Statement {
    name: "list_operator_keys",
    account: Account::Admin,
    sql: "SELECT k.key_id, k.operator_id, k.public_key, k.created_at, k.created_by, r.revoked_at, r.reason \
          FROM operator_key AS k LEFT JOIN operator_key_revocation AS r FORCE INDEX (PRIMARY) ON r.key_id = k.key_id \
          ORDER BY k.key_id LIMIT ?",
};
const INSERT_KEY: Statement = Statement {
    name: "insert_operator_key",
    account: Account::Admin,
    sql: "INSERT INTO operator_key (key_id, operator_id, public_key, created_at, created_by) VALUES (?, ?, ?, ?, ?)",
};
const INSERT_REVOCATION: Statement = Statement {
    name: "insert_operator_key_revocation",
    account: Account::Admin,
    sql: "INSERT INTO operator_key_revocation (key_id, revoked_at, revoked_by, reason) VALUES (?, ?, ?, ?)",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[
    CORRECTIONS,
    CORRECTION_LINES,
    CORRECTION_VERDICTS,
    POSTED,
    PROPOSED_SINCE,
    KEYS,
    LIST_KEYS,
    INSERT_KEY,
    INSERT_REVOCATION,
];

pub(super) fn correction(row: &Reading<'_>) -> Result<Fact, StoreError> {
    Ok(Fact::Correction(Correction {
        correction_no: row.get("correction_no")?,
        reason: row.get("reason")?,
        proposed_by: row.get("proposed_by")?,
        proposed_key: row.get("proposed_key")?,
        proposed_at: row.get("proposed_at")?,
        expires_at: row.get("expires_at")?,
        signature: Signature(row.bytes("signature")?),
    }))
}

pub(super) fn correction_line(row: &Reading<'_>) -> Result<Fact, StoreError> {
    let (seq, line): (Option<u32>, Option<u16>) = (row.get("reverses_seq")?, row.get("reverses_line")?);
    Ok(Fact::CorrectionLine(CorrectionLine {
        correction_no: row.get("correction_no")?,
        line_no: row.get("line_no")?,
        account: row.code("account")?,
        side: row.code("side")?,
        amount: row.amount("amount")?,
        leg_no: row.get("leg_no")?,
        reverses: seq.zip(line).map(|(seq, line)| LineRef { seq, line }),
    }))
}

pub(super) fn correction_verdict(row: &Reading<'_>) -> Result<Fact, StoreError> {
    let by: Option<String> = row.get("decided_by")?;
    let decision = match by {
        None => None,
        Some(decided_by) => Some(SignedDecision {
            decided_by,
            decided_key: row.get("decided_key")?,
            signature: Signature(row.bytes("signature")?),
        }),
    };
    Ok(Fact::CorrectionVerdict(CorrectionVerdict {
        correction_no: row.get("correction_no")?,
        verdict: row.code("verdict")?,
        proposed_by: row.get("proposed_by")?,
        decision,
        reason: row.get("reason")?,
        decided_at: row.get("decided_at")?,
    }))
}

/// The journal of a payment, in the order it was posted.
pub async fn posted(connection: &mut MySqlConnection, id: PaymentId) -> Result<Vec<Posted>, StoreError> {
    let rows = sqlx::query(POSTED.sql).bind(id.as_bytes().as_slice()).fetch_all(connection).await?;
    let read = |row: &MySqlRow| {
        let (row, _) = Reading::of_payment(row, "journal_line")?;
        let line_no = row.get("line_no")?;
        let line = JournalLine {
            line_no,
            account: row.code("account")?,
            side: row.code("side")?,
            currency: row.code("currency")?,
            amount: row.amount("amount")?,
            merchant_id: row.get("merchant_id")?,
            leg_no: row.get("leg_no")?,
            business_date: BusinessDate::new(row.get("business_date")?),
        };
        Ok(Posted { at: LineRef { seq: row.get("seq")?, line: line_no }, line })
    };
    rows.iter().map(read).collect()
}

/// The corrections proposed since then, the newest first; those that wait only, when so wanted.
pub async fn proposed_since(
    connection: &mut MySqlConnection,
    since: DateTime<Utc>,
    only_open: bool,
    limit: u32,
) -> Result<Vec<(PaymentId, u16)>, StoreError> {
    let query = sqlx::query(PROPOSED_SINCE.sql).bind(since).bind(u8::from(only_open)).bind(limit);
    let read = |row: &MySqlRow| {
        let (row, id) = Reading::of_payment(row, "correction")?;
        Ok((id, row.get("correction_no")?))
    };
    query.fetch_all(connection).await?.iter().map(read).collect()
}

/// Registered keys by their ids; those that are not known are left out.
pub async fn keys(
    connection: &mut MySqlConnection,
    ids: &[&str],
) -> Result<HashMap<String, OperatorKey>, StoreError> {
    let wanted = serde_json::to_string(ids).unwrap_or_default();
    let rows = sqlx::query(KEYS.sql).bind(wanted).fetch_all(connection).await?;
    rows.iter().map(|row| read_key(row).map(|key| (key.key_id.clone(), key))).collect()
}

/// Registered keys.
pub async fn list_keys(connection: &mut MySqlConnection, limit: u32) -> Result<Vec<OperatorKey>, StoreError> {
    let rows = sqlx::query(LIST_KEYS.sql).bind(limit).fetch_all(connection).await?;
    rows.iter().map(read_key).collect()
}

fn read_key(row: &MySqlRow) -> Result<OperatorKey, StoreError> {
    let row = Reading::new(row, "operator_key", "list");
    Ok(OperatorKey {
        key_id: row.get("key_id")?,
        operator_id: row.get("operator_id")?,
        public_key: row.bytes("public_key")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        revoked_at: row.get("revoked_at")?,
        revoked_for: row.get("reason")?,
    })
}

/// Registers a key.
pub async fn insert_key(
    connection: &mut MySqlConnection,
    key_id: &str,
    operator_id: &str,
    public_key: &[u8; 32],
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), StoreError> {
    let query = sqlx::query(INSERT_KEY.sql).bind(key_id).bind(operator_id).bind(public_key.as_slice());
    query.bind(at).bind(by).execute(connection).await?;
    Ok(())
}

/// Revokes a key.
pub async fn insert_revocation(
    connection: &mut MySqlConnection,
    key_id: &str,
    reason: &str,
    at: DateTime<Utc>,
    by: &str,
) -> Result<(), StoreError> {
    let query = sqlx::query(INSERT_REVOCATION.sql).bind(key_id).bind(at).bind(by).bind(reason);
    query.execute(connection).await?;
    Ok(())
}
