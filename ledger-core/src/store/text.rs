//! Rows as literal text: the inserts of one commit travel together, one statement per table for any number of rows.
//!
//! There is nothing to escape and so nothing to forge: a number is written in digits, bytes in hexadecimal, and a text as it
//! is only when each of its bytes means itself between quotes; any other text is written in hexadecimal too.

use std::fmt::Write as _;

use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _, Utc};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use super::StoreError;
use super::cell::{Cell, Cells, cell_of};
use super::statement::Statement;

/// An insert of any number of rows.
#[derive(Debug, Clone, Copy)]
pub struct Insert {
    /// The insert of one row, as it stands in the register.
    pub statement: Statement,
    /// Its columns, in order.
    pub columns: &'static [&'static str],
}

/// A message is no longer than this and the few bytes of a `BEGIN`, unless a single row is. It then leaves in one TLS record
/// and so in one write: sqlx writes record by record and leaves `TCP_NODELAY` unset, so a second record waits for the 40 ms of
/// a delayed acknowledgement.
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

    /// Adds one insert of rows, a cell for each column.
    pub fn insert_rows<'a>(
        &mut self,
        insert: &Insert,
        rows: impl IntoIterator<Item = &'a Cells<'a>>,
    ) -> Result<(), StoreError> {
        self.insert(&insert.statement, rows, |row, cells| {
            insert.columns.iter().enumerate().try_for_each(|(place, column)| {
                let cell = cell_of(row, place, column).ok_or_else(|| StoreError::Corrupt {
                    table: insert.statement.name,
                    column,
                    id: "a row to be written".to_owned(),
                })?;
                cells.cell(cell);
                Ok(())
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

    /// Sends the inserts as the beginning of a transaction, which the first of their messages begins.
    pub async fn begin(mut self, connection: &mut MySqlConnection) -> Result<(), StoreError> {
        self.full.first_mut().unwrap_or(&mut self.text).insert_str(0, "BEGIN;");
        self.run(connection).await
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
    /// The next cell.
    pub fn push<'a>(&mut self, cell: impl Into<Cell<'a>>) {
        self.cell(&cell.into());
    }

    /// Bytes that are likely to be text: shorter than in hexadecimal where they are plain.
    pub fn bytes_of_text(&mut self, value: &[u8]) {
        match std::str::from_utf8(value) {
            Ok(text) if text.bytes().all(is_plain) => self.push(text),
            Ok(_) | Err(_) => self.cell(&Cell::Bytes(value.into())),
        }
    }

    fn cell(&mut self, cell: &Cell<'_>) {
        if !self.is_first {
            self.text.push(',');
        }
        self.is_first = false;
        match cell {
            Cell::Nothing => self.text.push_str("NULL"),
            Cell::Number(number) => drop(write!(self.text, "{number}")),
            Cell::Bytes(bytes) if bytes.is_empty() => self.text.push_str("''"),
            Cell::Bytes(bytes) => self.hexadecimal(bytes),
            Cell::Text(text) if text.bytes().all(is_plain) => {
                self.text.push('\'');
                self.text.push_str(text);
                self.text.push('\'');
            }
            Cell::Text(text) => {
                self.text.push_str("_utf8mb4 ");
                self.hexadecimal(text.as_bytes());
            }
            Cell::Instant(at) => {
                self.text.push('\'');
                push_instant(self.text, *at);
                self.text.push('\'');
            }
            Cell::Day(day) => {
                self.text.push('\'');
                push_day(self.text, *day);
                self.text.push('\'');
            }
        }
    }

    fn hexadecimal(&mut self, bytes: &[u8]) {
        const DIGITS: [char; 16] =
            ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
        self.text.push_str("0x");
        for byte in bytes {
            self.text.push(DIGITS[usize::from(byte >> 4)]);
            self.text.push(DIGITS[usize::from(byte & 15)]);
        }
    }
}

/// An instant as MySQL reads it.
pub fn datetime(at: DateTime<Utc>) -> String {
    let mut text = String::with_capacity("2026-11-24 12:34:56.123456".len());
    push_instant(&mut text, at);
    text
}

/// By hand: rows are full of instants, and the formatter of chrono reads its pattern anew for each.
fn push_instant(text: &mut String, at: DateTime<Utc>) {
    push_day(text, at.date_naive());
    for (before, part) in [(' ', at.hour()), (':', at.minute()), (':', at.second())] {
        text.push(before);
        push_digits(text, part, 2);
    }
    text.push('.');
    push_digits(text, at.timestamp_subsec_micros().min(999_999), 6);
}

fn push_day(text: &mut String, day: NaiveDate) {
    push_digits(text, u32::try_from(day.year()).unwrap_or(0), 4);
    for part in [day.month(), day.day()] {
        text.push('-');
        push_digits(text, part, 2);
    }
}

fn push_digits(text: &mut String, number: u32, width: u32) {
    for place in (0..width).rev() {
        text.push(char::from_digit(number / 10_u32.pow(place) % 10, 10).unwrap_or('0'));
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
                row.push(7_u8);
                row.push(&[0, 39, 255]);
                row.push(**text);
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
            row.push(*text);
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
    fn every_kind_of_cell_is_written_as_mysql_reads_it() {
        let day = NaiveDate::from_ymd_opt(2026, 2, 3).unwrap();
        let at = day.and_hms_micro_opt(4, 5, 6, 70).unwrap().and_utc();
        let insert = Insert { statement: THING, columns: &["a", "b", "c"] };
        let row = |c| vec![("c", c), ("a", Cell::Nothing), ("b", Cell::Number(-1))];
        let cells = [
            (Cell::Instant(at), "'2026-02-03 04:05:06.000070'"),
            (Cell::Day(day), "'2026-02-03'"),
            (Cell::from(&[0xab_u8, 0x0c]), "0xab0c"),
            (Cell::Bytes([].as_slice().into()), "''"),
            (Cell::from(true), "1"),
        ];
        for (cell, text) in cells {
            let mut script = Script::default();
            script.insert_rows(&insert, [&row(cell)]).unwrap();
            assert_eq!(script.text, format!("INSERT INTO thing (a, b, c) VALUES (NULL,-1,{text})"));
        }
        let lacking = vec![("a", Cell::Nothing)];
        let refused = Script::default().insert_rows(&insert, [&lacking]).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { column: "b", .. }), "{refused:?}");
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
