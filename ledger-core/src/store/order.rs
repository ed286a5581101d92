//! Orders and their tries.

use std::collections::HashSet;

use sqlx::mysql::MySqlConnection;

use crate::ids::PaymentId;

use super::StoreError;
use super::load::rows;
use super::read::Reading;
use super::statement::{Account, Statement};

const LAST_OF_ORDER: Statement = Statement {
    name: "last_payment_of_order",
    account: Account::App,
    sql: "SELECT payment_id, try_no FROM payment WHERE merchant_id = ? AND order_id = ? ORDER BY try_no DESC LIMIT 1",
};

const TAKEN_ORDERS: Statement = Statement {
    name: "taken_orders",
    account: Account::App,
    sql: "SELECT p.payment_id, p.merchant_id, p.order_id, p.try_no FROM JSON_TABLE(?, '$[*]' COLUMNS ( \
          merchant_id VARCHAR(32) PATH '$[0]' ERROR ON EMPTY ERROR ON ERROR, \
          order_id VARCHAR(64) PATH '$[1]' ERROR ON EMPTY ERROR ON ERROR, \
          try_no SMALLINT UNSIGNED PATH '$[2]' ERROR ON EMPTY ERROR ON ERROR)) AS w \
          STRAIGHT_JOIN payment AS p ON p.merchant_id = w.merchant_id COLLATE utf8mb4_0900_bin \
          AND p.order_id = w.order_id COLLATE utf8mb4_0900_bin AND p.try_no = w.try_no",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[LAST_OF_ORDER, TAKEN_ORDERS];

/// The newest try of an order.
pub async fn last_of_order(
    connection: &mut MySqlConnection,
    merchant_id: &str,
    order_id: &str,
) -> Result<Option<(PaymentId, u16)>, StoreError> {
    let row =
        sqlx::query(LAST_OF_ORDER.sql).bind(merchant_id).bind(order_id).fetch_optional(connection).await?;
    let Some(row) = row else { return Ok(None) };
    let (row, id) = Reading::of_payment(&row, "payment")?;
    Ok(Some((id, row.get("try_no")?)))
}

/// Which of these tries of orders exist.
pub async fn taken_orders(
    connection: &mut MySqlConnection,
    wanted: &[(String, String, u16)],
) -> Result<HashSet<(String, String, u16)>, StoreError> {
    let parameter = serde_json::to_string(wanted).unwrap_or_default();
    rows(connection, TAKEN_ORDERS, &parameter)
        .await?
        .iter()
        .map(|row| {
            let (row, _) = Reading::of_payment(row, "payment")?;
            Ok((row.get("merchant_id")?, row.get("order_id")?, row.get("try_no")?))
        })
        .collect()
}
