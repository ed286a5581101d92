//! Statements that do not carry the slot of a payment, with the reason. Sharded by slot, all others go to one shard; these go
//! to every shard, or are read on each shard by a process of its own.

/// A statement that no slot leads, and why it need not.
#[derive(Debug, Clone, Copy)]
pub struct Scatter {
    /// Its name in the register.
    pub statement: &'static str,
    /// Why it may ask every shard.
    pub because: &'static str,
}

const fn scatter(statement: &'static str, because: &'static str) -> Scatter {
    Scatter { statement, because }
}

const JOB: &str = "a job looks for what waits, on each shard by a process of its own";
const KEY: &str =
    "a key that comes again with another order has another slot, and is to be found all the same";
const LIST: &str =
    "a merchant's orders lie on all shards: pages are merged by the id, which begins with the time";
const FIGURE: &str = "a merchant's orders lie on all shards: sums of each are added";
const RELAY: &str = "each shard has an outbox, and a relay of its own";
const LEGACY: &str = "legacy rows are known by their legacy keys, before a payment is";
const SERVER: &str = "asks a server of itself";
const WALK: &str = "walks over all payments, shard by shard";

/// The list.
pub const SCATTER: &[Scatter] = &[
    scatter("due_reversals", JOB),
    scatter("due_contradictions", JOB),
    scatter("stale_intents", JOB),
    scatter("left_approvals", JOB),
    scatter("open_cancels", JOB),
    scatter("overdue_deposits", JOB),
    scatter("corrections_proposed_since", "operators look at all of them: they are few"),
    scatter("find_idempotency_claim", KEY),
    scatter("known_claims", KEY),
    scatter("listed_payments", LIST),
    scatter("open_payments", LIST),
    scatter("stretch_of_payments", LIST),
    scatter("feed_days", LIST),
    scatter("feed_rest_of_day", LIST),
    scatter("exposed_reversals", FIGURE),
    scatter("exposed_reversals_of_merchant", FIGURE),
    scatter("exposed_escalations", FIGURE),
    scatter("exposed_escalations_of_merchant", FIGURE),
    scatter("exposed_contradictions", FIGURE),
    scatter("exposed_contradictions_of_merchant", FIGURE),
    scatter("exposed_attempts", FIGURE),
    scatter("exposed_payments_of_merchant", FIGURE),
    scatter("payable_of_merchant", FIGURE),
    scatter("payable_on_replica", FIGURE),
    scatter("next_merchant_of_journal", FIGURE),
    scatter("outbox_event_after", RELAY),
    scatter("outbox_event_ranges", RELAY),
    scatter("outbox_event_at", RELAY),
    scatter("outbox_event_bounds", RELAY),
    scatter("outbox_event_probe", RELAY),
    scatter("seal_outbox_event", RELAY),
    scatter("outbox_backfill_after", RELAY),
    scatter("outbox_backfill_ranges", RELAY),
    scatter("outbox_backfill_at", RELAY),
    scatter("outbox_backfill_bounds", RELAY),
    scatter("outbox_backfill_probe", RELAY),
    scatter("seal_outbox_backfill", RELAY),
    scatter("insert_legacy_row", LEGACY),
    scatter("insert_legacy_quarantine", LEGACY),
    scatter("insert_copy_receipt", LEGACY),
    scatter("copy_receipts", LEGACY),
    scatter("known_legacy_rows", LEGACY),
    scatter("known_quarantined_rows", LEGACY),
    scatter("replica_disposed", LEGACY),
    scatter("replica_quarantined", LEGACY),
    scatter("replica_quarantine_reasons", LEGACY),
    scatter("replica_quarantine_rows", LEGACY),
    scatter("replica_created", "a window of the verifier lies on all shards"),
    scatter("replica_canceled", "a window of the verifier lies on all shards"),
    scatter("replica_payments_after", WALK),
    scatter("append_in_time", SERVER),
    scatter("database_clock", SERVER),
    scatter("replica_about", SERVER),
    scatter("replica_server", SERVER),
    scatter("replica_executed", SERVER),
    scatter("replica_wait", SERVER),
    scatter("replica_now", SERVER),
    scatter("verifier_last_run", "runs are chained by source, not by payment"),
    scatter("insert_verifier_run", "runs are chained by source, not by payment"),
];

/// Tables of reference data: small, and whole on every shard.
pub const ON_EVERY_SHARD: &[&str] = &[
    "merchant",
    "merchant_contract",
    "merchant_authority",
    "issuer",
    "api_key",
    "api_key_revocation",
    "method_rule",
    "operator_key",
    "operator_key_revocation",
];
