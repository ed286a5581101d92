//! Checks that are kept as SQL files: run as the `mysql` client would run them, and what they say as text.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Column as _, Row as _};

use super::StoreError;
use super::text::datetime;

/// A row as text, by column.
pub type TextRow = BTreeMap<String, Option<String>>;

/// What a script may be given, as session variables.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// `@since`: payments made before it are left out.
    pub since: Option<DateTime<Utc>>,
    /// `@until`: payments made at it or later are left out.
    pub until: Option<DateTime<Utc>>,
    /// `@issuer_file`: an issuer's word on its days, as JSON.
    pub issuer_file: Option<String>,
}

/// What a script said.
#[derive(Debug, Clone, Default)]
pub struct ScriptRows {
    /// What its statement with the one column `examined` returned.
    pub examined: u64,
    /// How many other rows there were.
    pub count: u64,
    /// The first of them.
    pub rows: Vec<TextRow>,
}

/// The column by which a script says how many rows it looks at.
const EXAMINED: &str = "examined";

/// Runs a script of SET and SELECT statements.
pub async fn run(
    connection: &mut MySqlConnection,
    sql: &'static str,
    given: &Given,
    keep: usize,
) -> Result<ScriptRows, StoreError> {
    // one text with the script: what is given is quoted, and a connection that was used before is set anew
    let text = format!(
        "SET @since = {}, @until = {}, @issuer_file = {};\n{sql}",
        literal(given.since.map(datetime).as_deref()),
        literal(given.until.map(datetime).as_deref()),
        literal(given.issuer_file.as_deref()),
    );
    let mut said = ScriptRows::default();
    for row in sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(connection).await? {
        let mut row = row
            .columns()
            .iter()
            .map(|column| {
                // over the text protocol every value is text, whatever its type
                let value: Option<Vec<u8>> = row.try_get_unchecked(column.ordinal())?;
                let text = value.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                Ok((column.name().to_owned(), text))
            })
            .collect::<Result<TextRow, StoreError>>()?;
        if let Some(examined) = row.remove(EXAMINED) {
            said.examined += examined.and_then(|text| text.parse().ok()).unwrap_or(0);
            continue;
        }
        said.count += 1;
        if said.rows.len() < keep {
            said.rows.push(row);
        }
    }
    Ok(said)
}

/// A value as SQL text. Bytes in hexadecimal need no escaping, whatever the server's mode.
fn literal(value: Option<&str>) -> String {
    value.map_or_else(
        || "NULL".to_owned(),
        |text| format!("CONVERT(X'{}' USING utf8mb4)", hex::encode(text.as_bytes())),
    )
}
