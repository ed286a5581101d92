//! The `migrator` program.

use clap::Parser as _;
use ledger_runtime::exit::Exit;
use migrator::cli::Cli;

#[tokio::main]
async fn main() -> Exit {
    migrator::run(Cli::parse()).await
}
