//! The progress record: how far an outbox is published. It is written to a compacted topic in the transaction that
//! carries the events it speaks of, so the two can never disagree.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ledger_core::outbox_reader::{OutboxName, OutboxRow};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::scan::Marks;

/// The topic of progress records.
pub const TOPIC: &str = "ledger.relay.progress.v1";

/// Each outbox has a partition of its own: a reader of committed records stops below the oldest open transaction of a
/// partition, and an open transaction of the other outbox must not hide our newest record.
pub const fn partition_of(outbox: OutboxName) -> i32 {
    match outbox {
        OutboxName::Main => 0,
        OutboxName::Backfill => 1,
    }
}

/// How many partitions the topic has.
pub const PARTITIONS: i32 = 2;

/// At most so many decided rows are carried along as proof of which rows were meant.
const ANCHORS: usize = 64;

/// How far one outbox is published, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// The layout of this record.
    pub version: u8,
    /// Which outbox.
    pub outbox: OutboxName,
    /// The MySQL server that the rows were read from.
    pub server_uuid: String,
    /// How many relays have worked before, this one included.
    pub generation: u64,
    /// Transactions committed.
    pub transactions: u64,
    /// Events published.
    pub events: u64,
    /// Tombstones passed.
    pub tombstones: u64,
    /// What is decided.
    pub marks: Marks,
    /// Rows at the ends of what is decided: they must still be there, unchanged.
    pub anchors: Anchors,
    /// SHA-256 over the digest before it and the id and row hash of every event since.
    pub digest: Hash,
    /// When the record was written.
    pub written_at: DateTime<Utc>,
}

/// The layout written by this version.
pub const VERSION: u8 = 1;

impl Progress {
    /// Nothing is published yet, and everything up to `low_water` never will be.
    pub fn none(outbox: OutboxName, server_uuid: String, low_water: u64, now: DateTime<Utc>) -> Self {
        Self {
            version: VERSION,
            outbox,
            server_uuid,
            generation: 0,
            transactions: 0,
            events: 0,
            tombstones: 0,
            marks: Marks::at(low_water),
            anchors: Anchors::default(),
            digest: Hash([0; 32]),
            written_at: now,
        }
    }

    /// The progress once `rows` are decided, and `marks` with them.
    #[must_use]
    pub fn with(&self, rows: &[OutboxRow], marks: Marks) -> Self {
        let mut next = Self { marks, ..self.clone() };
        let mut digest = Sha256::new_with_prefix(self.digest.0);
        for row in rows {
            if let Some(event) = &row.event {
                digest.update(row.id.to_be_bytes());
                digest.update(event.row_hash);
                next.events += 1;
            } else {
                next.tombstones += 1;
            }
            next.anchors.0.insert(row.id, row.event.as_ref().map(|event| Hash(event.row_hash)));
        }
        if next.events > self.events {
            next.digest = Hash(digest.finalize().into());
        }
        next.anchors.keep_ends_of(&next.marks);
        next
    }

    /// The record as it is written by the next transaction.
    #[must_use]
    pub fn stamped(self, now: DateTime<Utc>) -> Self {
        Self { transactions: self.transactions + 1, written_at: now, ..self }
    }

    /// Takes in a hole that was settled by a tombstone; the next transaction carries it.
    pub fn sealed(&mut self, id: u64) {
        self.tombstones += 1;
        self.anchors.0.insert(id, None);
    }
}

/// The row hash at some decided ids; none where a tombstone stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Anchor>", into = "Vec<Anchor>")]
pub struct Anchors(BTreeMap<u64, Option<Hash>>);

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Anchor {
    id: u64,
    row_hash: Option<Hash>,
}

impl Anchors {
    /// The ids and hashes, lowest id first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Option<Hash>)> + '_ {
        self.0.iter().map(|(id, hash)| (*id, *hash))
    }

    /// Keeps the row at the low-water mark and those at the upper ends of the highest runs above it.
    fn keep_ends_of(&mut self, marks: &Marks) {
        let ends: Vec<u64> = marks.decided.iter().map(|(_, last)| last).collect();
        let skipped = ends.len().saturating_sub(ANCHORS);
        let kept = &ends[skipped..];
        self.0.retain(|id, _| *id == marks.low_water || kept.binary_search(id).is_ok());
    }
}

impl From<Vec<Anchor>> for Anchors {
    fn from(list: Vec<Anchor>) -> Self {
        Self(list.into_iter().map(|anchor| (anchor.id, anchor.row_hash)).collect())
    }
}

impl From<Anchors> for Vec<Anchor> {
    fn from(anchors: Anchors) -> Self {
        anchors.0.into_iter().map(|(id, row_hash)| Anchor { id, row_hash }).collect()
    }
}

/// Thirty-two bytes, as hexadecimal text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(pub [u8; 32]);

impl TryFrom<String> for Hash {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, hex::FromHexError> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes)?;
        Ok(Self(bytes))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hex::encode(hash.0)
    }
}

#[cfg(test)]
mod tests {
    use ledger_core::outbox_reader::OutboxEvent;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_micros(1_795_500_000_000_250).unwrap()
    }

    fn row(id: u64) -> OutboxRow {
        let hash = [u8::try_from(id).unwrap(); 32];
        OutboxRow {
            id,
            event: Some(OutboxEvent {
                payment_id: "0199c2a0-1111-8222-8333-444455556666".parse().unwrap(),
                seq: 1,
                ordinal: 0,
                topic: "t".to_owned(),
                event_type: "e.v1".to_owned(),
                previous_position: None,
                occurred_at: now(),
                body: Vec::new(),
                trace_parent: None,
                row_hash: hash,
            }),
        }
    }

    fn publish(progress: &Progress, ids: &[u64]) -> Progress {
        let mut marks = progress.marks.clone();
        for id in ids {
            marks.decide(*id);
        }
        progress.with(&ids.iter().map(|id| row(*id)).collect::<Vec<_>>(), marks)
    }

    #[test]
    fn the_rows_at_the_ends_of_what_is_decided_are_kept() {
        let start = Progress::none(OutboxName::Main, "s".to_owned(), 0, now());
        let open = publish(&publish(&start, &[1, 2, 4, 5]), &[7]);
        let ids = |progress: &Progress| progress.anchors.iter().map(|(id, _)| id).collect::<Vec<_>>();
        assert_eq!(ids(&open), [2, 5, 7]);
        assert_eq!(ids(&publish(&open, &[3])), [5, 7]);
        assert_eq!(ids(&publish(&publish(&open, &[3]), &[6])), [7]);
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let start = Progress::none(OutboxName::Backfill, "s".to_owned(), 0, now());
        let mut progress = publish(&start, &[1, 2, 4]);
        progress.sealed(3);
        let text = serde_json::to_string(&progress).unwrap();
        assert_eq!(serde_json::from_str::<Progress>(&text).unwrap(), progress);
        assert!(text.contains(r#""lowWater":2,"decided":[[4,4]]"#), "{text}");
        assert!(text.contains(r#"{"id":3,"rowHash":null}"#), "{text}");
    }

    #[test]
    fn the_digest_chains_events_and_nothing_else() {
        let start = Progress::none(OutboxName::Main, "s".to_owned(), 0, now());
        let one = publish(&start, &[1]);
        assert_ne!(one.digest, start.digest);
        assert_ne!(publish(&one, &[2]).digest, publish(&start, &[2]).digest);
        let tombstone = one.with(&[OutboxRow { id: 2, event: None }], Marks::at(2));
        assert_eq!((tombstone.digest, tombstone.tombstones), (one.digest, 1));
    }
}
