//! Where a relay may go on: what Kafka says is published against what the database holds. Pure; whatever does not fit
//! stops the relay, since going on would lose events or publish others under the same keys.

use chrono::{DateTime, Utc};
use ledger_core::outbox_reader::OutboxName;

use crate::progress::{Hash, Progress, VERSION};

/// What the database holds.
#[derive(Debug, Clone)]
pub struct Database {
    /// Identity of the server.
    pub server_uuid: String,
    /// Lowest and highest id that can be seen.
    pub bounds: Option<(u64, u64)>,
    /// What stands at each anchor of the progress record.
    pub anchors: Vec<(u64, Standing)>,
}

/// What stands at an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An event with this hash.
    Event(Hash),
    /// A tombstone.
    Tombstone,
    /// Nothing.
    Nothing,
}

/// What the operator has said about this start.
#[derive(Debug, Clone, Default)]
pub struct Leave {
    /// Publish the outbox from its first row although there is no progress.
    pub from_beginning: bool,
    /// This server may take the place of the one in the progress record.
    pub server_uuid: Option<String>,
}

/// Why a relay must not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another server answers.
    #[error(
        "outbox {outbox}: progress was made on MySQL server {expected}, this is {found}; if {found} has replaced it and lost nothing, start once with --accept-server {found}, otherwise see {RUNBOOK}"
    )]
    OtherServer {
        /// Which outbox.
        outbox: OutboxName,
        /// The server of the progress record.
        expected: String,
        /// The server that answers.
        found: String,
    },
    /// A published row is gone or another.
    #[error(
        "outbox {outbox}: row {id} was published and is {found} now, so the database has lost or replaced committed rows (a fail-over, a restore); nothing was published, see {RUNBOOK}"
    )]
    Rewritten {
        /// Which outbox.
        outbox: OutboxName,
        /// The row.
        id: u64,
        /// What stands there.
        found: &'static str,
    },
    /// Rows that were never published have been dropped.
    #[error(
        "outbox {outbox}: everything up to id {low_water} is decided, but the first row left is {min}: rows between were dropped before they were published, see {RUNBOOK}"
    )]
    Dropped {
        /// Which outbox.
        outbox: OutboxName,
        /// The low-water mark.
        low_water: u64,
        /// The first row that is left.
        min: u64,
    },
    /// There are rows and no word on which of them are published.
    #[error(
        "outbox {outbox}: it has rows up to id {max} and topic {topic} has no progress record, but {reason}; if none of the rows is published, start once with --from-beginning, otherwise see {RUNBOOK}"
    )]
    NoProgress {
        /// Which outbox.
        outbox: OutboxName,
        /// The highest row.
        max: u64,
        /// The progress topic.
        topic: &'static str,
        /// What speaks against a first start.
        reason: &'static str,
    },
    /// A record of another layout.
    #[error(
        "outbox {outbox}: the progress record has layout {found}, this version reads {VERSION}: use the version that wrote it, or a later one"
    )]
    OtherLayout {
        /// Which outbox.
        outbox: OutboxName,
        /// The record's layout.
        found: u8,
    },
}

/// Where to read on after a refusal.
const RUNBOOK: &str = "docs/EVENTS.md, \"When the relay refuses to start\"";

/// The progress to go on from, or why not. `never_published` says that the outbox's topics have never held a record.
pub fn decide(
    outbox: OutboxName,
    progress: Option<Progress>,
    database: &Database,
    never_published: bool,
    leave: &Leave,
    now: DateTime<Utc>,
) -> Result<Progress, Refusal> {
    let Some(progress) = progress else { return first_start(outbox, database, never_published, leave, now) };
    if progress.version != VERSION {
        return Err(Refusal::OtherLayout { outbox, found: progress.version });
    }
    continues(&progress, database, leave)?;
    Ok(Progress { server_uuid: database.server_uuid.clone(), ..progress })
}

/// Whether the database still is the one that the progress speaks of. Asked at the start and after every reconnect.
pub fn continues(progress: &Progress, database: &Database, leave: &Leave) -> Result<(), Refusal> {
    let outbox = progress.outbox;
    let found = &database.server_uuid;
    if *found != progress.server_uuid && leave.server_uuid.as_ref() != Some(found) {
        return Err(Refusal::OtherServer {
            outbox,
            expected: progress.server_uuid.clone(),
            found: found.clone(),
        });
    }
    let low_water = progress.marks.low_water;
    let min = database.bounds.map(|(min, _)| min);
    if let Some(min) = min.filter(|min| low_water < min.saturating_sub(1)) {
        return Err(Refusal::Dropped { outbox, low_water, min });
    }
    for (id, published) in progress.anchors.iter() {
        if min.is_some_and(|min| id < min) {
            continue; // retention has dropped it, after it was published
        }
        let standing = database
            .anchors
            .iter()
            .find(|(at, _)| *at == id)
            .map_or(Standing::Nothing, |(_, standing)| *standing);
        let expected = published.map_or(Standing::Tombstone, Standing::Event);
        if standing != expected {
            let found = match standing {
                Standing::Event(_) => "another event",
                Standing::Tombstone => "a tombstone",
                Standing::Nothing => "missing",
            };
            return Err(Refusal::Rewritten { outbox, id, found });
        }
    }
    Ok(())
}

/// Without a progress record: an empty outbox, or one that starts at its beginning while its topics have never held a
/// record, has not been published by anyone. Anything else needs a word from the operator.
fn first_start(
    outbox: OutboxName,
    database: &Database,
    never_published: bool,
    leave: &Leave,
    now: DateTime<Utc>,
) -> Result<Progress, Refusal> {
    let uuid = database.server_uuid.clone();
    let Some((min, max)) = database.bounds else { return Ok(Progress::none(outbox, uuid, 0, now)) };
    if leave.from_beginning {
        return Ok(Progress::none(outbox, uuid, min.saturating_sub(1), now));
    }
    if never_published && min <= FIRST_ROWS {
        return Ok(Progress::none(outbox, uuid, 0, now));
    }
    let reason = if never_published { "its first rows are gone" } else { "events were published before" };
    Err(Refusal::NoProgress { outbox, max, topic: crate::progress::TOPIC, reason })
}

/// The first transactions of a ledger may have been rolled back; a first row beyond this is not a beginning.
const FIRST_ROWS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Marks;

    const NAME: OutboxName = OutboxName::Main;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_micros(0).unwrap()
    }

    fn progress(low_water: u64) -> Progress {
        let rows = [ledger_core::outbox_reader::OutboxRow { id: low_water, event: None }];
        Progress::none(NAME, "server-a".to_owned(), low_water - 1, now()).with(&rows, Marks::at(low_water))
    }

    fn database(bounds: Option<(u64, u64)>, standing: Standing, at: u64) -> Database {
        Database { server_uuid: "server-a".to_owned(), bounds, anchors: vec![(at, standing)] }
    }

    fn start(progress: Option<Progress>, database: &Database) -> Result<Progress, Refusal> {
        decide(NAME, progress, database, false, &Leave::default(), now())
    }

    #[test]
    fn progress_that_fits_the_database_is_gone_on_from() {
        let found = database(Some((1, 20)), Standing::Tombstone, 9);
        assert_eq!(start(Some(progress(9)), &found), Ok(progress(9)));
    }

    #[test]
    fn a_row_that_changed_or_vanished_stops_the_relay() {
        for (standing, word) in
            [(Standing::Nothing, "missing"), (Standing::Event(Hash([1; 32])), "another event")]
        {
            let refused = start(Some(progress(9)), &database(Some((1, 20)), standing, 9));
            assert_eq!(refused, Err(Refusal::Rewritten { outbox: NAME, id: 9, found: word }));
        }
        let emptied = start(Some(progress(9)), &database(None, Standing::Nothing, 9));
        assert_eq!(emptied, Err(Refusal::Rewritten { outbox: NAME, id: 9, found: "missing" }));
    }

    #[test]
    fn another_server_needs_a_word_and_the_same_rows() {
        let mut other = database(Some((1, 20)), Standing::Tombstone, 9);
        other.server_uuid = "server-b".to_owned();
        assert!(matches!(start(Some(progress(9)), &other), Err(Refusal::OtherServer { .. })));
        let leave = Leave { server_uuid: Some("server-b".to_owned()), ..Leave::default() };
        let taken = decide(NAME, Some(progress(9)), &other, false, &leave, now()).unwrap();
        assert_eq!(taken.server_uuid, "server-b");
        other.anchors = vec![(9, Standing::Nothing)];
        assert!(matches!(
            decide(NAME, Some(progress(9)), &other, false, &leave, now()),
            Err(Refusal::Rewritten { .. })
        ));
    }

    #[test]
    fn rows_dropped_before_they_were_published_stop_the_relay() {
        let dropped = start(Some(progress(9)), &database(Some((11, 20)), Standing::Nothing, 9));
        assert_eq!(dropped, Err(Refusal::Dropped { outbox: NAME, low_water: 9, min: 11 }));
        assert!(start(Some(progress(9)), &database(Some((10, 20)), Standing::Nothing, 9)).is_ok());
    }

    #[test]
    fn without_progress_only_a_beginning_is_begun() {
        let outbox = |min, max| database(Some((min, max)), Standing::Nothing, 0);
        let never = |found: &Database| decide(NAME, None, found, true, &Leave::default(), now());
        assert!(start(None, &database(None, Standing::Nothing, 0)).is_ok());
        assert_eq!(never(&outbox(1, 9)).map(|progress| progress.marks), Ok(Marks::at(0)));
        assert!(matches!(never(&outbox(10_000_000, 10_000_009)), Err(Refusal::NoProgress { .. })));
        assert!(matches!(start(None, &outbox(1, 9)), Err(Refusal::NoProgress { .. })));
        let leave = Leave { from_beginning: true, ..Leave::default() };
        let told = decide(NAME, None, &outbox(50, 60), false, &leave, now());
        assert_eq!(told.map(|progress| progress.marks), Ok(Marks::at(49)));
    }
}
