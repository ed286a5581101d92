//! `cargo dev bench payments`: payments created and confirmed over HTTP with the whole stack running, beside a plain service
//! and the bare ceiling: the same rows at the same batch size by a client that does nothing else. Applied is what MySQL
//! holds; the run ends in the audit.

mod applied;
mod bare;
mod cpu;
mod facts;
mod load;
mod payments;
mod plain;
mod print;
mod wire;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use stack::{Options, Stack};

use bare::Bare;
use payments::Plan;
use print::Printer;

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
        /// Connections of the closed loops.
        #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256])]
        connections: Vec<usize>,
        /// Payments a second of open loops, each a point of its own, core only.
        #[arg(long, value_delimiter = ',')]
        rates: Vec<u64>,
        /// One request creates and confirms.
        #[arg(long)]
        in_one: bool,
        /// Leaves out the points with relay, network cancel and replica running.
        #[arg(long)]
        core_only: bool,
        /// Closed loops and limits alone.
        #[arg(long)]
        quick: bool,
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
        /// Connections.
        #[arg(long, default_value_t = 2)]
        writers: usize,
        /// Payments a second by schedule, with their latencies, instead of as many as there can be.
        #[arg(long, conflicts_with_all = ["batch", "legs", "writers"])]
        rate: Option<u64>,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = Printer { json: cli.json };
    let done = match cli.what {
        What::Payments { seconds, connections, rates, in_one, core_only, quick } => {
            payments(&Plan { connections, rates, seconds, in_one, core_only, quick }, printer).await
        }
        What::Ceiling { seconds, batch, legs, writers, rate } => {
            ceiling(Bare { legs, batch, writers }, rate, seconds, printer).await
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

async fn payments(plan: &Plan, printer: Printer) -> Result<bool> {
    let mut stack = Stack::start(&Options { name: "bench".to_owned(), services: true }).await?;
    let clean = payments::run(&mut stack, plan, &printer).await;
    stack.stop().await?;
    clean
}

async fn ceiling(bare: Bare, rate: Option<u64>, seconds: u64, printer: Printer) -> Result<bool> {
    let (env, nobody) = (stack::running()?, Vec::new());
    let point = match rate {
        Some(rate) => bare::paced(&env, &nobody, rate, seconds).await?,
        None => bare::ceiling(&env, &nobody, bare, seconds).await?,
    };
    printer.line(&point)?;
    Ok(true)
}
