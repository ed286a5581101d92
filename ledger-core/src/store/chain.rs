//! What stands in the tables beside facts and would follow from them: digests and journal lines.

use std::collections::HashMap;

use sqlx::mysql::MySqlConnection;

use crate::chain::Kept;
use crate::ids::PaymentId;
use crate::journal::JournalLine;
use crate::time::BusinessDate;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

const DIGESTS: Statement = Statement {
    name: "chain_digests",
    account: Account::Read,
    sql: "SELECT t.payment_id, t.seq, t.event_digest, t.previous_digest \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment_change AS t ON t.payment_id = UNHEX(w.id)",
};
const LINES: Statement = Statement {
    name: "chain_journal_lines",
    account: Account::Read,
    sql: "SELECT t.payment_id, t.seq, t.line_no, t.account, t.side, t.currency, t.amount, t.merchant_id, t.leg_no, t.business_date \
          FROM JSON_TABLE(?, '$[*]' COLUMNS (id CHAR(32) PATH '$' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN journal_line AS t ON t.payment_id = UNHEX(w.id)",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[DIGESTS, LINES];

/// What stands there, by payment and change.
pub async fn kept(
    connection: &mut MySqlConnection,
    ids: &[PaymentId],
) -> Result<HashMap<(PaymentId, u32), Kept>, StoreError> {
    let wanted: Vec<_> = ids.iter().map(|id| id.to_hex()).collect();
    let wanted = serde_json::to_string(&wanted).unwrap_or_default();
    let mut kept: HashMap<(PaymentId, u32), Kept> = HashMap::new();
    for row in sqlx::query(DIGESTS.sql).bind(&wanted).fetch_all(&mut *connection).await? {
        let (row, id) = Reading::of_payment(&row, "payment_change")?;
        let digest = |column| {
            let bytes: Option<Vec<u8>> = row.get(column)?;
            bytes.map(|bytes| bytes.try_into().map_err(|_| row.corrupt(column))).transpose()
        };
        let change = kept.entry((id, row.get("seq")?)).or_default();
        (change.event_digest, change.previous_digest) = (digest("event_digest")?, digest("previous_digest")?);
    }
    for row in sqlx::query(LINES.sql).bind(&wanted).fetch_all(connection).await? {
        let (row, id) = Reading::of_payment(&row, "journal_line")?;
        let line = JournalLine {
            line_no: row.get("line_no")?,
            account: row.code("account")?,
            side: row.code("side")?,
            currency: row.code("currency")?,
            amount: row.amount("amount")?,
            merchant_id: row.get("merchant_id")?,
            leg_no: row.get("leg_no")?,
            business_date: BusinessDate::new(row.get("business_date")?),
        };
        kept.entry((id, row.get("seq")?)).or_default().journal.push(line);
    }
    for change in kept.values_mut() {
        change.journal.sort_by_key(|line| line.line_no);
    }
    Ok(kept)
}
