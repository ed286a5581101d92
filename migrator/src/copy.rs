//! The bulk copy: chunks of keys in order, one receipt after each. Receipts are the only state, so a copy that was killed
//! goes on where its last receipt ends, and does the chunk after it again, which adds nothing twice.

use std::collections::BTreeSet;

use ledger_core::mirror_writer::Receipt;
use tokio_util::sync::CancellationToken;

use crate::carry::{Carrier, CarryError, Run};
use crate::mapping::{Aggregate, mask};
use crate::progress::Progress;
use crate::tally::{Disposition, Tally};

/// Keys of one page when they are only counted or looked up.
const PAGE: u32 = 10_000;
/// Rows of one payment, roughly: a header and what belongs to it.
const ROWS_PER_PAYMENT: u32 = 2;

/// How to copy.
#[derive(Debug, Clone, Copy)]
pub struct CopyOptions {
    /// Go on where the last receipt ends.
    pub resume: bool,
    /// Legacy rows of one chunk, about.
    pub chunk_rows: u32,
    /// Stop after so many rows.
    pub limit: Option<u64>,
    /// Read and map, write nothing.
    pub dry_run: bool,
    /// No progress.
    pub quiet: bool,
}

/// What a copy did.
#[derive(Debug, Default)]
pub struct Copied {
    /// Rows that were read, by where they went.
    pub tally: Tally,
    /// Rows of any kind that were not there before.
    pub inserted: usize,
    /// Chunks done.
    pub chunks: u64,
    /// Whether it was stopped before the end.
    pub stopped: bool,
}

/// Copies all aggregates of the mapping.
pub async fn copy(
    carrier: &Carrier,
    run: &Run,
    options: CopyOptions,
    stop: &CancellationToken,
) -> Result<Copied, CarryError> {
    let mut copied = Copied::default();
    for aggregate in &carrier.mapping.aggregates {
        let mut position = Position::start(carrier, aggregate, options).await?;
        let total = count(carrier, aggregate, &position.after).await?;
        let mut progress = Progress::new("copying", total, options.quiet);
        loop {
            let enough = options.limit.is_some_and(|limit| copied.tally.total().rows >= limit);
            if stop.is_cancelled() || enough {
                copied.stopped = true;
                return Ok(copied);
            }
            let limit = (options.chunk_rows / ROWS_PER_PAYMENT).max(1);
            let keys = carrier.reader.keys_after(aggregate, &position.after, limit).await?;
            let Some(last) = keys.last().cloned() else { break };
            let payments = u64::try_from(keys.len()).unwrap_or(u64::MAX);
            let keys: BTreeSet<String> = keys.into_iter().collect();
            if options.dry_run {
                copied.tally.merge(&carrier.survey(aggregate, &keys).await?);
            } else {
                let done = carrier.carry(aggregate, &keys, run).await?;
                position.write(carrier, run, &last, &done.tally).await?;
                copied.tally.merge(&done.tally);
                copied.inserted += done.inserted;
            }
            copied.chunks += 1;
            position.after = last;
            progress.add(payments);
        }
    }
    Ok(copied)
}

/// Looks every legacy row up again, as it stands now: this, and not the copy's own word, is the proof that totals tie out.
pub async fn certify(carrier: &Carrier, quiet: bool) -> Result<Tally, CarryError> {
    let mut tally = Tally::default();
    for aggregate in &carrier.mapping.aggregates {
        let mut progress = Progress::new("certifying", count(carrier, aggregate, "").await?, quiet);
        let mut after = String::new();
        loop {
            let keys = carrier.reader.keys_after(aggregate, &after, PAGE / 10).await?;
            let Some(last) = keys.last().cloned() else { break };
            let done = u64::try_from(keys.len()).unwrap_or(u64::MAX);
            tally.merge(&carrier.certify(aggregate, &keys.into_iter().collect()).await?);
            after = last;
            progress.add(done);
        }
    }
    Ok(tally)
}

/// How many payments there are after a key: counted, not estimated.
pub async fn count(carrier: &Carrier, aggregate: &Aggregate, after: &str) -> Result<u64, CarryError> {
    let mut after = after.to_owned();
    let mut total = 0;
    loop {
        let keys = carrier.reader.keys_after(aggregate, &after, PAGE).await?;
        total += u64::try_from(keys.len()).unwrap_or(u64::MAX);
        match keys.last() {
            Some(last) if keys.len() == usize::try_from(PAGE).unwrap_or(usize::MAX) => after.clone_from(last),
            Some(_) | None => return Ok(total),
        }
    }
}

/// Where a copy stands in one aggregate.
struct Position {
    mapping: String,
    chunk_no: u64,
    after: String,
}

impl Position {
    async fn start(
        carrier: &Carrier,
        aggregate: &Aggregate,
        options: CopyOptions,
    ) -> Result<Self, CarryError> {
        let mapping = format!("{}/{}", carrier.mapping.name, aggregate.name);
        let receipts =
            carrier.writer.receipts(&carrier.mapping.source, &mapping, carrier.mapping.version).await?;
        let last = receipts.into_iter().max_by_key(|receipt| receipt.chunk_no);
        let chunk_no = last.as_ref().map_or(1, |receipt| receipt.chunk_no + 1);
        let after = last.filter(|_| options.resume).map_or_else(String::new, |receipt| receipt.to_key);
        Ok(Self { mapping, chunk_no, after })
    }

    async fn write(
        &mut self,
        carrier: &Carrier,
        run: &Run,
        to: &str,
        tally: &Tally,
    ) -> Result<(), CarryError> {
        let rows = |disposition| u32::try_from(tally.of(disposition).rows).unwrap_or(u32::MAX);
        let receipt = Receipt {
            mapping: self.mapping.clone(),
            chunk_no: self.chunk_no,
            from_key: mask::key(&self.after),
            to_key: mask::key(to),
            read_rows: u32::try_from(tally.total().rows).unwrap_or(u32::MAX),
            mapped_rows: rows(Disposition::Mapped),
            quarantined_rows: rows(Disposition::Quarantined),
            excluded_rows: rows(Disposition::Excluded),
            amount_read: tally.total().amount,
        };
        carrier.writer.receipt(&receipt, &carrier.provenance(run)).await?;
        self.chunk_no += 1;
        Ok(())
    }
}
