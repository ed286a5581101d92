//! What all requests share.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use issuer_gateway::run::Gateway;
use issuer_gateway::timeouts::Timeouts;
use ledger_core::ledger::Ledger;
use ledger_runtime::clock;
use tokio_util::task::TaskTracker;

use crate::auth::Keys;
use crate::cursor::Lists;
use crate::deadline::Issuers;
use crate::limits::{Limits, Places};
use crate::problem::{Problem, While};

/// The service: cheap to clone.
#[derive(Debug, Clone)]
pub struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ledger: Ledger,
    gateway: Gateway,
    keys: Keys,
    issuers: Issuers,
    limits: Limits,
    lists: Lists,
    places: Places,
    answer_within: Duration,
    commit_within: Duration,
    running: TaskTracker,
}

impl Api {
    /// The service on a ledger, its cursors good for this process.
    pub fn new(ledger: Ledger, timeouts: &Timeouts, limits: Limits, keys_fresh: Duration) -> Self {
        Self::with_lists(ledger, timeouts, limits, keys_fresh, Lists::default())
    }

    /// The service on a ledger.
    pub fn with_lists(
        ledger: Ledger,
        timeouts: &Timeouts,
        limits: Limits,
        keys_fresh: Duration,
        lists: Lists,
    ) -> Self {
        Self(Arc::new(Inner {
            gateway: Gateway::new(ledger.clone(), timeouts, clock::now),
            keys: Keys::new(ledger.clone(), keys_fresh),
            issuers: Issuers::new(ledger.clone()),
            ledger,
            limits,
            lists,
            places: Places::new(limits),
            answer_within: timeouts.ledger_api.answer(),
            commit_within: timeouts.ledger_api.after(),
            running: TaskTracker::new(),
        }))
    }

    /// The ledger's handle.
    pub fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// The way to issuers.
    pub fn gateway(&self) -> &Gateway {
        &self.0.gateway
    }

    /// The API keys.
    pub fn keys(&self) -> &Keys {
        &self.0.keys
    }

    /// How long issuers may take.
    pub fn issuers(&self) -> &Issuers {
        &self.0.issuers
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// How lists are paged.
    pub fn lists(&self) -> &Lists {
        &self.0.lists
    }

    /// The last instant of which all is written that will ever be: lists are shown as of it, and nothing as of a later one.
    /// What is written in time is so by the database's clock; a clock of ours that runs ahead of it sees no further.
    pub async fn settled(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
        let clock = self.0.ledger.clock().await;
        let clock = clock.map_err(|error| Problem::of_ledger(&error.into(), While::Reading))?;
        Ok(self.0.lists.as_of(now.min(clock)))
    }

    /// The places for requests under way.
    pub fn places(&self) -> &Places {
        &self.0.places
    }

    /// By when a caller is answered.
    pub fn answer_within(&self) -> Duration {
        self.0.answer_within
    }

    /// What is set aside for committing what issuers answered.
    pub fn commit_within(&self) -> Duration {
        self.0.commit_within
    }

    /// Writes that go on when their caller hangs up.
    pub fn running(&self) -> &TaskTracker {
        &self.0.running
    }

    /// Waits for everything under way, at most `within`; says whether all of it was finished.
    pub async fn drain(&self, within: Duration) -> bool {
        self.0.running.close();
        let written = tokio::time::timeout(within, self.0.running.wait()).await.is_ok();
        self.0.gateway.close(within).await && written
    }
}
