//! Reports on a replica, as `ledger_read`: what is exposed, what is owed for a day. Each says the instant it is as of; asked
//! again with the same instant it gives the same.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use clap::{Args, Subcommand, ValueEnum};
use ledger_core::payment::exposure::Exposed;
use ledger_core::replica_reader::{GrantsError, Payable, ReplicaReader};
use ledger_core::store::StoreError;
use ledger_core::store::pool::PoolOptions;
use ledger_core::time::{self, BusinessDate};
use serde_json::{Value, json};

use super::output::Row;

/// A report.
#[derive(Debug, Subcommand)]
pub enum ReportCommand {
    /// What issuers may hold without our wanting it.
    Exposure(ExposureArguments),
    /// What is owed to merchants for a business day, from the journal.
    Payable(PayableArguments),
}

/// What is exposed.
#[derive(Debug, Args)]
pub struct ExposureArguments {
    /// An instant (RFC 3339), or a Korean day for the midnight it ends with; now when left out.
    #[arg(long, value_parser = instant)]
    pub as_of: Option<DateTime<Utc>>,
    /// What to sum by; `payment` lists every authorization.
    #[arg(long = "by", value_enum, default_value_t = By::Issuer)]
    pub sum_by: By,
}

/// What to sum by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// The issuer where it may stand.
    Issuer,
    /// The merchant.
    Merchant,
    /// Nothing.
    Payment,
}

/// What is owed.
#[derive(Debug, Args)]
pub struct PayableArguments {
    /// The Korean business day.
    #[arg(long, value_parser = day)]
    pub day: BusinessDate,
    /// An instant (RFC 3339), or a Korean day for the midnight it ends with: what was recorded later is left out. Now when left out.
    #[arg(long, value_parser = instant)]
    pub as_of: Option<DateTime<Utc>>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Grants(#[from] GrantsError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} has not come yet, leave --as-of out for how things stand now")]
    Future(DateTime<Utc>),
}

/// Makes one.
pub async fn rows(url: &str, command: &ReportCommand, now: DateTime<Utc>) -> Result<Vec<Row>, ReportError> {
    let options = PoolOptions { max_connections: 1, min_connections: 0, ..PoolOptions::default() };
    let as_of = match command {
        ReportCommand::Exposure(arguments) => arguments.as_of,
        ReportCommand::Payable(arguments) => arguments.as_of,
    };
    let as_of = time::to_micros(as_of.unwrap_or(now));
    if as_of > now {
        return Err(ReportError::Future(as_of));
    }
    let reader = ReplicaReader::open(url, options).await?;
    Ok(match command {
        ReportCommand::Exposure(arguments) => {
            let exposed = reader.exposure(as_of).await?;
            match arguments.sum_by {
                By::Payment => exposed.iter().map(|row| exposed_row(row, as_of)).collect(),
                By::Issuer => sums(&exposed, as_of, "issuerId", |row| &row.issuer_id),
                By::Merchant => sums(&exposed, as_of, "merchantId", |row| &row.merchant_id),
            }
        }
        ReportCommand::Payable(arguments) => {
            let payables = reader.payables(arguments.day, as_of).await?;
            payables.iter().map(|row| payable_row(row, as_of)).collect()
        }
    })
}

/// To the microsecond, so that the same can be asked for again.
fn when(at: DateTime<Utc>) -> Value {
    json!(time::seoul(at).to_rfc3339_opts(chrono::SecondsFormat::Micros, false))
}

fn exposed_row(row: &Exposed, as_of: DateTime<Utc>) -> Row {
    vec![
        ("asOf", when(as_of)),
        ("merchantId", json!(row.merchant_id)),
        ("issuerId", json!(row.issuer_id)),
        ("paymentId", json!(row.payment_id)),
        ("orderId", json!(row.order_id)),
        ("leg", json!(row.leg_no)),
        ("kind", json!(row.kind)),
        ("attemptNo", json!(row.attempt_no)),
        ("resultNo", json!(row.result_no)),
        ("currency", json!(row.currency)),
        ("amount", json!(row.amount.get())),
        ("state", json!(row.state)),
        ("since", when(row.since)),
    ]
}

fn sums<'a>(
    exposed: &'a [Exposed],
    as_of: DateTime<Utc>,
    name: &'static str,
    by: impl Fn(&'a Exposed) -> &'a str,
) -> Vec<Row> {
    let mut sums: BTreeMap<(&str, &'static str), (i64, u64)> = BTreeMap::new();
    for row in exposed {
        let (amount, attempts) = sums.entry((by(row), row.currency.code())).or_default();
        *amount += row.amount.get();
        *attempts += 1;
    }
    let row = |((key, currency), (amount, attempts)): ((&str, &str), (i64, u64))| {
        vec![
            ("asOf", when(as_of)),
            (name, json!(key)),
            ("currency", json!(currency)),
            ("amount", json!(amount)),
            ("attempts", json!(attempts)),
        ]
    };
    sums.into_iter().map(row).collect()
}

fn payable_row(row: &Payable, as_of: DateTime<Utc>) -> Row {
    vec![
        ("day", json!(row.business_date.to_string())),
        ("asOf", when(as_of)),
        ("merchantId", json!(row.merchant_id)),
        ("currency", json!(row.currency)),
        ("amount", json!(row.amount())),
        ("credit", json!(row.credit)),
        ("debit", json!(row.debit)),
        ("lines", json!(row.lines)),
        ("recordedLater", json!(row.recorded_later)),
        ("linesRecordedLater", json!(row.lines_recorded_later)),
    ]
}

fn day(text: &str) -> Result<BusinessDate, String> {
    text.parse().map(BusinessDate::new).map_err(|_| "a Korean day such as 2026-11-24 is expected".to_owned())
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = || {
        "an instant such as 2026-11-24T00:00:00+09:00 or a Korean day such as 2026-11-24 is expected"
            .to_owned()
    };
    match DateTime::parse_from_rfc3339(text) {
        Ok(at) => Ok(at.to_utc()),
        Err(_) => day(text).ok().and_then(BusinessDate::ends_at).ok_or_else(wrong),
    }
}
