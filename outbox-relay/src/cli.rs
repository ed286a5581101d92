//! The command line: what may be asked of the relay, and how its answers are written.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use ledger_core::outbox_reader::{OutboxName, OutboxReader};
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::exit::{Chain, Exit, because};
use ledger_runtime::{config, shutdown, telemetry};
use serde::Serialize;

use crate::error::RelayError;
use crate::resume::Leave;
use crate::run::{self, exit_of};
use crate::settings::{DEFAULTS, NoDatabase, Settings};
use crate::topics::{self, Shape};
use crate::{metrics, prove, status};

/// Publishes the ledger's outbox to Kafka, exactly once and in order per payment.
#[derive(Debug, Parser)]
#[command(name = "outbox-relay", version, after_help = EXITS)]
pub struct Cli {
    /// A TOML file over the defaults; SECTION__KEY in the environment lies over both.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXITS: &str = "exit codes: 0 clean, 2 usage or configuration, 10 findings, 11 blocked (grants, topics), \
12 unavailable or fenced off (start it again), 20 the database is not the one that was published (see docs/EVENTS.md)";

#[derive(Debug, Subcommand)]
enum Command {
    /// Carry outboxes to Kafka until stopped.
    Run {
        /// Which.
        #[arg(long, value_enum, default_value = "both")]
        outbox: Which,
        /// Publish from the first row although there is no progress: only if none of the rows is published.
        #[arg(long)]
        from_beginning: bool,
        /// The MySQL server that has taken the place of the one in the progress record, and lost nothing.
        #[arg(long, value_name = "UUID")]
        accept_server: Option<String>,
    },
    /// Create the topics that are missing.
    Topics {
        /// Partitions of each event topic. Adding some later breaks order per payment.
        #[arg(long, default_value_t = 12)]
        partitions: i32,
        /// Copies of each partition: 3 in production; -1 leaves it to the brokers.
        #[arg(long, default_value_t = -1, allow_negative_numbers = true)]
        replication: i32,
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Show where outboxes stand.
    Status {
        #[arg(long, value_enum, default_value = "both")]
        outbox: Which,
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Compare rows with topics: each event once, byte for byte, in order within its payment.
    Prove {
        #[arg(long, value_enum, default_value = "both")]
        outbox: Which,
        /// First id.
        #[arg(long)]
        from: Option<u64>,
        /// Last id.
        #[arg(long)]
        to: Option<u64>,
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// Look at the configuration.
    Config {
        #[command(subcommand)]
        look: Look,
    },
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Look {
    /// List all its faults.
    Check,
    /// Print what is in force, secrets left out.
    Show,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Which {
    Main,
    Backfill,
    Both,
}

impl Which {
    const fn names(self) -> &'static [OutboxName] {
        match self {
            Self::Main => &[OutboxName::Main],
            Self::Backfill => &[OutboxName::Backfill],
            Self::Both => &[OutboxName::Main, OutboxName::Backfill],
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Does what was asked.
pub async fn main(cli: Cli) -> Exit {
    let settings: Settings = match config::load(DEFAULTS, cli.config.as_deref()) {
        Ok(settings) => settings,
        Err(error) => return because(Exit::Usage, &error),
    };
    match execute(cli.command, &settings).await {
        Ok(exit) => exit,
        Err(Stop::NoDatabase(error)) => because(Exit::Usage, &error),
        Err(Stop::Relay(error)) => because(exit_of(&error), &error),
        Err(Stop::Io(error)) => because(Exit::Unavailable, &error),
    }
}

#[derive(Debug)]
enum Stop {
    NoDatabase(NoDatabase),
    Relay(RelayError),
    Io(std::io::Error),
}

impl From<NoDatabase> for Stop {
    fn from(error: NoDatabase) -> Self {
        Self::NoDatabase(error)
    }
}

impl<E: Into<RelayError>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Relay(error.into())
    }
}

async fn execute(command: Command, settings: &Settings) -> Result<Exit, Stop> {
    match command {
        Command::Run { outbox, from_beginning, accept_server } => {
            let url = settings.database_url()?;
            let handle = telemetry::init(&settings.log.level, settings.log.format);
            metrics::describe();
            let stop = shutdown::on_signal().map_err(Stop::Io)?;
            let leave = Leave { from_beginning, server_uuid: accept_server };
            run::run(settings, url, outbox.names(), &leave, handle, &stop).await.map_err(Stop::Io)
        }
        Command::Topics { partitions, replication, format } => {
            let shape = Shape { partitions, replication };
            let made = topics::create(&settings.kafka, shape, Which::Both.names()).await?;
            print(format, &made, |topic| {
                let word = if topic.created { "created" } else { "there" };
                format!("{word:8} {} ({} partitions)", topic.topic, topic.partitions)
            })
        }
        Command::Status { outbox, format } => show_status(settings, outbox, format).await,
        Command::Prove { outbox, from, to, format } => show_proof(settings, outbox, (from, to), format).await,
        Command::Config { look } => {
            settings.database_url()?;
            match look {
                Look::Check => say("the configuration is fit\n"),
                Look::Show => say(&format!("{:#}\n", settings.shown())),
            }
        }
    }
}

async fn show_status(settings: &Settings, outbox: Which, format: Format) -> Result<Exit, Stop> {
    let url = settings.database_url()?;
    let mut found = Vec::new();
    for name in outbox.names() {
        let mut reader = OutboxReader::open(url, *name, PoolOptions::default()).await?;
        found.push(status::of(&mut reader, &settings.kafka).await?);
    }
    let refused = found.iter().any(|status| status.refusal.is_some());
    print(format, &found, |status| {
        status.lines().into_iter().fold(String::new(), |mut text, (name, value)| {
            let _ = writeln!(text, "{name:13} {value}");
            text
        })
    })?;
    Ok(if refused { Exit::Integrity } else { Exit::Clean })
}

async fn show_proof(
    settings: &Settings,
    outbox: Which,
    (from, to): (Option<u64>, Option<u64>),
    format: Format,
) -> Result<Exit, Stop> {
    let url = settings.database_url()?;
    let mut proofs = Vec::new();
    for name in outbox.names() {
        let mut reader = OutboxReader::open(url, *name, PoolOptions::default()).await?;
        proofs.push(prove::range(&mut reader, &settings.kafka, from, to).await?);
    }
    let examined = proofs.iter().any(|proof| proof.rows > 0);
    let faultless = proofs.iter().all(|proof| proof.faults == 0);
    print(format, &proofs, |proof| {
        let mut text = format!(
            "{} ids {} to {}: {} rows ({} tombstones) against {} records, {} faults",
            proof.outbox, proof.from, proof.to, proof.rows, proof.tombstones, proof.records, proof.faults
        );
        for example in &proof.examples {
            let _ = write!(text, "\n  {example}");
        }
        text
    })?;
    Ok(if examined && faultless { Exit::Clean } else { Exit::Findings })
}

/// One line for each item: JSON for machines, text for people.
fn print<T: Serialize>(format: Format, items: &[T], line: impl Fn(&T) -> String) -> Result<Exit, Stop> {
    let mut text = String::new();
    for item in items {
        match format {
            Format::Table => text.push_str(&line(item)),
            Format::Json => text.push_str(&serde_json::to_string(item).unwrap_or_default()),
        }
        text.push('\n');
    }
    say(&text)
}

fn say(text: &str) -> Result<Exit, Stop> {
    std::io::stdout().lock().write_all(text.as_bytes()).map_err(Stop::Io)?;
    Ok(Exit::Clean)
}

/// Where something ends that could not even begin.
pub fn broken(error: &std::io::Error) -> Exit {
    eprintln!("error: {}", Chain(error));
    Exit::Unavailable
}
