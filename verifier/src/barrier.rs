//! Before anything is compared: both servers are replicas, and have all that their primaries had committed at an instant.

use std::time::Duration;

use ledger_core::replica_reader::ReplicaReader;
use ledger_core::store::replica;
use migrator::source::LegacyReader;

use crate::Failed;

/// The servers: each ledger's replica and its primary.
#[derive(Debug)]
pub struct Servers<'a> {
    pub ledger: &'a ReplicaReader,
    pub ledger_primary: &'a ReplicaReader,
    pub legacy: &'a LegacyReader,
    pub legacy_primary: &'a LegacyReader,
}

/// Whether the replicas are far enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Barrier {
    /// They have all of this.
    Passed(String),
    /// One did not catch up in time.
    Late(String),
}

impl Servers<'_> {
    /// Refuses to verify on a server that takes writes: what it shows is not what was replicated.
    pub async fn refuse_writable(&self) -> Result<(), Failed> {
        if self.ledger.is_writable_server().await? {
            return Err(Failed::Writable("ledger"));
        }
        if replica::server(self.legacy.pool()).await?.1 {
            return Err(Failed::Writable("legacy"));
        }
        Ok(())
    }

    /// Waits until the replicas have what the primaries have committed by now; one barrier per server.
    pub async fn pass(&self, limit: Duration) -> Result<Barrier, Failed> {
        let committed = self.ledger_primary.executed().await?;
        if committed.is_empty() {
            return Err(Failed::NoGtids("ledger"));
        }
        if !self.ledger.wait_for_gtid(&committed, limit).await? {
            return Ok(Barrier::Late(format!(
                "the ledger's replica is behind by more than {} s",
                limit.as_secs()
            )));
        }
        let (legacy, _) = replica::server(self.legacy.pool()).await?;
        if legacy == self.ledger.server_uuid().await? {
            return Ok(Barrier::Passed(committed));
        }
        let theirs = replica::executed(self.legacy_primary.pool()).await?;
        if theirs.is_empty() {
            return Err(Failed::NoGtids("legacy"));
        }
        if !replica::wait_for(self.legacy.pool(), &theirs, limit).await? {
            return Ok(Barrier::Late(format!(
                "the legacy replica is behind by more than {} s",
                limit.as_secs()
            )));
        }
        Ok(Barrier::Passed(format!("{committed};{theirs}")))
    }
}
