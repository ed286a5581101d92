//! Reading and adding the rules of methods.

use chrono::{DateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlRow};

use crate::method_rule::{CancelWindow, MethodRule, MethodRuleRow, MethodRules};
use crate::payment::fact::Method;

use super::StoreError;
use super::read::Reading;
use super::statement::{Account, Statement};

const RULES: Statement = Statement {
    name: "method_rules",
    account: Account::App,
    sql: "SELECT method, version, valid_from, refund_priority, send_order, partial_cancelable, cancel_window_kind, cancel_days, \
          deposit_hours FROM method_rule",
};
const LIST: Statement = Statement {
    name: "list_method_rules",
    account: Account::Admin,
    sql: "SELECT method, version, valid_from, refund_priority, send_order, partial_cancelable, cancel_window_kind, cancel_days, \
          deposit_hours, created_by FROM method_rule WHERE ? IS NULL OR method = ? ORDER BY method, version LIMIT ?",
};
const LAST: Statement = Statement {
    name: "last_method_rule_version",
    account: Account::Admin,
    sql: "SELECT COALESCE(MAX(version), 0) AS version FROM method_rule WHERE method = ?",
};
const INSERT: Statement = Statement {
    name: "insert_method_rule",
    account: Account::Admin,
    sql: "INSERT INTO method_rule (method, version, valid_from, refund_priority, send_order, partial_cancelable, \
          cancel_window_kind, cancel_days, deposit_hours, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[RULES, LIST, LAST, INSERT];

/// Every version of every method: few, and needed together.
pub async fn rules(connection: &mut MySqlConnection) -> Result<MethodRules, StoreError> {
    let rows = sqlx::query(RULES.sql).fetch_all(connection).await?;
    Ok(MethodRules::new(rows.iter().map(read).collect::<Result<_, _>>()?))
}

/// Versions, of all methods or of one.
pub async fn list(
    connection: &mut MySqlConnection,
    method: Option<Method>,
    limit: u32,
) -> Result<Vec<MethodRuleRow>, StoreError> {
    let method = method.map(Method::code);
    let rows = sqlx::query(LIST.sql).bind(method).bind(method).bind(limit).fetch_all(connection).await?;
    rows.iter()
        .map(|row| {
            let created_by = Reading::new(row, "method_rule", "list").get("created_by")?;
            Ok(MethodRuleRow { rule: read(row)?, created_by })
        })
        .collect()
}

/// Adds the next version of a method's rule and says its number.
pub async fn insert(
    connection: &mut MySqlConnection,
    rule: &MethodRule,
    at: DateTime<Utc>,
    by: &str,
) -> Result<u32, StoreError> {
    let row = sqlx::query(LAST.sql).bind(rule.method.code()).fetch_one(&mut *connection).await?;
    let last: i64 = Reading::new(&row, "method_rule", rule.method.code()).get("version")?;
    let version = u32::try_from(last).unwrap_or(0).saturating_add(1);
    let (kind, days) = rule.cancel_window.columns();
    sqlx::query(INSERT.sql)
        .bind(rule.method.code())
        .bind(version)
        .bind(rule.valid_from)
        .bind(rule.refund_priority)
        .bind(rule.send_order)
        .bind(rule.partial_cancelable)
        .bind(kind.code())
        .bind(days)
        .bind(rule.deposit_hours)
        .bind(at)
        .bind(by)
        .execute(connection)
        .await?;
    Ok(version)
}

fn read(row: &MySqlRow) -> Result<MethodRule, StoreError> {
    let method: String = Reading::new(row, "method_rule", "?").get("method")?;
    let row = Reading::new(row, "method_rule", &method);
    let window = CancelWindow::of(row.code("cancel_window_kind")?, row.get("cancel_days")?);
    Ok(MethodRule {
        method: row.code("method")?,
        version: row.get("version")?,
        valid_from: row.get("valid_from")?,
        refund_priority: row.get("refund_priority")?,
        send_order: row.get("send_order")?,
        partial_cancelable: row.get("partial_cancelable")?,
        cancel_window: window.ok_or_else(|| row.corrupt("cancel_days"))?,
        deposit_hours: row.get("deposit_hours")?,
    })
}
