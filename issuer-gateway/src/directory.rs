//! The ways to all issuers, as their reference data describe them; a new version is noticed within seconds.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use ledger_core::ledger::{Ledger, LedgerError};
use tokio::time::Instant;
use tracing::warn;

use crate::http::{Clock, HttpIssuer, OpenError};

/// How long reference data are taken for current.
const FRESH: Duration = Duration::from_secs(5);

/// The ways to all issuers.
#[derive(Debug)]
pub struct Directory {
    ledger: Ledger,
    pool_idle: Duration,
    clock: Clock,
    known: RwLock<HashMap<String, Entry>>,
}

#[derive(Debug, Clone)]
struct Entry {
    version: u32,
    issuer: Arc<HttpIssuer>,
    read_at: Instant,
}

/// An issuer that cannot be reached by what we know of it.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// There are no reference data for it.
    #[error("issuer {0} is not known; add it with ledger-admin")]
    Unknown(String),
    /// Its reference data make no way to it.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its reference data could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl DirectoryError {
    /// The code kept with a NOT_SENT result.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "ISSUER_UNKNOWN",
            Self::Open(_) => "ISSUER_ENDPOINT",
            Self::Ledger(_) => "ISSUER_UNREADABLE",
        }
    }
}

impl Directory {
    /// A directory over the issuers that `ledger` knows.
    pub fn new(ledger: Ledger, pool_idle: Duration, clock: Clock) -> Self {
        Self { ledger, pool_idle, clock, known: RwLock::default() }
    }

    /// The way to an issuer.
    pub async fn issuer(&self, issuer_id: &str) -> Result<Arc<HttpIssuer>, DirectoryError> {
        let known = self.entry(issuer_id);
        if let Some(entry) = known.as_ref().filter(|entry| entry.read_at.elapsed() < FRESH) {
            return Ok(Arc::clone(&entry.issuer));
        }
        match self.refreshed(issuer_id, known.as_ref()).await {
            Ok(entry) => {
                let issuer = Arc::clone(&entry.issuer);
                self.known
                    .write()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert(issuer_id.to_owned(), entry);
                Ok(issuer)
            }
            // What was true seconds ago beats not reversing at all.
            Err(error) => match known {
                Some(entry) => {
                    warn!(issuer.id = issuer_id, %error, "issuer is used as last read");
                    Ok(entry.issuer)
                }
                None => Err(error),
            },
        }
    }

    fn entry(&self, issuer_id: &str) -> Option<Entry> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(issuer_id).cloned()
    }

    async fn refreshed(&self, issuer_id: &str, known: Option<&Entry>) -> Result<Entry, DirectoryError> {
        let read_at = Instant::now();
        let reference = self
            .ledger
            .issuer(issuer_id, (self.clock)())
            .await?
            .ok_or_else(|| DirectoryError::Unknown(issuer_id.to_owned()))?;
        let issuer = match known.filter(|entry| entry.version == reference.version) {
            Some(entry) => Arc::clone(&entry.issuer),
            None => Arc::new(HttpIssuer::open(&reference, self.pool_idle, self.clock)?),
        };
        Ok(Entry { version: reference.version, issuer, read_at })
    }
}
