//! Makes the second server a read replica of the first, and waits for it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use crate::accounts::{connect, replication_password};
use crate::mysql::Node;

const ACCOUNT: &str = "ledger_replica";
/// Other tests may be filling the same replica.
const LIMIT: Duration = Duration::from_mins(2);

/// Lets `replica` follow `primary` from its first transaction on, over TLS, and closes it to writers.
pub(crate) async fn follow(primary: &Node, replica: &Node) -> Result<()> {
    let certificate = primary.ca.display().to_string();
    follow_at(
        &primary.server.root_url(""),
        &replica.server.root_url(""),
        "127.0.0.1",
        primary.port,
        Some(&certificate),
    )
    .await
}

/// The same for servers that are not processes of ours; `host` and `port` are the primary as the replica sees it.
pub(crate) async fn follow_at(
    primary_url: &str,
    replica_url: &str,
    host: &str,
    port: u16,
    certificate: Option<&str>,
) -> Result<()> {
    let password = replication_password()?;
    let mut source = connect(primary_url).await?;
    let account = format!(
        "CREATE USER '{ACCOUNT}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL; \
         GRANT REPLICATION SLAVE ON *.* TO '{ACCOUNT}'@'%'"
    );
    run(&mut source, account).await.context("making the account of the replica")?;
    let authority = certificate.map(|path| format!(", SOURCE_SSL_CA = '{path}'")).unwrap_or_default();
    let mut target = connect(replica_url).await?;
    let follow = format!(
        "CHANGE REPLICATION SOURCE TO SOURCE_HOST = '{host}', SOURCE_PORT = {port}, SOURCE_USER = '{ACCOUNT}', \
         SOURCE_PASSWORD = '{password}', SOURCE_AUTO_POSITION = 1, SOURCE_SSL = 1{authority}, \
         SOURCE_CONNECT_RETRY = 1, SOURCE_RETRY_COUNT = 86400; \
         START REPLICA; SET GLOBAL super_read_only = ON"
    );
    run(&mut target, follow).await.context("following the primary")?;
    caught_up(&mut source, &mut target).await
}

async fn run(connection: &mut MySqlConnection, sql: String) -> Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// Waits until `replica` has applied all that `primary` has committed by now.
pub(crate) async fn caught_up(primary: &mut MySqlConnection, replica: &mut MySqlConnection) -> Result<()> {
    let committed: String = sqlx::query_scalar("SELECT @@GLOBAL.gtid_executed").fetch_one(primary).await?;
    let until = Instant::now() + LIMIT;
    loop {
        // in short turns, so that an applier that stopped is seen and told
        let late: i64 = sqlx::query_scalar("SELECT WAIT_FOR_EXECUTED_GTID_SET(?, 1)")
            .bind(&committed)
            .fetch_one(&mut *replica)
            .await
            .context("waiting for the replica")?;
        if late == 0 {
            return Ok(());
        }
        if Instant::now() >= until {
            bail!("the replica is behind by more than {} s: {}", LIMIT.as_secs(), why(replica).await?);
        }
    }
}

async fn why(replica: &mut MySqlConnection) -> Result<String> {
    let rows = sqlx::raw_sql("SHOW REPLICA STATUS").fetch_all(replica).await?;
    let Some(row) = rows.first() else { return Ok("it follows nobody".into()) };
    let told = ["Last_IO_Error", "Last_SQL_Error", "Replica_SQL_Running_State"];
    let words = told.iter().filter_map(|column| row.try_get::<String, _>(*column).ok());
    Ok(words.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; "))
}
