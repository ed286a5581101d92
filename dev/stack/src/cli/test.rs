//! `test`: every test of the workspace on a stack of its own, which is gone afterwards whatever happens.

use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process_group};
use stack::{Options, Signals, Stack};

use super::Test;

/// As a shell tells of a run that was ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

pub async fn run(test: &Test) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let own_name = || format!("test-{}", std::process::id());
    let options = Options { name: test.name.clone().unwrap_or_else(own_name), services: false };
    let mut stack = tokio::select! {
        biased;
        _ = signals.next() => return Ok(ExitCode::from(INTERRUPTED)),
        stack = Stack::start(&options) => stack?,
    };
    let (dir, env) = (stack.dir().to_owned(), stack.env_path());
    let done = tokio::select! {
        biased;
        signal = signals.next() => { eprintln!("{signal}: stopping"); Ok(ExitCode::from(INTERRUPTED)) }
        part = stack.watch() => Err(anyhow::anyhow!("{part} ended while the tests ran")),
        code = cargo_test(test, &env) => code,
    };
    stack.stop().await?;
    let code = done?;
    if code == ExitCode::SUCCESS {
        std::fs::remove_dir_all(&dir).unwrap_or_default();
        std::fs::remove_file(dir.with_extension("lock")).unwrap_or_default();
    } else {
        eprintln!("logs of MySQL and Kafka: {}", dir.join("logs").display());
    }
    Ok(code)
}

async fn cargo_test(test: &Test, env: &std::path::Path) -> Result<ExitCode> {
    let mut command = parts::cargo();
    command.arg("test");
    if !test.args.iter().any(|arg| names_package(arg)) {
        command.arg("--workspace");
    }
    if !test.args.iter().any(|arg| arg == "--fail-fast") {
        command.arg("--no-fail-fast");
    }
    command.args(test.args.iter().filter(|arg| *arg != "--fail-fast"));
    // a group of its own, so that what the tests started goes with it
    command.env("LEDGER_DEV_ENV", env).process_group(0);
    let mut group = Group(command.spawn().context("starting cargo test")?);
    loop {
        if let Some(status) = group.0.try_wait().context("waiting for cargo test")? {
            return Ok(status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .map_or(ExitCode::FAILURE, ExitCode::from));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// `-p x`, `-px`, `--package x`, `--package=x`: then it is not the whole workspace.
fn names_package(arg: &str) -> bool {
    arg.starts_with("--package") || (arg.starts_with("-p") && !arg.starts_with("--"))
}

/// The run and all below it; dropping it ends them.
struct Group(std::process::Child);

impl Drop for Group {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None))
            && let Some(pid) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw)
        {
            kill_process_group(pid, Signal::KILL).unwrap_or_default();
            self.0.wait().map(drop).unwrap_or_default();
        }
    }
}
