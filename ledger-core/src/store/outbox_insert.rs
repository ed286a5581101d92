//! Writing events: by one `VALUES` list, because only that takes consecutive ids, and always as the last statement of a
//! transaction, so that an id is open for as short a time as can be.

use sha2::{Digest as _, Sha256};

use crate::change::Change;
use crate::event::catalogue::Event;

use super::StoreError;
use super::outbox::OutboxName;
use super::statement::{Account, Statement};
use super::text::Script;

const INSERT_EVENT: Statement = Statement {
    name: "insert_outbox_event",
    account: Account::App,
    sql: "INSERT INTO outbox_event (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash) \
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
};
const INSERT_BACKFILL: Statement = Statement {
    name: "insert_outbox_backfill",
    account: Account::Mirror,
    sql: "INSERT INTO outbox_backfill (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash) \
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
};

/// All of them, for the register.
pub const STATEMENTS: &[Statement] = &[INSERT_EVENT, INSERT_BACKFILL];

/// Adds the events of these changes, in order.
pub fn write(script: &mut Script, outbox: OutboxName, changes: &[&Change]) -> Result<(), StoreError> {
    let events = changes.iter().flat_map(|change| change.events.iter().map(move |event| (change, event)));
    let statement = match outbox {
        OutboxName::Main => &INSERT_EVENT,
        OutboxName::Backfill => &INSERT_BACKFILL,
    };
    script.insert(statement, events, |(change, event), cells| {
        cells.push(change.payment_id.as_bytes());
        cells.push(event.position.seq);
        cells.push(event.position.ordinal);
        cells.push(event.topic.code());
        cells.push(event.kind);
        cells.push(event.previous.map(|position| position.to_string()));
        cells.push(event.occurred_at);
        cells.bytes_of_text(&event.body);
        cells.push(&row_hash(change, event));
        Ok(())
    })
}

/// SHA-256 of the event's key and bytes: what the relay keeps of a row to know it again.
fn row_hash(change: &Change, event: &Event) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("{}:{}:{}", change.payment_id, event.position, event.kind).as_bytes());
    hash.update(&event.body);
    hash.finalize().into()
}
