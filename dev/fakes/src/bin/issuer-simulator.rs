//! The issuer simulator as a process: `BIND=127.0.0.1:0 issuer-simulator` prints its address and serves until it is ended.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;
use fakes::issuer::IssuerSimulator;
use tracing_subscriber::EnvFilter;

/// An issuer that does what it is told, faults included; see the control endpoint `/control/scripts`.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, env = "BIND", default_value = "127.0.0.1:0")]
    bind: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match serve(&options.bind).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::from(12)
        }
    }
}

async fn serve(bind: &str) -> anyhow::Result<()> {
    use anyhow::Context as _;

    let simulator = IssuerSimulator::start(bind).await.with_context(|| format!("listening on {bind}"))?;
    writeln!(std::io::stdout(), "{}", simulator.url())?;
    tokio::select! {
        result = simulator.run() => result.context("serving"),
        result = stopped() => result.context("waiting for a signal"),
    }
}

async fn stopped() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        _ = terminate.recv() => {}
        result = tokio::signal::ctrl_c() => result?,
    }
    Ok(())
}
