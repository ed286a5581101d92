//! `cargo dev demo`: the whole story on real MySQL and Kafka, ending in an audit. `demo audit` audits a running stack.

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use e2e::audit::{self, Scope};
use e2e::story;
use e2e::tell::Format;
use stack::{EnvFile, Options, Signals, Stack};

/// The story of a payment ledger, told on real parts.
#[derive(Debug, Parser)]
#[command(name = "demo", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// How it is told.
    #[arg(long, value_enum, default_value_t = Format::Text, global = true)]
    format: Format,
    /// Name of the stack.
    #[arg(long, default_value = "demo", global = true)]
    name: String,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Audits a stack that runs already.
    Audit,
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        None => tell(&cli).await,
        Some(Command::Audit) => audit_running(&cli).await,
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(20),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(12)
        }
    }
}

/// Starts a stack, tells the story, and leaves nothing behind, whatever happens.
async fn tell(cli: &Cli) -> Result<bool> {
    let mut signals = Signals::listen()?;
    let options = Options { name: cli.name.clone(), services: true };
    let mut stack = tokio::select! {
        started = Stack::start(&options) => started?,
        signal = signals.next() => anyhow::bail!("stopped by {signal} before it began"),
    };
    let told = tokio::select! {
        told = story::tell(&mut stack, cli.format) => told,
        signal = signals.next() => Err(anyhow::anyhow!("stopped by {signal}")),
    };
    let logs = stack.dir().join("logs");
    let stopped = stack.stop().await;
    let held = told.with_context(|| format!("the story broke off; logs are in {}", logs.display()))?;
    stopped?;
    Ok(held)
}

async fn audit_running(cli: &Cli) -> Result<bool> {
    let path = stack::stack_dir(&cli.name)?.join("env");
    let env = EnvFile::load(&path).with_context(|| {
        format!("no stack named {} runs: start one with `cargo dev up --name {0}`", cli.name)
    })?;
    let mirrored = story::has_legacy_rows(&env).await?;
    let checks = audit::run(&env, Scope { legacy: mirrored }).await?;
    let held = checks.iter().all(audit::Check::holds);
    let mut out = std::io::stdout();
    for check in &checks {
        match cli.format {
            Format::Json => writeln!(out, "{}", check.to_json())?,
            Format::Text => story::write_check(&mut out, check)?,
        }
    }
    Ok(held)
}
