//! Connections: TLS as the URL says, READ COMMITTED, kept warm.

use std::str::FromStr as _;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};

use super::StoreError;
use super::append::COMMIT_WITHIN;
use super::batch::BatchOptions;

/// How a pool is sized and how long it may wait.
#[derive(Debug, Clone, Copy)]
pub struct PoolOptions {
    /// Connections at most, beside one for each lane of appends.
    pub max_connections: u32,
    /// Connections kept open when idle.
    pub min_connections: u32,
    /// Longest wait for a free connection.
    pub acquire_timeout: Duration,
    /// How a ledger's appends are grouped.
    pub appends: BatchOptions,
    /// How old the time of a change may be, by the database's clock, when its commit is asked for: what is older is not written.
    /// Without it a change may be recorded in the past, where lists have been shown already.
    pub commit_within: Option<Duration>,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            max_connections: 16,
            min_connections: 2,
            acquire_timeout: Duration::from_secs(5),
            appends: BatchOptions::default(),
            commit_within: Some(COMMIT_WITHIN),
        }
    }
}

/// Opens a pool on `url`; every session reads committed rows, waits at most five seconds for a row lock,
/// and refuses values that do not fit.
pub async fn connect(url: &str, options: PoolOptions) -> Result<MySqlPool, StoreError> {
    let connect = MySqlConnectOptions::from_str(url)
        .map_err(StoreError::Unavailable)?
        .statement_cache_capacity(256)
        .disable_statement_logging();
    MySqlPoolOptions::new()
        .max_connections(options.max_connections)
        .min_connections(options.min_connections)
        .acquire_timeout(options.acquire_timeout)
        .after_connect(|connection, _| Box::pin(begin_session(connection)))
        .connect_with(connect)
        .await
        .map_err(StoreError::Unavailable)
}

/// How every session of ours begins.
pub(super) async fn begin_session(connection: &mut MySqlConnection) -> Result<(), sqlx::Error> {
    let session = "SET SESSION transaction_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = 5, \
                   sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES')";
    sqlx::raw_sql(session).execute(connection).await?;
    Ok(())
}
