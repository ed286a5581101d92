//! `migrator quarantine list`.

use ledger_core::replica_reader::ReplicaReader;
use ledger_core::store::StoreError;
use ledger_runtime::exit::Exit;

use crate::carry::CarryError;
use crate::cli::{Format, QuarantineArgs};
use crate::report;

use super::{Failed, pool};

pub async fn list(args: &QuarantineArgs, format: Format) -> Result<Exit, Failed> {
    let reader = ReplicaReader::open(&args.read_url, pool()).await?;
    let store = |error: StoreError| Failed::Carry(CarryError::Store(error));
    let out = &mut std::io::stdout().lock();
    let Some(reason) = &args.reason else {
        let reasons = reader.quarantine_reasons(&args.source).await.map_err(store)?;
        match format {
            Format::Json => reasons.iter().try_for_each(|line| report::json(out, line))?,
            Format::Table => {
                let head = ["reason", "rows", "amount", "unreadable", "oldest"].map(str::to_owned).to_vec();
                let rows = reasons.iter().map(|line| {
                    let (rows, amount) = (line.rows.to_string(), line.amount.to_string());
                    vec![
                        line.reason.clone(),
                        rows,
                        amount,
                        line.unreadable.to_string(),
                        line.oldest.to_rfc3339(),
                    ]
                });
                report::table(out, &std::iter::once(head).chain(rows).collect::<Vec<_>>())?;
            }
        }
        return Ok(Exit::Clean);
    };
    let rows = reader.quarantine_rows(&args.source, reason, args.limit).await.map_err(store)?;
    match format {
        Format::Json => rows.iter().try_for_each(|row| report::json(out, row))?,
        Format::Table => {
            let head = ["table", "key", "column", "detail"].map(str::to_owned).to_vec();
            let rows = rows
                .into_iter()
                .map(|row| vec![row.table, row.pk, row.column.unwrap_or_else(|| "-".to_owned()), row.detail]);
            report::table(out, &std::iter::once(head).chain(rows).collect::<Vec<_>>())?;
        }
    }
    Ok(Exit::Clean)
}
