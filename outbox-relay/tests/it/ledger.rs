//! A ledger of a test's own: a database, topics under a prefix, writers of raw outbox rows, and a relay on both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::outbox_reader::OutboxName;
use ledger_runtime::config::load_with;
use outbox_relay::error::RelayError;
use outbox_relay::pulse::Pulse;
use outbox_relay::relay;
use outbox_relay::resume::Leave;
use outbox_relay::session::Carrier;
use outbox_relay::settings::{DEFAULTS, Settings};
use outbox_relay::topics::{self, Shape};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlPoolOptions};
use stack::TestDb;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::consumer;

/// A database and topics that no other test uses.
pub struct Ledger {
    pub db: TestDb,
    pub app: MySqlPool,
    pub settings: Settings,
}

impl Ledger {
    /// Makes the database and the topics.
    pub async fn create(label: &str) -> Self {
        Self::of(TestDb::create(label).await.unwrap()).await
    }

    /// Makes the topics for a database that is there.
    pub async fn of(db: TestDb) -> Self {
        let app = MySqlPoolOptions::new().max_connections(32).connect(&db.app).await.unwrap();
        let environment = [
            ("DATABASE__URL", db.relay.clone()),
            ("KAFKA__BROKERS", stack::kafka_brokers().unwrap()),
            ("KAFKA__TOPIC_PREFIX", format!("{}.", db.name)),
        ];
        let environment = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let settings: Settings = load_with(DEFAULTS, None, environment).unwrap();
        let shape = Shape { partitions: 3, replication: 1 };
        topics::create(&settings.kafka, shape, &[OutboxName::Main, OutboxName::Backfill]).await.unwrap();
        Self { db, app, settings }
    }

    /// A relay of the main outbox in this process.
    pub fn relay(&self) -> Relay {
        self.relay_with(Leave::default())
    }

    /// The same, with a word from the operator.
    pub fn relay_with(&self, leave: Leave) -> Relay {
        let (settings, url) = (self.settings.clone(), self.db.relay.clone());
        let stop = CancellationToken::new();
        let token = stop.clone();
        let task = tokio::spawn(async move {
            let outbox = OutboxName::Main;
            let pulse = Arc::new(Pulse::new(outbox, Instant::now()));
            let carrier = Carrier { outbox, kafka: settings.kafka, relay: settings.relay, leave, pulse };
            relay::carry(&carrier, &url, &token).await
        });
        Relay { stop, task }
    }

    /// Who sees the relay of this database look at holes.
    pub async fn watcher(&self) -> Watcher {
        let root = MySqlPoolOptions::new().max_connections(4).connect(&self.db.root).await.unwrap();
        Watcher { root, database: self.db.name.clone() }
    }

    /// The ids and kinds of all rows.
    pub async fn rows(&self) -> Vec<(u64, String)> {
        sqlx::query_as("SELECT id, kind FROM outbox_event ORDER BY id").fetch_all(&self.app).await.unwrap()
    }

    /// The tombstones among them.
    pub async fn tombstones(&self) -> Vec<u64> {
        let rows = self.rows().await;
        rows.into_iter().filter(|(_, kind)| kind == "TOMBSTONE").map(|(id, _)| id).collect()
    }
}

impl Drop for Ledger {
    /// Deletes the topics, unless the test failed and somebody may want to look.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            consumer::forget_topics(&self.settings.kafka.brokers, &self.settings.kafka.topic_prefix);
        }
    }
}

/// Counts how often the relay has looked at a hole whose writer may still be at it.
#[derive(Clone)]
pub struct Watcher {
    root: MySqlPool,
    database: String,
}

impl Watcher {
    pub async fn looks(&self) -> i64 {
        let text = "SELECT CAST(COALESCE(SUM(s.count_execute), 0) AS SIGNED) \
                    FROM performance_schema.prepared_statements_instances AS s \
                    JOIN performance_schema.threads AS t ON t.thread_id = s.owner_thread_id \
                    WHERE t.processlist_db = ? AND s.sql_text LIKE '%FOR SHARE NOWAIT'";
        sqlx::query_scalar(text).bind(&self.database).fetch_one(&self.root).await.unwrap()
    }

    /// Waits until it has looked so often more.
    pub async fn further(&self, looks: i64) {
        let before = self.looks().await;
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.looks().await < before + looks {
            assert!(Instant::now() < deadline, "waited a minute for the relay to look at a hole");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A relay at work.
pub struct Relay {
    stop: CancellationToken,
    task: JoinHandle<Result<(), RelayError>>,
}

impl Relay {
    /// Asks it to stop and waits for it.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(Duration::from_secs(30), self.task).await.unwrap().unwrap().unwrap();
    }

    /// The error it ends with by itself.
    pub async fn error(self) -> RelayError {
        tokio::time::timeout(Duration::from_mins(1), self.task).await.unwrap().unwrap().unwrap_err()
    }
}

/// One event of a payment.
#[derive(Debug, Clone, Copy)]
pub struct Event {
    pub payment: [u8; 16],
    pub seq: u32,
}

impl Event {
    /// Event `seq` of payment number `payment`.
    pub fn of(payment: u32, seq: u32) -> Self {
        let mut id = [0_u8; 16];
        id[6] = 0x80;
        id[8] = 0x80;
        id[12..].copy_from_slice(&payment.to_be_bytes());
        Self { payment: id, seq }
    }

    /// The key that consumers know it by.
    pub fn key(&self) -> String {
        let payment = ledger_core::ids::PaymentId::from_bytes(self.payment);
        format!("{payment}:{}.0:test.happened.v1", self.seq)
    }

    /// What it says.
    pub fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&serde_json::json!({ "seq": self.seq })).unwrap()
    }
}

const INSERT: &str = "INSERT INTO outbox_event \
    (payment_id, seq, ordinal, topic, type, previous_position, occurred_at, body, row_hash) \
    VALUES (?, ?, 0, 'payment.ledger.v1', 'test.happened.v1', ?, UTC_TIMESTAMP(6), ?, ?)";

/// Inserts one event and returns its id; it is the caller's to commit.
pub async fn insert(connection: &mut MySqlConnection, event: Event) -> Result<u64, sqlx::Error> {
    let body = event.body();
    let hash = Sha256::digest(&body);
    sqlx::query(INSERT)
        .bind(event.payment.as_slice())
        .bind(event.seq)
        .bind(previous(event))
        .bind(&body)
        .bind(hash.as_slice())
        .execute(connection)
        .await
        .map(|done| done.last_insert_id())
}

fn previous(event: Event) -> Option<String> {
    (event.seq > 1).then(|| format!("{}.0", event.seq - 1))
}

/// Waits for a condition, and says which one did not come.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited a minute for: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
