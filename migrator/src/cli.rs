//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Carries a legacy ledger over: check, copy, mirror. Exit codes: 0 done and totals tie out, 2 usage or configuration,
/// 10 findings, 11 blocked, 12 unavailable, 20 integrity.
#[derive(Debug, Parser)]
#[command(name = "migrator", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    pub format: Format,
    /// What is logged to stderr: a level, or a filter such as `warn,migrator=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "warn", global = true)]
    pub log_level: String,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows whether the mapping fits the legacy database and whether both accounts are as narrow as they should be.
    Check(CheckArgs),
    /// Copies everything, in chunks; may be killed and resumed at any point.
    Copy(CopyArgs),
    /// Follows a legacy service that goes on writing.
    Mirror(MirrorArgs),
    /// Looks every legacy row up in the ledger, as it stands now, and shows whether totals tie out.
    Certify(Ends),
    /// What did not fit.
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Shows what one payment's rows would become, field by field. Writes nothing.
    Explain(ExplainArgs),
}

/// Where rows come from and go to.
#[derive(Debug, Args)]
pub struct Ends {
    /// A mapping that comes with the migrator, or a directory.
    #[arg(long, default_value = "reference")]
    pub mapping: String,
    /// The legacy database; the account needs SELECT only.
    #[arg(long, env = "LEGACY_READ_URL", hide_env_values = true)]
    pub legacy_url: String,
    /// The ledger, as `ledger_mirror`.
    #[arg(long, env = "MYSQL_MIRROR_URL", hide_env_values = true)]
    pub ledger_url: String,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub ends: Ends,
    /// Payments of each kind whose rows are parsed as a sample.
    #[arg(long, default_value_t = 200)]
    pub sample: u32,
}

#[derive(Debug, Args)]
pub struct CopyArgs {
    #[command(flatten)]
    pub ends: Ends,
    /// Go on where the last receipt ends.
    #[arg(long)]
    pub resume: bool,
    /// Legacy rows of one chunk, about.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    pub chunk_rows: u32,
    /// Stop after so many rows.
    #[arg(long)]
    pub limit: Option<u64>,
    /// Read and map everything, write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct MirrorArgs {
    #[command(flatten)]
    pub ends: Ends,
    /// Where the legacy service calls.
    #[arg(long, default_value = "127.0.0.1:0")]
    pub bind: SocketAddr,
    /// Calls that may wait; what comes when it is full is dropped and counted.
    #[arg(long, default_value_t = 10_000)]
    pub queue_capacity: usize,
    /// How often change columns are polled, such as `2s`; 0 leaves it out.
    #[arg(long, default_value = "2s", value_parser = duration)]
    pub poll_interval: Duration,
    /// Allows drills: `POST /control/drop {"next": 10}` makes the queue drop calls.
    #[arg(long)]
    pub drills: bool,
}

#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// Reasons with their counts and amounts, or the rows of one reason.
    List(QuarantineArgs),
}

#[derive(Debug, Args)]
pub struct QuarantineArgs {
    /// The ledger, as `ledger_read`.
    #[arg(long, env = "MYSQL_READ_URL", hide_env_values = true)]
    pub read_url: String,
    /// The name of the legacy ledger.
    #[arg(long, default_value = "reference")]
    pub source: String,
    /// Show the rows of this reason.
    #[arg(long)]
    pub reason: Option<String>,
    /// Rows at most.
    #[arg(long, default_value_t = 100)]
    pub limit: u32,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    #[command(flatten)]
    pub ends: Ends,
    /// A row, as `TABLE:key of its payment`.
    #[arg(long)]
    pub row: String,
}

/// `500ms`, `2s`, `65m`, `24h`, or `0`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text} is no duration: write a number and ms, s, m or h, such as 65m");
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let millis = match unit {
        "" if number == 0 => Some(0),
        "ms" => Some(number),
        "s" => number.checked_mul(1_000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    millis.map(Duration::from_millis).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_want_a_unit() {
        assert_eq!(duration("65m"), Ok(Duration::from_mins(65)));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        assert!(duration("65").is_err() && duration("m").is_err() && duration("-1s").is_err());
    }
}
