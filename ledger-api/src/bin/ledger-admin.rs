//! `ledger-admin migrate | merchant | contract | issuer | key | authority | operator | correction`

use clap::Parser as _;
use ledger_api::admin::{Cli, run};
use ledger_runtime::exit::{Exit, because};

fn main() -> Exit {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => because(Exit::Unavailable, &error),
    }
}
