//! `migrator copy` and `migrator certify`.

use std::time::Instant;

use ledger_core::mirror_writer::RecordedBy;
use ledger_runtime::exit::Exit;
use ledger_runtime::shutdown;

use crate::cli::{CopyArgs, Ends, Format};
use crate::copy::{self, CopyOptions};
use crate::report::{self, Summary};
use crate::tally::{Disposition, Tally};

use super::{Failed, new_run, open};

pub async fn run(args: &CopyArgs, format: Format) -> Result<Exit, Failed> {
    let started = Instant::now();
    let carrier = open(&args.ends).await?;
    let stop = shutdown::on_signal()?;
    let run = new_run(RecordedBy::Copy);
    let options = CopyOptions {
        resume: args.resume,
        chunk_rows: args.chunk_rows,
        limit: args.limit,
        dry_run: args.dry_run,
        quiet: false,
    };
    let copied = copy::copy(&carrier, &run, options, &stop).await?;
    if copied.stopped && args.limit.is_none() {
        eprintln!("stopped after {} chunks; `migrator copy --resume` goes on from here", copied.chunks);
        return Ok(Exit::Blocked);
    }
    // Part of a copy, or none of it, ties out with nothing: what was read is all there is to show.
    let partial = args.dry_run || copied.stopped;
    let tally = if partial { copied.tally } else { copy::certify(&carrier, false).await? };
    print(if args.dry_run { "copy --dry-run" } else { "copy" }, &tally, copied.inserted, started, format)
}

pub async fn certify(ends: &Ends, format: Format) -> Result<Exit, Failed> {
    let started = Instant::now();
    let carrier = open(ends).await?;
    let tally = copy::certify(&carrier, false).await?;
    print("certify", &tally, 0, started, format)
}

fn print(
    command: &str,
    tally: &Tally,
    inserted: usize,
    started: Instant,
    format: Format,
) -> Result<Exit, Failed> {
    let spent = started.elapsed();
    let summary = Summary {
        command,
        ties_out: tally.ties_out(),
        legacy: tally.total(),
        mapped: tally.of(Disposition::Mapped),
        quarantined: tally.of(Disposition::Quarantined),
        excluded: tally.of(Disposition::Excluded),
        unrecorded: tally.of(Disposition::Unrecorded),
        inserted,
        seconds: format!("{}.{:03}", spent.as_secs(), spent.subsec_millis()),
    };
    report::tally(&mut std::io::stdout().lock(), format, tally, &summary)?;
    Ok(if tally.ties_out() { Exit::Clean } else { Exit::Findings })
}
