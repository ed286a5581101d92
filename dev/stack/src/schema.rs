//! Databases of the stack: the ledger's schema by its migrations, its grants, the legacy schema.

use std::path::PathBuf;

use anyhow::{Context, Result};
use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, MySqlConnection};

use crate::accounts::connect;
use crate::dirs::workspace_file;

/// Makes the database `name`, fresh or as it is, and gives it to `account`.
pub(crate) async fn create(root: &mut MySqlConnection, name: &str, account: &str) -> Result<()> {
    // in a grant an underscore stands for any character
    let pattern = name.replace('_', "\\_");
    let sql =
        format!("CREATE DATABASE IF NOT EXISTS `{name}`; GRANT ALL ON `{pattern}`.* TO '{account}'@'%'");
    execute(root, sql).await.with_context(|| format!("making the database {name}"))
}

/// Lets `account` read all of the database `name`.
pub(crate) async fn let_read(root: &mut MySqlConnection, name: &str, account: &str) -> Result<()> {
    let pattern = name.replace('_', "\\_");
    let sql = format!("GRANT SELECT ON `{pattern}`.* TO '{account}'@'%'");
    execute(root, sql).await.with_context(|| format!("granting the database {name}"))
}

/// Applies the migrations as the owner. They are read from the workspace, so a new one needs no rebuild here.
pub(crate) async fn migrate(owner_url: &str) -> Result<()> {
    let migrator = Migrator::new(workspace_file("migrations")).await.context("reading migrations")?;
    let mut owner = connect(owner_url).await?;
    migrator.run(&mut owner).await.context("applying migrations")
}

/// Runs `migrations/roles.sql` on the database that `root` is connected to.
pub(crate) async fn grant(root: &mut MySqlConnection) -> Result<()> {
    let path = workspace_file("migrations/roles.sql");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    execute(root, text).await.context("running migrations/roles.sql")
}

/// Loads the legacy schema into the database that `owner` is connected to.
pub(crate) async fn load_legacy(owner_url: &str) -> Result<()> {
    let path = legacy_schema();
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut owner = connect(owner_url).await?;
    execute(&mut owner, text).await.context("loading the legacy schema")
}

pub(crate) fn legacy_schema() -> PathBuf {
    workspace_file("migrator/mappings/reference/legacy_schema.sql")
}

pub(crate) async fn execute(connection: &mut MySqlConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}
