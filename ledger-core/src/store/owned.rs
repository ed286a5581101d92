//! Heads of the payments of one merchant, now or as of an instant. Whose a payment is stands in the statement: to a merchant
//! another's payment and one that does not exist are the same empty answer, found by the same statements.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlConnection;

use crate::ids::PaymentId;
use crate::payment::fold::Head;

use super::StoreError;
use super::load::{head, wanted};
use super::statement::{Account, Statement};

const HEADS: Statement = Statement {
    name: "owned_heads",
    account: Account::App,
    sql: "SELECT c.payment_id, c.seq, c.digest, c.positions \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment AS p ON p.payment_id = UNHEX(w.id) AND p.merchant_id = ? \
          STRAIGHT_JOIN payment_change AS c ON c.payment_id = p.payment_id \
          AND c.seq = (SELECT MAX(m.seq) FROM payment_change AS m WHERE m.payment_id = p.payment_id)",
};

/// The last change before the first one that was recorded later: instants of changes need not rise, as they are taken when a
/// decision begins, and a change is not known before those it stands on.
const HEADS_AS_OF: Statement = Statement {
    name: "owned_heads_as_of",
    account: Account::App,
    sql: "SELECT c.payment_id, c.seq, c.digest, c.positions \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment AS p ON p.payment_id = UNHEX(w.id) AND p.merchant_id = ? \
          STRAIGHT_JOIN payment_change AS c ON c.payment_id = p.payment_id \
          AND c.seq = (SELECT MAX(m.seq) FROM payment_change AS m WHERE m.payment_id = p.payment_id \
            AND m.seq < COALESCE((SELECT MIN(l.seq) FROM payment_change AS l \
              WHERE l.payment_id = p.payment_id AND l.recorded_at > ?), 4294967296))",
};

/// The same for payments of any merchant.
const ANY_HEADS_AS_OF: Statement = Statement {
    name: "any_heads_as_of",
    account: Account::Read,
    sql: "SELECT c.payment_id, c.seq, c.digest, c.positions \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment_change AS c ON c.payment_id = UNHEX(w.id) \
          AND c.seq = (SELECT MAX(m.seq) FROM payment_change AS m WHERE m.payment_id = UNHEX(w.id) \
            AND m.seq < COALESCE((SELECT MIN(l.seq) FROM payment_change AS l \
              WHERE l.payment_id = UNHEX(w.id) AND l.recorded_at > ?), 4294967296))",
};

const HEADS_AT: Statement = Statement {
    name: "owned_heads_at",
    account: Account::App,
    sql: "SELECT c.payment_id, c.seq, c.digest, c.positions \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment AS p ON p.payment_id = UNHEX(w.id) AND p.merchant_id = ? \
          STRAIGHT_JOIN payment_change AS c ON c.payment_id = p.payment_id AND c.seq = ?",
};

const CLOCK: Statement =
    Statement { name: "database_clock", account: Account::App, sql: "SELECT UTC_TIMESTAMP(6) AS at" };

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[CLOCK, HEADS, HEADS_AS_OF, ANY_HEADS_AS_OF, HEADS_AT];

/// When a payment is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// As of its last change.
    Now,
    /// With what was recorded up to then.
    AsOf(DateTime<Utc>),
    /// After the change of this number.
    Version(u32),
}

/// The database's clock.
pub async fn clock(connection: &mut MySqlConnection) -> Result<DateTime<Utc>, StoreError> {
    let at: chrono::NaiveDateTime = sqlx::query_scalar(CLOCK.sql).fetch_one(connection).await?;
    Ok(at.and_utc())
}

/// Where the chains of these payments stand, or stood at another moment; those that are not the merchant's, or not yet there,
/// are left out.
pub async fn heads(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    ids: &[PaymentId],
    moment: Moment,
) -> Result<HashMap<PaymentId, Head>, StoreError> {
    let query = match moment {
        Moment::Now => sqlx::query(HEADS.sql).bind(wanted(ids)).bind(merchant_id),
        Moment::AsOf(as_of) => sqlx::query(HEADS_AS_OF.sql).bind(wanted(ids)).bind(merchant_id).bind(as_of),
        Moment::Version(seq) => sqlx::query(HEADS_AT.sql).bind(wanted(ids)).bind(merchant_id).bind(seq),
    };
    query.fetch_all(connection).await?.iter().map(head).collect()
}

/// Where the chains of these payments of any merchants stood when only what was recorded up to `as_of` was known.
pub async fn any_heads_as_of(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
    as_of: DateTime<Utc>,
) -> Result<HashMap<PaymentId, Head>, StoreError> {
    let query = sqlx::query(ANY_HEADS_AS_OF.sql).bind(wanted(ids)).bind(as_of);
    query.fetch_all(connection).await?.iter().map(head).collect()
}
