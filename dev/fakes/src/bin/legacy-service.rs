//! The legacy ledger of the demo, by hand: fills its tables with a past, or goes on writing and tells the mirror.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use fakes::legacy::{LegacyService, Options, Pace, generate};
use sqlx::mysql::MySqlPool;

#[derive(Debug, Parser)]
#[command(name = "legacy-service", version, about = "A legacy ledger that fills up; development only")]
struct Cli {
    /// The legacy database, as an account that may write.
    #[arg(long, env = "LEGACY_URL", hide_env_values = true, global = true, default_value = "")]
    legacy_url: String,
    /// The same seed writes the same rows.
    #[arg(long, default_value_t = 1, global = true)]
    seed: u64,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes a past: cards, cancels, transfers, refunds, and a few rows that are wrong in a known way.
    Generate {
        /// Rows in all tables, about.
        #[arg(long, default_value_t = 1_000)]
        rows: usize,
        /// Payments that do not fit.
        #[arg(long, default_value_t = 12)]
        dirty: usize,
    },
    /// Goes on writing; one JSON object a row on stdout.
    Write(WriteArgs),
}

#[derive(Debug, Args)]
struct WriteArgs {
    /// Rows to write.
    #[arg(long, default_value_t = 100)]
    count: u32,
    /// Milliseconds between two writes.
    #[arg(long, default_value_t = 50)]
    every_ms: u64,
    /// Payments only.
    #[arg(long)]
    no_cancels: bool,
    /// `host:port` of the mirror, to be told.
    #[arg(long)]
    mirror: Option<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let pool = MySqlPool::connect(&cli.legacy_url).await?;
    let mut out = std::io::stdout();
    match cli.command {
        Command::Generate { rows, dirty } => {
            let made = generate(&pool, cli.seed, rows, Options { dirty, ..Options::default() }).await?;
            writeln!(out, "{}", serde_json::to_string(&made)?)?;
        }
        Command::Write(args) => {
            let every = Duration::from_millis(args.every_ms);
            let pace = Pace { every, cancels: !args.no_cancels, mirror: args.mirror };
            let mut service = LegacyService::new(pool, cli.seed, pace);
            for _ in 0..args.count {
                writeln!(out, "{}", serde_json::to_string(&service.write().await?)?)?;
                tokio::time::sleep(every).await;
            }
        }
    }
    Ok(())
}
