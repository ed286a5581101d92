//! The audit: everything that must hold after everything that happened.

mod chain;
mod issuer;
mod legacy;
mod outbox;
mod topics;

use anyhow::{Context as _, Result};
use ledger_core::replica_reader::ReplicaReader;
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use sqlx::mysql::MySqlPool;
use stack::EnvFile;

use crate::tool;

/// What one check has seen.
#[derive(Debug, Clone, Default)]
pub struct Check {
    /// Its name.
    pub name: String,
    /// Rows it has looked at.
    pub examined: u64,
    /// What does not hold, at most [`SHOWN`] of it.
    pub violations: Vec<String>,
}

/// Invariants of rows that were carried over, and of the runs that compare them.
const OF_LEGACY: [&str; 2] = ["i13", "i17"];

/// Violations that are shown of one check.
const SHOWN: usize = 10;

impl Check {
    fn new(name: &str, examined: u64) -> Self {
        Self { name: name.to_owned(), examined, violations: Vec::new() }
    }

    fn add(&mut self, violation: impl Into<String>) {
        if self.violations.len() < SHOWN {
            self.violations.push(violation.into());
        }
    }

    /// Nothing found, and something looked at.
    pub fn holds(&self) -> bool {
        self.violations.is_empty() && self.examined > 0
    }

    /// As an object.
    pub fn to_json(&self) -> Value {
        json!({ "check": self.name, "examined": self.examined, "ok": self.holds(), "violations": self.violations })
    }
}

/// What there is to audit.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    /// Legacy rows were carried over.
    pub legacy: bool,
}

struct Auditor<'a> {
    env: &'a EnvFile,
    replica: MySqlPool,
    reader: ReplicaReader,
}

/// Runs every check on the replica of a stack, once it has all that the primary has.
pub async fn run(env: &EnvFile, scope: Scope) -> Result<Vec<Check>> {
    let url = env.get("REPLICA_URL")?;
    let reader = ReplicaReader::open(url, PoolOptions::default()).await.context("opening the replica")?;
    let auditor = Auditor { env, replica: connect(url, PoolOptions::default()).await?, reader };
    auditor.catch_up().await?;
    let mut checks = auditor.outbox().await?;
    auditor.catch_up().await?;
    checks.extend(auditor.invariants(scope).await?);
    checks.push(auditor.chain().await?);
    checks.extend(auditor.topics().await?);
    checks.push(auditor.issuer().await?);
    if scope.legacy {
        checks.push(auditor.legacy().await?);
    }
    Ok(checks)
}

impl Auditor<'_> {
    /// Waits until the replica has applied what the primary has committed by now.
    async fn catch_up(&self) -> Result<()> {
        let primary = connect(self.env.get("MYSQL_READ_URL")?, PoolOptions::default()).await?;
        let set: String =
            sqlx::query_scalar("SELECT CAST(@@GLOBAL.gtid_executed AS CHAR)").fetch_one(&primary).await?;
        let limit = std::time::Duration::from_mins(5);
        anyhow::ensure!(self.reader.wait_for_gtid(&set, limit).await?, "the replica does not catch up");
        Ok(())
    }

    /// The invariants in SQL, by the verifier. Those about carried over rows see nothing, and so prove nothing, where none were.
    async fn invariants(&self, scope: Scope) -> Result<Vec<Check>> {
        let told = tool::run(self.env, "verifier", &["checks", "--format", "json"]).await?;
        let mut checks: Vec<_> = told.lines.iter().filter_map(invariant).collect();
        checks.retain(|check| {
            scope.legacy
                || !OF_LEGACY.contains(&check.name.get(..3).unwrap_or_default())
                || check.examined > 0
        });
        if checks.is_empty() {
            let mut check = Check::new("invariants", 0);
            check.add(format!("the verifier ran no check, exit code {}: {}", told.code, told.stderr.trim()));
            checks.push(check);
        }
        Ok(checks)
    }
}

/// A line of the verifier as a check: how many violations there are, and some of them.
fn invariant(line: &Value) -> Option<Check> {
    let mut check = Check::new(line["check"].as_str()?, line["examined"].as_u64().unwrap_or(0));
    for row in line["rows"].as_array().into_iter().flatten() {
        check.add(row.to_string());
    }
    if check.violations.is_empty() && line["violations"] != 0 {
        check.add(format!("{} violations", line["violations"]));
    }
    Some(check)
}
