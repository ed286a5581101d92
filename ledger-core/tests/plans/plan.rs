//! What MySQL says of a statement: its plan, and how many rows it really touches.

use ledger_core::store::statement::Statement;
use sqlx::mysql::{MySqlArguments, MySqlConnection};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, MySql, Row as _};

/// A parameter.
#[derive(Debug, Clone)]
pub enum Arg {
    Text(String),
    Bytes(Vec<u8>),
    Number(i64),
    Null,
}

/// A line of EXPLAIN, shown whole when it is refused.
#[derive(Debug, Clone)]
#[expect(dead_code, reason = "key and rows are for the reader of a refusal")]
pub struct Line {
    pub select: String,
    pub table: String,
    /// How rows are found: `ALL` reads the table, `index` a whole index.
    pub access: String,
    pub key: String,
    pub rows: u64,
    pub extra: String,
}

/// EXPLAIN with real values bound.
pub async fn explain(
    connection: &mut MySqlConnection,
    statement: Statement,
    sample: &[Arg],
) -> Result<Vec<Line>, sqlx::Error> {
    let text = format!("EXPLAIN FORMAT=TRADITIONAL {}", statement.sql);
    let rows = bound(&text, sample).fetch_all(connection).await?;
    let text = |row: &sqlx::mysql::MySqlRow, column: &str| {
        row.try_get::<Option<String>, _>(column).unwrap().unwrap_or_default()
    };
    let line = |row: &sqlx::mysql::MySqlRow| Line {
        select: text(row, "select_type"),
        table: text(row, "table"),
        access: text(row, "type"),
        key: text(row, "key"),
        rows: row.try_get::<Option<u64>, _>("rows").unwrap().unwrap_or_default(),
        extra: text(row, "Extra"),
    };
    Ok(rows.iter().map(line).collect())
}

/// Runs a SELECT and says how many rows it returns, and how many were read for it.
pub async fn reads(
    connection: &mut MySqlConnection,
    statement: Statement,
    sample: &[Arg],
) -> Result<(u64, u64), sqlx::Error> {
    sqlx::raw_sql("FLUSH LOCAL STATUS").execute(&mut *connection).await?;
    let returned = bound(statement.sql, sample).fetch_all(&mut *connection).await?.len();
    let counted = "SELECT CAST(SUM(VARIABLE_VALUE) AS UNSIGNED) FROM performance_schema.session_status \
                   WHERE VARIABLE_NAME LIKE 'Handler_read%'";
    let read: u64 = sqlx::query_scalar(counted).fetch_one(connection).await?;
    Ok((u64::try_from(returned).unwrap(), read))
}

fn bound<'q>(sql: &str, sample: &'q [Arg]) -> Query<'q, MySql, MySqlArguments> {
    let query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    sample.iter().fold(query, |query, arg| match arg {
        Arg::Text(text) => query.bind(text.as_str()),
        Arg::Bytes(bytes) => query.bind(bytes.as_slice()),
        Arg::Number(number) => query.bind(*number),
        Arg::Null => query.bind(None::<String>),
    })
}
