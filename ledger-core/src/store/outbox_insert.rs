//! Writing events: by one `VALUES` list, because only that takes consecutive ids, and always as the last statement of a
//! transaction, so that an id is open for as short a time as can be.

use sha2::{Digest as _, Sha256};

use crate::change::Change;
use crate::event::catalogue::Event;

use super::StoreError;
use super::outbox::OutboxName;
use super::rows::datetime;
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
pub fn write(script: &mut Script, outbox: OutboxName, changes: &[Change]) -> Result<(), StoreError> {
    let events = changes.iter().flat_map(|change| change.events.iter().map(move |event| (change, event)));
    let statement = match outbox {
        OutboxName::Main => &INSERT_EVENT,
        OutboxName::Backfill => &INSERT_BACKFILL,
    };
    script.insert(statement, events, |(change, event), cells| {
        cells.bytes(Some(change.payment_id.as_bytes()));
        cells.number(Some(event.position.seq));
        cells.number(Some(event.position.ordinal));
        cells.text(Some(event.topic.code()));
        cells.text(Some(event.kind));
        cells.text(event.previous.map(|position| position.to_string()).as_deref());
        cells.text(Some(&datetime(event.occurred_at)));
        cells.bytes_of_text(&event.body);
        cells.bytes(Some(&row_hash(change, event)));
        Ok(())
    })
}

/// SHA-256 of the event's key and bytes: what the relay keeps of a row to know it again.
fn row_hash(change: &Change, event: &Event) -> Vec<u8> {
    let mut hash = Sha256::new();
    hash.update(format!("{}:{}:{}", change.payment_id, event.position, event.kind).as_bytes());
    hash.update(&event.body);
    hash.finalize().to_vec()
}
