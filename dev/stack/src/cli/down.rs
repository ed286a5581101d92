//! `down`: asks the owner of a stack to stop; where the owner is gone, ends what it left.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use parts::Wait;
use rustix::process::Signal;
use stack::{Registry, stack_dir};

const LIMIT: Duration = Duration::from_secs(90);

pub async fn run(name: &str) -> Result<ExitCode> {
    let registry = Registry::of(&stack_dir(name)?);
    let Some(owner) = registry.owner() else {
        let left = registry.reap();
        eprintln!(
            "no stack named {name} runs{}",
            if left == 0 { "" } else { "; what a killed one left is gone now" }
        );
        return Ok(ExitCode::SUCCESS);
    };
    let _wait = Wait::start(format!("stopping {name}"));
    owner.signal(Signal::TERM)?;
    let until = Instant::now() + LIMIT;
    while owner.is_alive() {
        if Instant::now() >= until {
            bail!("the stack {name} (pid {}) does not stop", owner.pid);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    registry.reap();
    eprintln!("{name} is stopped");
    Ok(ExitCode::SUCCESS)
}
