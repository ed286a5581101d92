//! `audit`: hands over to the audit of the demo, which knows what the ledger must hold.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

pub fn run(name: &str) -> Result<ExitCode> {
    let demo = stack::bin("demo")?;
    let error = Command::new(&demo).args(["audit", "--name", name]).exec();
    bail!("starting {}: {error}", demo.display())
}
