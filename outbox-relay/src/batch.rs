//! Turning rows into transactions: what may go, what is kept back, and where to cut.

use std::collections::BTreeSet;

use ledger_core::ids::PaymentId;
use ledger_core::outbox_reader::{OutboxName, OutboxRow};

use crate::envelope::Envelope;
use crate::kafka::KafkaSettings;
use crate::publish::Record;
use crate::topics;

/// A row that asks for what this outbox must not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {id} of outbox {outbox} asks for topic {topic}, which is not one of its topics ({}): nothing beyond it was published", topics::of(*.outbox).join(", "))]
pub struct ForeignTopic {
    /// Which outbox.
    pub outbox: OutboxName,
    /// The row.
    pub id: u64,
    /// What it asks for.
    pub topic: String,
}

/// How transactions are cut.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Events in one transaction.
    pub events: usize,
    /// Bytes in one transaction.
    pub bytes: usize,
    /// Bytes of one event, headers included.
    pub event_bytes: usize,
}

/// Rows that are decided together, and what is sent for them.
#[derive(Debug, Default)]
pub struct Batch {
    /// The rows, tombstones included.
    pub rows: Vec<OutboxRow>,
    /// Their events.
    pub records: Vec<Record>,
}

/// The transactions for one read, and the rows that are kept back.
#[derive(Debug, Default)]
pub struct Cut {
    /// To be published one after the other.
    pub batches: Vec<Batch>,
    /// Too large, or behind one of their payment that is.
    pub parked: Vec<u64>,
}

/// Cuts rows into transactions. An event that is too large parks its payment: it and every later event of that payment
/// are kept back, so that order holds and nothing is skipped; other payments go on.
pub fn cut(
    rows: Vec<OutboxRow>,
    parked: &mut BTreeSet<PaymentId>,
    outbox: OutboxName,
    source: &str,
    kafka: &KafkaSettings,
    limits: Limits,
) -> Result<Cut, ForeignTopic> {
    let mut cut = Cut::default();
    let (mut batch, mut bytes) = (Batch::default(), 0_usize);
    for mut row in rows {
        let Some(event) = &mut row.event else {
            batch.rows.push(row);
            continue;
        };
        if !topics::of(outbox).contains(&event.topic.as_str()) {
            return Err(ForeignTopic { outbox, id: row.id, topic: event.topic.clone() });
        }
        let envelope = Envelope::of(event, outbox, source);
        let size = envelope.size_with(&event.body);
        if size > limits.event_bytes && parked.insert(event.payment_id) {
            tracing::error!(%outbox, row.id, payment.id = %event.payment_id, size, limit = limits.event_bytes,
                "event is too large for kafka, its payment is parked: raise relay.max_event_bytes and the topic's max.message.bytes, then restart");
        }
        if parked.contains(&event.payment_id) {
            cut.parked.push(row.id);
            continue;
        }
        if batch.records.len() >= limits.events || (bytes + size > limits.bytes && !batch.records.is_empty())
        {
            cut.batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += size;
        let body = std::mem::take(&mut event.body);
        batch.records.push(Record { topic: kafka.topic(&event.topic), envelope, body });
        batch.rows.push(row);
    }
    if !batch.rows.is_empty() {
        cut.batches.push(batch);
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use ledger_core::outbox_reader::OutboxEvent;

    use super::*;

    fn row(id: u64, payment: u8, topic: &str, body: usize) -> OutboxRow {
        let event = OutboxEvent {
            payment_id: PaymentId::from_bytes([payment; 16]),
            seq: 1,
            ordinal: 0,
            topic: topic.to_owned(),
            event_type: "payment.created.v1".to_owned(),
            previous_position: None,
            occurred_at: DateTime::from_timestamp_micros(0).unwrap(),
            body: vec![b'x'; body],
            trace_parent: None,
            row_hash: [0; 32],
        };
        OutboxRow { id, event: Some(event) }
    }

    fn kafka() -> KafkaSettings {
        KafkaSettings {
            brokers: String::new(),
            topic_prefix: String::new(),
            compression: "none".to_owned(),
            properties: std::collections::BTreeMap::new(),
        }
    }

    fn cut_main(rows: Vec<OutboxRow>, parked: &mut BTreeSet<PaymentId>) -> Result<Cut, ForeignTopic> {
        let kafka = kafka();
        let limits = Limits { events: 2, bytes: 9_000, event_bytes: 5_000 };
        cut(rows, parked, OutboxName::Main, "/ledger", &kafka, limits)
    }

    fn ids(cut: &Cut) -> Vec<Vec<u64>> {
        cut.batches.iter().map(|batch| batch.rows.iter().map(|row| row.id).collect()).collect()
    }

    #[test]
    fn transactions_are_cut_by_events_and_by_bytes() {
        let rows = [(1, 100), (2, 100), (3, 100), (4, 4_000), (5, 4_000), (6, 4_000)];
        let rows = rows.map(|(id, body)| row(id, 1, topics::LEDGER, body)).to_vec();
        let cut = cut_main(rows, &mut BTreeSet::new()).unwrap();
        assert_eq!(ids(&cut), [vec![1, 2], vec![3, 4], vec![5], vec![6]]);
    }

    #[test]
    fn a_tombstone_is_decided_without_being_sent() {
        let cut = cut_main(vec![OutboxRow { id: 1, event: None }], &mut BTreeSet::new()).unwrap();
        assert_eq!((ids(&cut), cut.batches[0].records.len()), (vec![vec![1]], 0));
    }

    #[test]
    fn an_event_that_is_too_large_parks_its_payment_and_no_other() {
        let mut parked = BTreeSet::new();
        let rows = vec![
            row(1, 1, topics::LEDGER, 10),
            row(2, 1, topics::LEDGER, 9_000),
            row(3, 1, topics::LEDGER, 10),
            row(4, 2, topics::LEDGER, 10),
        ];
        let cut = cut_main(rows, &mut parked).unwrap();
        assert_eq!((ids(&cut), cut.parked), (vec![vec![1, 4]], vec![2, 3]));
        let later = cut_main(vec![row(5, 1, topics::LEDGER, 10)], &mut parked).unwrap();
        assert_eq!((ids(&later).len(), later.parked), (0, vec![5]));
    }

    #[test]
    fn history_never_reaches_a_topic_that_is_paid_out_from() {
        let kafka = kafka();
        let limits = Limits { events: 2, bytes: 9_000, event_bytes: 5_000 };
        let rows = vec![row(7, 1, topics::LEDGER, 10)];
        let refused = cut(rows, &mut BTreeSet::new(), OutboxName::Backfill, "/ledger", &kafka, limits);
        assert_eq!(refused.err().map(|foreign| foreign.id), Some(7));
    }
}
