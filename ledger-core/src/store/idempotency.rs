//! Claims and outcomes: a key is claimed by the first statement of the transaction that holds its operation's first
//! facts, and its terminal answer is kept byte for byte.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::MySqlConnection;

use crate::codes;
use crate::ids::{PaymentId, RequestId, Slot};

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};
use super::text::Script;

codes! {
    /// What a key can be used for.
    Operation {
        /// Creating a payment.
        Create = "CREATE",
        /// Confirming one.
        Confirm = "CONFIRM",
        /// Canceling one.
        Cancel = "CANCEL",
        /// Saying an attempt before it is sent.
        Attempt = "ATTEMPT",
        /// Telling what came of one.
        Result = "RESULT",
        /// Telling of a deposit.
        Deposit = "DEPOSIT",
        /// Refunding suspense money.
        DepositRefund = "DEPOSIT_REFUND",
        /// Telling how that ended.
        DepositRefundResult = "DEPOSIT_REFUND_RESULT",
    }
}

/// A key being used.
#[derive(Debug, Clone)]
pub struct Claim {
    /// SHA-256 of merchant, method, path and key.
    pub claim_id: [u8; 32],
    /// Slot of the payment it is about.
    pub slot: Slot,
    /// Whose key it is.
    pub merchant_id: String,
    /// What for.
    pub operation: Operation,
    /// SHA-256 of the canonical body.
    pub fingerprint: [u8; 32],
    /// Each field of the body with a short hash of its value, to name those that differ.
    pub fields: BTreeMap<String, String>,
}

/// A terminal answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// Where the resource is.
    pub location: Option<String>,
    /// The bytes.
    pub body: Vec<u8>,
}

/// A key that was used before.
#[derive(Debug, Clone)]
pub struct Known {
    /// The payment its operation is about, once there is one.
    pub payment_id: Option<PaymentId>,
    /// The request that made the claim.
    pub request_id: [u8; 16],
    /// SHA-256 of the body it was used with.
    pub fingerprint: [u8; 32],
    /// That body's fields.
    pub fields: BTreeMap<String, String>,
    /// When it was claimed.
    pub claimed_at: DateTime<Utc>,
    /// The terminal answer, once there is one.
    pub outcome: Option<Replay>,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// HTTP status.
    pub status: u16,
    /// The rest, unless its retention is over.
    pub body: Option<(String, Option<String>, Vec<u8>)>,
}

const INSERT_CLAIM: Statement = Statement {
    name: "insert_idempotency_claim",
    account: Account::App,
    sql: "INSERT INTO idempotency_claim (claim_id, slot, payment_id, seq, merchant_id, operation, request_id, fingerprint, \
          fields, claimed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};
const INSERT_OUTCOME: Statement = Statement {
    name: "insert_idempotency_outcome",
    account: Account::App,
    sql: "INSERT INTO idempotency_outcome (claim_id, slot, status, body_digest, decided_at) VALUES (?, ?, ?, ?, ?)",
};
const INSERT_BODY: Statement = Statement {
    name: "insert_idempotency_body",
    account: Account::App,
    sql: "INSERT INTO idempotency_body (claim_id, decided_on, content_type, location, body) VALUES (?, ?, ?, ?, ?)",
};
const KNOWN: Statement = Statement {
    name: "known_claims",
    account: Account::App,
    sql: "SELECT c.claim_id FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(64) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN idempotency_claim AS c ON c.claim_id = UNHEX(w.id)",
};
const FIND: Statement = Statement {
    name: "find_idempotency_claim",
    account: Account::App,
    sql: "SELECT c.payment_id, c.request_id, c.fingerprint, CAST(c.fields AS CHAR) AS fields, c.claimed_at, o.status, \
          b.content_type, b.location, b.body \
          FROM idempotency_claim AS c LEFT JOIN idempotency_outcome AS o ON o.claim_id = c.claim_id \
          LEFT JOIN idempotency_body AS b ON b.claim_id = o.claim_id AND b.decided_on = DATE(o.decided_at) \
          WHERE c.claim_id = ?",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[INSERT_CLAIM, INSERT_OUTCOME, INSERT_BODY, KNOWN, FIND];

/// A claim as it is written.
#[derive(Debug, Clone, Copy)]
pub struct Claiming<'a> {
    /// The claim.
    pub claim: &'a Claim,
    /// The change it comes with.
    pub about: Option<(PaymentId, u32)>,
    /// The request.
    pub request_id: RequestId,
    /// When.
    pub at: DateTime<Utc>,
}

/// A terminal answer as it is written.
#[derive(Debug, Clone, Copy)]
pub struct Answering<'a> {
    /// Whose answer.
    pub claim: &'a Claim,
    /// The answer.
    pub answer: &'a Rendered,
    /// When.
    pub at: DateTime<Utc>,
}

/// Claims keys.
pub fn write_claims<'a>(
    script: &mut Script,
    claims: impl Iterator<Item = Claiming<'a>>,
) -> Result<(), StoreError> {
    script.insert(&INSERT_CLAIM, claims, |row, cells| {
        cells.push(&row.claim.claim_id);
        cells.push(row.claim.slot.get());
        cells.push(row.about.as_ref().map(|(id, _)| id.as_bytes()));
        cells.push(row.about.map(|(_, seq)| seq));
        cells.push(&row.claim.merchant_id);
        cells.push(row.claim.operation.code());
        cells.push(row.request_id.as_bytes());
        cells.push(&row.claim.fingerprint);
        cells.push(serde_json::to_string(&row.claim.fields).unwrap_or_default());
        cells.push(row.at);
        Ok(())
    })
}

/// Keeps the terminal answers of claimed keys.
pub fn write_answers<'a>(
    script: &mut Script,
    answers: impl Iterator<Item = Answering<'a>> + Clone,
) -> Result<(), StoreError> {
    script.insert(&INSERT_OUTCOME, answers.clone(), |row, cells| {
        cells.push(&row.claim.claim_id);
        cells.push(row.claim.slot.get());
        cells.push(row.answer.status);
        cells.push(&<[u8; 32]>::from(Sha256::digest(&row.answer.body)));
        cells.push(row.at);
        Ok(())
    })?;
    script.insert(&INSERT_BODY, answers, |row, cells| {
        cells.push(&row.claim.claim_id);
        cells.push(row.at.date_naive());
        cells.push(row.answer.content_type);
        cells.push(row.answer.location.as_deref());
        cells.bytes_of_text(&row.answer.body);
        Ok(())
    })
}

/// Which of these keys are claimed.
pub async fn known(
    connection: &mut MySqlConnection,
    claims: &[[u8; 32]],
) -> Result<HashSet<[u8; 32]>, StoreError> {
    let wanted: Vec<_> = claims.iter().map(hex::encode_upper).collect();
    let parameter = serde_json::to_string(&wanted).unwrap_or_default();
    let rows = sqlx::query(KNOWN.sql).bind(parameter).fetch_all(connection).await?;
    rows.iter().map(|row| Reading::new(row, "idempotency_claim", "claims").bytes("claim_id")).collect()
}

/// What is known of a key.
pub async fn find(connection: &mut MySqlConnection, claim_id: [u8; 32]) -> Result<Option<Known>, StoreError> {
    let row = sqlx::query(FIND.sql).bind(claim_id.as_slice()).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let row = Reading::new(&row, "idempotency_claim", hex::encode(claim_id));
    let payment_id: Option<&[u8]> = row.get("payment_id")?;
    let payment_id =
        payment_id.map(PaymentId::try_from).transpose().map_err(|_| row.corrupt("payment_id"))?;
    let fields = serde_json::from_str(row.get("fields")?).map_err(|_| row.corrupt("fields"))?;
    let status: Option<u16> = row.get("status")?;
    let body: Option<Vec<u8>> = row.get("body")?;
    let content_type: Option<String> = row.get("content_type")?;
    let location: Option<String> = row.get("location")?;
    let body = body.zip(content_type).map(|(body, content_type)| (content_type, location, body));
    Ok(Some(Known {
        payment_id,
        request_id: row.bytes("request_id")?,
        fingerprint: row.bytes("fingerprint")?,
        fields,
        claimed_at: row.get("claimed_at")?,
        outcome: status.map(|status| Replay { status, body }),
    }))
}
