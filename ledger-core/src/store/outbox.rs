//! Reading and settling the outbox: one statement per function, each in the wording of its table.
//!
//! Every read is a single statement and so a single snapshot. The relay's order within a payment rests on that
//! (see `outbox-relay/src/scan.rs`), so nothing here may be split into two.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::mysql::MySqlConnection;

use super::StoreError;
use super::error::number_of;
use super::statement::{Account, Statement};
use crate::ids::PaymentId;

/// The two outboxes: events of the living ledger, and those of migrated history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutboxName {
    /// `outbox_event`.
    Main,
    /// `outbox_backfill`.
    Backfill,
}

impl OutboxName {
    /// The name used in keys, labels and messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Backfill => "backfill",
        }
    }

    /// The table that holds it.
    pub const fn table(self) -> &'static str {
        match self {
            Self::Main => "outbox_event",
            Self::Backfill => "outbox_backfill",
        }
    }

    const fn texts(self) -> &'static Texts {
        match self {
            Self::Main => &MAIN,
            Self::Backfill => &BACKFILL,
        }
    }
}

impl std::fmt::Display for OutboxName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row of an outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// The row's id; ids are handed out in order and commit out of order.
    pub id: u64,
    /// The event, or none where the relay settled a hole.
    pub event: Option<OutboxEvent>,
}

/// What one row asks to have published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    /// The payment; also the key in Kafka.
    pub payment_id: PaymentId,
    /// The change that the event tells of.
    pub seq: u32,
    /// Its place among the events of that change.
    pub ordinal: u8,
    /// Where it goes.
    pub topic: String,
    /// What it is, as `name.vN`.
    pub event_type: String,
    /// `seq.ordinal` of the payment's event before it on the same topic.
    pub previous_position: Option<String>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The bytes to publish.
    pub body: Vec<u8>,
    /// W3C trace context of the request.
    pub trace_parent: Option<String>,
    /// Digest of the row's canonical bytes.
    pub row_hash: [u8; 32],
}

/// What became of a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// A tombstone stands there now: its writer rolled back, or will be refused and try again.
    Dead,
    /// A committed row stands there.
    Exists,
    /// A writer holds it and has not committed yet.
    InFlight,
}

/// How many ranges [`read_ranges`] takes.
pub const RANGES: usize = 32;

struct Texts {
    read_after: &'static str,
    read_ranges: &'static str,
    row_at: &'static str,
    bounds: &'static str,
    probe: &'static str,
    seal: &'static str,
}

macro_rules! columns {
    () => {
        "SELECT id, kind, payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, trace_parent, row_hash FROM "
    };
}

macro_rules! sixteen_ranges {
    () => {
        "OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? \
         OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? \
         OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? \
         OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? OR id BETWEEN ? AND ? "
    };
}

macro_rules! texts {
    ($table:literal) => {
        Texts {
            read_after: concat!(columns!(), $table, " WHERE id > ? ORDER BY id LIMIT ?"),
            read_ranges: concat!(
                columns!(),
                $table,
                " WHERE id > ? ",
                sixteen_ranges!(),
                sixteen_ranges!(),
                "ORDER BY id LIMIT ?"
            ),
            row_at: concat!(columns!(), $table, " WHERE id = ?"),
            bounds: concat!("SELECT MIN(id), MAX(id) FROM ", $table),
            probe: concat!("SELECT id FROM ", $table, " WHERE id = ? FOR SHARE NOWAIT"),
            seal: concat!("INSERT INTO ", $table, " (id, kind) VALUES (?, 'TOMBSTONE')"),
        }
    };
}

const MAIN: Texts = texts!("outbox_event");
const BACKFILL: Texts = texts!("outbox_backfill");

const fn relay(name: &'static str, sql: &'static str) -> Statement {
    Statement { name, account: Account::Relay, sql }
}

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[
    relay("outbox_event_after", MAIN.read_after),
    relay("outbox_event_ranges", MAIN.read_ranges),
    relay("outbox_event_at", MAIN.row_at),
    relay("outbox_event_bounds", MAIN.bounds),
    relay("outbox_event_probe", MAIN.probe),
    relay("seal_outbox_event", MAIN.seal),
    relay("outbox_backfill_after", BACKFILL.read_after),
    relay("outbox_backfill_ranges", BACKFILL.read_ranges),
    relay("outbox_backfill_at", BACKFILL.row_at),
    relay("outbox_backfill_bounds", BACKFILL.bounds),
    relay("outbox_backfill_probe", BACKFILL.probe),
    relay("seal_outbox_backfill", BACKFILL.seal),
];

type RawRow = (
    u64,
    String,
    Option<Vec<u8>>,
    Option<u32>,
    Option<u8>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<DateTime<Utc>>,
    Option<Vec<u8>>,
    Option<String>,
    Option<Vec<u8>>,
);

/// Rows above `id`, oldest id first.
pub async fn read_after(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    id: u64,
    limit: u32,
) -> Result<Vec<OutboxRow>, StoreError> {
    let rows: Vec<RawRow> =
        sqlx::query_as(outbox.texts().read_after).bind(id).bind(limit).fetch_all(connection).await?;
    rows.into_iter().map(|row| row_of(outbox, row)).collect()
}

/// Rows above `id` and those within the ranges (ends included), in one snapshot, oldest id first.
/// At most [`RANGES`] ranges are read.
pub async fn read_ranges(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    id: u64,
    ranges: &[(u64, u64)],
    limit: u32,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut query = sqlx::query_as::<_, RawRow>(outbox.texts().read_ranges).bind(id);
    for place in 0..RANGES {
        let (from, to) = ranges.get(place).copied().unwrap_or((0, 0));
        query = query.bind(from).bind(to);
    }
    let rows = query.bind(limit).fetch_all(connection).await?;
    rows.into_iter().map(|row| row_of(outbox, row)).collect()
}

/// The row at `id`.
pub async fn row_at(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    id: u64,
) -> Result<Option<OutboxRow>, StoreError> {
    let row: Option<RawRow> =
        sqlx::query_as(outbox.texts().row_at).bind(id).fetch_optional(connection).await?;
    row.map(|row| row_of(outbox, row)).transpose()
}

/// The lowest and the highest id that can be seen; none while the outbox is empty.
pub async fn bounds(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
) -> Result<Option<(u64, u64)>, StoreError> {
    let (min, max): (Option<u64>, Option<u64>) =
        sqlx::query_as(outbox.texts().bounds).fetch_one(connection).await?;
    Ok(min.zip(max))
}

/// Whether a row stands at `id`, without waiting for a writer that holds it.
pub async fn probe(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    id: u64,
) -> Result<Option<Sealed>, StoreError> {
    let found = sqlx::query_scalar::<_, u64>(outbox.texts().probe).bind(id).fetch_optional(connection).await;
    match found {
        Ok(Some(_)) => Ok(Some(Sealed::Exists)),
        Ok(None) => Ok(None),
        Err(error) if number_of(&error) == Some(LOCK_NOT_FREE) => Ok(Some(Sealed::InFlight)),
        Err(error) => Err(error.into()),
    }
}

/// Puts a tombstone at `id`, as a statement and a transaction of its own: no cycle of waits can form. The primary key
/// decides between it and the row of a writer, and only one of them will ever stand there.
pub async fn insert_tombstone(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    id: u64,
) -> Result<Sealed, StoreError> {
    match sqlx::query(outbox.texts().seal).bind(id).execute(connection).await {
        Ok(_) => Ok(Sealed::Dead),
        Err(error) => match number_of(&error) {
            Some(DUPLICATE_KEY) => Ok(Sealed::Exists),
            Some(LOCK_WAIT_TIMEOUT | DEADLOCK) => Ok(Sealed::InFlight),
            Some(_) | None => Err(error.into()),
        },
    }
}

/// The identity of the server that answers.
pub async fn server_uuid(connection: &mut MySqlConnection) -> Result<String, StoreError> {
    Ok(sqlx::query_scalar("SELECT @@server_uuid").fetch_one(connection).await?)
}

/// Session settings of a relay: it gives way to writers after a second, and a relay that has frozen loses its connection
/// and with it its named lock.
pub async fn settle_session(connection: &mut MySqlConnection) -> Result<(), StoreError> {
    sqlx::query("SET SESSION innodb_lock_wait_timeout = 1, wait_timeout = 30").execute(connection).await?;
    Ok(())
}

/// Takes the named lock of this outbox if it is free within `seconds`. Courtesy among relays; safety is Kafka's fencing.
pub async fn take_turn(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    seconds: u32,
) -> Result<bool, StoreError> {
    let taken: Option<i64> =
        sqlx::query_scalar("SELECT GET_LOCK(CONCAT('relay.', ?, '.', LEFT(SHA2(DATABASE(), 256), 32)), ?)")
            .bind(outbox.as_str())
            .bind(seconds)
            .fetch_one(connection)
            .await?;
    Ok(taken == Some(1))
}

const DUPLICATE_KEY: u16 = 1062;
const LOCK_WAIT_TIMEOUT: u16 = 1205;
const DEADLOCK: u16 = 1213;
const LOCK_NOT_FREE: u16 = 3572;

fn row_of(outbox: OutboxName, raw: RawRow) -> Result<OutboxRow, StoreError> {
    let (id, kind, payment_id, seq, ordinal, topic, event_type, previous, at, body, trace_parent, hash) = raw;
    let corrupt = |column| StoreError::Corrupt { table: outbox.table(), column, id: id.to_string() };
    match kind.as_str() {
        "TOMBSTONE" => return Ok(OutboxRow { id, event: None }),
        "EVENT" => {}
        _ => return Err(corrupt("kind")),
    }
    let event = OutboxEvent {
        payment_id: payment_id
            .and_then(|bytes| PaymentId::try_from(bytes.as_slice()).ok())
            .ok_or_else(|| corrupt("payment_id"))?,
        seq: seq.ok_or_else(|| corrupt("seq"))?,
        ordinal: ordinal.ok_or_else(|| corrupt("ordinal"))?,
        topic: topic.ok_or_else(|| corrupt("topic"))?,
        event_type: event_type.ok_or_else(|| corrupt("type"))?,
        previous_position: previous,
        occurred_at: at.ok_or_else(|| corrupt("occurred_at"))?,
        body: body.ok_or_else(|| corrupt("body"))?,
        trace_parent,
        row_hash: hash.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| corrupt("row_hash"))?,
    };
    Ok(OutboxRow { id, event: Some(event) })
}
