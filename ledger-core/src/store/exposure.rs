//! Which payments may be exposed: those with an authorization that is to be undone and is not, and those with one that nobody
//! has judged. What they are is decided by their facts.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::ids::PaymentId;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// Payments of one read.
const BATCH: u32 = 1_000;
/// How long an attempt may be without a verdict before it is no longer looked for: recovery has given it up long before.
const UNJUDGED: TimeDelta = TimeDelta::days(8);
/// The same for one merchant, among whose payments they are looked for.
const UNJUDGED_OF_MERCHANT: TimeDelta = TimeDelta::days(1);
/// The longest an issuer is waited for: an attempt that far from its deadline may be exposed already.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);
/// Outcomes younger than this at the instant are judged by the payment's changes, not by their own time.
const SLACK: TimeDelta = TimeDelta::minutes(10);

macro_rules! statement {
    ($const:ident, $name:literal, $account:ident, $($sql:expr),+) => {
        const $const: Statement = Statement { name: $name, account: Account::$account, sql: concat!($($sql),+) };
    };
}

/// Network cancels that are not settled, oldest first. They are few: the index on their time leads, whatever the statistics
/// of a table that is nearly empty make of it.
macro_rules! reversals {
    ($const:ident, $name:literal, $account:ident, $join:literal) => {
        statement!(
            $const,
            $name,
            $account,
            "SELECT n.payment_id, n.requested_at AS place FROM network_cancel AS n FORCE INDEX (ix_network_cancel_requested) ",
            $join,
            "WHERE n.requested_at >= ? AND n.requested_at <= ? AND (n.requested_at > ? OR n.payment_id > ?) \
             AND COALESCE((SELECT o.outcome FROM network_cancel_outcome AS o WHERE o.payment_id = n.payment_id \
               AND o.leg_no = n.leg_no AND o.attempt_no = n.attempt_no AND o.decided_at <= ? \
               ORDER BY o.outcome_no DESC LIMIT 1), 'REOPENED') IN ('REOPENED', 'ESCALATED') \
             ORDER BY n.requested_at, n.payment_id LIMIT ?"
        );
    };
}

reversals!(REVERSALS, "exposed_reversals", Read, "");
reversals!(
    REVERSALS_OF_MERCHANT,
    "exposed_reversals_of_merchant",
    App,
    "STRAIGHT_JOIN payment AS p ON p.payment_id = n.payment_id AND p.merchant_id = ? "
);
// The index is named: nearly all attempts have a verdict, so from the statistics a look at all of them seems no dearer.
statement!(
    UNJUDGED_ATTEMPTS,
    "exposed_attempts",
    Read,
    "SELECT a.payment_id, a.auth_deadline AS place FROM attempt AS a FORCE INDEX (ix_attempt_auth_deadline) \
     LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind \
       AND v.attempt_no = a.attempt_no \
     WHERE a.auth_deadline >= ? AND a.auth_deadline <= ? AND (a.auth_deadline > ? OR a.payment_id > ?) \
       AND (v.payment_id IS NULL OR v.decided_at > ?) \
     ORDER BY a.auth_deadline, a.payment_id LIMIT ?"
);
// The index is named: the optimizer would rather take the day of all merchants by the primary key.
statement!(
    UNJUDGED_PAYMENTS,
    "exposed_payments_of_merchant",
    App,
    "SELECT p.payment_id FROM payment AS p FORCE INDEX (ix_payment_merchant) \
     LEFT JOIN payment_verdict AS v ON v.payment_id = p.payment_id \
     WHERE p.merchant_id = ? AND p.payment_id > ? AND p.payment_id < ? AND (v.payment_id IS NULL OR v.decided_at > ?) \
       AND EXISTS (SELECT 1 FROM approval AS a WHERE a.payment_id = p.payment_id) \
     ORDER BY p.payment_id LIMIT ?"
);

/// All of them, for the register.
pub const STATEMENTS: &[Statement] =
    &[REVERSALS, REVERSALS_OF_MERCHANT, UNJUDGED_ATTEMPTS, UNJUDGED_PAYMENTS];

/// Where a scan in the order of time goes on.
#[derive(Clone, Copy)]
struct Place {
    at: DateTime<Utc>,
    payment_id: PaymentId,
}

/// The payments that may have been exposed at an instant, of all merchants.
pub async fn candidates(
    connection: &mut MySqlConnection,
    at: DateTime<Utc>,
) -> Result<Vec<PaymentId>, StoreError> {
    let mut found = Vec::new();
    scan(&mut *connection, REVERSALS, None, (DateTime::UNIX_EPOCH, at), at, &mut found).await?;
    let deadlines = (at - UNJUDGED, at + LONGEST_WAIT);
    scan(connection, UNJUDGED_ATTEMPTS, None, deadlines, at, &mut found).await?;
    Ok(distinct(found))
}

/// The payments of a merchant that may have been exposed at an instant.
pub async fn candidates_of(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    at: DateTime<Utc>,
) -> Result<Vec<PaymentId>, StoreError> {
    let mut found = Vec::new();
    let requested = (DateTime::UNIX_EPOCH, at);
    scan(&mut *connection, REVERSALS_OF_MERCHANT, Some(merchant_id), requested, at, &mut found).await?;
    let until = PaymentId::first_at(at + TimeDelta::milliseconds(1));
    let mut after = PaymentId::first_at(at - UNJUDGED_OF_MERCHANT);
    loop {
        let query = sqlx::query(UNJUDGED_PAYMENTS.sql).bind(merchant_id).bind(after.as_bytes().as_slice());
        let query = query.bind(until.as_bytes().as_slice()).bind(at - SLACK).bind(BATCH);
        let rows = query.fetch_all(&mut *connection).await?;
        for row in &rows {
            after = Reading::of_payment(row, "payment")?.1;
            found.push(after);
        }
        if is_last(&rows) {
            return Ok(distinct(found));
        }
    }
}

async fn scan(
    connection: &mut MySqlConnection,
    statement: Statement,
    merchant_id: Option<&str>,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    at: DateTime<Utc>,
    found: &mut Vec<PaymentId>,
) -> Result<(), StoreError> {
    let mut place = Place { at: from, payment_id: PaymentId::first_at(DateTime::UNIX_EPOCH) };
    loop {
        let mut query = sqlx::query(statement.sql);
        if let Some(merchant_id) = merchant_id {
            query = query.bind(merchant_id);
        }
        let query =
            query.bind(place.at).bind(until).bind(place.at).bind(place.payment_id.as_bytes().as_slice());
        let rows = query.bind(at - SLACK).bind(BATCH).fetch_all(&mut *connection).await?;
        for row in &rows {
            let (row, payment_id) = Reading::of_payment(row, "network_cancel")?;
            place = Place { at: row.get("place")?, payment_id };
            found.push(payment_id);
        }
        if is_last(&rows) {
            return Ok(());
        }
    }
}

fn is_last(rows: &[MySqlRow]) -> bool {
    rows.len() < usize::try_from(BATCH).unwrap_or(usize::MAX)
}

fn distinct(mut ids: Vec<PaymentId>) -> Vec<PaymentId> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
