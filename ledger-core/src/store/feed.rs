//! What a merchant lists: its payments, newest first, and the lines of the journal by which money came in or went back. Each
//! page starts at a position and reads on from there; its statements read the merchant's own index entries only.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::ids::PaymentId;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// How far a decision may be before the instant by which it is known, whoever's clocks those are.
const CLOCKS_APART: TimeDelta = TimeDelta::minutes(1);

/// A line of the journal by which money moved at an issuer: its place in the feed, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedLine {
    /// Where it stands.
    pub position: FeedPosition,
    /// The approval it is about.
    pub leg_no: u8,
    /// What it stands for; nothing when it is neither.
    pub meaning: Option<Meaning>,
}

/// What a line of the feed stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The leg was approved.
    Approved,
    /// The leg's share of this cancellation was refunded.
    Refunded(u16),
}

/// A place in the feed: newest day first, in a day the newest payment, in a payment its newest line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPosition {
    pub business_date: NaiveDate,
    pub payment_id: PaymentId,
    pub seq: u32,
    pub line_no: u16,
}

/// A payment in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedPayment {
    pub payment_id: PaymentId,
    /// The change that ended its first phase, if one has.
    pub verdict_seq: Option<u32>,
}

/// The lines of a feed under a condition. The index is named: for a small limit the optimizer takes the primary key
/// backwards, past the lines of all merchants.
macro_rules! feed {
    ($const:ident, $name:literal, $condition:literal, $order:literal) => {
        const $const: Statement = Statement {
            name: $name,
            account: Account::App,
            sql: concat!(
                "SELECT j.payment_id, j.seq, j.line_no, j.leg_no, j.business_date, v.seq AS confirmed_by, o.cancel_no \
                 FROM journal_line AS j FORCE INDEX (ix_journal_line_merchant) \
                 LEFT JOIN payment_verdict AS v ON v.payment_id = j.payment_id AND v.seq = j.seq AND v.verdict = 'CONFIRMED' \
                 LEFT JOIN cancel_outcome AS o ON o.payment_id = j.payment_id AND o.seq = j.seq AND o.leg_no = j.leg_no \
                   AND o.outcome = 'DONE' \
                 WHERE j.merchant_id = ? AND j.account = 'ISSUER_RECEIVABLE' AND ",
                $condition,
                " ORDER BY ",
                $order,
                " LIMIT ?"
            ),
        };
    };
}

feed!(
    DAYS,
    "feed_days",
    "j.business_date BETWEEN ? AND ?",
    "j.business_date DESC, j.payment_id DESC, j.seq DESC, j.line_no DESC"
);
feed!(
    REST_OF_DAY,
    "feed_rest_of_day",
    "j.business_date = ? AND j.payment_id <= ? \
     AND (j.payment_id < ? OR j.seq < ? OR (j.seq = ? AND j.line_no < ?))",
    "j.payment_id DESC, j.seq DESC, j.line_no DESC"
);

/// The index is named: for a small limit the optimizer takes the primary key backwards, past the payments of all merchants.
const PAYMENTS: Statement = Statement {
    name: "listed_payments",
    account: Account::App,
    sql: "SELECT p.payment_id, v.seq AS verdict_seq FROM payment AS p FORCE INDEX (ix_payment_merchant) \
          LEFT JOIN payment_verdict AS v ON v.payment_id = p.payment_id \
          WHERE p.merchant_id = ? AND p.payment_id < ? ORDER BY p.payment_id DESC LIMIT ?",
};

/// Those without a verdict for whose sake an issuer was to be asked, in a stretch of ids. Their index entries and the keys of verdicts
/// are all that is read of those that have ended. The index is named, as above.
const OPEN: Statement = Statement {
    name: "open_payments",
    account: Account::App,
    sql: "SELECT p.payment_id, v.seq AS verdict_seq FROM payment AS p FORCE INDEX (ix_payment_merchant) \
          LEFT JOIN payment_verdict AS v ON v.payment_id = p.payment_id \
          WHERE p.merchant_id = ? AND p.payment_id >= ? AND p.payment_id < ? \
          AND (v.payment_id IS NULL OR v.decided_at > ? AND EXISTS (SELECT 1 FROM payment_change AS c \
            WHERE c.payment_id = p.payment_id AND c.seq <= v.seq AND c.recorded_at > ?)) \
          AND (SELECT MIN(a.leg_no) FROM approval AS a WHERE a.payment_id = p.payment_id) IS NOT NULL \
          ORDER BY p.payment_id DESC LIMIT ?",
};

/// The index is named, as above.
const STRETCH: Statement = Statement {
    name: "stretch_of_payments",
    account: Account::App,
    sql: "SELECT p.payment_id FROM payment AS p FORCE INDEX (ix_payment_merchant) \
          WHERE p.merchant_id = ? AND p.payment_id < ? ORDER BY p.payment_id DESC LIMIT 1 OFFSET ?",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[DAYS, REST_OF_DAY, PAYMENTS, OPEN, STRETCH];

/// The next lines of a merchant's feed, from `after` on or from the newest; at most `limit`.
pub async fn lines(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    days: (NaiveDate, NaiveDate),
    after: Option<FeedPosition>,
    limit: u32,
) -> Result<Vec<FeedLine>, StoreError> {
    let (from, mut to) = days;
    let mut lines = Vec::new();
    if let Some(after) = after {
        let id = after.payment_id.as_bytes().as_slice();
        let query =
            sqlx::query(REST_OF_DAY.sql).bind(merchant_id).bind(after.business_date).bind(id).bind(id);
        let query = query.bind(after.seq).bind(after.seq).bind(after.line_no).bind(limit);
        lines = query.fetch_all(&mut *connection).await?.iter().map(line).collect::<Result<_, _>>()?;
        to = after.business_date.pred_opt().unwrap_or(after.business_date);
        if to >= after.business_date {
            return Ok(lines);
        }
    }
    let missing = limit.saturating_sub(u32::try_from(lines.len()).unwrap_or(u32::MAX));
    if missing > 0 && from <= to {
        let query = sqlx::query(DAYS.sql).bind(merchant_id).bind(from).bind(to).bind(missing);
        for row in query.fetch_all(connection).await? {
            lines.push(line(&row)?);
        }
    }
    Ok(lines)
}

fn line(row: &MySqlRow) -> Result<FeedLine, StoreError> {
    let (row, payment_id) = Reading::of_payment(row, "journal_line")?;
    let position = FeedPosition {
        business_date: row.get("business_date")?,
        payment_id,
        seq: row.get("seq")?,
        line_no: row.get("line_no")?,
    };
    let leg_no: Option<u8> = row.get("leg_no")?;
    let confirmed_by: Option<u32> = row.get("confirmed_by")?;
    let cancel_no: Option<u16> = row.get("cancel_no")?;
    let meaning = match (cancel_no, confirmed_by) {
        (Some(cancel_no), _) => Some(Meaning::Refunded(cancel_no)),
        (None, Some(_)) => Some(Meaning::Approved),
        (None, None) => None,
    };
    Ok(FeedLine { position, leg_no: leg_no.unwrap_or(0), meaning })
}

/// The next payments of a merchant that are older than an id; at most `limit`.
pub async fn payments(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    before: PaymentId,
    limit: u32,
) -> Result<Vec<ListedPayment>, StoreError> {
    let query = sqlx::query(PAYMENTS.sql).bind(merchant_id).bind(before.as_bytes().as_slice()).bind(limit);
    query.fetch_all(connection).await?.iter().map(listed).collect()
}

/// The payment by which a stretch of so many ends that begins before an id; none when there are not so many.
pub async fn end_of_stretch(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    before: PaymentId,
    length: u32,
) -> Result<Option<PaymentId>, StoreError> {
    let query = sqlx::query(STRETCH.sql).bind(merchant_id).bind(before.as_bytes().as_slice());
    let row = query.bind(length.saturating_sub(1)).fetch_optional(connection).await?;
    row.map(|row| Ok(Reading::of_payment(&row, "payment")?.1)).transpose()
}

/// The newest payments of a merchant in a stretch that had legs and no verdict at `as_of`, or have got one since; at most `limit`.
pub async fn open_payments(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    (from, before): (PaymentId, PaymentId),
    as_of: DateTime<Utc>,
    limit: u32,
) -> Result<Vec<ListedPayment>, StoreError> {
    let query = sqlx::query(OPEN.sql).bind(merchant_id).bind(from.as_bytes().as_slice());
    let query = query.bind(before.as_bytes().as_slice()).bind(as_of - CLOCKS_APART).bind(as_of).bind(limit);
    query.fetch_all(connection).await?.iter().map(listed).collect()
}

fn listed(row: &MySqlRow) -> Result<ListedPayment, StoreError> {
    let (row, payment_id) = Reading::of_payment(row, "payment")?;
    Ok(ListedPayment { payment_id, verdict_seq: row.get("verdict_seq")? })
}
