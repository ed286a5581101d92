//! The outbox relay.

use clap::Parser as _;
use ledger_runtime::exit::Exit;
use outbox_relay::cli::{self, Cli};

fn main() -> Exit {
    let cli = Cli::parse();
    match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(cli::main(cli));
            runtime.shutdown_background(); // a call to Kafka that a stop has overtaken is not waited for
            exit
        }
        Err(error) => cli::broken(&error),
    }
}
