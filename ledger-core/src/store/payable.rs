//! What is owed to a merchant for a business day, from the journal: the lines that count for the day, as far as they were
//! recorded up to an instant. What was recorded after the day had ended is told apart.

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlConnection;

use crate::money::Currency;
use crate::time::BusinessDate;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

/// What is owed for a day in one currency: credits without debits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payable {
    pub merchant_id: String,
    pub business_date: BusinessDate,
    pub currency: Currency,
    pub credit: i64,
    pub debit: i64,
    pub lines: i64,
    /// Of it, what was recorded after the day had ended: credits without debits.
    pub recorded_later: i64,
    pub lines_recorded_later: i64,
}

impl Payable {
    /// What is owed.
    pub const fn amount(&self) -> i64 {
        self.credit - self.debit
    }
}

/// A line was known at the instant when its change and all before it were recorded by then. The index is named: it holds the
/// day's lines of the merchant and nothing else, and statistics of one merchant mislead about another.
macro_rules! payable {
    ($const:ident, $name:literal, $account:ident) => {
        const $const: Statement = Statement {
            name: $name,
            account: Account::$account,
            sql: "SELECT CAST(COALESCE(SUM(IF(j.side = 'C', j.amount, 0)), 0) AS SIGNED) AS credit, \
                  CAST(COALESCE(SUM(IF(j.side = 'D', j.amount, 0)), 0) AS SIGNED) AS debit, COUNT(*) AS line_count, \
                  CAST(COALESCE(SUM(IF(c.recorded_at >= ?, IF(j.side = 'C', j.amount, -j.amount), 0)), 0) AS SIGNED) AS later, \
                  CAST(COALESCE(SUM(c.recorded_at >= ?), 0) AS SIGNED) AS later_count \
                  FROM journal_line AS j FORCE INDEX (ix_journal_line_merchant) \
                  STRAIGHT_JOIN payment_change AS c ON c.payment_id = j.payment_id AND c.seq = j.seq \
                  WHERE j.merchant_id = ? AND j.account = 'MERCHANT_PAYABLE' AND j.business_date = ? AND j.currency = ? \
                  AND NOT EXISTS (SELECT 1 FROM payment_change AS e WHERE e.payment_id = j.payment_id AND e.seq <= j.seq \
                    AND e.recorded_at > ?)",
        };
    };
}

payable!(OF_MERCHANT, "payable_of_merchant", App);
payable!(ON_REPLICA, "payable_on_replica", Read);

/// The index is named: without it the optimizer reads the table to sort it.
const NEXT_MERCHANT: Statement = Statement {
    name: "next_merchant_of_journal",
    account: Account::Read,
    sql: "SELECT j.merchant_id FROM journal_line AS j FORCE INDEX (ix_journal_line_merchant) \
          WHERE j.merchant_id > ? ORDER BY j.merchant_id LIMIT 1",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[OF_MERCHANT, ON_REPLICA, NEXT_MERCHANT];

/// What is owed to a merchant for a day, as known at `as_of`.
pub async fn of_merchant(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    day: BusinessDate,
    as_of: DateTime<Utc>,
) -> Result<Vec<Payable>, StoreError> {
    sums(connection, OF_MERCHANT, merchant_id, day, as_of).await
}

/// What is owed to every merchant for a day, as known at `as_of`.
pub async fn of_all(
    connection: &mut MySqlConnection,
    day: BusinessDate,
    as_of: DateTime<Utc>,
) -> Result<Vec<Payable>, StoreError> {
    let mut payables = Vec::new();
    let mut merchant_id = String::new();
    while let Some(row) =
        sqlx::query(NEXT_MERCHANT.sql).bind(&merchant_id).fetch_optional(&mut *connection).await?
    {
        merchant_id = Reading::new(&row, "journal_line", "a row").get("merchant_id")?;
        payables.extend(sums(&mut *connection, ON_REPLICA, &merchant_id, day, as_of).await?);
    }
    Ok(payables)
}

async fn sums(
    connection: &mut MySqlConnection,
    statement: Statement,
    merchant_id: &str,
    day: BusinessDate,
    as_of: DateTime<Utc>,
) -> Result<Vec<Payable>, StoreError> {
    let ended = day.ends_at().unwrap_or(DateTime::<Utc>::MAX_UTC);
    let mut payables = Vec::new();
    for currency in Currency::ALL {
        let query = sqlx::query(statement.sql).bind(ended).bind(ended).bind(merchant_id).bind(day.day());
        let row = query.bind(currency.code()).bind(as_of).fetch_one(&mut *connection).await?;
        let row = Reading::new(&row, "journal_line", merchant_id);
        let payable = Payable {
            merchant_id: merchant_id.to_owned(),
            business_date: day,
            currency: *currency,
            credit: row.get("credit")?,
            debit: row.get("debit")?,
            lines: row.get("line_count")?,
            recorded_later: row.get("later")?,
            lines_recorded_later: row.get("later_count")?,
        };
        if payable.lines > 0 {
            payables.push(payable);
        }
    }
    Ok(payables)
}
