//! The topics: which belong to which outbox, making them, and checking that they are fit for use.

use std::collections::BTreeMap;

use ledger_core::outbox_reader::OutboxName;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use crate::kafka::{self, ANSWER, KafkaSettings, Quiet};
use crate::progress;

/// What happened to payments: settlement and accounting read it.
pub const LEDGER: &str = "payment.ledger.v1";
/// What happened between us and issuers: reconciliation and operators read it.
pub const ISSUER_ACTIVITY: &str = "payment.issuer-activity.v1";
/// Migrated history, on which nobody pays out.
pub const BACKFILL: &str = "payment.ledger.backfill.v1";

/// The topics an outbox may publish to. A row of the backfill outbox that names another would be paid out twice.
pub const fn of(outbox: OutboxName) -> &'static [&'static str] {
    match outbox {
        OutboxName::Main => &[LEDGER, ISSUER_ACTIVITY],
        OutboxName::Backfill => &[BACKFILL],
    }
}

/// What is wrong with the topics.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// A topic is not there.
    #[error("topic {0} does not exist: create it with `outbox-relay topics`")]
    Missing(String),
    /// The progress topic was made by someone else, in another way.
    #[error(
        "topic {topic} has {found} partitions, it needs {needed}: each outbox keeps its progress in one of its own"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// How many it has.
        found: i32,
        /// How many it needs.
        needed: i32,
    },
    /// The progress topic would forget.
    #[error(
        "topic {topic} has cleanup.policy={found}: it must be compact, or an idle outbox loses its progress"
    )]
    NotCompacted {
        /// The topic.
        topic: String,
        /// Its policy.
        found: String,
    },
    /// An event we let pass would be refused.
    #[error(
        "topic {topic} takes messages of {found} bytes at most, less than relay.max_event_bytes = {needed}: raise max.message.bytes or lower the setting"
    )]
    TooSmall {
        /// The topic.
        topic: String,
        /// Its limit.
        found: u64,
        /// What we send at most.
        needed: u64,
    },
    /// A topic could not be made.
    #[error("topic {topic} could not be created ({code})")]
    NotCreated {
        /// The topic.
        topic: String,
        /// Kafka's word for it.
        code: RDKafkaErrorCode,
    },
    /// Kafka did not answer.
    #[error("kafka did not answer about topics")]
    Kafka(#[from] KafkaError),
}

/// How topics are made.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// Partitions of the event topics.
    pub partitions: i32,
    /// Copies of everything.
    pub replication: i32,
}

/// A topic and whether it was made just now.
#[derive(Debug, serde::Serialize)]
pub struct Made {
    /// Its name on the cluster.
    pub topic: String,
    /// Its partitions.
    pub partitions: i32,
    /// False when it was there.
    pub created: bool,
}

/// Creates what is missing, and leaves what is there as it is.
pub async fn create(
    settings: &KafkaSettings,
    shape: Shape,
    names: &[OutboxName],
) -> Result<Vec<Made>, TopicError> {
    let admin: AdminClient<Quiet> = settings.client().create_with_context(Quiet)?;
    let wanted: Vec<(String, i32)> = names
        .iter()
        .flat_map(|outbox| of(*outbox))
        .map(|name| (settings.topic(name), shape.partitions))
        .chain([(settings.topic(progress::TOPIC), progress::PARTITIONS)])
        .collect();
    let progress_topic = settings.topic(progress::TOPIC);
    let new: Vec<NewTopic<'_>> = wanted
        .iter()
        .map(|(name, partitions)| {
            let topic = NewTopic::new(name, *partitions, TopicReplication::Fixed(shape.replication));
            if *name == progress_topic { compacted(topic) } else { topic }
        })
        .collect();
    let results =
        admin.create_topics(new.iter(), &AdminOptions::new().operation_timeout(Some(ANSWER))).await?;
    let found = existing(settings).await?;
    results
        .into_iter()
        .zip(wanted)
        .map(|(result, (topic, wanted))| match result {
            Ok(_) => Ok(Made { topic, partitions: wanted, created: true }),
            Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {
                let partitions = found.get(&topic).copied().unwrap_or(wanted);
                Ok(Made { topic, partitions, created: false })
            }
            Err((_, code)) => Err(TopicError::NotCreated { topic, code }),
        })
        .collect()
}

/// Small segments that are compacted soon: reading the topic to its end is part of every start.
fn compacted(topic: NewTopic<'_>) -> NewTopic<'_> {
    topic
        .set("cleanup.policy", "compact")
        .set("segment.bytes", "8388608")
        .set("segment.ms", "600000")
        .set("min.cleanable.dirty.ratio", "0.1")
}

/// Checks that everything an outbox needs is there and fit for events of `max_event_bytes`.
pub async fn check(
    settings: &KafkaSettings,
    outbox: OutboxName,
    max_event_bytes: usize,
) -> Result<(), TopicError> {
    let found = existing(settings).await?;
    let progress_topic = settings.topic(progress::TOPIC);
    let events: Vec<String> = of(outbox).iter().map(|name| settings.topic(name)).collect();
    for topic in events.iter().chain([&progress_topic]) {
        if !found.contains_key(topic) {
            return Err(TopicError::Missing(topic.clone()));
        }
    }
    if let Some(&partitions) = found.get(&progress_topic).filter(|found| **found < progress::PARTITIONS) {
        return Err(TopicError::Partitions {
            topic: progress_topic,
            found: partitions,
            needed: progress::PARTITIONS,
        });
    }
    let policy = setting(settings, &progress_topic, "cleanup.policy").await?;
    if let Some(found) = policy.filter(|policy| policy != "compact") {
        return Err(TopicError::NotCompacted { topic: progress_topic, found });
    }
    for topic in events {
        let limit =
            setting(settings, &topic, "max.message.bytes").await?.and_then(|text| text.parse::<u64>().ok());
        let needed = u64::try_from(max_event_bytes).unwrap_or(u64::MAX);
        if let Some(found) = limit.filter(|limit| *limit < needed) {
            return Err(TopicError::TooSmall { topic, found, needed });
        }
    }
    Ok(())
}

async fn setting(settings: &KafkaSettings, topic: &str, name: &str) -> Result<Option<String>, TopicError> {
    let admin: AdminClient<Quiet> = settings.client().create_with_context(Quiet)?;
    let options = AdminOptions::new().request_timeout(Some(ANSWER));
    let resources = admin.describe_configs(&[ResourceSpecifier::Topic(topic)], &options).await?;
    let entry = resources
        .into_iter()
        .flatten()
        .find_map(|resource| resource.get(name).and_then(|entry| entry.value.clone()));
    Ok(entry)
}

async fn existing(settings: &KafkaSettings) -> Result<BTreeMap<String, i32>, TopicError> {
    let settings = settings.clone();
    blocking(move || kafka::partitions(&settings.reader(true)?)).await
}

/// Whether the topics of an outbox have never held a record.
pub async fn never_published(settings: &KafkaSettings, outbox: OutboxName) -> Result<bool, TopicError> {
    let settings = settings.clone();
    blocking(move || {
        let reader = settings.reader(false)?;
        let partitions = kafka::partitions(&reader)?;
        for topic in of(outbox).iter().map(|name| settings.topic(name)) {
            for partition in 0..partitions.get(&topic).copied().unwrap_or(0) {
                let (_, end) = reader.fetch_watermarks(&topic, partition, ANSWER)?;
                if end > 0 {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, KafkaError> + Send + 'static,
) -> Result<T, TopicError> {
    match tokio::task::spawn_blocking(call).await {
        Ok(done) => Ok(done?),
        Err(_) => Err(TopicError::Kafka(KafkaError::Canceled)),
    }
}
