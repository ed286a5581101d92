//! Databases for tests: each test gets a ledger of its own on the stack that runs.

use std::time::Duration;

use anyhow::{Context, Result};

use crate::accounts::{connect, random_hex};
use crate::env::{EnvFile, running};
use crate::server::with_database;
use crate::{replication, schema};

/// A fresh ledger with migrations and grants, as URLs of its accounts. Dropped with the handle; kept for a
/// look when the test fails.
#[derive(Debug)]
pub struct TestDb {
    pub name: String,
    pub owner: String,
    pub app: String,
    pub relay: String,
    pub mirror: String,
    /// `ledger_read` on the replica
    pub read: String,
    /// `ledger_read` on the primary, which a verifier has to refuse
    pub read_on_primary: String,
    pub ops: String,
    pub admin: String,
    pub root: String,
    /// the administrator of the replica
    pub replica_root: String,
    _guard: Guard,
}

impl TestDb {
    /// Makes `t_<label>_<random>` on the running stack, and waits until the replica has it too.
    pub async fn create(label: &str) -> Result<Self> {
        let db = Self::create_on(&running()?, label).await?;
        db.replica_caught_up().await?;
        Ok(db)
    }

    /// The same on other servers than those of the running stack.
    pub async fn create_on(env: &EnvFile, label: &str) -> Result<Self> {
        let name = name_of(label)?;
        let url = |key: &str| with_database(env.get(key)?, &name);
        let db = Self {
            owner: url("MYSQL_OWNER_URL")?,
            app: url("MYSQL_APP_URL")?,
            relay: url("MYSQL_RELAY_URL")?,
            mirror: url("MYSQL_MIRROR_URL")?,
            read: url("REPLICA_URL")?,
            read_on_primary: url("MYSQL_READ_URL")?,
            ops: url("MYSQL_OPS_URL")?,
            admin: url("MYSQL_ADMIN_URL")?,
            root: url("MYSQL_ROOT_URL")?,
            replica_root: url("REPLICA_ROOT_URL")?,
            _guard: Guard::of(env, &name)?,
            name,
        };
        let mut root = connect(env.get("MYSQL_ROOT_URL")?).await?;
        schema::create(&mut root, &db.name, "ledger_owner").await?;
        schema::migrate(&db.owner).await?;
        schema::grant(&mut connect(&db.root).await?).await?;
        Ok(db)
    }

    /// A fresh database with the legacy schema.
    pub async fn legacy(label: &str) -> Result<LegacyDb> {
        LegacyDb::create(label).await
    }

    /// Waits until the replica has all that the primary has committed by now.
    pub async fn replica_caught_up(&self) -> Result<()> {
        caught_up(&self.root, &self.replica_root).await
    }
}

/// A fresh legacy database, as URLs of its accounts.
#[derive(Debug)]
pub struct LegacyDb {
    pub name: String,
    pub owner: String,
    pub read: String,
    /// `legacy_read` on the replica
    pub replica_read: String,
    pub root: String,
    pub replica_root: String,
    _guard: Guard,
}

impl LegacyDb {
    pub async fn create(label: &str) -> Result<Self> {
        let env = running()?;
        let name = name_of(label)?;
        let url = |key: &str| with_database(env.get(key)?, &name);
        let db = Self {
            owner: url("LEGACY_URL")?,
            read: url("LEGACY_READ_URL")?,
            replica_read: url("LEGACY_REPLICA_URL")?,
            root: url("MYSQL_ROOT_URL")?,
            replica_root: url("REPLICA_ROOT_URL")?,
            _guard: Guard::of(&env, &name)?,
            name,
        };
        let mut root = connect(env.get("MYSQL_ROOT_URL")?).await?;
        schema::create(&mut root, &db.name, "legacy_owner").await?;
        schema::let_read(&mut root, &db.name, "legacy_read").await?;
        schema::load_legacy(&db.owner).await?;
        db.replica_caught_up().await?;
        Ok(db)
    }

    /// Waits until the replica has all that the primary has committed by now.
    pub async fn replica_caught_up(&self) -> Result<()> {
        caught_up(&self.root, &self.replica_root).await
    }
}

async fn caught_up(root: &str, replica_root: &str) -> Result<()> {
    // without a database: the replica may not have it yet
    let mut primary = connect(&with_database(root, "")?).await?;
    let mut replica = connect(&with_database(replica_root, "")?).await?;
    replication::caught_up(&mut primary, &mut replica).await
}

fn name_of(label: &str) -> Result<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
    let label: String = label.chars().take(40).map(plain).collect();
    Ok(format!("t_{label}_{}", random_hex(4)?))
}

/// Drops the database when the test is over.
#[derive(Debug)]
struct Guard {
    root: String,
    name: String,
}

impl Guard {
    fn of(env: &EnvFile, name: &str) -> Result<Self> {
        Ok(Self { root: with_database(env.get("MYSQL_ROOT_URL")?, "")?, name: name.to_owned() })
    }

    async fn drop_database(root: &str, name: &str) -> Result<()> {
        let mut root = connect(root).await?;
        schema::execute(&mut root, format!("DROP DATABASE IF EXISTS `{name}`")).await
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the database {} is kept for a look", self.name);
            return;
        }
        let (root, name) = (self.root.clone(), self.name.clone());
        // a thread with a runtime of its own: the test's runtime may be the one that runs this
        let cleaner = std::thread::spawn(move || -> Result<()> {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let limit = tokio::time::timeout(Duration::from_secs(20), Self::drop_database(&root, &name));
                limit.await.context("no answer in time")?
            })
        });
        if let Ok(Err(e)) = cleaner.join() {
            eprintln!("the database {} could not be dropped: {e:#}", self.name);
        }
    }
}
