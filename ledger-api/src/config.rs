//! The service's configuration: embedded defaults, a file, the environment.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use ledger_core::store::append::{COMMIT_TAKES, COMMIT_WITHIN};
use ledger_core::store::batch::BatchOptions;
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::config::{ConfigError, Validate, load};
use ledger_runtime::telemetry::LogSettings;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use crate::cursor::{CursorKey, Lists};
use crate::limits::Limits;

/// The defaults, as `ledger-api config show` prints them.
pub const DEFAULTS: &str = include_str!("../ledger-api.toml");

/// All of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The listener for callers.
    pub http: Http,
    /// API keys.
    pub auth: Auth,
    /// Lists and their cursors.
    pub lists: ListSettings,
    /// The listener for operators.
    pub ops: Ops,
    /// MySQL.
    pub database: Database,
    /// The log.
    pub log: LogSettings,
}

/// The listener for callers.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Where it listens.
    pub bind: SocketAddr,
    /// Whether that may be reachable from other machines.
    pub allow_public_bind: bool,
    body_limit_bytes: usize,
    uri_limit_bytes: usize,
    header_limit_bytes: usize,
    header_limit_count: usize,
    max_connections: usize,
    header_within_ms: u64,
    body_within_ms: u64,
    max_in_flight: usize,
    max_queued: usize,
    queue_within_ms: u64,
    drain_seconds: u64,
}

/// API keys.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    cache_seconds: u64,
}

/// Lists and their cursors.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListSettings {
    cursor_keys: SecretString,
    cursor_valid_hours: u32,
    settle_ms: u32,
}

/// The listener for operators.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ops {
    /// Where it listens.
    pub bind: SocketAddr,
    /// Whether that may be reachable from other machines.
    pub allow_public_bind: bool,
}

/// MySQL.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    url: SecretString,
    max_connections: u32,
    min_connections: u32,
    acquire_timeout_ms: u64,
    append_group: usize,
    append_lanes: usize,
    append_queue: usize,
}

impl Config {
    /// Reads it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        load(DEFAULTS, file)
    }
}

impl Http {
    /// The limits of a request.
    pub fn limits(&self) -> Limits {
        Limits {
            body_bytes: self.body_limit_bytes,
            uri_bytes: self.uri_limit_bytes,
            header_bytes: self.header_limit_bytes,
            header_count: self.header_limit_count,
            connections: self.max_connections,
            header_within: Duration::from_millis(self.header_within_ms),
            body_within: Duration::from_millis(self.body_within_ms),
            in_flight: self.max_in_flight,
            queued: self.max_queued,
            queue_within: Duration::from_millis(self.queue_within_ms),
        }
    }

    /// How long a stop waits for what is under way.
    pub const fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

impl Auth {
    /// How long a key is taken for current.
    pub const fn cache(&self) -> Duration {
        Duration::from_secs(self.cache_seconds)
    }
}

impl ListSettings {
    fn keys(&self) -> impl Iterator<Item = Option<CursorKey>> {
        self.cursor_keys.expose_secret().split_whitespace().map(CursorKey::parse)
    }

    /// Whether cursors have no key that other processes know.
    pub fn has_no_key(&self) -> bool {
        self.keys().next().is_none()
    }

    /// How lists are paged.
    pub fn lists(&self) -> Lists {
        let valid_for = TimeDelta::hours(self.cursor_valid_hours.into());
        Lists::new(self.keys().flatten().collect(), valid_for, TimeDelta::milliseconds(self.settle_ms.into()))
    }
}

impl Database {
    /// Where the ledger is.
    pub fn url(&self) -> &str {
        self.url.expose_secret()
    }

    /// How its pool is sized.
    pub fn pool(&self) -> PoolOptions {
        PoolOptions {
            max_connections: self.max_connections,
            min_connections: self.min_connections,
            acquire_timeout: Duration::from_millis(self.acquire_timeout_ms),
            appends: BatchOptions {
                group: self.append_group,
                lanes: self.append_lanes,
                queue: self.append_queue,
            },
            ..PoolOptions::default()
        }
    }
}

impl Validate for Config {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut fault = |found: bool, text: &str| {
            if found {
                faults.push(text.to_owned());
            }
        };
        fault(
            self.database.url().is_empty(),
            "database.url is empty, set DATABASE__URL or DATABASE__URL_FILE to mysql://ledger_app:…@host/ledger",
        );
        fault(
            !self.http.bind.ip().is_loopback() && !self.http.allow_public_bind,
            "http.bind is reachable from other machines, set http.allow_public_bind = true if a TLS proxy stands in front",
        );
        fault(
            !self.ops.bind.ip().is_loopback() && !self.ops.allow_public_bind,
            "ops.bind is reachable from other machines, set ops.allow_public_bind = true if only operators reach it",
        );
        fault(
            self.auth.cache_seconds > 5,
            "auth.cache_seconds is above 5, a revoked key would work for too long",
        );
        fault(
            !(1_024..=1_048_576).contains(&self.http.body_limit_bytes),
            "http.body_limit_bytes is not from 1024 to 1048576",
        );
        fault(self.http.max_connections == 0, "http.max_connections is 0, use 1 or more");
        fault(self.http.header_within_ms == 0, "http.header_within_ms is 0, use 1000 or more");
        fault(self.http.max_in_flight == 0, "http.max_in_flight is 0, use 1 or more");
        fault(self.http.uri_limit_bytes < 256, "http.uri_limit_bytes is below 256, an order would not fit");
        fault(
            self.http.header_limit_bytes < 1_024,
            "http.header_limit_bytes is below 1024, a key would not fit",
        );
        fault(
            self.http.header_limit_count < 8,
            "http.header_limit_count is below 8, the known headers would not fit",
        );
        fault(
            self.lists.keys().any(|key| key.is_none()),
            "lists.cursor_keys holds something that is no key, set LISTS__CURSOR_KEYS_FILE to a file of 64 hexadecimal digits a line",
        );
        fault(
            !self.http.bind.ip().is_loopback() && self.lists.has_no_key(),
            "lists.cursor_keys is empty, so no other process would take this one's cursors: set LISTS__CURSOR_KEYS_FILE to a file with a \
             line made by `openssl rand -hex 32`, the same for every process",
        );
        fault(
            !(1..=168).contains(&self.lists.cursor_valid_hours),
            "lists.cursor_valid_hours is not from 1 to 168",
        );
        let settle = COMMIT_WITHIN + COMMIT_TAKES;
        fault(
            Duration::from_millis(self.lists.settle_ms.into()) < settle,
            &format!(
                "lists.settle_ms is below {}, a list would be shown while what was recorded before is still being written",
                settle.as_millis()
            ),
        );
        fault(self.lists.settle_ms > 60_000, "lists.settle_ms is above 60000, lists would be too old");
        let appends = [
            ("database.append_group", self.database.append_group),
            ("database.append_lanes", self.database.append_lanes),
            ("database.append_queue", self.database.append_queue),
        ];
        for (name, value) in appends {
            fault(value == 0, &format!("{name} is 0, use 1 or more"));
        }
        fault(self.database.max_connections == 0, "database.max_connections is 0, use 1 or more");
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use ledger_runtime::config::load_with;

    fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all = [("DATABASE__URL", "mysql://ledger_app:secret@localhost/ledger")];
        let all = all.iter().chain(variables).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        load_with(DEFAULTS, None, all.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn the_defaults_listen_on_this_machine_only_and_hide_the_password() {
        let config = with(&[]).unwrap();
        assert!(config.http.bind.ip().is_loopback() && config.ops.bind.ip().is_loopback());
        assert!(!format!("{config:?}").contains("secret@"));
    }

    #[test]
    fn listening_to_other_machines_has_to_be_said_aloud() {
        let fault = with(&[("HTTP__BIND", "0.0.0.0:8080")]).unwrap_err().to_string();
        assert!(fault.contains("allow_public_bind"), "{fault}");
        let public = [("HTTP__BIND", "0.0.0.0:8080"), ("HTTP__ALLOW_PUBLIC_BIND", "true")];
        let key = "0a".repeat(32);
        with(&[public.as_slice(), &[("LISTS__CURSOR_KEYS", &key)]].concat()).unwrap();
    }

    /// Behind a balancer every second page would be refused otherwise.
    #[test]
    fn whoever_listens_to_other_machines_has_a_key_of_cursors_that_others_know() {
        let public = [("HTTP__BIND", "0.0.0.0:8080"), ("HTTP__ALLOW_PUBLIC_BIND", "true")];
        let fault = with(&public).unwrap_err().to_string();
        assert!(fault.contains("lists.cursor_keys") && fault.contains("LISTS__CURSOR_KEYS_FILE"), "{fault}");
        assert!(with(&[]).unwrap().lists.has_no_key(), "on this machine one process makes up its own");
    }

    #[test]
    fn keys_of_cursors_are_checked_and_hidden() {
        let (old, new) = ("0a".repeat(32), "0b".repeat(32));
        let config = with(&[("LISTS__CURSOR_KEYS", &format!("{new}\n{old}\n"))]).unwrap();
        assert!(!config.lists.has_no_key() && !format!("{config:?}").contains(&old));
        assert!(with(&[]).unwrap().lists.has_no_key());
        let fault = with(&[("LISTS__CURSOR_KEYS", "short")]).unwrap_err().to_string();
        assert!(fault.contains("LISTS__CURSOR_KEYS_FILE"), "{fault}");
    }

    /// No setting makes lists show what is still being written.
    #[test]
    fn lists_lie_behind_all_that_is_on_its_way() {
        let fault = with(&[("LISTS__SETTLE_MS", "4999")]).unwrap_err().to_string();
        assert!(fault.contains("lists.settle_ms is below 5000"), "{fault}");
        with(&[("LISTS__SETTLE_MS", "5000")]).unwrap();
    }

    #[test]
    fn all_faults_are_listed_at_once() {
        let fault = with(&[("DATABASE__URL", ""), ("AUTH__CACHE_SECONDS", "60")]).unwrap_err().to_string();
        assert!(fault.contains("database.url") && fault.contains("auth.cache_seconds"), "{fault}");
    }
}
