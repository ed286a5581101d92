//! A connection that does nothing but commit: it is kept between commits, so that one takes two round trips, begin with all
//! inserts and then the commit. A pool asks a connection whether it lives both before and after it lends it.

use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnection, MySqlPool};
use sqlx::{ConnectOptions as _, Connection as _};

use super::append::{self, Failed};
use super::text::Script;
use super::{StoreError, pool};

/// A connection that was in use this recently is trusted; any other is asked first. So a server that was restarted costs at
/// most the requests of this long.
const TRUSTED_FOR: Duration = Duration::from_secs(1);

/// The connection, opened when it is first needed and again after each that was lost.
#[derive(Debug)]
pub struct Committer {
    pool: MySqlPool,
    /// With nothing open on it. Whoever commits takes it out: dropped on the way it is closed, by which the server takes back
    /// what was not committed.
    kept: Option<(MySqlConnection, Instant)>,
}

impl Committer {
    /// To the server of a pool, with the pool's time limit, and beside its connections.
    pub const fn new(pool: MySqlPool) -> Self {
        Self { pool, kept: None }
    }

    /// Connects ahead of need. It is no loss if that fails: the first commit tries again and tells.
    pub async fn warm_up(&mut self) {
        if let Ok(connection) = self.take().await {
            self.keep(connection);
        }
    }

    /// Runs a script and commits it. What is refused is taken back; only after a failed commit nobody knows.
    pub async fn commit(&mut self, script: Script) -> Result<(), Failed> {
        let mut connection = self.take().await?;
        if let Err(error) = script.begin(&mut connection).await {
            // what the server has said stands, whether or not it can be told to take the rest back
            if sqlx::raw_sql("ROLLBACK").execute(&mut connection).await.is_ok() {
                self.keep(connection);
            }
            return Err(Failed::Statement(error));
        }
        append::watched(async {
            sqlx::raw_sql("COMMIT").execute(&mut connection).await?;
            Ok(())
        })
        .await?;
        self.keep(connection);
        Ok(())
    }

    /// The kept connection, or a new one.
    async fn take(&mut self) -> Result<MySqlConnection, StoreError> {
        let kept = self.kept.take();
        let options = self.pool.connect_options();
        let connection = async {
            if let Some((mut connection, used)) = kept
                && (used.elapsed() < TRUSTED_FOR || connection.ping().await.is_ok())
            {
                return Ok(connection);
            }
            let mut connection = options.connect().await?;
            pool::begin_session(&mut connection).await?;
            Ok(connection)
        };
        let limit = self.pool.options().get_acquire_timeout();
        let taken = tokio::time::timeout(limit, connection).await;
        taken.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(StoreError::Unavailable)
    }

    fn keep(&mut self, connection: MySqlConnection) {
        self.kept = Some((connection, Instant::now()));
    }
}
