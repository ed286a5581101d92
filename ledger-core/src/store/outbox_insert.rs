//! Writing events: by `VALUES` in statements of fixed widths, because only those take consecutive ids, and always as the
//! last statement of a transaction, so that an id is open for as short a time as can be.

use std::sync::LazyLock;

use sha2::{Digest as _, Sha256};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlConnection;

use crate::change::Change;
use crate::event::catalogue::Event;

use super::StoreError;
use super::outbox::OutboxName;

/// Rows per statement: few texts, so that each stays prepared.
const WIDTHS: [usize; 8] = [128, 64, 32, 16, 8, 4, 2, 1];

const ROW: &str = "(?, ?, ?, ?, ?, ?, ?, ?, ?)";

static TEXTS: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| {
    [OutboxName::Main, OutboxName::Backfill].map(|outbox| {
        WIDTHS
            .iter()
            .map(|width| {
                format!(
                    "INSERT INTO {} (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash) VALUES {}",
                    outbox.table(),
                    vec![ROW; *width].join(", ")
                )
            })
            .collect()
    })
});

/// Inserts the events of these changes, in order.
pub async fn insert(
    connection: &mut MySqlConnection,
    outbox: OutboxName,
    changes: &[Change],
) -> Result<(), StoreError> {
    let events: Vec<_> =
        changes.iter().flat_map(|change| change.events.iter().map(move |event| (change, event))).collect();
    let texts = match outbox {
        OutboxName::Main => &TEXTS[0],
        OutboxName::Backfill => &TEXTS[1],
    };
    let mut rest = events.as_slice();
    for (width, text) in WIDTHS.iter().zip(texts) {
        while rest.len() >= *width {
            let (batch, others) = rest.split_at(*width);
            insert_batch(connection, text, batch).await?;
            rest = others;
        }
    }
    Ok(())
}

async fn insert_batch(
    connection: &mut MySqlConnection,
    text: &'static str,
    batch: &[(&Change, &Event)],
) -> Result<(), StoreError> {
    let mut query = sqlx::query(AssertSqlSafe(text));
    for (change, event) in batch {
        query = query
            .bind(change.payment_id.as_bytes().as_slice())
            .bind(event.position.seq)
            .bind(event.position.ordinal)
            .bind(event.topic.code())
            .bind(event.kind)
            .bind(event.previous.map(|position| position.to_string()))
            .bind(event.occurred_at)
            .bind(event.body.as_slice())
            .bind(row_hash(change, event));
    }
    query.execute(connection).await?;
    Ok(())
}

/// SHA-256 of the event's key and bytes: what the relay keeps of a row to know it again.
fn row_hash(change: &Change, event: &Event) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(format!("{}:{}:{}", change.payment_id, event.position, event.kind).as_bytes());
    hash.update(&event.body);
    hash.finalize().to_vec()
}
