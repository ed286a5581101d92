//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};
use ledger_core::ids::PaymentId;
use migrator::cli::duration;

pub use migrator::cli::Format;

/// Compares the legacy ledger with the payment ledger on replicas, and repairs what is missing.
///
/// Exit codes: 0 green, or everything found was repaired; 2 usage or configuration; 10 findings that a machine must not
/// repair; 11 blocked: a writable server, a too wide account, or more missing than the budget (frozen); 12 skipped or
/// unavailable: nothing was compared; 20 an invariant is violated, or a row is not as it was
/// written.
#[derive(Debug, Parser)]
#[command(name = "verifier", version)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = Format::Table, global = true)]
    pub format: Format,
    /// What is logged to stderr: a level, or a filter such as `warn,verifier=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "warn", global = true)]
    pub log_level: String,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compares one window, repairs what is missing, and records the run.
    Run(RunArgs),
    /// Runs again and again.
    Daemon(DaemonArgs),
    /// Runs the invariants of `verifier/checks` on the replica.
    Checks(ChecksArgs),
    /// Makes every change again from its facts, and names the rows that are not as they were written.
    VerifyChain(VerifyChainArgs),
}

/// Where both ledgers are.
#[derive(Debug, Args)]
pub struct Ends {
    /// A mapping that comes with the migrator, or a directory.
    #[arg(long, default_value = "reference")]
    pub mapping: String,
    /// The ledger's replica, as `ledger_read`.
    #[arg(long, env = "REPLICA_URL", hide_env_values = true)]
    pub replica_url: String,
    /// The ledger's primary, as `ledger_read`: asked how far it is, nothing else.
    #[arg(long, env = "MYSQL_READ_URL", hide_env_values = true)]
    pub primary_url: String,
    /// The legacy ledger's replica; the account needs SELECT only.
    #[arg(long, env = "LEGACY_REPLICA_URL", hide_env_values = true)]
    pub legacy_replica_url: String,
    /// The legacy ledger's primary: asked how far it is, nothing else.
    #[arg(long, env = "LEGACY_READ_URL", hide_env_values = true)]
    pub legacy_primary_url: String,
    /// The ledger's primary, as `ledger_mirror`: where repairs and the run's record go.
    #[arg(long, env = "MYSQL_MIRROR_URL", hide_env_values = true)]
    pub mirror_url: String,
}

/// How to run.
#[derive(Debug, Clone, Args)]
pub struct How {
    /// How long ago a row must have changed to be compared.
    #[arg(long, default_value = "60s", value_parser = duration)]
    pub settle: Duration,
    /// Longest wait for a replica.
    #[arg(long, default_value = "30s", value_parser = duration)]
    pub barrier_timeout: Duration,
    /// Rows that one run may repair; more is for people to decide.
    #[arg(long, default_value_t = 1_000)]
    pub max_rows: u32,
    /// Into how many slices the keys of tables without a change column are cut; each run compares one.
    #[arg(long, default_value_t = 288, value_parser = clap::value_parser!(u32).range(1..))]
    pub rolling_slices: u32,
    /// Find, repair nothing, record nothing.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub ends: Ends,
    #[command(flatten)]
    pub how: How,
    /// How far back, such as `65m`.
    #[arg(long, default_value = "65m", value_parser = duration, conflicts_with_all = ["from", "full"])]
    pub window: Duration,
    /// The window's first instant, such as 2026-11-24T00:00:00Z.
    #[arg(long)]
    pub from: Option<DateTime<Utc>>,
    /// The window's end; `now - settle` when absent.
    #[arg(long)]
    pub to: Option<DateTime<Utc>>,
    /// Everything, whatever changed when.
    #[arg(long, conflicts_with = "from")]
    pub full: bool,
}

#[derive(Debug, Args)]
pub struct DaemonArgs {
    #[command(flatten)]
    pub ends: Ends,
    #[command(flatten)]
    pub how: How,
    /// Between two runs.
    #[arg(long, default_value = "5m", value_parser = duration)]
    pub every: Duration,
    /// How far back each run looks.
    #[arg(long, default_value = "65m", value_parser = duration)]
    pub window: Duration,
}

#[derive(Debug, Args)]
pub struct ChecksArgs {
    /// The ledger's replica, as `ledger_read`.
    #[arg(long, env = "REPLICA_URL", hide_env_values = true)]
    pub replica_url: String,
    /// A check that examines no row fails: on a ledger in use that would prove nothing.
    #[arg(long)]
    pub expect_rows: bool,
    /// Only checks whose name contains this.
    #[arg(long)]
    pub only: Option<String>,
    /// Only payments made at this instant or later, such as 2026-11-23T00:00:00Z.
    #[arg(long)]
    pub since: Option<DateTime<Utc>>,
    /// Only payments made before this instant.
    #[arg(long)]
    pub until: Option<DateTime<Utc>>,
    /// What an issuer says of its days, as JSON: `[{"issuer":"card-1","day":"2026-11-23","amount":1200}]`, approvals less
    /// reversals and cancels; compared by check I8.
    #[arg(long)]
    pub issuer_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct VerifyChainArgs {
    /// The ledger's replica, as `ledger_read`.
    #[arg(long, env = "REPLICA_URL", hide_env_values = true)]
    pub replica_url: String,
    /// This payment alone; may be given several times.
    #[arg(long = "payment", conflicts_with_all = ["since", "after"])]
    pub payments: Vec<PaymentId>,
    /// Payments made at this instant or later, such as 2026-11-23T00:00:00Z.
    #[arg(long)]
    pub since: Option<DateTime<Utc>>,
    /// Payments after this one: goes on where a run was stopped.
    #[arg(long, conflicts_with = "since")]
    pub after: Option<PaymentId>,
    /// Payments of one read.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    pub page: u32,
    /// No progress on stderr.
    #[arg(long)]
    pub quiet: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
