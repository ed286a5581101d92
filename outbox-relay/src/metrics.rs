//! What the relay counts: described once, recorded through these functions.

use std::time::Duration;

use ledger_core::outbox_reader::{OutboxName, Sealed};
use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

/// Describes every metric; called once by the main.
pub fn describe() {
    describe_gauge!(
        "relay_low_water_age_seconds",
        Unit::Seconds,
        "how long the low-water mark has been waiting for one id"
    );
    describe_gauge!("relay_low_water_id", "every id up to this one is decided");
    describe_gauge!("relay_highest_id", "highest id seen");
    describe_gauge!("relay_holes", "ids below the highest one seen that have no row yet");
    describe_gauge!(
        "relay_parked_events",
        "events kept back because one of their payment cannot be published"
    );
    describe_gauge!("relay_transaction_open", "1 while a kafka transaction is open");
    describe_gauge!("relay_working", "1 while this process is the one that publishes, 0 while it stands by");
    describe_counter!("relay_events_published_total", "events in committed transactions");
    describe_counter!("relay_tombstones_passed_total", "tombstones read or written");
    describe_counter!("relay_seals_total", "holes looked at, by what became of them");
    describe_counter!("relay_transactions_total", "kafka transactions, by outcome");
    describe_counter!("relay_fenced_total", "times this relay was fenced off by another");
    describe_counter!("relay_reconnects_total", "times the database connection was opened again");
    describe_histogram!("relay_transaction_commit_seconds", Unit::Seconds, "commit of a kafka transaction");
    describe_histogram!("relay_read_seconds", Unit::Seconds, "one read of the outbox");
    describe_histogram!(
        "relay_event_age_seconds",
        Unit::Seconds,
        "from the event's time to its commit in kafka"
    );
}

/// Where the marks stand.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    /// Every id up to it is decided.
    pub low_water: u64,
    /// Highest id seen.
    pub highest: u64,
    /// How long the low-water mark has been waiting.
    pub waiting: Duration,
    /// Ids without a row.
    pub holes: usize,
    /// Events kept back.
    pub parked: usize,
}

/// Records where an outbox stands.
pub fn standing(outbox: OutboxName, now: Standing) {
    let name = outbox.as_str();
    gauge!("relay_low_water_id", "outbox" => name).set(number(now.low_water));
    gauge!("relay_highest_id", "outbox" => name).set(number(now.highest));
    gauge!("relay_low_water_age_seconds", "outbox" => name).set(now.waiting);
    gauge!("relay_holes", "outbox" => name).set(count(now.holes));
    gauge!("relay_parked_events", "outbox" => name).set(count(now.parked));
}

/// A transaction is open, or no longer.
pub fn transaction_open(outbox: OutboxName, open: bool) {
    gauge!("relay_transaction_open", "outbox" => outbox.as_str()).set(u32::from(open));
}

/// This process publishes, or stands by.
pub fn working(outbox: OutboxName, working: bool) {
    gauge!("relay_working", "outbox" => outbox.as_str()).set(u32::from(working));
}

/// A transaction is committed.
pub fn committed(outbox: OutboxName, events: usize, took: Duration) {
    let name = outbox.as_str();
    counter!("relay_transactions_total", "outbox" => name, "outcome" => "committed").increment(1);
    counter!("relay_events_published_total", "outbox" => name)
        .increment(u64::try_from(events).unwrap_or(u64::MAX));
    histogram!("relay_transaction_commit_seconds", "outbox" => name).record(took);
}

/// A transaction did not come about.
pub fn failed(outbox: OutboxName) {
    counter!("relay_transactions_total", "outbox" => outbox.as_str(), "outcome" => "failed").increment(1);
}

/// An event is committed in Kafka, so long after it happened.
pub fn event_age(outbox: OutboxName, age: Duration) {
    histogram!("relay_event_age_seconds", "outbox" => outbox.as_str()).record(age);
}

/// The outbox was read.
pub fn read(outbox: OutboxName, took: Duration) {
    histogram!("relay_read_seconds", "outbox" => outbox.as_str()).record(took);
}

/// A tombstone was read or written.
pub fn tombstones(outbox: OutboxName, passed: usize) {
    counter!("relay_tombstones_passed_total", "outbox" => outbox.as_str())
        .increment(u64::try_from(passed).unwrap_or(u64::MAX));
}

/// A hole was looked at.
pub fn sealed(outbox: OutboxName, outcome: Sealed) {
    let word = match outcome {
        Sealed::Dead => "dead",
        Sealed::Exists => "exists",
        Sealed::InFlight => "in_flight",
    };
    counter!("relay_seals_total", "outbox" => outbox.as_str(), "outcome" => word).increment(1);
}

/// Another relay has taken over.
pub fn fenced(outbox: OutboxName) {
    counter!("relay_fenced_total", "outbox" => outbox.as_str()).increment(1);
}

/// The database connection was opened again.
pub fn reconnected(outbox: OutboxName) {
    counter!("relay_reconnects_total", "outbox" => outbox.as_str()).increment(1);
}

/// A gauge's number; ids beyond 2^32 lose nothing that a graph could show.
#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "gauges are floating point")]
fn number(value: u64) -> f64 {
    value as f64
}

fn count(value: usize) -> f64 {
    f64::from(u32::try_from(value).unwrap_or(u32::MAX))
}
