//! Reading the last progress record: to the end of its partition, committed records only.

use std::time::{Duration, Instant};

use ledger_core::outbox_reader::OutboxName;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};

use crate::kafka::{ANSWER, KafkaSettings, Quiet};
use crate::progress::{self, Progress};

/// The longest wait for the end of the partition.
const PATIENCE: Duration = Duration::from_mins(1);

/// Why the progress is not known.
#[derive(Debug, thiserror::Error)]
pub enum RecallError {
    /// Kafka did not answer.
    #[error("the progress topic {topic} could not be read to its end")]
    Kafka {
        /// The topic.
        topic: String,
        /// What Kafka says.
        #[source]
        source: KafkaError,
    },
    /// A transaction that hides the end stays open.
    #[error("a transaction on the progress topic {topic} is still open after {} s", PATIENCE.as_secs())]
    Open {
        /// The topic.
        topic: String,
    },
    /// The end did not come.
    #[error("the end of the progress topic {topic} was not reached within {} s", PATIENCE.as_secs())]
    Endless {
        /// The topic.
        topic: String,
    },
    /// A record that is no progress record.
    #[error("offset {offset} of the progress topic {topic} holds no progress record of this layout")]
    Unreadable {
        /// The topic.
        topic: String,
        /// Where.
        offset: i64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// The last committed progress of an outbox. With `fenced` nobody else can write any more: then an open transaction is
/// one being ended, and is waited for, since it might hide the newest record.
pub fn last_progress(
    settings: &KafkaSettings,
    outbox: OutboxName,
    fenced: bool,
) -> Result<Option<Progress>, RecallError> {
    let topic = settings.topic(progress::TOPIC);
    let partition = progress::partition_of(outbox);
    let failed = |source| RecallError::Kafka { topic: topic.clone(), source };
    let reader = settings.reader(true).map_err(failed)?;
    if fenced {
        await_stable_end(settings, &reader, &topic, partition)?;
    }
    let (low, high) = reader.fetch_watermarks(&topic, partition, ANSWER).map_err(failed)?;
    if low >= high {
        return Ok(None);
    }
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(&topic, partition, Offset::Beginning).map_err(failed)?;
    reader.assign(&from).map_err(failed)?;
    read_to_end(&reader, outbox, &topic)
}

/// Waits until no transaction is open: the last stable offset is the end.
fn await_stable_end(
    settings: &KafkaSettings,
    committed: &BaseConsumer<Quiet>,
    topic: &str,
    partition: i32,
) -> Result<(), RecallError> {
    let failed = |source| RecallError::Kafka { topic: topic.to_owned(), source };
    let everything = settings.reader(false).map_err(failed)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (_, end) = everything.fetch_watermarks(topic, partition, ANSWER).map_err(failed)?;
        let (_, stable) = committed.fetch_watermarks(topic, partition, ANSWER).map_err(failed)?;
        if stable >= end {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(RecallError::Open { topic: topic.to_owned() });
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn read_to_end(
    reader: &BaseConsumer<Quiet>,
    outbox: OutboxName,
    topic: &str,
) -> Result<Option<Progress>, RecallError> {
    let deadline = Instant::now() + PATIENCE;
    let mut last: Option<(i64, Vec<u8>)> = None;
    loop {
        if Instant::now() > deadline {
            return Err(RecallError::Endless { topic: topic.to_owned() });
        }
        match reader.poll(Duration::from_millis(200)) {
            Some(Ok(message)) if message.key() == Some(outbox.as_str().as_bytes()) => {
                last = message.payload().map(|payload| (message.offset(), payload.to_vec()));
            }
            Some(Ok(_)) | None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => break,
            Some(Err(source)) => return Err(RecallError::Kafka { topic: topic.to_owned(), source }),
        }
    }
    let Some((offset, payload)) = last else { return Ok(None) };
    serde_json::from_slice(&payload).map(Some).map_err(|source| RecallError::Unreadable {
        topic: topic.to_owned(),
        offset,
        source,
    })
}
