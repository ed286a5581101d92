//! What the store counts and times.

use metrics::{Unit, describe_counter, describe_histogram};

/// Describes all of it; once is enough, again does no harm.
pub fn describe() {
    describe_histogram!(
        "ledger_append_seconds",
        Unit::Seconds,
        "one transaction: facts, journal, events, keys and answers of a group"
    );
    describe_histogram!(
        "ledger_append_wait_seconds",
        Unit::Seconds,
        "from being queued to the start of its group"
    );
    describe_histogram!("ledger_append_group_size", Unit::Count, "requests that shared a commit");
    describe_counter!("ledger_append_refused_total", "requests turned away because their lane was full");
    describe_counter!(
        "ledger_append_evicted_total",
        "requests taken out of a group because their key was lost"
    );
    describe_counter!(
        "ledger_append_reruns_total",
        "groups run again because an outbox id was sealed, or a lock was lost"
    );
    describe_counter!(
        "ledger_append_late_total",
        "transactions refused because their commit would come too long after the time of their changes"
    );
    describe_counter!(
        "ledger_append_slow_commits_total",
        "commits that took so long that lists may have been shown without them"
    );
    describe_counter!("ledger_append_unknown_commits_total", "commits that were not acknowledged");
    describe_counter!(
        "ledger_contradictions_total",
        "answers against what was decided, by what they answer and how far they are settled"
    );
    describe_counter!("ledger_lost_keys_total", "keys lost to another writer, by key");
}
