//! The `verifier` program.

use clap::Parser as _;
use ledger_runtime::exit::Exit;
use verifier::cli::Cli;

#[tokio::main]
async fn main() -> Exit {
    verifier::main(Cli::parse()).await
}
