//! Where an outbox stands, for people and for jobs: what Kafka says is published beside what the database holds. It fences
//! nobody and changes nothing.

use ledger_core::outbox_reader::{OutboxName, OutboxReader};
use serde::Serialize;

use crate::error::RelayError;
use crate::kafka::KafkaSettings;
use crate::progress::Progress;
use crate::resume::{self, Leave};
use crate::session::{blocking, examine};
use crate::{progress, recall, topics};

/// One outbox.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Which one.
    pub outbox: OutboxName,
    /// Where its progress is kept.
    pub progress_topic: String,
    /// The last committed progress; none before the first relay.
    pub progress: Option<Progress>,
    /// The server that answers.
    pub server_uuid: String,
    /// Lowest id in the outbox.
    pub min_id: Option<u64>,
    /// Highest id in the outbox.
    pub max_id: Option<u64>,
    /// Ids up to the highest that are not decided: rows to publish and holes.
    pub undecided: u64,
    /// Holes among what was decided last.
    pub holes: u64,
    /// Why a relay would not start, if it would not.
    pub refusal: Option<String>,
}

/// Looks at one outbox.
pub async fn of(reader: &mut OutboxReader, kafka: &KafkaSettings) -> Result<Status, RelayError> {
    let outbox = reader.outbox();
    let settings = kafka.clone();
    let last = blocking(move || recall::last_progress(&settings, outbox, false)).await??;
    let never_published = last.is_none() && topics::never_published(kafka, outbox).await?;
    let database = examine(reader, last.as_ref()).await?;
    let leave = Leave::default();
    let now = ledger_runtime::clock::now();
    let decided = resume::decide(outbox, last.clone(), &database, never_published, &leave, now);
    let max_id = database.bounds.map(|(_, max)| max);
    let marks = last.as_ref().map(|progress| progress.marks.clone()).unwrap_or_default();
    let above: u64 = marks.decided.iter().map(|(first, last)| last - first + 1).sum();
    Ok(Status {
        outbox,
        progress_topic: kafka.topic(progress::TOPIC),
        server_uuid: database.server_uuid.clone(),
        min_id: database.bounds.map(|(min, _)| min),
        max_id,
        undecided: max_id.unwrap_or(0).saturating_sub(marks.low_water).saturating_sub(above),
        holes: (marks.highest() - marks.low_water) - above,
        progress: last,
        refusal: decided.err().map(|refusal| refusal.to_string()),
    })
}

impl Status {
    /// As lines for people.
    pub fn lines(&self) -> Vec<(&'static str, String)> {
        let or_none = |id: Option<u64>| id.map_or("none".to_owned(), |id| id.to_string());
        let mut lines = vec![
            ("outbox", self.outbox.to_string()),
            ("rows", format!("{} to {}", or_none(self.min_id), or_none(self.max_id))),
            ("undecided", self.undecided.to_string()),
            ("holes", self.holes.to_string()),
            ("server", self.server_uuid.clone()),
        ];
        match &self.progress {
            None => lines.push(("progress", format!("none in {}", self.progress_topic))),
            Some(progress) => lines.extend([
                ("low water", progress.marks.low_water.to_string()),
                ("highest", progress.marks.highest().to_string()),
                ("events", progress.events.to_string()),
                ("tombstones", progress.tombstones.to_string()),
                ("transactions", format!("{} (relay no. {})", progress.transactions, progress.generation)),
                ("written at", progress.written_at.to_rfc3339()),
                ("digest", String::from(progress.digest)),
            ]),
        }
        lines.extend(self.refusal.clone().map(|refusal| ("refusal", refusal)));
        lines
    }
}
