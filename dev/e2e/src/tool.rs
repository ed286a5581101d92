//! Running our own command-line tools with the addresses of a stack.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use stack::EnvFile;
use tokio::process::Command;

/// Longer than any tool of ours takes here.
const PATIENCE: Duration = Duration::from_mins(5);

/// What a tool printed and how it ended.
#[derive(Debug, Clone)]
pub struct Told {
    /// Its exit code.
    pub code: i32,
    /// Its stdout, one JSON object a line.
    pub lines: Vec<Value>,
    /// Its stderr.
    pub stderr: String,
}

impl Told {
    /// The last object.
    pub fn last(&self) -> &Value {
        self.lines.last().unwrap_or(&Value::Null)
    }

    /// The tool's exit code must be this.
    pub fn expect(self, code: i32) -> Result<Self> {
        if self.code != code {
            bail!("exit code {} instead of {code}: {}", self.code, self.stderr.trim());
        }
        Ok(self)
    }
}

/// Runs a tool to its end.
pub async fn run(env: &EnvFile, bin: &str, args: &[&str]) -> Result<Told> {
    let mut command = Command::new(stack::bin(bin)?);
    command.args(args).envs(env.iter()).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .with_context(|| format!("{bin} {args:?} takes too long"))?
        .with_context(|| format!("starting {bin}"))?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    let lines = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(Told { code: output.status.code().unwrap_or(-1), lines, stderr })
}
