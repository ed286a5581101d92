//! Rows as literal text: the inserts of one commit travel together, one statement per table for any number of rows.
//!
//! There is nothing to escape and so nothing to forge: a number is written in digits, bytes in hexadecimal, and a text as it
//! is only when each of its bytes means itself between quotes; any other text is written in hexadecimal too.

use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use super::StoreError;
use super::statement::Statement;

/// An insert of any number of rows.
#[derive(Debug, Clone, Copy)]
pub struct Insert {
    /// The insert of one row, as it stands in the register.
    pub statement: Statement,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

/// A column of an insert.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name, in the row as in the table.
    pub name: &'static str,
    /// Whether the row gives its bytes as hexadecimal text.
    pub is_hex: bool,
}

/// A message is no longer than this, unless a single row is. It then leaves in one TLS record and so in one write: sqlx writes
/// record by record and leaves `TCP_NODELAY` unset, so a second record waits for the 40 ms of a delayed acknowledgement.
const MESSAGE_BYTES: usize = 16_000;

/// The inserts of a commit, in the order they are to run, as messages.
#[derive(Debug, Default)]
pub struct Script {
    full: Vec<String>,
    text: String,
}

/// One row on its way into a script.
#[derive(Debug)]
pub struct Row<'a> {
    text: &'a mut String,
    is_first: bool,
}

impl Script {
    /// Adds one insert of all `rows`; nothing when there are none.
    pub fn insert<T>(
        &mut self,
        statement: &Statement,
        rows: impl IntoIterator<Item = T>,
        write: impl Fn(&T, &mut Row<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let head = statement.sql.split_once(" VALUES ").map_or(statement.sql, |(head, _)| head);
        let mut is_begun = false;
        for row in rows {
            let start = self.text.len();
            if is_begun {
                self.text.push(',');
            } else if start > 0 {
                self.text.push(';');
            }
            let row_start = self.text.len();
            if !is_begun {
                self.text.push_str(head);
                self.text.push_str(" VALUES ");
            }
            self.text.push('(');
            write(&row, &mut Row { text: &mut self.text, is_first: true })?;
            self.text.push(')');
            if start > 0 && self.text.len() > MESSAGE_BYTES {
                let row = self.text.split_off(row_start);
                self.text.truncate(start);
                self.full.push(std::mem::take(&mut self.text));
                if is_begun {
                    self.text.push_str(head);
                    self.text.push_str(" VALUES ");
                }
                self.text.push_str(&row);
            }
            is_begun = true;
        }
        Ok(())
    }

    /// Adds one insert of rows that are JSON objects, a field for each column.
    pub fn insert_objects<'a>(
        &mut self,
        insert: &Insert,
        rows: impl IntoIterator<Item = &'a Value>,
    ) -> Result<(), StoreError> {
        self.insert(&insert.statement, rows, |row, cells| {
            insert.columns.iter().try_for_each(|column| {
                let value = row.get(column.name).ok_or_else(|| StoreError::Corrupt {
                    table: insert.statement.name,
                    column: column.name,
                    id: "a row to be written".to_owned(),
                })?;
                cells.json(value, column.is_hex).ok_or_else(|| StoreError::Corrupt {
                    table: insert.statement.name,
                    column: column.name,
                    id: "a value to be written".to_owned(),
                })
            })
        })
    }

    /// Adds a statement as it is.
    pub fn add(&mut self, sql: &str) {
        if !self.text.is_empty() {
            self.text.push(';');
        }
        self.text.push_str(sql);
    }

    /// Sends the inserts. What is refused by one of them is the error of all; the caller's transaction undoes those before it.
    pub async fn run(self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        for text in self.full.into_iter().chain([self.text]).filter(|text| !text.is_empty()) {
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

impl Row<'_> {
    /// A number, or nothing.
    pub fn number(&mut self, value: Option<impl Into<u64>>) {
        match value {
            Some(value) => self.raw(&value.into().to_string()),
            None => self.raw("NULL"),
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, value: Option<&[u8]>) {
        match value {
            Some([]) => self.raw("''"),
            Some(value) => {
                self.raw("0x");
                self.text.push_str(&hex::encode(value));
            }
            None => self.raw("NULL"),
        }
    }

    /// Text in UTF-8.
    pub fn text(&mut self, value: Option<&str>) {
        match value {
            Some(value) if value.bytes().all(is_plain) => {
                self.raw("'");
                self.text.push_str(value);
                self.text.push('\'');
            }
            Some(value) => {
                self.raw("_utf8mb4 0x");
                self.text.push_str(&hex::encode(value));
            }
            None => self.raw("NULL"),
        }
    }

    /// Bytes that are likely to be text: shorter than in hexadecimal where they are plain.
    pub fn bytes_of_text(&mut self, value: &[u8]) {
        match std::str::from_utf8(value) {
            Ok(text) if text.bytes().all(is_plain) => self.text(Some(text)),
            Ok(_) | Err(_) => self.bytes(Some(value)),
        }
    }

    /// A JSON value; nothing when it cannot be a cell.
    fn json(&mut self, value: &Value, is_hex: bool) -> Option<()> {
        match value {
            Value::Null => self.raw("NULL"),
            Value::Bool(value) => self.raw(if *value { "1" } else { "0" }),
            Value::Number(value) if value.is_f64() => return None,
            Value::Number(value) => self.raw(&value.to_string()),
            Value::String(value) if is_hex => {
                if value.is_empty() || value.len() % 2 == 1 || !value.bytes().all(|b| b.is_ascii_hexdigit()) {
                    return None;
                }
                self.raw("0x");
                self.text.push_str(value);
            }
            Value::String(value) => self.text(Some(value)),
            Value::Array(_) | Value::Object(_) => self.text(Some(&value.to_string())),
        }
        Some(())
    }

    fn raw(&mut self, cell: &str) {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        self.text.push_str(cell);
    }
}

/// Bytes that mean themselves between quotes: printable ASCII but for the quote and the backslash.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'\'' && byte != b'\\'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::statement::Account;

    const THING: Statement = Statement {
        name: "insert_thing",
        account: Account::App,
        sql: "INSERT INTO thing (a, b, c) VALUES (?, ?, ?)",
    };

    fn written(texts: &[&str]) -> String {
        let mut script = Script::default();
        script
            .insert(&THING, texts, |text, row| {
                row.number(Some(7_u8));
                row.bytes(Some(&[0, 39, 255]));
                row.text(Some(text));
                Ok(())
            })
            .unwrap();
        script.text
    }

    #[test]
    fn plain_text_is_quoted_and_all_other_text_is_hexadecimal() {
        assert_eq!(written(&["a-1"]), "INSERT INTO thing (a, b, c) VALUES (7,0x0027ff,'a-1')");
        for text in ["it's", "\\", "한", "a\nb", "\0"] {
            let text = written(&[text]);
            assert!(text.contains("_utf8mb4 0x"), "{text}");
            assert_eq!(text.matches('\'').count(), 0, "{text}");
        }
    }

    #[test]
    fn a_full_message_is_followed_by_another_that_begins_with_a_head() {
        let long = "x".repeat(MESSAGE_BYTES / 3);
        let mut script = Script::default();
        let text = |text: &&str, row: &mut Row<'_>| {
            row.text(Some(text));
            Ok(())
        };
        script.insert(&THING, [long.as_str(), "a", &long, "b", &long], text).unwrap();
        script.insert(&THING, ["d"], text).unwrap();
        let head = "INSERT INTO thing (a, b, c) VALUES ";
        assert_eq!(script.full, [format!("{head}('{long}'),('a'),('{long}'),('b')")]);
        assert_eq!(script.text, format!("{head}('{long}');{head}('d')"));
        assert!(script.full[0].len() <= MESSAGE_BYTES);
    }

    #[test]
    fn rows_share_a_statement_and_statements_a_text() {
        let mut script = Script::default();
        script.insert(&THING, std::iter::empty::<u8>(), |_, _| Ok(())).unwrap();
        assert_eq!(script.text, "");
        assert_eq!(
            written(&["x", "y"]),
            "INSERT INTO thing (a, b, c) VALUES (7,0x0027ff,'x'),(7,0x0027ff,'y')"
        );
    }
}
