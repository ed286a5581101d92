//! Points as they are taken: a line each, for people or as JSON.

use std::io::Write as _;

use anyhow::Result;
use serde_json::Value;

/// Writes to stdout.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    pub json: bool,
}

impl Printer {
    /// One point.
    pub fn line(self, point: &Value) -> Result<()> {
        let mut out = std::io::stdout();
        if self.json {
            writeln!(out, "{point}")?;
            return Ok(());
        }
        let cells: Vec<_> =
            point.as_object().into_iter().flatten().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(out, "{}", cells.join("  "))?;
        Ok(())
    }
}
