//! Counting rows and amounts by kind, method and where they went, so that totals can be seen to tie out.

use std::collections::BTreeMap;

use ledger_core::mirror_writer::RowKind;
use serde::Serialize;

/// Where a row went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Disposition {
    /// Into a payment.
    Mapped,
    /// To people, with a reason.
    Quarantined,
    /// Nowhere, with a reason.
    Excluded,
    /// Not recorded: it came or changed after it was read.
    Unrecorded,
}

/// Rows and their amounts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    pub rows: u64,
    /// Sum of the amounts that could be read.
    pub amount: i64,
    /// Rows whose amount could not.
    pub unreadable: u64,
}

impl Sum {
    const fn add(&mut self, other: Self) {
        self.rows += other.rows;
        self.amount = self.amount.saturating_add(other.amount);
        self.unreadable += other.unreadable;
    }
}

/// Rows of a legacy ledger by kind, method and disposition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    sums: BTreeMap<(RowKind, String, Disposition), Sum>,
}

/// One line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    pub kind: RowKind,
    pub method: String,
    pub legacy: Sum,
    pub mapped: Sum,
    pub quarantined: Sum,
    pub excluded: Sum,
    pub unrecorded: Sum,
}

impl Tally {
    /// Counts one row.
    pub fn add(&mut self, kind: RowKind, method: &str, disposition: Disposition, amount: Option<i64>) {
        let sum =
            Sum { rows: 1, amount: amount.unwrap_or_default(), unreadable: u64::from(amount.is_none()) };
        self.sums.entry((kind, method.to_owned(), disposition)).or_default().add(sum);
    }

    /// Adds all of another tally.
    pub fn merge(&mut self, other: &Self) {
        for (key, sum) in &other.sums {
            self.sums.entry(key.clone()).or_default().add(*sum);
        }
    }

    /// All rows of one disposition.
    pub fn of(&self, disposition: Disposition) -> Sum {
        self.sum(|(_, _, other)| *other == disposition)
    }

    /// All rows.
    pub fn total(&self) -> Sum {
        self.sum(|_| true)
    }

    /// Whether every row was recorded.
    pub fn ties_out(&self) -> bool {
        self.of(Disposition::Unrecorded).rows == 0
    }

    /// A line for each kind and method.
    pub fn lines(&self) -> Vec<Line> {
        let mut groups: Vec<(RowKind, String)> =
            self.sums.keys().map(|(kind, method, _)| (*kind, method.clone())).collect();
        groups.dedup();
        groups
            .into_iter()
            .map(|(kind, method)| {
                let of = |disposition| {
                    self.sums.get(&(kind, method.clone(), disposition)).copied().unwrap_or_default()
                };
                let (mapped, quarantined) = (of(Disposition::Mapped), of(Disposition::Quarantined));
                let (excluded, unrecorded) = (of(Disposition::Excluded), of(Disposition::Unrecorded));
                let legacy = self.sum(|(other, named, _)| *other == kind && *named == method);
                Line { kind, method, legacy, mapped, quarantined, excluded, unrecorded }
            })
            .collect()
    }

    fn sum(&self, wanted: impl Fn(&(RowKind, String, Disposition)) -> bool) -> Sum {
        let mut total = Sum::default();
        for (_, sum) in self.sums.iter().filter(|(key, _)| wanted(key)) {
            total.add(*sum);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_adds_up() {
        let mut tally = Tally::default();
        tally.add(RowKind::Approval, "CARD", Disposition::Mapped, Some(500));
        tally.add(RowKind::Approval, "CARD", Disposition::Quarantined, None);
        tally.add(RowKind::Cancel, "CARD", Disposition::Mapped, Some(200));
        let lines = tally.lines();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0].legacy, Sum { rows: 2, amount: 500, unreadable: 1 });
        assert!(tally.ties_out());
        tally.add(RowKind::Cancel, "CARD", Disposition::Unrecorded, Some(1));
        assert!(!tally.ties_out());
    }
}
