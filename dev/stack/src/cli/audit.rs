//! `audit`: hands over to the audit of the demo, which knows what the ledger must hold.

use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use super::Audit;

pub fn run(audit: &Audit) -> Result<ExitCode> {
    let demo = stack::bin("demo")?;
    let error = Command::new(&demo).args(["audit", "--name", &audit.name]).args(&audit.args).exec();
    bail!("starting {}: {error}", demo.display())
}
