//! The invariants, as SQL files that a DBA can run: the first statement of each says how many rows it examines, the second
//! returns the rows that violate it.

use std::time::Instant;

use ledger_core::replica_reader::{ReplicaReader, TextRow};
use ledger_core::store::StoreError;
use serde::Serialize;

/// Violating rows that are shown of one check.
const SHOWN: usize = 20;

/// A check as its file has it.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The file's name without its ending.
    pub name: &'static str,
    text: &'static str,
}

macro_rules! checks {
    ($($name:literal,)+) => {
        /// Every check.
        pub const CHECKS: &[Check] =
            &[$(Check { name: $name, text: include_str!(concat!("../checks/", $name, ".sql")) },)+];
    };
}

checks! {
    "facts_belong_to_changes",
    "i01_confirmed_is_fully_effective",
    "i02_balance_is_what_remains",
    "i03_shares_make_up_the_cancel",
    "i04_parts_never_drift",
    "i05_journal_is_balanced",
    "i06_one_verdict_per_attempt",
    "i09_every_change_and_event_is_there",
    "i12_abandoned_never_pays",
    "i13_legacy_money_is_accounted_for",
    "i15_digests_are_chained",
    "references_hold",
}

/// What a check came to.
#[derive(Debug, Serialize)]
pub struct Checked {
    pub check: &'static str,
    /// What it says.
    pub rule: &'static str,
    /// Rows it looked at.
    pub examined: u64,
    /// Rows that violate it.
    pub violations: usize,
    pub millis: u64,
    /// Some of them.
    pub rows: Vec<TextRow>,
}

impl Check {
    /// The rule, as the file's first line says it.
    pub fn rule(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches("-- ")
    }

    /// Its two statements.
    pub fn statements(&self) -> (&'static str, &'static str) {
        let body = self.text.split_once('\n').map_or("", |(_, body)| body);
        let (examined, violations) = body.split_once(";\n").unwrap_or((body, ""));
        (examined, violations.trim_end().trim_end_matches(';'))
    }

    /// Runs it.
    pub async fn run(&self, reader: &ReplicaReader) -> Result<Checked, StoreError> {
        let started = Instant::now();
        let (examined, violations) = self.statements();
        let counted = reader.select(examined).await?;
        let examined = counted.first().and_then(|row| row.get("examined")?.as_deref()?.parse().ok());
        let mut rows = reader.select(violations).await?;
        let found = rows.len();
        rows.truncate(SHOWN);
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let examined = examined.unwrap_or_default();
        Ok(Checked { check: self.name, rule: self.rule(), examined, violations: found, millis, rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_has_a_rule_and_two_selects() {
        for check in CHECKS {
            let (examined, violations) = check.statements();
            assert!(check.rule().contains(": "), "{}", check.name);
            assert!(examined.starts_with("SELECT ") && examined.contains("AS examined"), "{}", check.name);
            assert!(violations.starts_with("SELECT ") || violations.starts_with("WITH "), "{}", check.name);
            assert!(!violations.contains(';'), "{}: one statement", check.name);
        }
    }

    #[test]
    fn every_file_in_the_directory_is_run() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/checks");
        let files = std::fs::read_dir(directory).unwrap().count();
        assert_eq!(files, CHECKS.len());
    }
}
