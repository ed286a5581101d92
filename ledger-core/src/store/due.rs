//! What waits for somebody: network cancels that are not settled, attempts nobody answered, cancels still in progress.
//! Each scan is bounded by time and by count; a settled item drops out because the fact that settles it exists.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::ids::PaymentId;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// How far back what is not settled is looked for, be it to go on with it or to say what is exposed: longer than the longest
/// validity an issuer can have, seven days. What people have taken over is found however old it is.
pub const HORIZON: TimeDelta = TimeDelta::days(8);

/// An abandoned authorization, or an approval that nobody wants, that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueReversal {
    pub payment_id: PaymentId,
    pub leg_no: u8,
    /// The AUTH attempt.
    pub attempt_no: u16,
    /// One approval among its results; nothing for the attempt as a whole.
    pub result_no: Option<u16>,
    pub requested_at: DateTime<Utc>,
    pub late_until: DateTime<Utc>,
    pub valid_until: DateTime<Utc>,
    /// NET_CANCEL and INQUIRY attempts so far.
    pub tries: u16,
    /// The deadline of the last of them.
    pub last_deadline: Option<DateTime<Utc>>,
}

const REVERSALS: Statement = Statement {
    name: "due_reversals",
    account: Account::App,
    sql: "SELECT n.payment_id, n.leg_no, n.attempt_no, NULL AS result_no, n.requested_at, n.late_until, n.valid_until, \
          (SELECT COUNT(*) FROM attempt AS a WHERE a.payment_id = n.payment_id AND a.leg_no = n.leg_no \
             AND a.kind IN ('NET_CANCEL', 'INQUIRY') AND a.target_no = n.attempt_no) AS tries, \
          (SELECT MAX(a.deadline_at) FROM attempt AS a WHERE a.payment_id = n.payment_id AND a.leg_no = n.leg_no \
             AND a.kind IN ('NET_CANCEL', 'INQUIRY') AND a.target_no = n.attempt_no) AS last_deadline \
          FROM network_cancel AS n \
          WHERE n.requested_at >= ? AND n.requested_at <= ? \
          AND COALESCE((SELECT o.outcome FROM network_cancel_outcome AS o WHERE o.payment_id = n.payment_id \
             AND o.leg_no = n.leg_no AND o.attempt_no = n.attempt_no ORDER BY o.outcome_no DESC LIMIT 1), 'REOPENED') = 'REOPENED' \
          ORDER BY n.requested_at LIMIT ?",
};
/// By the index of the step, whatever the statistics of a table that is nearly empty say.
const CONTRADICTIONS: Statement = Statement {
    name: "due_contradictions",
    account: Account::App,
    sql: "SELECT c.payment_id, c.leg_no, c.attempt_no, c.result_no, c.decided_at AS requested_at, c.decided_at AS late_until, \
          c.valid_until, \
          (SELECT COUNT(*) FROM attempt AS a WHERE a.payment_id = c.payment_id AND a.leg_no = c.leg_no \
             AND a.kind IN ('NET_CANCEL', 'INQUIRY') AND a.target_no = c.attempt_no AND a.target_result = c.result_no) AS tries, \
          (SELECT MAX(a.deadline_at) FROM attempt AS a WHERE a.payment_id = c.payment_id AND a.leg_no = c.leg_no \
             AND a.kind IN ('NET_CANCEL', 'INQUIRY') AND a.target_no = c.attempt_no AND a.target_result = c.result_no) AS last_deadline \
          FROM contradiction AS c FORCE INDEX (ix_contradiction_step) \
          LEFT JOIN contradiction AS d FORCE INDEX (PRIMARY) ON d.payment_id = c.payment_id AND d.leg_no = c.leg_no AND d.kind = c.kind \
            AND d.attempt_no = c.attempt_no AND d.outcome = c.outcome AND d.result_no = c.result_no AND d.step_no = 2 \
          WHERE c.step = 'RAISED' AND c.decided_at >= ? AND c.decided_at <= ? AND c.kind = 'AUTH' AND d.payment_id IS NULL \
          ORDER BY c.decided_at LIMIT ?",
};
/// Joins, no NOT EXISTS: that one was materialized, by reading every result there is.
const STALE: Statement = Statement {
    name: "stale_intents",
    account: Account::App,
    sql: "SELECT a.payment_id, a.leg_no, a.attempt_no, a.auth_deadline FROM attempt AS a \
          LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind AND v.attempt_no = a.attempt_no \
          LEFT JOIN attempt_result AS r ON r.payment_id = a.payment_id AND r.leg_no = a.leg_no AND r.kind = a.kind \
             AND r.attempt_no = a.attempt_no AND r.outcome IN ('APPROVED', 'ISSUED') \
          WHERE a.auth_deadline >= ? AND a.auth_deadline <= ? AND v.payment_id IS NULL AND r.payment_id IS NULL \
          ORDER BY a.auth_deadline LIMIT ?",
};
/// By the index of the deadline and in this order, whatever the statistics say: of nearly all attempts the verdict, next to
/// them, tells that there is nothing to be done, and the payment of the rest is looked up.
const LEFT: Statement = Statement {
    name: "left_approvals",
    account: Account::App,
    sql: "SELECT a.payment_id, a.leg_no, a.attempt_no, a.auth_deadline FROM attempt AS a FORCE INDEX (ix_attempt_auth_deadline) \
          LEFT JOIN attempt_verdict AS v ON v.payment_id = a.payment_id AND v.leg_no = a.leg_no AND v.kind = a.kind AND v.attempt_no = a.attempt_no \
          STRAIGHT_JOIN payment AS p ON p.payment_id = a.payment_id \
          WHERE a.auth_deadline >= ? AND a.auth_deadline <= ? AND a.sent_by = 'CALLER' AND v.payment_id IS NULL \
          AND p.expires_at <= ? ORDER BY a.auth_deadline LIMIT ?",
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
pub const STATEMENTS: &[Statement] = &[REVERSALS, CONTRADICTIONS, STALE, LEFT, OPEN_CANCELS];

/// Network cancels requested between `from` and `until` that are not settled, and approvals that nobody wants raised between
/// them, oldest first.
pub async fn reversals(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<DueReversal>, StoreError> {
    let mut due = Vec::new();
    for statement in [REVERSALS, CONTRADICTIONS] {
        let query = sqlx::query(statement.sql).bind(from).bind(until).bind(limit);
        for row in query.fetch_all(&mut *connection).await? {
            due.push(reversal(&row)?);
        }
    }
    due.sort_by_key(|order| order.requested_at);
    Ok(due)
}

fn reversal(row: &MySqlRow) -> Result<DueReversal, StoreError> {
    let (row, payment_id) = Reading::of_payment(row, "network_cancel")?;
    let tries: i64 = row.get("tries")?;
    Ok(DueReversal {
        payment_id,
        leg_no: row.get("leg_no")?,
        attempt_no: row.get("attempt_no")?,
        result_no: row.get("result_no")?,
        requested_at: row.get("requested_at")?,
        late_until: row.get("late_until")?,
        valid_until: row.get("valid_until")?,
        tries: u16::try_from(tries).unwrap_or(u16::MAX),
        last_deadline: row.get("last_deadline")?,
    })
}

/// An AUTH attempt without a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unjudged {
    pub payment_id: PaymentId,
    pub leg_no: u8,
    pub attempt_no: u16,
    pub deadline_at: DateTime<Utc>,
}

/// AUTH attempts whose deadline lies between `from` and `until` and that have no verdict; without those that were approved
/// and only wait, with their payment, for a deposit or a further leg.
pub async fn stale(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Unjudged>, StoreError> {
    let rows = sqlx::query(STALE.sql).bind(from).bind(until).bind(limit).fetch_all(connection).await?;
    rows.iter().map(unjudged).collect()
}

fn unjudged(row: &MySqlRow) -> Result<Unjudged, StoreError> {
    let (row, payment_id) = Reading::of_payment(row, "attempt")?;
    Ok(Unjudged {
        payment_id,
        leg_no: row.get("leg_no")?,
        attempt_no: row.get("attempt_no")?,
        deadline_at: row.get("auth_deadline")?,
    })
}

/// AUTH attempts of callers that have no verdict, with a deadline between `from` and `until`, of payments that had expired
/// by `until`.
pub async fn left(
    connection: &mut MySqlConnection,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<Unjudged>, StoreError> {
    let query = sqlx::query(LEFT.sql).bind(from).bind(until).bind(until).bind(limit);
    query.fetch_all(connection).await?.iter().map(unjudged).collect()
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
