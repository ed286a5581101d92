//! `stack`: starts, watches and stops a development stack. `cargo dev` builds it and hands over to it.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use parts::Missing;

use crate::cli::{Command, Line};

const USAGE: u8 = 2;
const UNAVAILABLE: u8 = 12;

fn main() -> ExitCode {
    let line = Line::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            eprintln!("stack: no runtime: {e}");
            return ExitCode::from(UNAVAILABLE);
        }
    };
    let done = runtime.block_on(async {
        match line.command {
            Command::Up(up) => cli::up::run(&up).await,
            Command::Down(which) => cli::down::run(&which.name).await,
            Command::Status(status) => cli::status::run(&status),
            Command::Test(test) => cli::test::run(&test).await,
            Command::Audit(audit) => cli::audit::run(&audit),
        }
    });
    // a download that was interrupted is not waited for
    runtime.shutdown_background();
    done.unwrap_or_else(|e| {
        eprintln!("stack: {e:#}");
        let usage = e.downcast_ref::<Missing>().is_some_and(Missing::is_usage);
        ExitCode::from(if usage { USAGE } else { UNAVAILABLE })
    })
}
