//! The handle of the relay: reads an outbox and settles the holes in it, with an account that can do nothing else.
//!
//! It holds one connection for as long as it lives, so that the caller learns of every reconnect: after one, the server
//! behind the address may be another. After a [`StoreError`] call [`OutboxReader::reconnect`], then prove again that
//! what has been published is what the server holds.

use sqlx::MySql;
use sqlx::mysql::{MySqlConnection, MySqlPool};
use sqlx::pool::PoolConnection;

use crate::store::outbox as store;
use crate::store::pool::{PoolOptions, connect};
use crate::store::{StoreError, outbox_grants};

pub use crate::store::grants::GrantsError;
pub use crate::store::outbox::{OutboxEvent, OutboxName, OutboxRow, RANGES, Sealed};

/// Reads one outbox as `ledger_relay`.
#[derive(Debug)]
pub struct OutboxReader {
    outbox: OutboxName,
    pool: MySqlPool,
    connection: Option<PoolConnection<MySql>>,
}

impl OutboxReader {
    /// Connects, and proves that the account may do what a relay does and no more.
    pub async fn open(url: &str, outbox: OutboxName, options: PoolOptions) -> Result<Self, GrantsError> {
        let one = PoolOptions { max_connections: 1, min_connections: 0, ..options };
        let pool = connect(url, one).await?;
        let mut reader = Self { outbox, pool, connection: None };
        reader.reconnect().await?;
        outbox_grants::prove(reader.connection()?, outbox).await?;
        Ok(reader)
    }

    /// Which outbox this is.
    pub const fn outbox(&self) -> OutboxName {
        self.outbox
    }

    /// Drops the connection, if there is one, and opens another.
    pub async fn reconnect(&mut self) -> Result<(), StoreError> {
        if let Some(old) = self.connection.take() {
            drop(old.detach());
        }
        let mut connection = self.pool.acquire().await?;
        store::settle_session(&mut connection).await?;
        self.connection = Some(connection);
        Ok(())
    }

    /// Rows above `id`, oldest id first, in one snapshot.
    pub async fn read_after(&mut self, id: u64, limit: u32) -> Result<Vec<OutboxRow>, StoreError> {
        let outbox = self.outbox;
        store::read_after(self.connection()?, outbox, id, limit).await
    }

    /// Rows above `id` and within at most [`RANGES`] ranges, oldest id first, in one snapshot.
    pub async fn read_ranges(
        &mut self,
        id: u64,
        ranges: &[(u64, u64)],
        limit: u32,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        if ranges.is_empty() {
            return self.read_after(id, limit).await;
        }
        let outbox = self.outbox;
        store::read_ranges(self.connection()?, outbox, id, ranges, limit).await
    }

    /// The row at `id`.
    pub async fn row_at(&mut self, id: u64) -> Result<Option<OutboxRow>, StoreError> {
        let outbox = self.outbox;
        store::row_at(self.connection()?, outbox, id).await
    }

    /// The lowest and the highest id that can be seen; none while the outbox is empty.
    pub async fn bounds(&mut self) -> Result<Option<(u64, u64)>, StoreError> {
        let outbox = self.outbox;
        store::bounds(self.connection()?, outbox).await
    }

    /// The lowest id that can be seen.
    pub async fn min_id(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(self.bounds().await?.map(|(min, _)| min))
    }

    /// The highest id that can be seen.
    pub async fn max_id(&mut self) -> Result<Option<u64>, StoreError> {
        Ok(self.bounds().await?.map(|(_, max)| max))
    }

    /// Settles a hole. A writer that holds the id is left alone; only an id below the highest one seen may be sealed,
    /// since an explicit id above it would move the counter on under the writers.
    pub async fn seal(&mut self, id: u64) -> Result<Sealed, StoreError> {
        let outbox = self.outbox;
        let connection = self.connection()?;
        if let Some(held) = store::probe(connection, outbox, id).await? {
            return Ok(held);
        }
        store::insert_tombstone(connection, outbox, id).await
    }

    /// The identity of the server behind the connection.
    pub async fn server_uuid(&mut self) -> Result<String, StoreError> {
        store::server_uuid(self.connection()?).await
    }

    /// Waits up to `seconds` for the named lock that the working relay of this outbox holds.
    pub async fn take_turn(&mut self, seconds: u32) -> Result<bool, StoreError> {
        let outbox = self.outbox;
        store::take_turn(self.connection()?, outbox, seconds).await
    }

    fn connection(&mut self) -> Result<&mut MySqlConnection, StoreError> {
        self.connection.as_deref_mut().ok_or(StoreError::Unavailable(sqlx::Error::PoolClosed))
    }
}
