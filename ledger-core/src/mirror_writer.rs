//! The handle of the migrator and of the verifier's repair: carries legacy payments over, with where each legacy row went.

use sqlx::MySql;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;

use crate::change::{Asked, Change};
use crate::ids::RequestId;
use crate::payment::legacy::{self, AdoptRefused, LegacyPayment};
use crate::store::append;
use crate::store::mirror::{self, Carried};
use crate::store::pool::{PoolOptions, connect};
use crate::store::{LostKey, StoreError, grants, load};

pub use crate::store::grants::GrantsError;
pub use crate::store::mirror::{LegacyRow, Provenance, Quarantined, Receipt, RecordedBy, RowKey, RowKind};

/// How often a batch is decided again after another writer was first.
const MAX_TRIES: u32 = 5;

/// A payment and the legacy rows that tell it.
#[derive(Debug, Clone)]
pub struct Mapped {
    /// The payment.
    pub payment: LegacyPayment,
    /// Its rows.
    pub rows: Vec<LegacyRow>,
}

/// What came of carrying a batch over.
#[derive(Debug, Default)]
pub struct MirrorReport {
    /// Changes that were inserted.
    pub inserted_changes: usize,
    /// Legacy rows recorded as mapped.
    pub inserted_rows: usize,
    /// Payments that were there already, as told.
    pub unchanged: usize,
    /// Payments that cannot be carried over, by their place in the batch.
    pub refused: Vec<(usize, AdoptRefused)>,
}

/// The handle: SELECT, and INSERT of legacy facts, as `ledger_mirror`.
#[derive(Debug, Clone)]
pub struct MirrorWriter {
    pool: MySqlPool,
}

impl MirrorWriter {
    /// Connects, and proves that the account can neither change a row, nor forge one, nor insert a live fact.
    pub async fn open(url: &str, options: PoolOptions) -> Result<Self, GrantsError> {
        let pool = connect(url, options).await?;
        grants::prove_mirror(&pool).await?;
        Ok(Self { pool })
    }

    /// Carries a batch over in one transaction: what is missing is inserted, what is there is left alone.
    pub async fn mirror(&self, batch: &[Mapped], by: &Provenance) -> Result<MirrorReport, StoreError> {
        let mut tries = 0;
        loop {
            match self.try_mirror(batch, by).await {
                Err(StoreError::Lost(LostKey::Other)) => return Err(StoreError::Lost(LostKey::Other)),
                Err(StoreError::Lost(key)) if tries < MAX_TRIES => {
                    tracing::debug!("another writer was first ({key}), deciding again");
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn try_mirror(&self, batch: &[Mapped], by: &Provenance) -> Result<MirrorReport, StoreError> {
        let ids: Vec<_> = batch.iter().map(|mapped| legacy::payment_id(&mapped.payment)).collect();
        let mut connection = self.connection().await?;
        let mut known = load::payments(&mut connection, &ids).await?;
        let keys: Vec<RowKey> = batch.iter().flat_map(|mapped| mapped.rows.iter().map(row_key)).collect();
        let (known_rows, _) = mirror::known_rows(&mut connection, &by.source, &keys).await?;
        drop(connection);
        let known_rows: std::collections::HashSet<RowKey> = known_rows.into_iter().collect();
        let asked =
            Asked { actor: by.actor.clone(), request_id: RequestId::new(&mut rand::rng()), at: by.now };
        let mut report = MirrorReport::default();
        let (mut changes, mut carried) = (Vec::new(), Vec::new());
        for (at, (mapped, id)) in batch.iter().zip(&ids).enumerate() {
            match legacy::adopt(&mapped.payment, known.remove(id), &asked) {
                Ok((missing, _)) => {
                    let rows = mapped.rows.iter().filter(|row| !known_rows.contains(&row_key(row)));
                    let before = carried.len();
                    carried.extend(rows.map(|row| Carried::mapped(row, *id, by)));
                    if missing.is_empty() && carried.len() == before {
                        report.unchanged += 1;
                    }
                    changes.extend(missing);
                }
                Err(refused) => report.refused.push((at, refused)),
            }
        }
        report.inserted_changes = changes.len();
        report.inserted_rows = carried.len();
        self.append(&changes, &carried, &asked).await?;
        Ok(report)
    }

    async fn append(&self, changes: &[Change], carried: &[Carried], asked: &Asked) -> Result<(), StoreError> {
        if changes.is_empty() && carried.is_empty() {
            return Ok(());
        }
        append::append_carried(&self.pool, changes, carried, asked.request_id).await
    }

    /// Records rows that are left out on purpose; those recorded before are left alone.
    pub async fn exclude(
        &self,
        rows: &[LegacyRow],
        reason: &str,
        by: &Provenance,
    ) -> Result<usize, StoreError> {
        let keys: Vec<_> = rows.iter().map(row_key).collect();
        let (known, _) = self.known_rows(&by.source, &keys).await?;
        let known: std::collections::HashSet<RowKey> = known.into_iter().collect();
        let carried: Vec<_> = rows
            .iter()
            .filter(|row| !known.contains(&row_key(row)))
            .map(|row| Carried::excluded(row, reason, by))
            .collect();
        let mut connection = self.connection().await?;
        mirror::insert_carried(&mut connection, &carried).await?;
        Ok(carried.len())
    }

    /// Puts rows into quarantine; those that are there are left alone.
    pub async fn quarantine(&self, rows: &[Quarantined], by: &Provenance) -> Result<usize, StoreError> {
        let keys: Vec<RowKey> =
            rows.iter().map(|row| (row.table.clone(), row.pk.clone(), row.hash)).collect();
        let (_, known) = self.known_rows(&by.source, &keys).await?;
        let known: std::collections::HashSet<RowKey> = known.into_iter().collect();
        let missing: Vec<_> = rows
            .iter()
            .filter(|row| !known.contains(&(row.table.clone(), row.pk.clone(), row.hash)))
            .cloned()
            .collect();
        if !missing.is_empty() {
            let mut connection = self.connection().await?;
            mirror::insert_quarantined(&mut connection, &missing, by).await?;
        }
        Ok(missing.len())
    }

    /// Records a finished chunk of a copy.
    pub async fn receipt(&self, receipt: &Receipt, by: &Provenance) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        match mirror::insert_receipt(&mut connection, receipt, by).await {
            Ok(()) | Err(StoreError::Lost(LostKey::Legacy)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The finished chunks of a mapping.
    pub async fn receipts(
        &self,
        source: &str,
        mapping: &str,
        mapper_version: u32,
    ) -> Result<Vec<Receipt>, StoreError> {
        let mut connection = self.connection().await?;
        mirror::receipts(&mut connection, source, mapping, mapper_version).await
    }

    /// Which of these row versions are recorded: mapped or excluded, and quarantined.
    pub async fn known_rows(
        &self,
        source: &str,
        rows: &[RowKey],
    ) -> Result<(Vec<RowKey>, Vec<RowKey>), StoreError> {
        let mut connection = self.connection().await?;
        mirror::known_rows(&mut connection, source, rows).await
    }

    async fn connection(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.pool.acquire().await.map_err(StoreError::Unavailable)
    }
}

fn row_key(row: &LegacyRow) -> RowKey {
    (row.table.clone(), row.pk.clone(), row.hash)
}
