//! The timeout-cancellation job.

use clap::Parser as _;
use ledger_runtime::exit::Exit;
use net_cancel::cli::{self, Cli};

fn main() -> Exit {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(cli::main(cli)),
        Err(error) => cli::broken(&error),
    }
}
