//! The way of legacy rows into the ledger, the same for copy, mirror and repair: read in one snapshot, map, append. Told
//! twice, the second time adds nothing.

use std::collections::{BTreeSet, HashSet};

use ledger_core::ids::RunId;
use ledger_core::mirror_writer::{
    LegacyRow, Mapped, MirrorWriter, Provenance, Quarantined, RecordedBy, RowKey, RowKind,
};
use ledger_core::store::{LostKey, StoreError};

use crate::map::{self, Outcome};
use crate::mapping::record::Record;
use crate::mapping::{Aggregate, Mapping};
use crate::source::{LegacyReader, Rows, SourceError};
use crate::tally::{Disposition, Tally};

/// Rows of one look-up.
const LOOKUP: usize = 1_000;
/// How often rows are written again after another run was first.
const MAX_TRIES: u32 = 5;

/// A mapping with both of its ends.
#[derive(Debug)]
pub struct Carrier {
    pub mapping: Mapping,
    pub reader: LegacyReader,
    pub writer: MirrorWriter,
}

/// Which run carries.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: RunId,
    pub by: RecordedBy,
    pub actor: String,
}

/// What became of some keys.
#[derive(Debug, Default)]
pub struct Carried {
    /// Rows by where they went.
    pub tally: Tally,
    /// Changes that were not there before.
    pub changes: usize,
    /// Rows of any kind that were not there before.
    pub inserted: usize,
}

/// What appending a batch came to.
#[derive(Default)]
struct Written {
    changes: usize,
    inserted: usize,
    refused: Vec<(usize, String)>,
}

/// Why carrying stopped.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The legacy side.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The ledger's side.
    #[error("the ledger did not take the rows")]
    Store(#[from] StoreError),
}

impl Carrier {
    /// Where a run's rows come from and go to.
    pub fn provenance(&self, run: &Run) -> Provenance {
        Provenance {
            source: self.mapping.source.clone(),
            run_id: run.id,
            recorded_by: run.by,
            actor: run.actor.clone(),
            mapper_version: self.mapping.version,
            now: ledger_runtime::clock::now(),
        }
    }

    /// Carries the payments of these keys over.
    pub async fn carry(
        &self,
        aggregate: &Aggregate,
        keys: &BTreeSet<String>,
        run: &Run,
    ) -> Result<Carried, CarryError> {
        let payments = self.reader.fetch(&self.mapping, aggregate, keys).await?;
        let by = self.provenance(run);
        let mut sorted = Sorted::of(&self.mapping, aggregate, &payments);
        let written = self.write(&sorted.mapped, &by).await?;
        for (index, why) in &written.refused {
            if let Some(payment) = sorted.owners.get(*index).and_then(|owner| payments.get(*owner)) {
                sorted.quarantined.extend(map::refused(aggregate, &payment.records, why));
            }
        }
        let refused: HashSet<usize> = written.refused.iter().map(|(index, _)| *index).collect();
        let mut inserted = written.inserted;
        inserted += self.dispose(&sorted, &by).await?;
        Ok(Carried { tally: sorted.tally(&refused), changes: written.changes, inserted })
    }

    /// Records what is not carried over. Another run may be writing the same rows: what it wrote first is found and left
    /// out the next time.
    async fn dispose(&self, sorted: &Sorted, by: &Provenance) -> Result<usize, CarryError> {
        let mut inserted = 0;
        let mut tries = 0;
        loop {
            match self.try_dispose(sorted, by, &mut inserted).await {
                Err(StoreError::Lost(LostKey::Legacy)) if tries < MAX_TRIES => tries += 1,
                done => return done.map(|()| inserted).map_err(CarryError::Store),
            }
        }
    }

    async fn try_dispose(
        &self,
        sorted: &Sorted,
        by: &Provenance,
        inserted: &mut usize,
    ) -> Result<(), StoreError> {
        *inserted += self.writer.quarantine(&sorted.quarantined, by).await?;
        for (reason, rows) in &sorted.excluded {
            *inserted += self.writer.exclude(rows, reason, by).await?;
        }
        Ok(())
    }

    /// Appends a batch. When a key of it is taken by a payment that is none of ours, or the schema refuses a row, the
    /// batch is halved until the one to blame is alone: that one is refused, its neighbours go in.
    async fn write(&self, batch: &[Mapped], by: &Provenance) -> Result<Written, CarryError> {
        let mut written = Written::default();
        let mut open = vec![(0, batch.len())];
        while let Some((from, to)) = open.pop() {
            let Some(part) = batch.get(from..to).filter(|part| !part.is_empty()) else { continue };
            match self.writer.mirror(part, by).await {
                Ok(report) => {
                    written.changes += report.inserted_changes;
                    written.inserted += report.inserted_changes + report.inserted_rows;
                    let refused = report.refused.into_iter();
                    written.refused.extend(refused.map(|(index, why)| (from + index, why.to_string())));
                }
                Err(StoreError::Lost(_) | StoreError::Refused { .. }) if part.len() > 1 => {
                    let middle = from + part.len() / 2;
                    open.extend([(middle, to), (from, middle)]);
                }
                Err(StoreError::Lost(key @ (LostKey::Order | LostKey::Trace))) => {
                    written.refused.push((from, format!("the {key} is in use by another payment")));
                }
                Err(error @ StoreError::Refused { .. }) => written.refused.push((from, error.to_string())),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(written)
    }

    /// What would become of these keys; nothing is written.
    pub async fn survey(&self, aggregate: &Aggregate, keys: &BTreeSet<String>) -> Result<Tally, CarryError> {
        let payments = self.reader.fetch(&self.mapping, aggregate, keys).await?;
        Ok(Sorted::of(&self.mapping, aggregate, &payments).tally(&HashSet::new()))
    }

    /// Where the rows of these keys are recorded, as they stand in the legacy ledger now.
    pub async fn certify(&self, aggregate: &Aggregate, keys: &BTreeSet<String>) -> Result<Tally, CarryError> {
        let payments = self.reader.fetch(&self.mapping, aggregate, keys).await?;
        let records: Vec<&Record<'_>> = payments.iter().flat_map(|payment| &payment.records).collect();
        let (carried, quarantined) = self.recorded(&records).await?;
        let mut tally = Tally::default();
        for payment in &payments {
            let outcome = map::map(&self.mapping, aggregate, &payment.key, &payment.records);
            for row in stated(&outcome) {
                let key = (row.table.to_owned(), row.pk.to_owned(), *row.hash);
                let disposition = match row.disposition {
                    Disposition::Mapped | Disposition::Excluded if carried.contains(&key) => row.disposition,
                    Disposition::Mapped | Disposition::Excluded | Disposition::Quarantined
                        if quarantined.contains(&key) =>
                    {
                        Disposition::Quarantined
                    }
                    Disposition::Mapped
                    | Disposition::Excluded
                    | Disposition::Quarantined
                    | Disposition::Unrecorded => Disposition::Unrecorded,
                };
                tally.add(row.kind, aggregate.method.code(), disposition, row.amount);
            }
        }
        Ok(tally)
    }

    async fn recorded(
        &self,
        records: &[&Record<'_>],
    ) -> Result<(HashSet<RowKey>, HashSet<RowKey>), CarryError> {
        let (mut carried, mut quarantined) = (HashSet::new(), HashSet::new());
        for batch in records.chunks(LOOKUP) {
            let keys: Vec<RowKey> = batch
                .iter()
                .map(|record| (record.table.spec.name.clone(), record.pk.clone(), record.hash))
                .collect();
            let known = self.writer.known_rows(&self.mapping.source, &keys).await?;
            carried.extend(known.0);
            quarantined.extend(known.1);
        }
        Ok((carried, quarantined))
    }
}

/// Payments by where they go.
#[derive(Default)]
struct Sorted {
    mapped: Vec<Mapped>,
    /// The place of each mapped payment among those that were read.
    owners: Vec<usize>,
    quarantined: Vec<Quarantined>,
    excluded: Vec<(String, Vec<LegacyRow>)>,
    method: String,
}

impl Sorted {
    fn of(mapping: &Mapping, aggregate: &Aggregate, payments: &[Rows<'_>]) -> Self {
        let mut sorted = Self { method: aggregate.method.code().to_owned(), ..Self::default() };
        for (index, payment) in payments.iter().enumerate() {
            match map::map(mapping, aggregate, &payment.key, &payment.records) {
                Outcome::Payment(mapped) => {
                    sorted.mapped.push(*mapped);
                    sorted.owners.push(index);
                }
                Outcome::Excluded { reason, rows } => sorted.excluded.push((reason, rows)),
                Outcome::Quarantined(rows) => sorted.quarantined.extend(rows),
            }
        }
        sorted
    }

    fn tally(&self, refused: &HashSet<usize>) -> Tally {
        let mut tally = Tally::default();
        let mapped = self.mapped.iter().enumerate().filter(|(index, _)| !refused.contains(index));
        for row in mapped.flat_map(|(_, mapped)| &mapped.rows) {
            tally.add(row.kind, &self.method, Disposition::Mapped, Some(row.amount));
        }
        for row in &self.quarantined {
            tally.add(row.kind, &self.method, Disposition::Quarantined, row.amount);
        }
        for row in self.excluded.iter().flat_map(|(_, rows)| rows) {
            tally.add(row.kind, &self.method, Disposition::Excluded, Some(row.amount));
        }
        tally
    }
}

struct Stated<'a> {
    table: &'a str,
    pk: &'a str,
    hash: &'a [u8; 32],
    kind: RowKind,
    amount: Option<i64>,
    disposition: Disposition,
}

/// The rows of an outcome with where it says they go.
fn stated(outcome: &Outcome) -> Vec<Stated<'_>> {
    let of = |row: &'_ LegacyRow, disposition| (row.kind, Some(row.amount), disposition);
    match outcome {
        Outcome::Payment(mapped) => stated_rows(&mapped.rows, |row| of(row, Disposition::Mapped)),
        Outcome::Excluded { rows, .. } => stated_rows(rows, |row| of(row, Disposition::Excluded)),
        Outcome::Quarantined(rows) => rows
            .iter()
            .map(|row| Stated {
                table: &row.table,
                pk: &row.pk,
                hash: &row.hash,
                kind: row.kind,
                amount: row.amount,
                disposition: Disposition::Quarantined,
            })
            .collect(),
    }
}

fn stated_rows(
    rows: &[LegacyRow],
    of: impl Fn(&LegacyRow) -> (RowKind, Option<i64>, Disposition),
) -> Vec<Stated<'_>> {
    rows.iter()
        .map(|row| {
            let (kind, amount, disposition) = of(row);
            Stated { table: &row.table, pk: &row.pk, hash: &row.hash, kind, amount, disposition }
        })
        .collect()
}
