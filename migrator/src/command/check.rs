//! `migrator check`: whether a copy would go well, before it is begun.

use std::collections::BTreeMap;

use ledger_core::mirror_writer::MirrorWriter;
use ledger_runtime::exit::{Chain, Exit};
use serde::Serialize;

use crate::cli::{CheckArgs, Format};
use crate::map::{self, Outcome};
use crate::mapping::{Aggregate, Mapping};
use crate::report;
use crate::source::{LegacyReader, SourceError};

use super::{Failed, pool};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: String,
    verdict: Verdict,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Good,
    /// Worth knowing; a copy goes on all the same.
    Finding,
    /// A copy must not begin.
    Blocked,
}

pub async fn run(args: &CheckArgs, format: Format) -> Result<Exit, Failed> {
    let mapping = Mapping::load(&args.ends.mapping)?;
    let reader = LegacyReader::open(&args.ends.legacy_url).await?;
    let name = format!("{} version {}", mapping.name, mapping.version);
    let mut findings = vec![good("mapping", format!("{name}, {} aggregates", mapping.aggregates.len()))];
    findings.push(accounts(&reader).await?);
    findings.push(match MirrorWriter::open(&args.ends.ledger_url, pool()).await {
        Ok(_) => good("ledger account", "SELECT, and INSERT of legacy facts, proven".to_owned()),
        Err(error) => blocked("ledger account", Chain(&error).to_string()),
    });
    for aggregate in &mapping.aggregates {
        findings.extend(tables(&reader, &mapping, aggregate).await);
        if findings.iter().all(|finding| finding.verdict != Verdict::Blocked) {
            findings.push(sample(&reader, &mapping, aggregate, args.sample).await?);
        }
    }
    let out = &mut std::io::stdout().lock();
    match format {
        Format::Json => findings.iter().try_for_each(|finding| report::json(out, finding))?,
        Format::Table => {
            let row = |finding: &Finding| {
                let verdict = match finding.verdict {
                    Verdict::Good => "good",
                    Verdict::Finding => "finding",
                    Verdict::Blocked => "BLOCKED",
                };
                vec![verdict.to_owned(), finding.what.clone(), finding.detail.clone()]
            };
            report::table(out, &findings.iter().map(row).collect::<Vec<_>>())?;
        }
    }
    Ok(if findings.iter().any(|finding| finding.verdict == Verdict::Blocked) {
        Exit::Blocked
    } else if findings.iter().any(|finding| finding.verdict == Verdict::Finding) {
        Exit::Findings
    } else {
        Exit::Clean
    })
}

/// Whether the legacy account could write: a migration must not be able to.
async fn accounts(reader: &LegacyReader) -> Result<Finding, Failed> {
    let wide = reader.wide_grants().await?;
    Ok(match wide.first() {
        None => good("legacy account", "SELECT only".to_owned()),
        Some(grant) => {
            blocked("legacy account", format!("may {grant}: give the migrator an account with SELECT only"))
        }
    })
}

/// Runs every SELECT with no keys, and looks for the columns that the parsers name.
async fn tables(reader: &LegacyReader, mapping: &Mapping, aggregate: &Aggregate) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in &aggregate.tables {
        let name = &table.spec.name;
        let missing = match reader.probe(mapping, table).await {
            Ok(columns) => {
                let wanted = table.spec.columns().into_iter().map(|(_, column)| column.to_owned());
                let missing: Vec<String> = wanted.filter(|column| !columns.contains(column)).collect();
                (!missing.is_empty()).then(|| format!("the SELECT returns no column {}", missing.join(", ")))
            }
            Err(error) => Some(Chain(&error).to_string()),
        };
        findings.push(match missing {
            Some(why) => blocked(name, why),
            None if table.changed.is_none() => {
                good(name, "fits; no change column, covered by the verifier's rolling slices".to_owned())
            }
            None => good(name, "fits; changes are polled".to_owned()),
        });
    }
    findings
}

/// Parses the first payments, and says what would not fit.
async fn sample(
    reader: &LegacyReader,
    mapping: &Mapping,
    aggregate: &Aggregate,
    count: u32,
) -> Result<Finding, SourceError> {
    let keys = reader.keys_after(aggregate, "", count).await?;
    let payments = reader.fetch(mapping, aggregate, &keys.into_iter().collect()).await?;
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let (mut mapped, mut excluded) = (0, 0);
    for payment in &payments {
        match map::map(mapping, aggregate, &payment.key, &payment.records) {
            Outcome::Payment(_) => mapped += 1,
            Outcome::Excluded { .. } => excluded += 1,
            Outcome::Quarantined(rows) => {
                let own = rows.iter().filter(|row| row.reason != "AGGREGATE");
                for row in own {
                    let column =
                        row.column.as_deref().map_or_else(String::new, |column| format!(".{column}"));
                    *reasons.entry(format!("{} in {}{column}", row.reason, row.table)).or_default() += 1;
                }
            }
        }
    }
    let what = format!("sample of {}", aggregate.name);
    let counts = format!("{mapped} of {} payments fit, {excluded} are left out", payments.len());
    Ok(if reasons.is_empty() {
        good(&what, counts)
    } else {
        let reasons: Vec<String> =
            reasons.into_iter().map(|(reason, count)| format!("{count} × {reason}")).collect();
        let detail = format!("{counts}; quarantine: {}", reasons.join(", "));
        Finding { what, verdict: Verdict::Finding, detail }
    })
}

fn good(what: &str, detail: String) -> Finding {
    Finding { what: what.to_owned(), verdict: Verdict::Good, detail }
}

fn blocked(what: &str, detail: String) -> Finding {
    Finding { what: what.to_owned(), verdict: Verdict::Blocked, detail }
}
