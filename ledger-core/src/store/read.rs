//! Columns into values: what does not fit names its table, column and row.

use std::str::FromStr;

use sqlx::Row as _;
use sqlx::mysql::MySqlRow;

use crate::ids::PaymentId;
use crate::money::Minor;

use super::StoreError;

/// A row being read, and whose it is.
pub struct Reading<'a> {
    row: &'a MySqlRow,
    table: &'static str,
    id: String,
}

impl<'a> Reading<'a> {
    /// A row of a table that is led by `payment_id`.
    pub fn of_payment(row: &'a MySqlRow, table: &'static str) -> Result<(Self, PaymentId), StoreError> {
        let reading = Self { row, table, id: "a row".to_owned() };
        let bytes: &[u8] = reading.get("payment_id")?;
        let id = PaymentId::try_from(bytes).map_err(|_| reading.corrupt("payment_id"))?;
        Ok((Self { id: id.to_string(), ..reading }, id))
    }

    /// A row of another table, whose key reads `id`.
    pub fn new(row: &'a MySqlRow, table: &'static str, id: impl Into<String>) -> Self {
        Self { row, table, id: id.into() }
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
        self.get::<&str>(column)?.parse().map_err(|_| self.corrupt(column))
    }

    /// An amount.
    pub fn amount(&self, column: &'static str) -> Result<Minor, StoreError> {
        Minor::new(self.get(column)?).map_err(|_| self.corrupt(column))
    }

    /// Sixteen or thirty-two bytes.
    pub fn bytes<const N: usize>(&self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.get::<&[u8]>(column)?.try_into().map_err(|_| self.corrupt(column))
    }

    /// The error of a value that cannot be.
    pub fn corrupt(&self, column: &'static str) -> StoreError {
        StoreError::Corrupt { table: self.table, column, id: self.id.clone() }
    }
}
