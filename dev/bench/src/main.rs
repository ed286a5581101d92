//! `cargo dev bench payments`: payments created and confirmed over HTTP, closed loop, with the whole stack running, beside the
//! bare ceiling: the same rows at the same batch size by a client that does nothing else. Applied is what MySQL holds; the run
//! ends in the audit.

mod bare;
mod closed_loop;
mod cpu;
mod wire;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};
use e2e::audit::{self, Check, Scope};
use serde_json::{Value, json};
use stack::{Options, Stack};

use closed_loop::Load;

/// Measures the ledger.
#[derive(Debug, Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    what: What,
    /// One JSON object a line instead of a table.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Payments created and confirmed over HTTP.
    Payments {
        /// Seconds of each point, after two seconds to warm up.
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Connections of each point.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
        connections: Vec<usize>,
        /// Legs of a payment.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
        legs: u8,
        /// Stops the relay and the network-cancel job for the measurement; the relay catches up before the audit.
        #[arg(long)]
        core_only: bool,
    },
    /// The bare ceiling alone, on a stack that runs already.
    Ceiling {
        /// Seconds to insert.
        #[arg(long, default_value_t = 8)]
        seconds: u64,
        /// Payments in a transaction.
        #[arg(long, default_value_t = 64)]
        batch: usize,
        /// Legs of a payment.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
        legs: u8,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.what {
        What::Payments { seconds, connections, legs, core_only } => {
            payments(seconds, &connections, legs, core_only, cli.json).await
        }
        What::Ceiling { seconds, batch, legs } => {
            ceiling(seconds, batch, legs, cli.json).await.map(|()| true)
        }
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(20),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn payments(
    seconds: u64,
    connections: &[usize],
    legs: u8,
    core_only: bool,
    json: bool,
) -> Result<bool> {
    let mut stack = Stack::start(&Options { name: "bench".to_owned(), services: true }).await?;
    let measured = measure(&mut stack, seconds, connections, legs, core_only, json).await;
    stack.stop().await?;
    measured
}

async fn measure(
    stack: &mut Stack,
    seconds: u64,
    connections: &[usize],
    legs: u8,
    core_only: bool,
    json: bool,
) -> Result<bool> {
    if core_only {
        for name in ["outbox-relay", "net-cancel"] {
            stack.service(name)?.terminate(Duration::from_secs(15)).await?;
        }
    }
    let env = stack.env().clone();
    for connections in connections {
        let load = Load { env: &env, connections: *connections, legs, seconds };
        let point = load.run().await?;
        ensure!(point["applied"].as_u64() > Some(0), "nothing was applied: {point}");
        print(&point, json)?;
    }
    if core_only {
        stack.restart("outbox-relay").await?;
        stack.restart("net-cancel").await?;
    }
    let checks = audit::run(&env, Scope { legacy: false }).await?;
    let failed: Vec<_> =
        checks.iter().filter(|check| !check.violations.is_empty()).map(Check::to_json).collect();
    let examined: u64 = checks.iter().map(|check| check.examined).sum();
    print(
        &json!({ "step": "audit", "ok": failed.is_empty(), "examined": examined, "failed": failed }),
        json,
    )?;
    // after the audit: these payments have never been sent to any issuer
    print(&bare::ceiling(&env, legs, 64, seconds).await?, json)?;
    Ok(failed.is_empty())
}

async fn ceiling(seconds: u64, batch: usize, legs: u8, json: bool) -> Result<()> {
    print(&bare::ceiling(&stack::running()?, legs, batch, seconds).await?, json)
}

fn print(point: &Value, json: bool) -> Result<()> {
    let mut out = std::io::stdout();
    if json {
        writeln!(out, "{point}")?;
        return Ok(());
    }
    let cells: Vec<_> =
        point.as_object().into_iter().flatten().map(|(name, value)| format!("{name} {value}")).collect();
    writeln!(out, "{}", cells.join("  "))?;
    Ok(())
}
