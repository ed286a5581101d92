//! Which payments may be exposed: those with an authorization that is to be undone and is not, those with one that nobody has
//! judged, and those with an answer that contradicts what was decided. What they are is decided by their facts. Looked for is
//! [`HORIZON`] back, and what people have taken over by an index of its own, however old it is.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::ids::PaymentId;
use crate::payment::fact::ContradictionStep;

use super::StoreError;
use super::due::HORIZON;
use super::read::Reading;
use super::statement::{Account, Statement};

/// Payments of one read.
const BATCH: u32 = 1_000;
/// The longest an issuer is waited for: an attempt that far from its deadline may be exposed already.
const LONGEST_WAIT: TimeDelta = TimeDelta::minutes(10);
/// Outcomes younger than this at the instant are judged by the payment's changes, not by their own time.
const SLACK: TimeDelta = TimeDelta::minutes(10);

macro_rules! statement {
    ($const:ident, $name:literal, $account:ident, $($sql:expr),+) => {
        const $const: Statement = Statement { name: $name, account: Account::$account, sql: concat!($($sql),+) };
    };
}

/// Network cancels that are not settled, oldest first. The index on their time leads, whatever the statistics of a table that is
/// nearly empty make of it.
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

/// What people have taken over: nothing follows that, so each is one. By the index that begins with it, for the same reason.
macro_rules! escalations {
    ($const:ident, $name:literal, $account:ident, $join:literal) => {
        statement!(
            $const,
            $name,
            $account,
            "SELECT o.payment_id, o.decided_at AS place \
             FROM network_cancel_outcome AS o FORCE INDEX (ix_network_cancel_outcome_decided) ",
            $join,
            "WHERE o.outcome = 'ESCALATED' AND o.decided_at >= ? AND o.decided_at <= ? AND (o.decided_at > ? OR o.payment_id > ?) \
             ORDER BY o.decided_at, o.payment_id LIMIT ?"
        );
    };
}

/// Answers that contradict what was decided, by the step that was taken about them. By the index of the step, for the same
/// reason.
macro_rules! contradictions {
    ($const:ident, $name:literal, $account:ident, $join:literal) => {
        statement!(
            $const,
            $name,
            $account,
            "SELECT c.payment_id, c.decided_at AS place FROM contradiction AS c FORCE INDEX (ix_contradiction_step) ",
            $join,
            "WHERE c.step = ? AND c.decided_at >= ? AND c.decided_at <= ? AND (c.decided_at > ? OR c.payment_id > ?) \
             ORDER BY c.decided_at, c.payment_id LIMIT ?"
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
escalations!(ESCALATIONS, "exposed_escalations", Read, "");
escalations!(
    ESCALATIONS_OF_MERCHANT,
    "exposed_escalations_of_merchant",
    App,
    "STRAIGHT_JOIN payment AS p ON p.payment_id = o.payment_id AND p.merchant_id = ? "
);
contradictions!(CONTRADICTIONS, "exposed_contradictions", Read, "");
contradictions!(
    CONTRADICTIONS_OF_MERCHANT,
    "exposed_contradictions_of_merchant",
    App,
    "STRAIGHT_JOIN payment AS p ON p.payment_id = c.payment_id AND p.merchant_id = ? "
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
pub const STATEMENTS: &[Statement] = &[
    REVERSALS,
    REVERSALS_OF_MERCHANT,
    ESCALATIONS,
    ESCALATIONS_OF_MERCHANT,
    CONTRADICTIONS,
    CONTRADICTIONS_OF_MERCHANT,
    UNJUDGED_ATTEMPTS,
    UNJUDGED_PAYMENTS,
];

/// Where a scan in the order of time goes on.
#[derive(Clone, Copy)]
struct Place {
    at: DateTime<Utc>,
    payment_id: PaymentId,
}

/// A scan in the order of time: the statement, what it is bound to before the times, how far back it looks, and whether it
/// is bound to what was judged by when.
struct Scan<'a> {
    statement: Statement,
    first: Vec<&'a str>,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
    judged_by: Option<DateTime<Utc>>,
}

/// The payments that may have been exposed at an instant, of all merchants.
pub async fn candidates(
    connection: &mut MySqlConnection,
    at: DateTime<Utc>,
) -> Result<Vec<PaymentId>, StoreError> {
    let mut found = Vec::new();
    let statements = [REVERSALS, ESCALATIONS, CONTRADICTIONS];
    for scan in scans(statements, None, at) {
        run(&mut *connection, scan, &mut found).await?;
    }
    let unjudged = Scan {
        statement: UNJUDGED_ATTEMPTS,
        first: Vec::new(),
        from: at - HORIZON,
        until: at + LONGEST_WAIT,
        judged_by: Some(at - SLACK),
    };
    run(connection, unjudged, &mut found).await?;
    Ok(distinct(found))
}

/// The payments of a merchant that may have been exposed at an instant.
pub async fn candidates_of(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    at: DateTime<Utc>,
) -> Result<Vec<PaymentId>, StoreError> {
    let mut found = Vec::new();
    let statements = [REVERSALS_OF_MERCHANT, ESCALATIONS_OF_MERCHANT, CONTRADICTIONS_OF_MERCHANT];
    for scan in scans(statements, Some(merchant_id), at) {
        run(&mut *connection, scan, &mut found).await?;
    }
    let until = PaymentId::first_at(at + TimeDelta::milliseconds(1));
    let mut after = PaymentId::first_at(at - HORIZON);
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

/// What is to be undone and is not, what people have taken over, and what contradicts: still to be undone, or with people.
fn scans(
    [reversals, escalations, contradictions]: [Statement; 3],
    merchant_id: Option<&str>,
    at: DateTime<Utc>,
) -> [Scan<'_>; 4] {
    let scan = |statement, step: Option<&'static str>, from, judged_by| Scan {
        statement,
        first: merchant_id.into_iter().chain(step).collect(),
        from,
        until: at,
        judged_by,
    };
    let ever = DateTime::UNIX_EPOCH;
    [
        scan(reversals, None, at - HORIZON, Some(at - SLACK)),
        scan(escalations, None, ever, None),
        scan(contradictions, Some(ContradictionStep::Raised.code()), at - HORIZON, None),
        scan(contradictions, Some(ContradictionStep::Escalated.code()), ever, None),
    ]
}

async fn run(
    connection: &mut MySqlConnection,
    scan: Scan<'_>,
    found: &mut Vec<PaymentId>,
) -> Result<(), StoreError> {
    let mut place = Place { at: scan.from, payment_id: PaymentId::first_at(DateTime::UNIX_EPOCH) };
    loop {
        let mut query = sqlx::query(scan.statement.sql);
        for text in &scan.first {
            query = query.bind(*text);
        }
        let place_id = place.payment_id;
        query = query.bind(place.at).bind(scan.until).bind(place.at).bind(place_id.as_bytes().as_slice());
        if let Some(judged_by) = scan.judged_by {
            query = query.bind(judged_by);
        }
        let rows = query.bind(BATCH).fetch_all(&mut *connection).await?;
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
