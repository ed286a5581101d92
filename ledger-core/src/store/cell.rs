//! Values on their way into a row, each under the name of its column.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};

use crate::money::Minor;
use crate::time::BusinessDate;

/// A value as MySQL will hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell<'a> {
    /// NULL.
    Nothing,
    Number(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
    /// A DATETIME(6) in UTC.
    Instant(DateTime<Utc>),
    Day(NaiveDate),
}

/// The cells of a row.
pub type Cells<'a> = Vec<(&'static str, Cell<'a>)>;

/// The cell of a column, which mostly stands in its place.
pub fn cell_of<'r, 'a>(row: &'r Cells<'a>, place: usize, column: &str) -> Option<&'r Cell<'a>> {
    let in_place = row.get(place).filter(|(name, _)| *name == column);
    in_place.or_else(|| row.iter().find(|(name, _)| *name == column)).map(|(_, cell)| cell)
}

/// A row: `cells! { "leg_no": fact.leg_no, "method": fact.method.code() }`.
macro_rules! cells {
    ($($name:literal: $value:expr),* $(,)?) => { vec![$(($name, $crate::store::cell::Cell::from($value))),*] };
}
pub(crate) use cells;

impl<T: Into<Self>> From<Option<T>> for Cell<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Cell<'a> {
    fn from(value: &'a Option<String>) -> Self {
        value.as_ref().into()
    }
}

impl<'a, const N: usize> From<&'a Option<[u8; N]>> for Cell<'a> {
    fn from(value: &'a Option<[u8; N]>) -> Self {
        value.as_ref().into()
    }
}

/// Types that a number's cell is made of.
macro_rules! numbers {
    ($($number:ty),*) => { $(impl From<$number> for Cell<'_> {
        fn from(value: $number) -> Self { Self::Number(value.into()) }
    })* };
}
numbers!(bool, u8, u16, u32, i64);

impl From<Minor> for Cell<'_> {
    fn from(value: Minor) -> Self {
        Self::Number(value.get())
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value.into())
    }
}

impl<'a> From<&'a String> for Cell<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Cell<'_> {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Cell<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value.as_slice().into())
    }
}

impl From<DateTime<Utc>> for Cell<'_> {
    fn from(value: DateTime<Utc>) -> Self {
        Self::Instant(value)
    }
}

impl From<BusinessDate> for Cell<'_> {
    fn from(value: BusinessDate) -> Self {
        Self::Day(value.day())
    }
}

impl From<NaiveDate> for Cell<'_> {
    fn from(value: NaiveDate) -> Self {
        Self::Day(value)
    }
}
