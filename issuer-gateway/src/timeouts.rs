//! The timeouts of every hop, from `deploy/timeouts.toml`, and the proof that callers outwait those they call.

use std::time::Duration;

use serde::Deserialize;

/// The file as it was when this was built.
const EMBEDDED: &str = include_str!("../../deploy/timeouts.toml");

/// All hops.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timeouts {
    /// Between any two hops.
    pub network: Network,
    /// Who calls the ledger.
    pub caller: Caller,
    /// The ledger's REST service.
    pub ledger_api: LedgerApi,
    /// The ledger's connections to MySQL.
    pub database: Database,
    /// Defaults for an issuer, and what its reference data does not say.
    pub issuer: IssuerDefaults,
    /// The job that undoes.
    pub net_cancel: NetCancel,
}

/// N and M of the inequality.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    round_trip_ms: u64,
    margin_ms: u64,
}

/// A payment service or merchant.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    connect_ms: u64,
    read_ms: u64,
}

/// The ledger's REST service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LedgerApi {
    queue_ms: u64,
    before_ms: u64,
    after_ms: u64,
    answer_ms: u64,
    legs: u32,
}

impl LedgerApi {
    /// What is set aside for committing answers and verdict.
    pub const fn after(&self) -> Duration {
        Duration::from_millis(self.after_ms)
    }

    /// By when a caller has its answer.
    pub const fn answer(&self) -> Duration {
        Duration::from_millis(self.answer_ms)
    }
}

/// The ledger's connections to MySQL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    acquire_ms: u64,
    lock_wait_ms: u64,
}

/// Defaults for an issuer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerDefaults {
    connect_ms: u64,
    read_ms: u64,
    late_window_s: u64,
    validity_s: u64,
    pool_idle_ms: u64,
    start_grace_ms: u64,
}

impl IssuerDefaults {
    /// How long an idle connection is kept.
    pub const fn pool_idle(&self) -> Duration {
        Duration::from_millis(self.pool_idle_ms)
    }

    /// How far an attempt may run past the deadline in its row.
    pub const fn start_grace(&self) -> Duration {
        Duration::from_millis(self.start_grace_ms)
    }
}

/// The job that undoes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetCancel {
    scan_ms: u64,
    recovery_grace_ms: u64,
    /// Offsets of the tries from the order to undo; the issuer's late window joins them.
    pub schedule_s: Vec<u32>,
    /// Share of a gap by which a try may be later.
    pub jitter_permille: u32,
    /// Share of the validity after which people take over.
    pub escalate_permille: u32,
    cancel_repeat_s: u64,
}

impl NetCancel {
    /// Between two scans.
    pub const fn scan(&self) -> Duration {
        Duration::from_millis(self.scan_ms)
    }

    /// How long past its deadline an intent is taken for orphaned.
    pub const fn recovery_grace(&self) -> Duration {
        Duration::from_millis(self.recovery_grace_ms)
    }

    /// Between two tries of an unanswered cancel.
    pub const fn cancel_repeat(&self) -> Duration {
        Duration::from_secs(self.cancel_repeat_s)
    }
}

/// Timeouts that do not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeoutsError {
    /// Not TOML, or a missing or unknown name.
    #[error("deploy/timeouts.toml cannot be read: {0}")]
    Unreadable(String),
    /// A caller that gives up before the one it calls.
    #[error("{longer} must be at least {least} ms, and is {is} ms")]
    TooShort {
        /// The name of what is too short.
        longer: &'static str,
        /// What it has to be.
        least: u64,
        /// What it is.
        is: u64,
    },
}

impl Timeouts {
    /// The values this build carries.
    pub fn embedded() -> Result<Self, TimeoutsError> {
        Self::parse(EMBEDDED)
    }

    /// Reads the file's text.
    pub fn parse(text: &str) -> Result<Self, TimeoutsError> {
        toml::from_str(text).map_err(|error| TimeoutsError::Unreadable(error.to_string()))
    }

    /// Worst case of the ledger for a payment of so many legs.
    pub fn ledger_worst_ms(&self, legs: u32) -> u64 {
        let api = &self.ledger_api;
        let per_leg = self.issuer.connect_ms.saturating_add(self.issuer.read_ms);
        let all_legs = u64::from(legs).saturating_mul(per_leg);
        [api.queue_ms, api.before_ms, all_legs, api.after_ms].into_iter().fold(0, u64::saturating_add)
    }

    /// Everything that does not hold, at once.
    pub fn check(&self) -> Vec<TimeoutsError> {
        let between = self.network.round_trip_ms.saturating_add(self.network.margin_ms);
        let seconds = |s: u64| s.saturating_mul(1000);
        let escalate = self.issuer.validity_s.saturating_mul(u64::from(self.net_cancel.escalate_permille));
        let last_try = self.net_cancel.schedule_s.last().map_or(0, |s| seconds(u64::from(*s)));
        let pairs = [
            ("ledger_api.answer_ms", self.ledger_api.answer_ms, self.ledger_worst_ms(self.ledger_api.legs)),
            ("caller.read_ms", self.caller.read_ms, self.ledger_api.answer_ms.saturating_add(between)),
            ("caller.connect_ms", self.caller.connect_ms, between),
            ("ledger_api.answer_ms", self.ledger_api.answer_ms, self.database.acquire_ms),
            ("database.acquire_ms", self.database.acquire_ms, self.database.lock_wait_ms),
            (
                "net_cancel.recovery_grace_ms",
                self.net_cancel.recovery_grace_ms,
                self.issuer.start_grace_ms.saturating_add(between),
            ),
            (
                "issuer.late_window_s",
                seconds(self.issuer.late_window_s),
                self.issuer.connect_ms.saturating_add(self.issuer.read_ms),
            ),
            ("issuer.validity_s × net_cancel.escalate_permille", escalate, last_try),
            (
                "issuer.validity_s × net_cancel.escalate_permille",
                escalate,
                seconds(self.issuer.late_window_s),
            ),
        ];
        pairs
            .into_iter()
            .filter(|(_, is, least)| is < least)
            .map(|(longer, is, least)| TimeoutsError::TooShort { longer, least, is })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_caller_outwaits_the_hop_it_calls() {
        let timeouts = Timeouts::embedded().unwrap();
        assert_eq!(timeouts.check(), []);
        assert_eq!(timeouts.ledger_worst_ms(1), 12_000, "the table in the file says so");
        assert_eq!(timeouts.ledger_worst_ms(2), 23_000, "the table in the file says so");
    }

    #[test]
    fn a_read_timeout_that_is_raised_alone_is_found() {
        let raised = EMBEDDED.replace("read_ms = 10000", "read_ms = 12000");
        assert_ne!(raised, EMBEDDED);
        let faults = Timeouts::parse(&raised).unwrap().check();
        let expected = TimeoutsError::TooShort { longer: "ledger_api.answer_ms", least: 27_000, is: 25_000 };
        assert_eq!(faults, [expected]);
    }

    #[test]
    fn a_misspelt_name_is_refused() {
        let text = EMBEDDED.replace("answer_ms", "anwser_ms");
        assert!(matches!(Timeouts::parse(&text), Err(TimeoutsError::Unreadable(_))));
    }
}
