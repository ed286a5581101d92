//! The proof that topics hold what the outbox holds: every event once, byte for byte, in order within its payment. It reads
//! the topics to their end (committed records) and keeps a digest per key.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ledger_core::outbox_reader::{OutboxEvent, OutboxName, OutboxReader, OutboxRow};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::envelope::idempotency_key;
use crate::error::RelayError;
use crate::kafka::{self, KafkaSettings, Quiet};
use crate::recall;
use crate::session::blocking;
use crate::topics::{self, TopicError};

/// A topic that brings nothing for so long is not coming to its end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rows read at a time.
const PAGE: u32 = 5_000;

/// How many faults are spelled out; all are counted.
const SPELLED_OUT: usize = 20;

/// What was compared, and what did not fit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Which outbox.
    pub outbox: OutboxName,
    /// First id of the range.
    pub from: u64,
    /// Last id of the range.
    pub to: u64,
    /// Rows examined.
    pub rows: u64,
    /// Tombstones among them.
    pub tombstones: u64,
    /// Records examined.
    pub records: u64,
    /// Faults found.
    pub faults: u64,
    /// The first of them.
    pub examples: Vec<String>,
}

impl Proof {
    fn of(outbox: OutboxName, from: u64, to: u64) -> Self {
        Self { outbox, from, to, rows: 0, tombstones: 0, records: 0, faults: 0, examples: Vec::new() }
    }

    fn fault(&mut self, text: impl FnOnce() -> String) {
        self.faults += 1;
        if self.examples.len() < SPELLED_OUT {
            self.examples.push(text());
        }
    }
}

/// Compares the rows of a range with the topics; unless told otherwise, all rows up to the low-water mark. The mark is
/// read first, then the topics, then the rows: so every row up to the mark has to be in the topics, and every event in the
/// topics has to have a row. The latter is asked where the outbox still has its first row.
pub async fn range(
    reader: &mut OutboxReader,
    settings: &KafkaSettings,
    from: Option<u64>,
    to: Option<u64>,
) -> Result<Proof, RelayError> {
    let outbox = reader.outbox();
    let kafka = settings.clone();
    let progress = blocking(move || recall::last_progress(&kafka, outbox, false)).await??;
    let kafka = settings.clone();
    let mut stream = blocking(move || Stream::read(&kafka, outbox)).await?.map_err(TopicError::from)?;
    let (min, max) = reader.bounds().await?.unwrap_or((1, 0));
    let published = progress.map_or(0, |progress| progress.marks.low_water);
    let mut proof = Proof::of(outbox, from.unwrap_or(min), to.unwrap_or(published).min(max));
    proof.records = stream.records;
    for text in std::mem::take(&mut stream.faults) {
        proof.fault(|| text);
    }
    let all = from.is_none() && min == 1;
    let last = if all { max } else { proof.to };
    let mut next = proof.from;
    while next <= last {
        let page = reader.read_after(next - 1, PAGE).await?;
        for row in page.iter().take_while(|row| row.id <= last) {
            examine(&mut proof, &mut stream, settings, row, next);
            next = row.id + 1;
        }
        if page.last().is_none_or(|row| row.id >= last) {
            break;
        }
    }
    if next <= proof.to {
        let to = proof.to;
        proof.fault(|| format!("ids {next} to {to} hold no row"));
    }
    if all {
        for key in stream.digests.keys() {
            proof.fault(|| format!("{key} is in kafka and no row asks for it"));
        }
    }
    Ok(proof)
}

fn examine(proof: &mut Proof, stream: &mut Stream, settings: &KafkaSettings, row: &OutboxRow, expected: u64) {
    let found = row.event.as_ref().and_then(|event| stream.digests.remove(&idempotency_key(event)));
    if row.id > proof.to {
        return; // not promised yet
    }
    proof.rows += 1;
    if row.id > expected {
        proof.fault(|| format!("ids {expected} to {} hold no row", row.id - 1));
    }
    match &row.event {
        None => proof.tombstones += 1,
        Some(event) => compare(proof, found, settings, row.id, event),
    }
}

fn compare(
    proof: &mut Proof,
    found: Option<[u8; 32]>,
    settings: &KafkaSettings,
    id: u64,
    event: &OutboxEvent,
) {
    let key = idempotency_key(event);
    match found {
        None => proof.fault(|| format!("row {id} ({key}) is not in its topic")),
        Some(digest) if digest != digest_of(&settings.topic(&event.topic), &event.body) => {
            proof.fault(|| format!("row {id} ({key}) is in kafka with another body or on another topic"));
        }
        Some(_) => {}
    }
}

fn digest_of(topic: &str, body: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(topic).chain_update([0]).chain_update(body).finalize().into()
}

/// What the topics of an outbox hold.
#[derive(Default)]
struct Stream {
    records: u64,
    digests: HashMap<String, [u8; 32]>,
    positions: HashMap<(String, String), String>,
    faults: Vec<String>,
}

impl Stream {
    fn read(settings: &KafkaSettings, outbox: OutboxName) -> Result<Self, KafkaError> {
        let reader = settings.reader(true)?;
        let partitions = kafka::partitions(&reader)?;
        let mut stream = Self::default();
        for topic in topics::of(outbox).iter().map(|name| settings.topic(name)) {
            stream.read_topic(&reader, &topic, partitions.get(&topic).copied().unwrap_or(0))?;
        }
        Ok(stream)
    }

    fn read_topic(
        &mut self,
        reader: &BaseConsumer<Quiet>,
        topic: &str,
        partitions: i32,
    ) -> Result<(), KafkaError> {
        let mut from = TopicPartitionList::new();
        for partition in 0..partitions {
            from.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        reader.assign(&from)?;
        let (mut open, mut heard) = (partitions, Instant::now());
        while open > 0 {
            match reader.poll(Duration::from_millis(200)) {
                None if heard.elapsed() > PATIENCE => return Err(KafkaError::Canceled),
                None => continue,
                Some(Err(KafkaError::PartitionEOF(_))) => open -= 1,
                Some(Err(error)) => return Err(error),
                Some(Ok(message)) => self.take(topic, &message),
            }
            heard = Instant::now();
        }
        Ok(())
    }

    fn take(&mut self, topic: &str, message: &BorrowedMessage<'_>) {
        self.records += 1;
        let header = |name: &str| {
            let found = message
                .headers()
                .into_iter()
                .flat_map(|headers| headers.iter())
                .find(|found| found.key == name);
            found.and_then(|found| found.value).map(|value| String::from_utf8_lossy(value).into_owned())
        };
        let key = header("idempotency-key").unwrap_or_default();
        let payment = header("ce_subject").unwrap_or_default();
        let position = header("ce_sequence").unwrap_or_default();
        let before = self.positions.insert((topic.to_owned(), payment), position);
        let previous = header("ce_previous");
        if previous != before {
            let says = |position: Option<String>| position.unwrap_or_else(|| "nothing".to_owned());
            self.faults.push(format!(
                "{key} says it follows {}, it follows {}",
                says(previous),
                says(before)
            ));
        }
        let digest = digest_of(topic, message.payload().unwrap_or_default());
        if self.digests.insert(key.clone(), digest).is_some() {
            self.faults.push(format!("{key} is in kafka more than once"));
        }
    }
}
