//! What every test here needs: both databases, and the program.

use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use fakes::legacy::{Generated, Options, generate};
use serde_json::Value;
use sqlx::mysql::MySqlPool;
use stack::{LegacyDb, TestDb};

/// A ledger and a legacy database.
pub struct Ends {
    pub ledger: TestDb,
    pub legacy: LegacyDb,
    /// The legacy service's own connection.
    pub legacy_pool: MySqlPool,
    /// Looks at the ledger.
    pub read: MySqlPool,
}

impl Ends {
    pub async fn create(label: &str) -> Self {
        let ledger = TestDb::create(label).await.unwrap();
        let legacy = TestDb::legacy(label).await.unwrap();
        let legacy_pool = MySqlPool::connect(&legacy.owner).await.unwrap();
        let read = MySqlPool::connect(&ledger.read_on_primary).await.unwrap();
        Self { ledger, legacy, legacy_pool, read }
    }

    pub async fn filled(label: &str, seed: u64, rows: usize) -> (Self, Generated) {
        let ends = Self::create(label).await;
        let made = generate(&ends.legacy_pool, seed, rows, Options::default()).await.unwrap();
        (ends, made)
    }

    /// `migrator <command> … --format json` on these databases.
    pub fn migrator(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_migrator"));
        command
            .args(arguments)
            .args(["--format", "json"])
            .env("LEGACY_READ_URL", &self.legacy.read)
            .env("MYSQL_MIRROR_URL", &self.ledger.mirror)
            .env("MYSQL_READ_URL", &self.ledger.read_on_primary);
        command
    }

    /// Runs it to its end.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&self.migrator(arguments).output().unwrap())
    }

    /// Starts it with its output caught.
    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.migrator(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.read).await.unwrap()
    }

    /// Rows of every table that a copy writes.
    pub async fn rows_written(&self) -> Vec<i64> {
        let mut counts = Vec::new();
        for sql in [
            "SELECT COUNT(*) FROM payment_change",
            "SELECT COUNT(*) FROM payment",
            "SELECT COUNT(*) FROM approval",
            "SELECT COUNT(*) FROM attempt_result",
            "SELECT COUNT(*) FROM cancellation",
            "SELECT COUNT(*) FROM balance_link",
            "SELECT COUNT(*) FROM journal_line",
            "SELECT COUNT(*) FROM outbox_backfill",
            "SELECT COUNT(*) FROM legacy_row",
            "SELECT COUNT(*) FROM legacy_quarantine",
        ] {
            counts.push(self.count(sql).await);
        }
        counts
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
    fn of(output: &Output) -> Self {
        let lines = String::from_utf8(output.stdout.clone()).unwrap();
        Self {
            code: output.status.code(),
            lines: lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The last object.
    pub fn summary(&self) -> &Value {
        self.lines.last().unwrap_or_else(|| panic!("nothing was printed: {}", self.stderr))
    }
}

/// Waits for a condition, at most for `limit`.
pub async fn until(limit: Duration, what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < limit, "{what} did not happen within {limit:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
