//! The relay's settings, with their defaults in `relay.toml`.

use std::time::Duration;

use ledger_runtime::config::Validate;
use ledger_runtime::health::OpsSettings;
use ledger_runtime::telemetry::LogSettings;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::batch::Limits;
use crate::kafka::{KafkaSettings, PINNED};
use crate::publish::TRANSACTION_TIMEOUT;

/// The defaults.
pub const DEFAULTS: &str = include_str!("relay.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the ledger is.
    pub database: DatabaseSettings,
    /// Where events go.
    pub kafka: KafkaSettings,
    /// How they are carried.
    pub relay: RelaySettings,
    /// Where health and metrics are shown.
    pub ops: OpsSettings,
    /// What is told on stderr.
    pub log: LogSettings,
}

/// Where the ledger is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// The URL of `ledger_relay`.
    pub url: SecretString,
}

impl Settings {
    /// The database's URL; commands that need it ask here.
    pub fn database_url(&self) -> Result<&str, NoDatabase> {
        let url = self.database.url.expose_secret();
        if url.is_empty() { Err(NoDatabase) } else { Ok(url) }
    }

    /// The settings in force, secrets left out.
    pub fn shown(&self) -> serde_json::Value {
        let mut kafka = self.kafka.clone();
        for (name, value) in &mut kafka.properties {
            if ["password", "secret", "pem", "token"].iter().any(|word| name.contains(word)) {
                REDACTED.clone_into(value);
            }
        }
        let url = if self.database.url.expose_secret().is_empty() { "" } else { REDACTED };
        serde_json::json!({
            "database": { "url": url },
            "kafka": kafka,
            "relay": self.relay,
            "ops": { "bind": self.ops.bind },
            "log": { "level": self.log.level, "format": format!("{:?}", self.log.format).to_lowercase() },
        })
    }
}

const REDACTED: &str = "[redacted]";

/// The database is not named.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("database.url is empty: set DATABASE__URL, DATABASE__URL_FILE or a file given with --config")]
pub struct NoDatabase;

impl Validate for Settings {
    fn faults(&self) -> Vec<String> {
        let mut faults = self.relay.faults();
        faults.extend(kafka_faults(&self.kafka));
        faults
    }
}

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
    /// Rest after a transaction that was not full.
    pub gather_ms: u64,
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

    /// The rest after a transaction that was not full.
    pub const fn gather(&self) -> Duration {
        Duration::from_millis(self.gather_ms)
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
        must(self.gather_ms <= 1_000, "relay.gather_ms must be 1000 or less: events wait that long");
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ledger_runtime::config::load_with;

    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let variables: BTreeMap<String, String> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        load_with(DEFAULTS, None, variables).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_are_fit_and_secrets_are_not_shown() {
        let settings = with(&[("DATABASE__URL", "mysql://relay:hush@db/ledger")]).unwrap();
        assert_eq!(settings.database_url().unwrap(), "mysql://relay:hush@db/ledger");
        assert!(!settings.shown().to_string().contains("hush"));
        assert!(with(&[]).unwrap().database_url().is_err());
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let told = with(&[
            ("RELAY__BATCH_EVENTS", "0"),
            ("RELAY__COMMIT_LINGER_MS", "60000"),
            ("KAFKA__BROKERS", ""),
        ]);
        let told = told.unwrap_err();
        for name in ["relay.batch_events", "relay.commit_linger_ms", "kafka.brokers"] {
            assert!(told.contains(name), "{told}");
        }
    }

    #[test]
    fn what_exactly_once_rests_on_cannot_be_set() {
        let mut settings = with(&[]).unwrap();
        settings.kafka.properties.insert("partitioner".to_owned(), "random".to_owned());
        assert!(settings.faults()[0].contains("partitioner"));
    }
}
