//! Results on stdout: a table for people, one JSON object a line for programs.

use std::io::{self, Write};

use serde::Serialize;

use crate::cli::Format;
use crate::tally::{Sum, Tally};

/// The last line of a command.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary<'a> {
    /// The command.
    pub command: &'a str,
    /// Whether every legacy row is recorded.
    pub ties_out: bool,
    /// Rows of the legacy ledger.
    pub legacy: Sum,
    pub mapped: Sum,
    pub quarantined: Sum,
    pub excluded: Sum,
    pub unrecorded: Sum,
    /// Rows of any kind that were inserted.
    pub inserted: usize,
    pub seconds: String,
}

/// One JSON object.
pub fn json(out: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string(value)?)
}

/// The tally by kind and method, then the summary.
pub fn tally(out: &mut impl Write, format: Format, tally: &Tally, summary: &Summary<'_>) -> io::Result<()> {
    match format {
        Format::Json => {
            for line in tally.lines() {
                json(out, &line)?;
            }
            json(out, summary)
        }
        Format::Table => {
            let head = ["kind", "method", "legacy", "mapped", "quarantined", "excluded", "unrecorded"];
            let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
            for line in tally.lines() {
                let sums = [line.legacy, line.mapped, line.quarantined, line.excluded, line.unrecorded];
                let mut row = vec![line.kind.to_string(), line.method];
                row.extend(sums.iter().map(cell));
                rows.push(row);
            }
            table(out, &rows)?;
            let word = if summary.ties_out { "totals tie out" } else { "totals do not tie out" };
            let Summary { legacy, mapped, quarantined, excluded, unrecorded, inserted, seconds, .. } =
                summary;
            writeln!(
                out,
                "{word}: legacy {} = mapped {} + quarantined {} + excluded {} + unrecorded {}; {inserted} inserted, {seconds} s",
                cell(legacy),
                cell(mapped),
                cell(quarantined),
                cell(excluded),
                cell(unrecorded),
            )
        }
    }
}

/// Rows and amount, with a mark where amounts could not be read.
fn cell(sum: &Sum) -> String {
    match (sum.rows, sum.unreadable) {
        (0, _) => "0".to_owned(),
        (rows, 0) => format!("{rows} ({})", sum.amount),
        (rows, unreadable) => format!("{rows} ({} + {unreadable} unreadable)", sum.amount),
    }
}

/// Columns aligned by blanks, the first row as a head.
pub fn table(out: &mut impl Write, rows: &[Vec<String>]) -> io::Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    for row in rows {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
