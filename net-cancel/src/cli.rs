//! The command line: what may be asked of the job, and how its answers are written.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use issuer_gateway::run::Gateway;
use issuer_gateway::timeouts::Timeouts;
use ledger_core::ledger::{GrantsError, Ledger, LedgerError};
use ledger_core::store::StoreError;
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::exit::{Chain, Exit, because};
use ledger_runtime::{clock, config, health, shutdown, telemetry};

use crate::drive::{Done, Driver};
use crate::metrics;
use crate::run::{Job, Pulse};
use crate::scan::Scanner;
use crate::schedule::Schedule;
use crate::settings::{DEFAULTS, Settings, Times};

/// Undoes authorizations that issuers may have granted without our knowing, until each is settled.
#[derive(Debug, Parser)]
#[command(name = "net-cancel", version, after_help = EXITS)]
pub struct Cli {
    /// A TOML file over the defaults; SECTION__KEY in the environment lies over both.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

const EXITS: &str = "exit codes: 0 clean, 2 usage or configuration, 10 something was left for later or for people, \
11 the database account may do too much, 12 unavailable, 20 rows that make no sense";

#[derive(Debug, Clone, Copy, Subcommand)]
enum Command {
    /// Work until stopped. Any number of processes may run at the same time.
    Run,
    /// Carry out what is due now, and leave.
    Once {
        #[arg(long, value_enum, default_value = "table")]
        format: Format,
    },
    /// List all faults of the configuration.
    Config,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
}

/// Why a command could not be carried out.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Timeouts(#[from] issuer_gateway::timeouts::TimeoutsError),
    #[error("the ledger cannot be opened")]
    Open(#[source] GrantsError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error("the ops listener cannot be opened on {0}")]
    Ops(std::net::SocketAddr, #[source] std::io::Error),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Stop {
    const fn exit(&self) -> Exit {
        match self {
            Self::Timeouts(_) | Self::Ops(..) => Exit::Usage,
            Self::Open(
                GrantsError::TooWide { .. } | GrantsError::Missing { .. } | GrantsError::Forged { .. },
            ) => Exit::Blocked,
            Self::Ledger(
                LedgerError::Store(StoreError::Corrupt { .. }) | LedgerError::Contradiction { .. },
            ) => Exit::Integrity,
            Self::Open(GrantsError::Store(_))
            | Self::Ledger(
                LedgerError::Store(
                    StoreError::Unavailable(_)
                    | StoreError::NotWritten(_)
                    | StoreError::Busy
                    | StoreError::Lost(_)
                    | StoreError::Refused { .. },
                )
                | LedgerError::Contended(_)
                | LedgerError::NotFound
                | LedgerError::Refused(_),
            )
            | Self::Io(_) => Exit::Unavailable,
        }
    }
}

/// Does what was asked.
pub async fn main(cli: Cli) -> Exit {
    let settings: Settings = match config::load(DEFAULTS, cli.config.as_deref()) {
        Ok(settings) => settings,
        Err(error) => return because(Exit::Usage, &error),
    };
    let result = match cli.command {
        Command::Run => run(&settings).await,
        Command::Once { format } => once(&settings, format).await,
        Command::Config => say("the configuration is fit\n").map(|()| Exit::Clean).map_err(Stop::Io),
    };
    result.unwrap_or_else(|error| because(error.exit(), &error))
}

async fn run(settings: &Settings) -> Result<Exit, Stop> {
    let handle = telemetry::init(&settings.log.level, settings.log.format);
    metrics::describe();
    let stop = shutdown::on_signal()?;
    let (job, times) = job(settings).await?;
    let pulse = Pulse::default();
    let beating = pulse.clone();
    let readiness = health::readiness(move || {
        let pulse = beating.clone();
        async move { pulse.check(clock::now(), times.scan) }
    });
    let router = health::router(readiness, handle);
    let bind = settings.ops.bind;
    let (address, ops) =
        health::serve(bind, router, stop.clone()).await.map_err(|error| Stop::Ops(bind, error))?;
    tracing::info!(%address, "health and metrics are shown");
    let finished = job.run(&pulse, &stop).await;
    ops.abort();
    if finished {
        return Ok(Exit::Clean);
    }
    tracing::warn!("what was under way is not finished, the next run will find it");
    Ok(Exit::Findings)
}

async fn once(settings: &Settings, format: Format) -> Result<Exit, Stop> {
    telemetry::init(&settings.log.level, settings.log.format);
    let (job, _) = job(settings).await?;
    let done = job.once().await?;
    for done in &done {
        match format {
            Format::Json => say(&format!("{}\n", serde_json::to_string(done).unwrap_or_default()))?,
            Format::Table => say(&format!("{}\n", line(done)))?,
        }
    }
    let left = |done: &Done| match done {
        Done::Failed { .. } => true,
        Done::Reverse { state, .. } => *state == "ESCALATED",
        Done::Recover { .. } | Done::RepeatCancel { .. } | Done::Expire { .. } | Done::Settled { .. } => {
            false
        }
    };
    Ok(if done.iter().any(left) { Exit::Findings } else { Exit::Clean })
}

async fn job(settings: &Settings) -> Result<(Job, Times), Stop> {
    let timeouts = Timeouts::embedded()?;
    let times = settings.job.times(&timeouts);
    let options =
        PoolOptions { max_connections: settings.database.max_connections, ..PoolOptions::default() };
    let ledger = Ledger::open(settings.database_url(), options).await.map_err(Stop::Open)?;
    let gateway = Gateway::new(ledger.clone(), &timeouts, clock::now);
    let schedule = Schedule::from(&timeouts.net_cancel);
    let job = Job {
        driver: Driver { ledger, gateway, clock: clock::now },
        scanner: Scanner::new(schedule, times, settings.job.scan_limit),
        times,
        concurrency: settings.job.concurrency,
    };
    Ok((job, times))
}

/// What happened, for people.
fn line(done: &Done) -> String {
    match done {
        Done::Recover { payment_id } => format!("{payment_id} given up, its sender died"),
        Done::Reverse { payment_id, leg_no, attempt_no, outcome, state } => {
            format!("{payment_id} leg {leg_no} try {attempt_no}: {outcome}, {state}")
        }
        Done::RepeatCancel { payment_id, cancel_no, outcomes } => {
            format!("{payment_id} cancel {cancel_no} sent again: {}", outcomes.join(", "))
        }
        Done::Expire { payment_id } => format!("{payment_id} expired, its deposit did not come"),
        Done::Settled { payment_id } => format!("{payment_id} was settled meanwhile"),
        Done::Failed { payment_id, error } => format!("{payment_id} left for later: {error}"),
    }
}

fn say(text: &str) -> std::io::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())
}

/// Where something ends that could not even begin.
pub fn broken(error: &std::io::Error) -> Exit {
    eprintln!("error: {}", Chain(error));
    Exit::Unavailable
}
