//! `verify-chain`: every change made again from its facts, on the replica, and the rows named that are not as they were
//! written. Keeps no state: a run that was stopped says after which payment the next one goes on.

use std::io::Write;

use ledger_core::chain::{BrokenChain, ChainPage};
use ledger_core::ids::PaymentId;
use ledger_core::replica_reader::ReplicaReader;
use ledger_runtime::exit::Exit;
use ledger_runtime::shutdown;
use migrator::progress::Progress;
use serde_json::json;

use crate::Failed;
use crate::cli::{Format, VerifyChainArgs};
use crate::command::pool;

/// What was looked at so far.
#[derive(Debug, Default)]
struct Seen {
    payments: u64,
    changes: u64,
    broken: u64,
    /// The last payment that was looked at.
    last: Option<PaymentId>,
    complete: bool,
}

/// Runs it.
pub async fn run(args: &VerifyChainArgs, format: Format) -> Result<Exit, Failed> {
    let reader = ReplicaReader::open(&args.replica_url, pool()).await?;
    let mut seen = Seen::default();
    if args.payments.is_empty() {
        walk(&reader, args, format, &mut seen).await?;
    } else {
        let page = reader.verify_chains_of(&args.payments).await?;
        seen.add(&page, format)?;
        seen.complete = true;
    }
    seen.print(format)?;
    Ok(if seen.broken > 0 {
        Exit::Integrity
    } else if !seen.complete {
        Exit::Unavailable
    } else if !args.payments.is_empty() && seen.changes == 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

/// All payments, page by page in the order of their ids, until the last or a signal.
async fn walk(
    reader: &ReplicaReader,
    args: &VerifyChainArgs,
    format: Format,
    seen: &mut Seen,
) -> Result<(), Failed> {
    let stop = shutdown::on_signal()?;
    let mut progress = Progress::new("checking chains", reader.payments_about().await?, args.quiet);
    seen.last = args.after.or_else(|| args.since.map(PaymentId::before));
    while !stop.is_cancelled() {
        let page = reader.verify_chains(seen.last, args.page).await?;
        seen.add(&page, format)?;
        progress.add(page.payments);
        let Some(last) = page.last else {
            seen.complete = true;
            break;
        };
        seen.last = Some(last);
    }
    Ok(())
}

impl Seen {
    fn add(&mut self, page: &ChainPage, format: Format) -> Result<(), Failed> {
        self.payments += page.payments;
        self.changes += page.examined;
        self.broken += u64::try_from(page.broken.len()).unwrap_or(u64::MAX);
        let out = &mut std::io::stdout().lock();
        for broken in &page.broken {
            match format {
                Format::Json => writeln!(out, "{}", json!(broken))?,
                Format::Table => writeln!(out, "{}", in_words(broken))?,
            }
        }
        Ok(())
    }

    fn print(&self, format: Format) -> Result<(), Failed> {
        let out = &mut std::io::stdout().lock();
        let Self { payments, changes, broken, last, complete } = self;
        match format {
            Format::Json => writeln!(
                out,
                "{}",
                json!({ "command": "verify-chain", "payments": payments, "changes": changes, "broken": broken,
                        "complete": complete, "last": last })
            )?,
            Format::Table => {
                writeln!(
                    out,
                    "{changes} changes of {payments} payments, {broken} rows not as they were written"
                )?;
                if let Some(last) = last.filter(|_| !complete) {
                    writeln!(out, "stopped: go on with --after {last}")?;
                }
            }
        }
        Ok(())
    }
}

fn in_words(broken: &BrokenChain) -> String {
    let seq = broken.seq.map(|seq| format!(" change {seq}")).unwrap_or_default();
    let table = broken.table.as_deref().map(|table| format!(": {table}")).unwrap_or_default();
    let row = broken
        .row
        .as_deref()
        .filter(|row| !row.is_empty())
        .map(|row| format!(" ({row})"))
        .unwrap_or_default();
    format!("{}{seq}{table}{row}: {}", broken.payment_id, broken.what)
}
