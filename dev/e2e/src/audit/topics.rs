//! What the outboxes hold is what the topics hold: every key once, in order per payment, each event behind the one it
//! names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use ledger_core::event::position::{Position, Topic};
use ledger_core::ids::PaymentId;
use sqlx::AssertSqlSafe;

use super::{Auditor, Check};
use crate::consumer::{self, Record};

/// How long the relay may go without publishing anything while rows are left.
const PATIENCE: Duration = Duration::from_secs(30);

impl Auditor<'_> {
    pub(super) async fn topics(&self) -> Result<Vec<Check>> {
        let expected = self.outbox_keys().await?;
        let topics: Vec<_> = Topic::ALL.iter().map(|topic| topic.code()).collect();
        let (mut published, mut moved) = (0, tokio::time::Instant::now());
        loop {
            let records = consumer::read_all(self.env.get("KAFKA_BROKERS")?, &topics).await?;
            let keys = same_keys(&expected, &records);
            if records.len() > published {
                (published, moved) = (records.len(), tokio::time::Instant::now());
            }
            if keys.violations.is_empty() || moved.elapsed() > PATIENCE {
                return Ok(vec![keys, in_order(&records)]);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Topic and idempotency key of every event row.
    async fn outbox_keys(&self) -> Result<Vec<(String, String)>> {
        let mut keys = Vec::new();
        for table in ["outbox_event", "outbox_backfill"] {
            let text = format!(
                "SELECT payment_id, seq, ordinal, topic, type FROM {table} WHERE kind = 'EVENT' ORDER BY id"
            );
            let rows: Vec<(Vec<u8>, u32, u8, String, String)> =
                sqlx::query_as(AssertSqlSafe(text)).fetch_all(&self.replica).await?;
            for (id, seq, ordinal, topic, kind) in rows {
                let id = PaymentId::try_from(id.as_slice())?;
                keys.push((topic, format!("{id}:{seq}.{ordinal}:{kind}")));
            }
        }
        Ok(keys)
    }
}

fn same_keys(expected: &[(String, String)], records: &[Record]) -> Check {
    let mut check = Check::new("outbox-keys-are-topic-keys", u64::try_from(expected.len()).unwrap_or(0));
    let mut published: BTreeMap<(&str, &str), u32> = BTreeMap::new();
    for record in records {
        *published.entry((&record.topic, record.header("idempotency-key"))).or_default() += 1;
    }
    let rows: BTreeSet<_> = expected.iter().map(|(topic, key)| (topic.as_str(), key.as_str())).collect();
    if rows.len() != expected.len() {
        check.add("the outbox holds a key twice");
    }
    for row in rows.iter().filter(|row| !published.contains_key(*row)) {
        check.add(format!("lost: {} on {}", row.1, row.0));
    }
    for ((topic, key), times) in &published {
        if *times > 1 {
            check.add(format!("doubled: {key} on {topic}, {times} times"));
        }
        if !rows.contains(&(*topic, *key)) {
            check.add(format!("unknown: {key} on {topic}"));
        }
    }
    check
}

/// `ce_previous` is the event a consumer has just seen of that payment on that topic.
fn in_order(records: &[Record]) -> Check {
    let mut check = Check::new("topic-order-and-previous", u64::try_from(records.len()).unwrap_or(0));
    let mut last: BTreeMap<(&str, &str), Position> = BTreeMap::new();
    let mut partition_of: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    for record in records {
        let payment = (record.topic.as_str(), record.key.as_str());
        let Ok(position) = record.header("ce_sequence").parse::<Position>() else {
            check.add(format!("no ce_sequence on {} {}", record.topic, record.offset));
            continue;
        };
        let previous = record.headers.get("ce_previous").and_then(|text| text.parse().ok());
        if previous != last.get(&payment).copied() {
            check.add(format!(
                "{} {position} follows {:?}, not {previous:?}",
                record.key,
                last.get(&payment)
            ));
        }
        if *partition_of.entry(payment).or_insert(record.partition) != record.partition {
            check.add(format!("{} is on two partitions of {}", record.key, record.topic));
        }
        last.insert(payment, position);
    }
    check
}
