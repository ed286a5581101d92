//! What this room counts; declared once.

use std::time::Duration;

use ledger_core::payment::fact::{AttemptKind, ResultOutcome};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Declares every metric of this room.
pub fn describe() {
    describe_counter!("issuer_answers_total", "attempts sent, by issuer, kind and outcome");
    describe_counter!("issuer_late_answers_total", "answers that came after we had stopped waiting");
    describe_counter!("issuer_record_retries_total", "answers that could not be recorded at once");
    describe_histogram!("issuer_answer_seconds", Unit::Seconds, "from sending an attempt to its answer");
    describe_gauge!("issuer_late_waiting", "requests that are awaited after their timeout");
}

pub(crate) fn answered(issuer: &str, kind: AttemptKind, outcome: ResultOutcome, took: Duration) {
    counter!("issuer_answers_total", "issuer" => issuer.to_owned(), "kind" => kind.code(), "outcome" => outcome.code())
        .increment(1);
    histogram!("issuer_answer_seconds", "issuer" => issuer.to_owned(), "kind" => kind.code())
        .record(took.as_secs_f64());
}

pub(crate) fn answered_late(kind: AttemptKind, outcome: ResultOutcome) {
    counter!("issuer_late_answers_total", "kind" => kind.code(), "outcome" => outcome.code()).increment(1);
}

pub(crate) fn record_retried() {
    counter!("issuer_record_retries_total").increment(1);
}

/// Counts one request as awaited after its timeout, while this lives.
pub(crate) struct LateWaiting;

impl LateWaiting {
    pub(crate) fn begin() -> Self {
        gauge!("issuer_late_waiting").increment(1);
        Self
    }
}

impl Drop for LateWaiting {
    fn drop(&mut self) {
        gauge!("issuer_late_waiting").decrement(1);
    }
}
