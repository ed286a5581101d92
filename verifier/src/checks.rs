//! The invariants, as SQL files that a DBA can run on a replica with the `mysql` client; they are run here in the same way.
//! The first statement of each takes a window of payments from `@since` and `@until`, the second says how many rows it
//! examines, the third returns the rows that violate it.

use std::time::Instant;

use ledger_core::replica_reader::{Given, ReplicaReader, TextRow};
use ledger_core::store::StoreError;
use serde::Serialize;

/// Violating rows that are shown of one check.
const SHOWN: usize = 20;

/// A check as its file has it.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// The file's name without its ending.
    pub name: &'static str,
    /// The file.
    pub text: &'static str,
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
    "i07_nothing_stays_uncertain",
    "i08_issuer_days_tie_out",
    "i09_every_change_and_event_is_there",
    "i10_every_event_can_be_published",
    "i11_facts_are_numbered_and_in_order",
    "i12_abandoned_never_pays",
    "i13_legacy_money_is_accounted_for",
    "i14_a_key_does_one_thing",
    "i15_digests_are_chained",
    "i16_no_card_number",
    "i17_a_repair_is_made_once",
    "references_hold",
}

/// The statement that each file takes its window by: payment ids begin with the time they were made at.
pub const WINDOW: &str = "\
SET @first = UNHEX(RPAD(LPAD(HEX(COALESCE(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @since) DIV 1000, 0)), 12, '0'), 32, '0')),
  @last = UNHEX(RPAD(COALESCE(LPAD(HEX(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', @until) DIV 1000 - 1), 12, '0'), ''), 32, 'F'));
";

/// What a check came to.
#[derive(Debug, Serialize)]
pub struct Checked {
    pub check: &'static str,
    /// What it says.
    pub rule: &'static str,
    /// Rows it looked at.
    pub examined: u64,
    /// Rows that violate it.
    pub violations: u64,
    pub millis: u64,
    /// Some of them.
    pub rows: Vec<TextRow>,
}

impl Check {
    /// The rule, as the file's first line says it.
    pub fn rule(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches("-- ")
    }

    /// Its statements that return rows: how many it examines, and what violates it.
    pub fn statements(&self) -> (&'static str, &'static str) {
        let body = self.text.split_once(WINDOW).map_or("", |(_, body)| body);
        let (examined, violations) = body.split_once(";\n").unwrap_or((body, ""));
        (examined, violations.trim_end().trim_end_matches(';'))
    }

    /// Runs it.
    pub async fn run(&self, reader: &ReplicaReader, given: &Given) -> Result<Checked, StoreError> {
        let started = Instant::now();
        let said = reader.run_script(self.text, given, SHOWN).await?;
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Checked {
            check: self.name,
            rule: self.rule(),
            examined: said.examined,
            violations: said.count,
            millis,
            rows: said.rows,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_says_what_it_says_and_how_to_run_it() {
        for check in CHECKS {
            let head: Vec<_> = check.text.lines().take_while(|line| line.starts_with("-- ")).collect();
            let has = |start: &str| head.iter().any(|line| line.starts_with(start));
            let name = check.name;
            assert!(check.rule().contains(": "), "{name}: a rule with its id");
            assert!(has("-- A row is ") && has("-- Cost: "), "{name}: what a row is, and what it costs");
            let by_hand = format!("mysql ledger < {name}.sql");
            assert!(head.iter().any(|line| line.contains(&by_hand)), "{name}: {by_hand}");
        }
    }

    #[test]
    fn every_file_is_a_window_a_count_and_one_select() {
        for check in CHECKS {
            assert_eq!(check.text.matches(WINDOW).count(), 1, "{}", check.name);
            let (examined, violations) = check.statements();
            assert!(examined.starts_with("SELECT ") && examined.contains("AS examined"), "{}", check.name);
            assert!(violations.starts_with("SELECT ") || violations.starts_with("WITH "), "{}", check.name);
            assert!(!violations.contains(';'), "{}: one statement", check.name);
        }
    }

    /// I1–I17
    #[test]
    fn every_invariant_has_a_file() {
        for number in 1..=17 {
            let (file, rule) = (format!("i{number:02}_"), format!("I{number}: "));
            let is_it = |check: &&Check| check.name.starts_with(&file) && check.rule().starts_with(&rule);
            assert_eq!(CHECKS.iter().filter(is_it).count(), 1, "{rule}");
        }
    }

    #[test]
    fn every_file_in_the_directory_is_run() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/checks");
        let files = std::fs::read_dir(directory).unwrap().count();
        assert_eq!(files, CHECKS.len());
    }
}
