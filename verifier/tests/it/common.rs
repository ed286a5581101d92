//! What every test here needs: both databases, rows carried over, and the program.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use fakes::legacy::{Options, generate};
use ledger_core::ids::RunId;
use ledger_core::mirror_writer::{MirrorWriter, RecordedBy};
use ledger_core::store::pool::PoolOptions;
use migrator::carry::{Carrier, Run};
use migrator::copy::{CopyOptions, copy};
use migrator::mapping::Mapping;
use migrator::source::LegacyReader;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;
use stack::{LegacyDb, TestDb};
use tokio_util::sync::CancellationToken;

/// A ledger and a legacy database.
pub struct Ends {
    pub ledger: TestDb,
    pub legacy: LegacyDb,
    pub legacy_pool: MySqlPool,
    pub owner: MySqlPool,
    pub carrier: Carrier,
}

impl Ends {
    pub async fn create(label: &str) -> Self {
        let ledger = TestDb::create(label).await.unwrap();
        let legacy = TestDb::legacy(label).await.unwrap();
        let carrier = Carrier {
            mapping: Mapping::load("reference").unwrap(),
            reader: LegacyReader::open(&legacy.read).await.unwrap(),
            writer: MirrorWriter::open(&ledger.mirror, PoolOptions::default()).await.unwrap(),
        };
        let legacy_pool = MySqlPool::connect(&legacy.owner).await.unwrap();
        let owner = MySqlPool::connect(&ledger.owner).await.unwrap();
        Self { ledger, legacy, legacy_pool, owner, carrier }
    }

    /// With a generated past that is copied already.
    pub async fn copied(label: &str, seed: u64, rows: usize) -> Self {
        let ends = Self::create(label).await;
        generate(&ends.legacy_pool, seed, rows, Options::default()).await.unwrap();
        let options =
            CopyOptions { resume: false, chunk_rows: 1_000, limit: None, dry_run: false, quiet: true };
        copy(&ends.carrier, &Self::run_as_mirror(), options, &CancellationToken::new()).await.unwrap();
        ends
    }

    pub fn run_as_mirror() -> Run {
        Run { id: RunId::from_bytes([7; 16]), by: RecordedBy::Mirror, actor: "test".to_owned() }
    }

    /// Carries some payments over, as the mirror would.
    pub async fn carry(&self, table: &str, keys: &[&str]) {
        let keys: BTreeSet<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let aggregate = self.carrier.mapping.aggregate_of(table).unwrap();
        self.carrier.carry(aggregate, &keys, &Self::run_as_mirror()).await.unwrap();
    }

    /// `verifier run … --format json` on the replicas.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_verifier"));
        command
            .args(arguments)
            .args(["--format", "json"])
            .env("REPLICA_URL", &self.ledger.read)
            .env("MYSQL_READ_URL", &self.ledger.read_on_primary)
            .env("LEGACY_REPLICA_URL", &self.legacy.replica_read)
            .env("LEGACY_READ_URL", &self.legacy.read)
            .env("MYSQL_MIRROR_URL", &self.ledger.mirror);
        command
    }

    pub fn verifier(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.command(arguments).output().unwrap())
    }

    /// Runs over everything up to now; what was written in the very second of its start is too young for it (see `settled`).
    pub fn verify_all(&self, arguments: &[&str]) -> Ran {
        self.verifier(&[&["run", "--full", "--settle", "0"], arguments].concat())
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.owner).await.unwrap()
    }

    pub async fn legacy(&self, sql: &str) {
        sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&self.legacy_pool).await.unwrap();
    }

    /// Waits until what was written to the legacy ledger is settled for a run with `--settle` of up to 1 s, by the clock of its server:
    /// change columns count whole seconds, and a row is settled a second after its own has ended.
    pub async fn settled(&self) {
        let clock = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)";
        let now = async || -> i64 { sqlx::query_scalar(clock).fetch_one(&self.legacy_pool).await.unwrap() };
        let until = (now().await / 1_000_000 + 2) * 1_000_000;
        while now().await <= until {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    pub async fn text(&self, sql: &'static str) -> String {
        sqlx::query_scalar(sql).fetch_one(&self.legacy_pool).await.unwrap()
    }
}

/// How a run ended, and what it printed.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub lines: Vec<Value>,
    pub stderr: String,
}

impl Ran {
    pub fn of(output: &Output) -> Self {
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        Self {
            code: output.status.code(),
            lines: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    pub fn summary(&self) -> &Value {
        self.lines.last().unwrap_or_else(|| panic!("nothing was printed: {}", self.stderr))
    }

    pub fn state(&self) -> &str {
        self.summary()["state"].as_str().unwrap()
    }

    /// Findings as (class, table, key, healed).
    pub fn findings(&self) -> BTreeSet<(String, String, String, bool)> {
        let text = |line: &Value, name: &str| line[name].as_str().unwrap().to_owned();
        let findings = self.lines.iter().filter(|line| line["class"].is_string());
        findings
            .map(|line| {
                let healed = line["healed"].as_bool().unwrap();
                (text(line, "class"), text(line, "table"), text(line, "pk"), healed)
            })
            .collect()
    }
}
