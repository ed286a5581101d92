//! The one writer to Kafka: events and the progress record that speaks of them, in one transaction. Calls block.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ledger_core::outbox_reader::OutboxName;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use crate::envelope::Envelope;
use crate::kafka::{self, KafkaSettings};
use crate::metrics;
use crate::progress::{self, Progress};

/// After this the broker ends an open transaction by itself: the longest a killed relay can hold readers up.
pub const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest a relay tries to take over from another, or to bring a transaction to its end.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to rest when no record has reached the brokers since the last look.
const BETWEEN_POLLS: Duration = Duration::from_millis(1);

/// An event, ready to be sent.
#[derive(Debug, Clone)]
pub struct Record {
    /// The topic, with its prefix.
    pub topic: String,
    /// Key and headers.
    pub envelope: Envelope,
    /// The bytes of the row.
    pub body: Vec<u8>,
}

/// Why a transaction did not come about.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Another relay has taken over, or the producer is broken for good: only a new process helps.
    #[error(
        "the relay of outbox {outbox} was fenced off while {doing}: another one works, or its transaction timed out"
    )]
    Fenced {
        /// Which outbox.
        outbox: OutboxName,
        /// At what.
        doing: &'static str,
        /// What Kafka says.
        #[source]
        source: KafkaError,
    },
    /// The transaction is aborted, or its end is not known: the progress topic knows.
    #[error("kafka did not go along while {doing}")]
    Again {
        /// At what.
        doing: &'static str,
        /// What Kafka says.
        #[source]
        source: KafkaError,
    },
    /// The progress record cannot be written down.
    #[error("the progress record cannot be written as json")]
    Encode(#[from] serde_json::Error),
}

/// A transactional producer that has fenced off every one before it.
pub struct Publisher {
    outbox: OutboxName,
    producer: BaseProducer<Deliveries>,
    progress_topic: String,
    /// How long a transaction stays open when its records have reached the brokers (`relay.commit_linger_ms`): to try what
    /// happens when a relay dies there.
    linger: Duration,
}

impl Publisher {
    /// Connects and fences: from here on no other relay of this outbox can commit.
    pub fn take_over(
        settings: &KafkaSettings,
        outbox: OutboxName,
        linger: Duration,
    ) -> Result<Self, PublishError> {
        let timeout = TRANSACTION_TIMEOUT.as_millis().to_string();
        let producer: BaseProducer<Deliveries> = settings
            .client()
            .set("transactional.id", transactional_id(settings, outbox))
            .set("transaction.timeout.ms", &timeout)
            .set("message.timeout.ms", &timeout)
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("compression.type", &settings.compression)
            .set("linger.ms", "1")
            .set("queue.buffering.max.messages", "200000")
            .create_with_context(Deliveries::default())
            .map_err(|source| PublishError::Again { doing: "creating a producer", source })?;
        let publisher = Self { outbox, producer, progress_topic: settings.topic(progress::TOPIC), linger };
        publisher.until_done("taking over", |producer| producer.init_transactions(PATIENCE))?;
        Ok(publisher)
    }

    /// Publishes records, in their order, and the progress that says so. Returns how long the commit took.
    pub fn publish(&self, records: &[Record], progress: &Progress) -> Result<Duration, PublishError> {
        let value = serde_json::to_vec(progress)?;
        self.producer.context().forget();
        self.producer.begin_transaction().map_err(|source| self.judge("opening a transaction", source))?;
        metrics::transaction_open(self.outbox, true);
        let committed = self.fill(records, &value).and_then(|()| {
            let start = Instant::now();
            self.until_done("committing", |producer| producer.commit_transaction(TRANSACTION_TIMEOUT))?;
            Ok(start.elapsed())
        });
        if let Err(PublishError::Again { .. }) = &committed {
            self.abort();
        }
        metrics::transaction_open(self.outbox, false);
        committed
    }

    fn fill(&self, records: &[Record], progress: &[u8]) -> Result<(), PublishError> {
        for record in records {
            let headers = record.envelope.headers.iter().fold(
                OwnedHeaders::new_with_capacity(record.envelope.headers.len()),
                |headers, (key, value)| headers.insert(Header { key, value: Some(value) }),
            );
            let message = BaseRecord::to(&record.topic)
                .key(record.envelope.key.as_str())
                .payload(record.body.as_slice())
                .headers(headers);
            self.send(message)?;
        }
        let message = BaseRecord::to(&self.progress_topic)
            .partition(progress::partition_of(self.outbox))
            .key(self.outbox.as_str())
            .payload(progress);
        self.send(message)?;
        self.deliver()?;
        if !self.linger.is_zero() && !records.is_empty() {
            tracing::info!(outbox = %self.outbox, events = records.len(), "transaction open");
            std::thread::sleep(self.linger);
        }
        Ok(())
    }

    fn send<P: rdkafka::message::ToBytes + ?Sized>(
        &self,
        message: BaseRecord<'_, str, P>,
    ) -> Result<(), PublishError> {
        let (deadline, mut message) = (Instant::now() + TRANSACTION_TIMEOUT, message);
        loop {
            match self.producer.send(message) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    self.producer.poll(Duration::from_millis(10));
                    message = back;
                }
                Err((source, _)) => return Err(self.judge("sending events", source)),
            }
        }
    }

    /// Waits until every record has reached the brokers. The client's own `flush`, and so its commit, looks only every
    /// 100 ms whether that is so; and its `poll` never rests in the last millisecond of its time.
    fn deliver(&self) -> Result<(), PublishError> {
        let deadline = Instant::now() + TRANSACTION_TIMEOUT;
        let mut in_flight = self.producer.in_flight_count();
        while in_flight > 0 && Instant::now() < deadline {
            self.producer.poll(Duration::ZERO);
            let left = self.producer.in_flight_count();
            if left == in_flight {
                std::thread::sleep(BETWEEN_POLLS);
            }
            in_flight = left;
        }
        match self.producer.context().first_failure() {
            Some(source) => Err(self.judge("sending events", source)),
            None => Ok(()),
        }
    }

    fn abort(&self) {
        if let Err(error) =
            self.until_done("aborting", |producer| producer.abort_transaction(TRANSACTION_TIMEOUT))
        {
            tracing::warn!(outbox = %self.outbox, %error, "the transaction was not aborted, the next relay's start will do it");
        }
    }

    /// Calls until it is done: a call that may be repeated has to be.
    fn until_done(
        &self,
        doing: &'static str,
        call: impl Fn(&BaseProducer<Deliveries>) -> Result<(), KafkaError>,
    ) -> Result<(), PublishError> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match call(&self.producer) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() && Instant::now() < deadline => {
                    self.producer.poll(Duration::from_millis(50));
                }
                Err(source) => return Err(self.judge(doing, source)),
            }
        }
    }

    fn judge(&self, doing: &'static str, source: KafkaError) -> PublishError {
        let fatal = matches!(&source, KafkaError::Transaction(error) if error.is_fatal());
        if fatal || self.producer.client().fatal_error().is_some() {
            metrics::fenced(self.outbox);
            return PublishError::Fenced { outbox: self.outbox, doing, source };
        }
        let source = self.producer.context().first_failure().unwrap_or(source);
        PublishError::Again { doing, source }
    }
}

/// The name under which Kafka lets one relay of an outbox work at a time.
pub fn transactional_id(settings: &KafkaSettings, outbox: OutboxName) -> String {
    settings.topic(&format!("ledger.relay.{outbox}"))
}

/// Keeps the first event that could not be delivered: the transaction fails for it, and the error of the transaction
/// does not say why.
#[derive(Clone, Default)]
pub struct Deliveries {
    first: Arc<Mutex<Option<KafkaError>>>,
}

impl Deliveries {
    fn forget(&self) {
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn first_failure(&self) -> Option<KafkaError> {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        kafka::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "{reason}");
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| error.clone());
        }
    }
}
