//! The job's settings, with their defaults in `net-cancel.toml` and `deploy/timeouts.toml`.

use std::time::Duration;

use issuer_gateway::timeouts::Timeouts;
use ledger_runtime::config::Validate;
use ledger_runtime::health::OpsSettings;
use ledger_runtime::telemetry::LogSettings;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// The defaults.
pub const DEFAULTS: &str = include_str!("net-cancel.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the ledger is.
    pub database: DatabaseSettings,
    /// How the job works.
    pub job: JobSettings,
    /// Where health and metrics are shown.
    pub ops: OpsSettings,
    /// What is told on stderr.
    pub log: LogSettings,
}

/// Where the ledger is.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// The URL of `ledger_app`.
    pub url: SecretString,
    /// Connections at most.
    pub max_connections: u32,
}

/// How the job works. A time of 0 is taken from `deploy/timeouts.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobSettings {
    /// Issuers asked at the same time.
    pub concurrency: usize,
    /// Items of each kind read by one scan.
    pub scan_limit: u32,
    scan_ms: u64,
    recovery_grace_ms: u64,
    cancel_repeat_ms: u64,
    stop_ms: u64,
}

/// The times the job keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Between two scans.
    pub scan: Duration,
    /// How long past its deadline an intent is taken for orphaned.
    pub recovery_grace: Duration,
    /// Between the first two tries of an unanswered cancel.
    pub cancel_repeat: Duration,
    /// How long what is under way may take when the process is stopped.
    pub stop: Duration,
}

impl JobSettings {
    /// The times in force.
    pub fn times(&self, timeouts: &Timeouts) -> Times {
        let set = |ms: u64, default: Duration| if ms == 0 { default } else { Duration::from_millis(ms) };
        Times {
            scan: set(self.scan_ms, timeouts.net_cancel.scan()),
            recovery_grace: set(self.recovery_grace_ms, timeouts.net_cancel.recovery_grace()),
            cancel_repeat: set(self.cancel_repeat_ms, timeouts.net_cancel.cancel_repeat()),
            stop: Duration::from_millis(self.stop_ms),
        }
    }
}

impl Settings {
    /// The database's URL.
    pub fn database_url(&self) -> &str {
        self.database.url.expose_secret()
    }
}

impl Validate for Settings {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, fault: &str| {
            if !holds {
                faults.push(fault.to_owned());
            }
        };
        must(
            !self.database_url().is_empty(),
            "database.url is empty: set DATABASE__URL, DATABASE__URL_FILE or a file given with --config",
        );
        must(
            (1..=1_000).contains(&self.database.max_connections),
            "database.max_connections must be between 1 and 1000",
        );
        must((1..=1_000).contains(&self.job.concurrency), "job.concurrency must be between 1 and 1000");
        must((1..=100_000).contains(&self.job.scan_limit), "job.scan_limit must be between 1 and 100000");
        faults
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ledger_runtime::config::load_with;

    use super::*;

    #[test]
    fn times_come_from_the_one_source_unless_set() {
        let timeouts = Timeouts::embedded().unwrap();
        let variables = [("DATABASE__URL", "mysql://localhost/ledger"), ("JOB__RECOVERY_GRACE_MS", "1000")];
        let environment: BTreeMap<_, _> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let settings: Settings = load_with(DEFAULTS, None, environment).unwrap();
        let times = settings.job.times(&timeouts);
        assert_eq!(times.recovery_grace, Duration::from_secs(1));
        assert_eq!(times.scan, timeouts.net_cancel.scan());
    }

    #[test]
    fn all_faults_are_listed_at_once() {
        let environment = BTreeMap::from([("JOB__CONCURRENCY".to_owned(), "0".to_owned())]);
        let error = load_with::<Settings>(DEFAULTS, None, environment).unwrap_err().to_string();
        assert!(error.contains("database.url") && error.contains("job.concurrency"), "{error}");
    }
}
