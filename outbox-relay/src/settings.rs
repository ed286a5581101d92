//! The relay's settings, with their defaults in `relay.toml`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::batch::Limits;
use crate::kafka::{KafkaSettings, PINNED};
use crate::publish::TRANSACTION_TIMEOUT;

/// The defaults.
pub const DEFAULTS: &str = include_str!("relay.toml");

/// How an outbox is carried.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelaySettings {
    /// `ce_source` of every event.
    pub source: String,
    /// Events in one Kafka transaction at most.
    pub batch_events: u32,
    /// Bytes in one Kafka transaction at most.
    pub batch_bytes: usize,
    /// A larger event parks its payment.
    pub max_event_bytes: usize,
    /// Between two reads when there is nothing to do.
    pub idle_poll_ms: u64,
    /// A hole is given at least this long.
    pub seal_delay_ms: u64,
    /// More undecided ids than this stop the relay.
    pub max_holes: u64,
    /// Keep each transaction open so long.
    pub commit_linger_ms: u64,
}

impl RelaySettings {
    /// How transactions are cut.
    pub fn limits(&self) -> Limits {
        Limits {
            events: usize::try_from(self.batch_events).unwrap_or(usize::MAX),
            bytes: self.batch_bytes,
            event_bytes: self.max_event_bytes,
        }
    }

    /// The longest sleep between two reads.
    pub const fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_poll_ms)
    }

    /// What is wrong with these settings, all of it.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        must(!self.source.is_empty(), "relay.source must not be empty: it is the ce_source of every event");
        must((1..=100_000).contains(&self.batch_events), "relay.batch_events must be between 1 and 100000");
        must(self.batch_bytes >= 1_024, "relay.batch_bytes must be 1024 or more");
        must(self.max_event_bytes >= 1_024, "relay.max_event_bytes must be 1024 or more");
        must(
            self.max_event_bytes <= 950_000,
            "relay.max_event_bytes must be 950000 or less: a record batch holds 1000000",
        );
        must((1..=1_000).contains(&self.idle_poll_ms), "relay.idle_poll_ms must be between 1 and 1000");
        must(self.max_holes >= 1, "relay.max_holes must be 1 or more");
        must(
            Duration::from_millis(self.commit_linger_ms) * 2 <= TRANSACTION_TIMEOUT,
            "relay.commit_linger_ms must be 5000 or less: the broker ends a transaction after 10 s",
        );
        faults
    }
}

/// What is wrong with the settings for Kafka, all of it.
pub fn kafka_faults(kafka: &KafkaSettings) -> Vec<String> {
    let mut faults: Vec<String> = kafka
        .properties
        .keys()
        .filter(|name| PINNED.contains(&name.as_str()))
        .map(|name| format!("kafka.properties.\"{name}\" cannot be set: exactly-once and order rest on it"))
        .collect();
    if kafka.brokers.is_empty() {
        faults.push("kafka.brokers must name a broker as host:port".to_owned());
    }
    if !["none", "gzip", "snappy", "lz4"].contains(&kafka.compression.as_str()) {
        faults.push("kafka.compression must be none, gzip, snappy or lz4".to_owned());
    }
    let legal = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-');
    if !kafka.topic_prefix.chars().all(legal) || kafka.topic_prefix.len() > 100 {
        faults.push(
            "kafka.topic_prefix must be at most 100 letters, digits, dots, dashes or underscores".to_owned(),
        );
    }
    faults
}

#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    pub kafka: KafkaSettings,
    pub relay: RelaySettings,
}
impl Default for Settings {
    fn default() -> Self {
        toml::from_str(DEFAULTS).unwrap()
    }
}
