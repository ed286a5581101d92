//! What waits for somebody: network cancels that are not settled, attempts nobody answered, cancels still in progress.
//! Each scan is bounded by time and by count; a settled item drops out because the fact that settles it exists.

use chrono::{DateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::ids::PaymentId;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// An abandoned authorization that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueReversal {
    pub payment_id: PaymentId,
    pub leg_no: u8,
    /// The AUTH attempt.
    pub attempt_no: u16,
    pub requested_at: DateTime<Utc>,
    pub late_until: DateTime<Utc>,
    pub valid_until: DateTime<Utc>,
    /// NET_CANCEL attempts so far.
    pub tries: u16,
    /// The deadline of the last of them.
    pub last_deadline: Option<DateTime<Utc>>,
}

const REVERSALS: Statement = Statement {
    name: "due_reversals",
    account: Account::App,
    sql: "SELECT n.payment_id, n.leg_no, n.attempt_no, n.requested_at, n.late_until, n.valid_until, \
          (SELECT COUNT(*) FROM attempt AS a WHERE a.payment_id = n.payment_id AND a.leg_no = n.leg_no \
             AND a.kind = 'NET_CANCEL' AND a.target_no = n.attempt_no) AS tries, \
          (SELECT MAX(a.deadline_at) FROM attempt AS a WHERE a.payment_id = n.payment_id AND a.leg_no = n.leg_no \
             AND a.kind = 'NET_CANCEL' AND a.target_no = n.attempt_no) AS last_deadline \
          FROM network_cancel AS n \
          WHERE n.requested_at >= ? AND n.requested_at <= ? \
          AND COALESCE((SELECT o.outcome FROM network_cancel_outcome AS o WHERE o.payment_id = n.payment_id \
             AND o.leg_no = n.leg_no AND o.attempt_no = n.attempt_no ORDER BY o.outcome_no DESC LIMIT 1), 'REOPENED') = 'REOPENED' \
          ORDER BY n.requested_at LIMIT ?",
};
/// Joins, no NOT EXISTS: that one was materialized, by reading every result there is.
const STALE: Statement = Statement {
    name: "stale_intents",
    account: Account::App,
    sql: "SELECT a.payment_id, a.leg_no, a.attempt_no FROM attempt AS a \
          LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind AND v.attempt_no = a.attempt_no \
          LEFT JOIN attempt_result AS r ON r.payment_id = a.payment_id AND r.leg_no = a.leg_no AND r.kind = a.kind \
             AND r.attempt_no = a.attempt_no AND r.outcome IN ('APPROVED', 'ISSUED') \
          WHERE a.auth_deadline >= ? AND a.auth_deadline <= ? AND v.payment_id IS NULL AND r.payment_id IS NULL \
          ORDER BY a.auth_deadline LIMIT ?",
};
/// Read in this order, whatever the statistics say: few payments are old enough and undecided.
const LEFT: Statement = Statement {
    name: "left_approvals",
    account: Account::App,
    sql: "SELECT a.payment_id, a.leg_no, a.attempt_no FROM payment AS p FORCE INDEX (ix_payment_created) \
          LEFT JOIN payment_verdict AS w ON w.payment_id = p.payment_id \
          STRAIGHT_JOIN attempt AS a ON a.payment_id = p.payment_id \
          LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind AND v.attempt_no = a.attempt_no \
          WHERE p.created_at >= ? AND p.created_at <= ? AND w.payment_id IS NULL AND a.kind = 'AUTH' AND a.sent_by = 'CALLER' \
          AND v.payment_id IS NULL ORDER BY p.created_at LIMIT ?",
};
/// By the day's index, whatever the statistics say: the days behind the horizon grow, and with few of them the whole table
/// looked cheaper.
const OPEN_CANCELS: Statement = Statement {
    name: "open_cancels",
    account: Account::App,
    sql: "SELECT DISTINCT c.payment_id, c.cancel_no FROM cancellation AS c FORCE INDEX (ix_cancellation_day) \
          JOIN cancel_share AS s ON s.payment_id = c.payment_id AND s.cancel_no = c.cancel_no \
          LEFT JOIN cancel_outcome AS o ON o.payment_id = s.payment_id AND o.cancel_no = s.cancel_no AND o.leg_no = s.leg_no \
          WHERE c.business_date >= ? AND c.requested_at <= ? AND c.origin = 'LIVE' AND o.payment_id IS NULL LIMIT ?",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[REVERSALS, STALE, LEFT, OPEN_CANCELS];

/// Network cancels requested between `from` and `until` that are not settled, oldest first.
pub async fn reversals(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<DueReversal>, StoreError> {
    let rows = sqlx::query(REVERSALS.sql).bind(from).bind(until).bind(limit).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let (row, payment_id) = Reading::of_payment(row, "network_cancel")?;
            let tries: i64 = row.get("tries")?;
            Ok(DueReversal {
                payment_id,
                leg_no: row.get("leg_no")?,
                attempt_no: row.get("attempt_no")?,
                requested_at: row.get("requested_at")?,
                late_until: row.get("late_until")?,
                valid_until: row.get("valid_until")?,
                tries: u16::try_from(tries).unwrap_or(u16::MAX),
                last_deadline: row.get("last_deadline")?,
            })
        })
        .collect()
}

/// AUTH attempts whose deadline lies between `from` and `until` and that have no verdict; without those that were approved
/// and only wait, with their payment, for a deposit or a further leg.
pub async fn stale(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(PaymentId, u8, u16)>, StoreError> {
    let rows = sqlx::query(STALE.sql).bind(from).bind(until).bind(limit).fetch_all(connection).await?;
    keys(&rows)
}

fn keys(rows: &[MySqlRow]) -> Result<Vec<(PaymentId, u8, u16)>, StoreError> {
    rows.iter()
        .map(|row| {
            let (row, id) = Reading::of_payment(row, "attempt")?;
            Ok((id, row.get("leg_no")?, row.get("attempt_no")?))
        })
        .collect()
}

/// AUTH attempts of callers that have no verdict, of payments that were created between `from` and `until`.
pub async fn left(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(PaymentId, u8, u16)>, StoreError> {
    let rows = sqlx::query(LEFT.sql).bind(from).bind(until).bind(limit).fetch_all(connection).await?;
    keys(&rows)
}

/// Cancels that an issuer has not answered.
pub async fn open_cancels(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<(PaymentId, u16)>, StoreError> {
    let query = sqlx::query(OPEN_CANCELS.sql).bind(from.date_naive()).bind(until).bind(limit);
    let rows = query.fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let (row, id) = Reading::of_payment(row, "cancellation")?;
            Ok((id, row.get("cancel_no")?))
        })
        .collect()
}
