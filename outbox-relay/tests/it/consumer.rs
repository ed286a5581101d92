//! A consumer as settlement would write it, with nothing of the relay's code: it reads a topic to its end and checks what
//! it was promised.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::metadata::MetadataTopic;
use rdkafka::{Offset, TopicPartitionList};

/// A record as it was read.
#[derive(Debug, Clone)]
pub struct Seen {
    pub partition: i32,
    pub key: String,
    pub headers: BTreeMap<String, String>,
}

fn consumer(brokers: &str, isolation: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "nobody") // asked for, though it never joins one
        .set("isolation.level", isolation)
        .set("enable.partition.eof", "true")
        .set("enable.auto.commit", "false")
        .set("fetch.wait.max.ms", "20")
        .create()
        .unwrap()
}

fn partitions(consumer: &BaseConsumer, topic: &str) -> i32 {
    let metadata = consumer.fetch_metadata(Some(topic), Duration::from_secs(10)).unwrap();
    i32::try_from(metadata.topics()[0].partitions().len()).unwrap()
}

/// Everything that is committed in a topic by now.
pub async fn committed(brokers: &str, topic: &str) -> Vec<Seen> {
    read(brokers, topic, "read_committed").await
}

/// Everything that was ever written to a topic, aborted transactions included.
pub async fn written(brokers: &str, topic: &str) -> Vec<Seen> {
    read(brokers, topic, "read_uncommitted").await
}

async fn read(brokers: &str, topic: &str, isolation: &'static str) -> Vec<Seen> {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || read_to_end(&consumer(&brokers, isolation), &topic)).await.unwrap()
}

fn read_to_end(consumer: &BaseConsumer, topic: &str) -> Vec<Seen> {
    let mut open: BTreeSet<i32> = (0..partitions(consumer, topic)).collect();
    let mut from = TopicPartitionList::new();
    for partition in &open {
        from.add_partition_offset(topic, *partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&from).unwrap();
    let (mut seen, deadline) = (Vec::new(), Instant::now() + Duration::from_mins(1));
    while !open.is_empty() {
        assert!(Instant::now() < deadline, "the end of {topic} does not come");
        match consumer.poll(Duration::from_millis(100)) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => panic!("reading {topic}: {error}"),
            Some(Ok(message)) => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                let headers = message.headers().map(|headers| {
                    headers
                        .iter()
                        .map(|header| (header.key.to_owned(), text(header.value.unwrap())))
                        .collect()
                });
                seen.push(Seen {
                    partition: message.partition(),
                    key: text(message.key().unwrap()),
                    headers: headers.unwrap_or_default(),
                });
            }
        }
    }
    seen
}

/// Whether a transaction is open on a topic: some partition's last stable offset lies below its end.
pub async fn transaction_is_open(brokers: &str, topic: &str) -> bool {
    let (brokers, topic) = (brokers.to_owned(), topic.to_owned());
    tokio::task::spawn_blocking(move || {
        let (stable, all) = (consumer(&brokers, "read_committed"), consumer(&brokers, "read_uncommitted"));
        let limit = Duration::from_secs(10);
        (0..partitions(&all, &topic)).any(|partition| {
            let (_, stable) = stable.fetch_watermarks(&topic, partition, limit).unwrap();
            let (_, end) = all.fetch_watermarks(&topic, partition, limit).unwrap();
            stable < end
        })
    })
    .await
    .unwrap()
}

/// Deletes a topic, and returns when it is gone.
pub async fn forget_topic(brokers: &str, topic: &str) {
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let results = admin.delete_topics(&[topic], &AdminOptions::new()).await.unwrap();
    for result in results {
        assert_eq!(result.unwrap(), topic);
    }
    let reader = consumer(brokers, "read_uncommitted");
    crate::ledger::eventually("the topic to be gone", async || {
        let metadata = reader.fetch_metadata(None, Duration::from_secs(10)).unwrap();
        metadata.topics().iter().all(|found| found.name() != topic).then_some(())
    })
    .await;
}

/// Deletes every topic under a prefix, from a thread with a runtime of its own: the caller may be dropping.
pub fn forget_topics(brokers: &str, prefix: &str) {
    let (brokers, prefix) = (brokers.to_owned(), prefix.to_owned());
    let cleaner = std::thread::spawn(move || {
        let metadata =
            consumer(&brokers, "read_uncommitted").fetch_metadata(None, Duration::from_secs(10)).unwrap();
        let names: Vec<&str> = metadata
            .topics()
            .iter()
            .map(MetadataTopic::name)
            .filter(|name| name.starts_with(&prefix))
            .collect();
        let admin: AdminClient<DefaultClientContext> =
            ClientConfig::new().set("bootstrap.servers", &brokers).create().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(admin.delete_topics(&names, &AdminOptions::new())).unwrap();
    });
    if cleaner.join().is_err() {
        eprintln!("the topics of a test could not be deleted");
    }
}

/// What is wrong with a stream, by what its headers promise: each key once, each payment on one partition and in order,
/// `ce_previous` naming the event before. Empty when all is well.
pub fn faults(stream: &[Seen]) -> Vec<String> {
    let (mut faults, mut keys) = (Vec::new(), BTreeSet::new());
    let mut last: HashMap<&str, (i32, &str)> = HashMap::new();
    for seen in stream {
        let header = |name: &str| seen.headers.get(name).map_or("", String::as_str);
        let key = header("idempotency-key");
        if !keys.insert(key) {
            faults.push(format!("{key} twice"));
        }
        let position = header("ce_sequence");
        let before = last.insert(&seen.key, (seen.partition, position));
        let previous = before.map_or("", |(_, position)| position);
        if header("ce_previous") != previous {
            faults.push(format!("{key} follows {:?}, it should follow {previous:?}", header("ce_previous")));
        }
        if before.is_some_and(|(partition, _)| partition != seen.partition) {
            faults.push(format!("{key} on another partition than the event before it"));
        }
        if header("ce_subject") != seen.key || !key.starts_with(&seen.key) {
            faults.push(format!("{key} under the key {}", seen.key));
        }
    }
    faults
}

/// The idempotency keys of a stream.
pub fn keys(stream: &[Seen]) -> BTreeSet<String> {
    stream.iter().map(|seen| seen.headers["idempotency-key"].clone()).collect()
}
