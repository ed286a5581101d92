//! Columns into values: what does not fit names its table, column and row.

use std::cell::RefCell;
use std::str::FromStr;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use crate::ids::PaymentId;
use crate::money::Minor;
use crate::payment::fold::UnknownFact;

use super::StoreError;

/// A row being read, and whose it is.
pub struct Reading<'a> {
    row: &'a MySqlRow,
    table: &'static str,
    id: String,
    /// The column and the text of a code that was met and is not known.
    unknown: RefCell<Option<(&'static str, String)>>,
}

impl<'a> Reading<'a> {
    /// A row of a table that is led by `payment_id`.
    pub fn of_payment(row: &'a MySqlRow, table: &'static str) -> Result<(Self, PaymentId), StoreError> {
        let reading = Self { row, table, id: "a row".to_owned(), unknown: RefCell::default() };
        let bytes: &[u8] = reading.get("payment_id")?;
        let id = PaymentId::try_from(bytes).map_err(|_| reading.corrupt("payment_id"))?;
        Ok((Self { id: id.to_string(), ..reading }, id))
    }

    /// A row of another table, whose key reads `id`.
    pub fn new(row: &'a MySqlRow, table: &'static str, id: impl Into<String>) -> Self {
        Self { row, table, id: id.into(), unknown: RefCell::default() }
    }

    /// The value of a column as it is.
    pub fn get<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: sqlx::Decode<'a, sqlx::MySql> + sqlx::Type<sqlx::MySql>,
    {
        self.row.try_get(column).map_err(|_| self.corrupt(column))
    }

    /// A code.
    pub fn code<T: FromStr>(&self, column: &'static str) -> Result<T, StoreError> {
        let code: &str = self.get(column)?;
        code.parse().map_err(|_| self.unknown(column, code))
    }

    /// A code, where there is one.
    pub fn code_or_none<T: FromStr>(&self, column: &'static str) -> Result<Option<T>, StoreError> {
        let code: Option<&str> = self.get(column)?;
        code.map(|code| code.parse().map_err(|_| self.unknown(column, code))).transpose()
    }

    /// An amount.
    pub fn amount(&self, column: &'static str) -> Result<Minor, StoreError> {
        Minor::new(self.get(column)?).map_err(|_| self.corrupt(column))
    }

    /// Sixteen or thirty-two bytes.
    pub fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.get::<&[u8]>(column)?.try_into().map_err(|_| self.corrupt(column))
    }

    /// The error of a code that is none of this version's: a newer one may have written it.
    pub fn unknown(&self, column: &'static str, code: &str) -> StoreError {
        self.unknown.replace(Some((column, code.to_owned())));
        self.corrupt(column)
    }

    /// The row as a fact that is not understood, when that is what is wrong with it.
    pub fn not_understood(&self, seq: u32) -> Option<UnknownFact> {
        let (column, code) = self.unknown.take()?;
        Some(UnknownFact { table: self.table, column, code, seq })
    }

    /// The error of a value that cannot be.
    pub fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }
}
