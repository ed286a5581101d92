//! The commands: open what is needed, run, print what came of it.

use std::io::Write;
use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::mirror_writer::MirrorWriter;
use ledger_core::replica_reader::{Given, ReplicaReader};
use ledger_core::store::StoreError;
use ledger_core::store::pool::PoolOptions;
use ledger_core::verifier_log::{GrantsError, RunState, VerifierLog};
use ledger_runtime::exit::{Chain, Exit, because};
use ledger_runtime::telemetry::{self, LogFormat};
use ledger_runtime::{clock, shutdown};
use migrator::carry::{Carrier, CarryError};
use migrator::mapping::Mapping;
use migrator::source::{LegacyReader, SourceError};
use tokio::time::MissedTickBehavior;

use crate::Failed;
use crate::checks::{CHECKS, Checked};
use crate::cli::{ChecksArgs, Cli, Command, DaemonArgs, Ends, Format, How, RunArgs};
use crate::run::{RunOptions, Verdict, Verifier};

/// Runs a command line.
pub async fn run(cli: Cli) -> Exit {
    telemetry::init(&cli.log_level, LogFormat::Text);
    let done = match cli.command {
        Command::Run(args) => once(&args, cli.format).await,
        Command::Daemon(args) => daemon(&args, cli.format).await,
        Command::Checks(args) => checks(&args, cli.format).await,
        Command::VerifyChain(args) => crate::verify_chain::run(&args, cli.format).await,
    };
    done.unwrap_or_else(|failed| because(failed.exit(), &failed))
}

async fn once(args: &RunArgs, format: Format) -> Result<Exit, Failed> {
    let verifier = open(&args.ends).await?;
    let now = clock::now();
    let to = args.to.map_or_else(|| before(now, args.how.settle), Ok)?;
    let from = if args.full {
        DateTime::UNIX_EPOCH
    } else {
        args.from.map_or_else(|| before(now, args.window), Ok)?
    };
    if from >= to {
        return Err(Failed::Usage("the window is empty: --window must be longer than --settle".to_owned()));
    }
    let verdict = verifier.run(options(&args.how, from, to, args.full)).await?;
    print(&verdict, format)?;
    Ok(exit_of(verdict.state))
}

async fn daemon(args: &DaemonArgs, format: Format) -> Result<Exit, Failed> {
    if args.window <= args.how.settle || args.every.is_zero() {
        return Err(Failed::Usage(
            "--window must be longer than --settle, and --every longer than nothing".to_owned(),
        ));
    }
    metrics::describe_counter!("ledger_verifier_runs_total", "runs of the verifier, by what they came to");
    let verifier = open(&args.ends).await?;
    let stop = shutdown::on_signal()?;
    let mut turns = tokio::time::interval(args.every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(Exit::Clean),
            _ = turns.tick() => {}
        }
        let now = clock::now();
        let (from, to) = (before(now, args.window)?, before(now, args.how.settle)?);
        match verifier.run(options(&args.how, from, to, false)).await {
            Ok(verdict) => {
                metrics::counter!("ledger_verifier_runs_total", "state" => verdict.state.code()).increment(1);
                print(&verdict, format)?;
            }
            // A daemon outlives a database that restarts; what can only get worse ends it.
            Err(failed) if failed.exit() == Exit::Unavailable => {
                metrics::counter!("ledger_verifier_runs_total", "state" => "FAILED").increment(1);
                tracing::warn!("no run: {}", Chain(&failed));
            }
            Err(failed) => return Err(failed),
        }
    }
}

async fn checks(args: &ChecksArgs, format: Format) -> Result<Exit, Failed> {
    let reader = ReplicaReader::open(&args.replica_url, pool()).await?;
    let given = Given {
        since: args.since,
        until: args.until,
        issuer_file: args.issuer_file.as_deref().map(issuer_file).transpose()?,
    };
    let mut exit = Exit::Clean;
    let wanted = CHECKS
        .iter()
        .filter(|check| args.only.as_ref().is_none_or(|part| check.name.contains(part.as_str())));
    for check in wanted {
        let checked = check.run(&reader, &given).await?;
        if checked.violations > 0 {
            exit = Exit::Integrity;
        } else if checked.examined == 0 && args.expect_rows && exit == Exit::Clean {
            exit = Exit::Findings;
        }
        print_check(&checked, format)?;
    }
    Ok(exit)
}

/// An issuer's file, which has to be JSON before a server is asked to read it.
fn issuer_file(path: &Path) -> Result<String, Failed> {
    let unreadable =
        |why: &dyn std::fmt::Display| Failed::Usage(format!("--issuer-file {}: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let days: serde_json::Value = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    if !days.is_array() {
        return Err(unreadable(&"an array of {issuer, day, amount} is wanted"));
    }
    Ok(text)
}

async fn open(ends: &Ends) -> Result<Verifier, Failed> {
    let mapping = Mapping::load(&ends.mapping)?;
    let reader = LegacyReader::open(&ends.legacy_replica_url).await?;
    let writer = MirrorWriter::open(&ends.mirror_url, pool()).await?;
    Ok(Verifier {
        carrier: Carrier { mapping, reader, writer },
        ledger: ReplicaReader::open(&ends.replica_url, pool()).await?,
        ledger_primary: ReplicaReader::open(&ends.primary_url, pool()).await?,
        legacy_primary: LegacyReader::open(&ends.legacy_primary_url).await?,
        log: VerifierLog::open(&ends.mirror_url, pool()).await?,
    })
}

const fn options(how: &How, from: DateTime<Utc>, to: DateTime<Utc>, full: bool) -> RunOptions {
    RunOptions {
        from,
        to,
        full,
        barrier_limit: how.barrier_timeout,
        slices: how.rolling_slices,
        budget: how.max_rows,
        dry_run: how.dry_run,
    }
}

pub(crate) fn pool() -> PoolOptions {
    PoolOptions { max_connections: 3, min_connections: 1, ..PoolOptions::default() }
}

fn before(now: DateTime<Utc>, by: std::time::Duration) -> Result<DateTime<Utc>, Failed> {
    let by = TimeDelta::from_std(by).ok();
    by.and_then(|by| now.checked_sub_signed(by))
        .ok_or_else(|| Failed::Usage("the window is too long".to_owned()))
}

const fn exit_of(state: RunState) -> Exit {
    match state {
        RunState::Green | RunState::Healed => Exit::Clean,
        RunState::Findings => Exit::Findings,
        RunState::Frozen => Exit::Blocked,
        RunState::Skipped => Exit::Unavailable,
    }
}

fn print(verdict: &Verdict, format: Format) -> Result<(), Failed> {
    let out = &mut std::io::stdout().lock();
    match format {
        Format::Json => {
            for finding in &verdict.findings {
                writeln!(out, "{}", serde_json::to_string(finding).map_err(std::io::Error::from)?)?;
            }
            writeln!(out, "{}", serde_json::to_string(verdict).map_err(std::io::Error::from)?)?;
        }
        Format::Table => {
            for finding in &verdict.findings {
                let healed = if finding.healed { "healed" } else { "open" };
                writeln!(
                    out,
                    "{healed:6}  {:14}  {} {}: {}",
                    finding.class, finding.table, finding.pk, finding.detail
                )?;
            }
            let Verdict { state, legacy_rows, ledger_rows, gaps, healed, inserted, unsettled, .. } = verdict;
            let no = verdict.run_no.map_or_else(|| "dry run".to_owned(), |no| format!("run {no}"));
            writeln!(
                out,
                "{state} ({no}): {legacy_rows} legacy rows, {ledger_rows} in the ledger, {gaps} gaps, {healed} healed \
                 ({inserted} rows inserted), {unsettled} too young"
            )?;
            if let Some(reason) = &verdict.reason {
                writeln!(out, "{reason}")?;
            }
        }
    }
    Ok(())
}

fn print_check(checked: &Checked, format: Format) -> Result<(), Failed> {
    let out = &mut std::io::stdout().lock();
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(checked).map_err(std::io::Error::from)?)?,
        Format::Table => {
            let Checked { check, examined, violations, millis, .. } = checked;
            let verdict = if *violations > 0 { "VIOLATED" } else { "holds" };
            writeln!(
                out,
                "{verdict:8}  {check:40}  {examined:>9} rows examined  {violations} violations  {millis} ms"
            )?;
            for row in &checked.rows {
                let cells: Vec<String> = row
                    .iter()
                    .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("NULL")))
                    .collect();
                writeln!(out, "          {}", cells.join(" "))?;
            }
        }
    }
    Ok(())
}

impl Failed {
    /// The exit code that says it.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Mapping(_)
            | Self::Usage(_)
            | Self::Source(SourceError::Select { .. })
            | Self::Carry(CarryError::Source(SourceError::Select { .. })) => Exit::Usage,
            Self::Source(SourceError::Unavailable(_))
            | Self::Carry(CarryError::Source(SourceError::Unavailable(_)))
            | Self::Late(_)
            | Self::Io(_) => Exit::Unavailable,
            Self::Writable(_)
            | Self::NoGtids(_)
            | Self::Grants(GrantsError::TooWide { .. } | GrantsError::Missing { .. }) => Exit::Blocked,
            Self::Grants(GrantsError::Forged { .. }) => Exit::Integrity,
            Self::Grants(GrantsError::Store(error))
            | Self::Carry(CarryError::Store(error))
            | Self::Store(error) => match error {
                StoreError::Unavailable(_)
                | StoreError::NotWritten(_)
                | StoreError::Busy
                | StoreError::Lost(_) => Exit::Unavailable,
                StoreError::Refused { .. } | StoreError::Corrupt { .. } => Exit::Integrity,
            },
        }
    }
}
