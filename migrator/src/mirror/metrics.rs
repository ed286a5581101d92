//! What the mirror counts; declared once.

use metrics::{counter, describe_counter};

/// Declares every metric of the mirror.
pub fn describe() {
    describe_counter!(
        "ledger_mirror_dropped_total",
        "calls that were dropped, by reason; the verifier makes up for them"
    );
    describe_counter!("ledger_mirror_carried_total", "calls that were carried");
    describe_counter!("ledger_mirror_inserted_changes_total", "changes that they brought");
    describe_counter!("ledger_mirror_quarantined_rows_total", "rows that they brought and that do not fit");
    describe_counter!("ledger_mirror_failed_batches_total", "batches that will be tried again");
}

pub(super) fn dropped(reason: &'static str) {
    counter!("ledger_mirror_dropped_total", "reason" => reason).increment(1);
}

pub(super) fn carried(calls: u64, inserted: u64, quarantined: u64) {
    counter!("ledger_mirror_carried_total").increment(calls);
    counter!("ledger_mirror_inserted_changes_total").increment(inserted);
    counter!("ledger_mirror_quarantined_rows_total").increment(quarantined);
}

pub(super) fn failed() {
    counter!("ledger_mirror_failed_batches_total").increment(1);
}
