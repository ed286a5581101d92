//! A big ledger for the plans of statements: made once per stack and schema, and shared by the tests that look at plans.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, MySqlConnection};

use crate::accounts::connect;
use crate::dirs::workspace_file;
use crate::env::running;
use crate::schema::execute;
use crate::server::with_database;

/// What makes its rows.
const SEED: &str = "dev/stack/seed/big_ledger.sql";

/// The last thing that is made: with it, everything is there.
const READY: &str = "big_ledger_ready";

/// Longest wait for a test that makes it already.
const PATIENCE: Duration = Duration::from_mins(15);

/// Two hundred thousand payments on the primary of the running stack, which its replica does not have.
#[derive(Debug, Clone)]
pub struct BigLedger {
    pub name: String,
    /// the administrator, on this database
    pub root: String,
}

impl BigLedger {
    /// Takes the one that is there, or makes it: some minutes.
    pub async fn ready() -> Result<Self> {
        let env = running()?;
        let server = with_database(env.get("MYSQL_ROOT_URL")?, "")?;
        let name = format!("big_{:08x}", fingerprint()?);
        let big = Self { root: with_database(&server, &name)?, name };
        let mut root = connect(&server).await?;
        // not replicated: a plan needs rows, and the replica would pay for them twice
        execute(&mut root, "SET sql_log_bin = 0".to_owned()).await?;
        let lock = format!("SELECT GET_LOCK('{}', {})", big.name, PATIENCE.as_secs());
        execute(&mut root, lock).await?;
        if !big.is_ready(&mut root).await? {
            let started = Instant::now();
            big.make(&mut root).await.context("making the big ledger")?;
            eprintln!("the big ledger {} was made in {} s", big.name, started.elapsed().as_secs());
        }
        root.close().await?;
        Ok(big)
    }

    async fn is_ready(&self, root: &mut MySqlConnection) -> Result<bool> {
        let text = "SELECT COUNT(*) FROM information_schema.tables WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
        let found: i64 = sqlx::query_scalar(text).bind(&self.name).bind(READY).fetch_one(root).await?;
        Ok(found > 0)
    }

    async fn make(&self, root: &mut MySqlConnection) -> Result<()> {
        let name = &self.name;
        execute(root, format!("DROP DATABASE IF EXISTS `{name}`; CREATE DATABASE `{name}`; USE `{name}`"))
            .await?;
        let migrator = Migrator::new(workspace_file("migrations")).await.context("reading migrations")?;
        migrator.run(&mut *root).await.context("applying migrations")?;
        execute(
            root,
            "SET foreign_key_checks = 0, unique_checks = 0, cte_max_recursion_depth = 10000".to_owned(),
        )
        .await?;
        for statement in seed()?.split(";\n").filter(|text| !text.trim().is_empty()) {
            execute(root, statement.to_owned())
                .await
                .with_context(|| statement.chars().take(120).collect::<String>())?;
        }
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT TABLE_NAME FROM information_schema.tables WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'",
        )
        .fetch_all(&mut *root)
        .await?;
        execute(root, format!("ANALYZE TABLE {}", tables.join(", "))).await?;
        execute(root, format!("CREATE TABLE {READY} (id INT PRIMARY KEY)")).await
    }
}

fn seed() -> Result<String> {
    let path = workspace_file(SEED);
    fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
}

/// Of the schema and of what makes the rows: another schema is another database.
fn fingerprint() -> Result<u32> {
    let folder = workspace_file("migrations");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('0')));
    files.sort();
    let mut text = seed()?;
    for path in files {
        text += &fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    }
    // FNV-1a: enough to tell versions of a file apart
    Ok(text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)))
}
