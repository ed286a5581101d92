//! What this job counts; declared once.

use chrono::{DateTime, Utc};
use ledger_core::ledger::{DueReversal, ReversalState};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Declares every metric of the job and of the gateway it uses.
pub fn describe() {
    issuer_gateway::metrics::describe();
    describe_gauge!("netcancel_open_reversals", "abandoned authorizations that are not undone yet");
    describe_gauge!("netcancel_oldest_reversal_seconds", Unit::Seconds, "age of the oldest of them");
    describe_gauge!("netcancel_open_cancels", "cancels that an issuer has not answered");
    describe_counter!("netcancel_tries_total", "tries to undo, by what they came to");
    describe_counter!("netcancel_recovered_total", "payments given up because their sender died");
    describe_counter!(
        "netcancel_expired_total",
        "payments closed because their deposit did not come in time"
    );
    describe_counter!("netcancel_failures_total", "work that could not be carried out");
    describe_histogram!("netcancel_scan_seconds", Unit::Seconds, "reading what is due");
}

pub(crate) fn open(reversals: &[DueReversal], cancels: usize, now: DateTime<Utc>) {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let oldest = reversals.first().map_or(0, |order| (now - order.requested_at).num_seconds());
    gauge!("netcancel_open_reversals").set(count(reversals.len()));
    gauge!("netcancel_oldest_reversal_seconds").set(u32::try_from(oldest).unwrap_or(u32::MAX));
    gauge!("netcancel_open_cancels").set(count(cancels));
}

pub(crate) fn tried(state: ReversalState) {
    counter!("netcancel_tries_total", "state" => state.code()).increment(1);
}

pub(crate) fn recovered() {
    counter!("netcancel_recovered_total").increment(1);
}

pub(crate) fn expired() {
    counter!("netcancel_expired_total").increment(1);
}

pub(crate) fn failed() {
    counter!("netcancel_failures_total").increment(1);
}

pub(crate) fn scanned(took: std::time::Duration) {
    histogram!("netcancel_scan_seconds").record(took.as_secs_f64());
}
