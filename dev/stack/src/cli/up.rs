//! `up`: in the foreground it owns the stack; detached it starts an owner and waits until that is ready.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::Signal;
use stack::{EnvFile, Options, Process, Registry, Signals, Stack, stack_dir};

use super::Up;

const POLL: Duration = Duration::from_millis(100);

pub async fn run(up: &Up) -> Result<ExitCode> {
    if up.detach { detached(up).await } else { foreground(up).await }
}

async fn foreground(up: &Up) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let options = Options { name: up.name.clone(), services: !up.infra };
    let mut stack = tokio::select! {
        biased;
        signal = signals.next() => {
            eprintln!("{signal}: what was started is gone again");
            return Ok(ExitCode::SUCCESS);
        }
        stack = Stack::start(&options) => stack?,
    };
    tell(stack.env(), &stack.env_path());
    let ended = tokio::select! {
        biased;
        signal = signals.next() => { eprintln!("{signal}: stopping"); None }
        part = stack.watch() => Some(part),
    };
    stack.stop().await?;
    ended.map_or(Ok(ExitCode::SUCCESS), |part| Err(anyhow::anyhow!("{part} ended by itself")))
}

fn tell(env: &EnvFile, path: &Path) {
    for key in ["API_URL", "OPS_URL", "ISSUER_URL", "KAFKA_BROKERS"] {
        if let Ok(value) = env.get(key) {
            eprintln!("{key}={value}");
        }
    }
    eprintln!("ready; addresses and passwords: {}", path.display());
}

async fn detached(up: &Up) -> Result<ExitCode> {
    let mut signals = Signals::listen()?;
    let dir = stack_dir(&up.name)?;
    let log_path = dir.with_extension("log");
    if let Some(parent) = log_path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
    }
    let mut owner = start_owner(up, &log_path)?;
    let mut log = File::open(&log_path).with_context(|| format!("reading {}", log_path.display()))?;
    let mut read = 0;
    loop {
        read += relay(&mut log, read)?;
        if let Some(status) = owner.try_wait()? {
            relay(&mut log, read)?;
            return Ok(status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .map_or(ExitCode::FAILURE, ExitCode::from));
        }
        let ours = Registry::of(&dir).owner().is_some_and(|process| process.pid == owner.id());
        if ours && dir.join("env").is_file() {
            // the owner's last word is the place of the env file
            tokio::time::sleep(POLL).await;
            relay(&mut log, read)?;
            return Ok(ExitCode::SUCCESS);
        }
        tokio::select! {
            signal = signals.next() => {
                eprintln!("{signal}: stopping");
                Process::of("stack", owner.id()).signal(Signal::TERM)?;
                owner.wait()?;
                return Ok(ExitCode::FAILURE);
            }
            () = tokio::time::sleep(POLL) => {}
        }
    }
}

/// The owner gets a session of its own: closing the terminal does not reach it.
fn start_owner(up: &Up, log: &Path) -> Result<Child> {
    let out = File::create(log).with_context(|| format!("writing {}", log.display()))?;
    let exe = std::env::current_exe().context("finding the running program")?;
    let mut command = match parts::on_path("setsid") {
        Some(setsid) => {
            let mut command = Command::new(setsid);
            command.arg(exe);
            command
        }
        None => Command::new(exe),
    };
    command.args(["up", "--name", &up.name]);
    if up.infra {
        command.arg("--infra");
    }
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    command.spawn().context("starting the owner of the stack")
}

/// Shows what was added to the log behind `from`; gives how much that was.
fn relay(log: &mut File, from: u64) -> Result<u64> {
    let mut text = Vec::new();
    log.seek(SeekFrom::Start(from))?;
    let read = log.read_to_end(&mut text)?;
    std::io::stderr().write_all(&text)?;
    Ok(u64::try_from(read)?)
}
