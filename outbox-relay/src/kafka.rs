//! What every Kafka client of the relay shares: where the cluster is, what names have in front, how errors read.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, KafkaResult};
use serde::{Deserialize, Serialize};

/// The longest wait for an answer about topics and offsets.
pub const ANSWER: Duration = Duration::from_secs(15);

/// Where Kafka is.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// `host:port`, with commas between.
    pub brokers: String,
    /// In front of every topic and transactional id, so that several ledgers share a cluster.
    pub topic_prefix: String,
    /// Compression of events: none, gzip, snappy or lz4.
    pub compression: String,
    /// Further librdkafka settings (security and the like). What exactly-once rests on cannot be set.
    pub properties: BTreeMap<String, String>,
}

/// Settings that the promise of exactly-once and in-order rests on; they are ours to choose.
pub const PINNED: &[&str] = &[
    "transactional.id",
    "enable.idempotence",
    "acks",
    "partitioner",
    "isolation.level",
    "max.in.flight.requests.per.connection",
    "bootstrap.servers",
    "enable.auto.commit",
];

impl KafkaSettings {
    /// The name of a topic on this cluster.
    pub fn topic(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    /// A client's configuration.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("client.id", "outbox-relay").set_log_level(RDKafkaLogLevel::Warning);
        for (name, value) in &self.properties {
            config.set(name, value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// A consumer that reads partitions to their end; `committed` hides what is not committed.
    pub fn reader(&self, committed: bool) -> KafkaResult<BaseConsumer<Quiet>> {
        self.client()
            .set("group.id", self.topic("outbox-relay")) // asked for, though it never joins one
            .set("isolation.level", if committed { "read_committed" } else { "read_uncommitted" })
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "earliest")
            .set("allow.auto.create.topics", "false")
            .set("fetch.wait.max.ms", "50")
            .create_with_context(Quiet)
    }
}

/// The partitions of each topic of a cluster.
pub fn partitions(reader: &BaseConsumer<Quiet>) -> KafkaResult<BTreeMap<String, i32>> {
    let metadata = reader.fetch_metadata(None, ANSWER)?;
    Ok(metadata
        .topics()
        .iter()
        .map(|topic| (topic.name().to_owned(), i32::try_from(topic.partitions().len()).unwrap_or(i32::MAX)))
        .collect())
}

/// Sends librdkafka's log to ours, where it can be filtered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
    }
}

impl rdkafka::consumer::ConsumerContext for Quiet {}

/// One line of librdkafka's log. What it calls a failure it mostly mends itself, and what it cannot mend comes back as
/// an error of a call.
pub fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error
        | RDKafkaLogLevel::Warning => {
            tracing::info!(target: "outbox_relay::librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => {
            tracing::debug!(target: "outbox_relay::librdkafka", facility, "{message}");
        }
    }
}
