//! One relay at work on one outbox, from fencing until it has to start again: read, publish, settle holes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::ids::PaymentId;
use ledger_core::outbox_reader::{OutboxName, OutboxReader, OutboxRow, RANGES};
use ledger_core::store::StoreError;
use ledger_runtime::clock;
use tokio_util::sync::CancellationToken;

use crate::batch::{self, Batch};
use crate::error::RelayError;
use crate::gap::SealDelay;
use crate::kafka::KafkaSettings;
use crate::metrics;
use crate::progress::Progress;
use crate::publish::Publisher;
use crate::pulse::{Doing, Pulse};
use crate::recall;
use crate::resume::{self, Database, Leave, Standing};
use crate::scan::Scan;
use crate::settings::RelaySettings;
use crate::topics;

/// The time a turn may spend on settling holes before it reads again.
const SEALING: Duration = Duration::from_millis(20);

/// A read of at most so many rows says how fast the database is; a larger one says how many rows there were.
const SMALL_READ: usize = 128;

/// Marks that moved without an event are written down after so long.
const QUIET_PROGRESS: Duration = Duration::from_secs(1);

/// What a session works with.
#[derive(Debug)]
pub struct Carrier {
    /// Which outbox.
    pub outbox: OutboxName,
    /// Where events go.
    pub kafka: KafkaSettings,
    /// How they are carried.
    pub relay: RelaySettings,
    /// What the operator has said about this start.
    pub leave: Leave,
    /// The loop's heartbeat.
    pub pulse: Arc<Pulse>,
}

/// A relay that has fenced off every other, and knows where to go on.
pub struct Session<'a> {
    carrier: &'a Carrier,
    reader: &'a mut OutboxReader,
    publisher: Arc<Publisher>,
    scan: Scan,
    progress: Progress,
    written: Instant,
    unwritten: bool,
    delay: SealDelay,
    parked: BTreeSet<PaymentId>,
    limit: u32,
}

impl<'a> Session<'a> {
    /// Fences, then reads how far the outbox is published (in this order: a zombie could commit after the reading), then
    /// checks that the database still holds what was published.
    pub async fn begin(carrier: &'a Carrier, reader: &'a mut OutboxReader) -> Result<Self, RelayError> {
        let outbox = carrier.outbox;
        topics::check(&carrier.kafka, outbox, carrier.relay.max_event_bytes).await?;
        let (kafka, linger) = (carrier.kafka.clone(), Duration::from_millis(carrier.relay.commit_linger_ms));
        let publisher = blocking(move || Publisher::take_over(&kafka, outbox, linger)).await??;
        let kafka = carrier.kafka.clone();
        let last = blocking(move || recall::last_progress(&kafka, outbox, true)).await??;
        let never_published = last.is_none() && topics::never_published(&carrier.kafka, outbox).await?;
        let database = examine(reader, last.as_ref()).await?;
        let first = last.is_none();
        let progress =
            resume::decide(outbox, last, &database, never_published, &carrier.leave, clock::now())?;
        let progress = Progress { generation: progress.generation + 1, ..progress };
        let now = Instant::now();
        tracing::info!(%outbox, generation = progress.generation, low_water = progress.marks.low_water,
            runs_above = progress.marks.decided.len(), first, "relay takes over");
        let mut session = Self {
            carrier,
            reader,
            publisher: Arc::new(publisher),
            scan: Scan::resume(progress.marks.clone(), carrier.relay.max_holes, now),
            progress,
            written: now,
            unwritten: true,
            delay: SealDelay::new(Duration::from_millis(carrier.relay.seal_delay_ms)),
            parked: BTreeSet::new(),
            limit: carrier.relay.batch_events,
        };
        // before any event: a relay that dies in its very first transaction must leave word that it has begun, or what it
        // left behind in the topics would look like events that were published without any progress
        session.write(Batch::default()).await?;
        Ok(session)
    }

    /// Works until told to stop; cuts between transactions.
    pub async fn work(mut self, stop: &CancellationToken) -> Result<(), RelayError> {
        let mut pause = Duration::ZERO;
        metrics::working(self.carrier.outbox, true);
        while !stop.is_cancelled() {
            match self.turn(stop).await {
                Ok(0) => pause = (pause + Duration::from_millis(5)).min(self.carrier.relay.idle()),
                // a transaction costs the brokers about as much as a hundred events: rest, unless there is more at once
                Ok(done) if done < usize::try_from(self.limit).unwrap_or(usize::MAX) => {
                    pause = self.carrier.relay.gather();
                }
                Ok(_) => pause = Duration::ZERO,
                Err(RelayError::Store(StoreError::Unavailable(error))) => {
                    tracing::warn!(outbox = %self.carrier.outbox, %error, "the database does not answer, publishing waits for it");
                    self.regain(stop).await?;
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause), if !pause.is_zero() => {}
                () = std::future::ready(()), if pause.is_zero() => {}
            }
        }
        if self.unwritten {
            self.write(Batch::default()).await?;
        }
        Ok(())
    }

    /// One round: read, publish what is new, settle what is due. Returns how much there was to do.
    async fn turn(&mut self, stop: &CancellationToken) -> Result<usize, RelayError> {
        let rows = self.read().await?;
        let new = rows.len();
        let carrier = self.carrier;
        let cut = batch::cut(
            rows,
            &mut self.parked,
            carrier.outbox,
            &carrier.relay.source,
            &carrier.kafka,
            carrier.relay.limits(),
        )?;
        let now = Instant::now();
        cut.parked.iter().for_each(|id| self.scan.park(*id, now));
        for batch in cut.batches {
            self.settle(batch).await?;
            if stop.is_cancelled() {
                return Ok(new); // what is left is read again by the next relay
            }
        }
        let sealed = self.seal_due().await?;
        if self.unwritten && self.written.elapsed() >= QUIET_PROGRESS {
            self.write(Batch::default()).await?;
        }
        self.report();
        Ok(new + sealed)
    }

    /// New rows, in one snapshot over all holes and what is above (see `scan.rs`).
    async fn read(&mut self) -> Result<Vec<OutboxRow>, RelayError> {
        let plan = self.scan.plan(RANGES);
        let start = Instant::now();
        let mut rows = self.reader.read_ranges(plan.above, &plan.ranges, self.limit).await?;
        let took = start.elapsed();
        metrics::read(self.carrier.outbox, took);
        if rows.len() <= SMALL_READ {
            self.delay.record(took);
        }
        let full = rows.len() >= usize::try_from(self.limit).unwrap_or(usize::MAX);
        let ids: Vec<u64> = rows.iter().map(|row| row.id).collect();
        let new = self.scan.observe(&ids, start)?;
        rows.retain(|row| new.binary_search(&row.id).is_ok());
        // ranges that were joined bring back rows that are decided: a read full of these must not be the next one again
        self.limit = if full && rows.is_empty() {
            self.limit.saturating_mul(2)
        } else {
            self.carrier.relay.batch_events
        };
        Ok(rows)
    }

    /// Decides rows: by a transaction where there are events, by taking note where there are tombstones only.
    async fn settle(&mut self, batch: Batch) -> Result<(), RelayError> {
        metrics::tombstones(self.carrier.outbox, batch.rows.len() - batch.records.len());
        if !batch.records.is_empty() {
            return self.write(batch).await;
        }
        let marks = self.scan.marks_with(batch.rows.iter().map(|row| row.id));
        self.progress = self.progress.with(&batch.rows, marks.clone());
        self.scan.commit(marks);
        self.unwritten = true;
        Ok(())
    }

    /// One Kafka transaction: the events and the progress that says so. The state here moves after its commit.
    async fn write(&mut self, batch: Batch) -> Result<(), RelayError> {
        let Batch { rows, records } = batch;
        let (outbox, events) = (self.carrier.outbox, records.len());
        let marks = self.scan.marks_with(rows.iter().map(|row| row.id));
        let progress = self.progress.with(&rows, marks.clone()).stamped(clock::now());
        let publisher = Arc::clone(&self.publisher);
        let record = progress.clone();
        let took = blocking(move || publisher.publish(&records, &record))
            .await?
            .inspect_err(|_| metrics::failed(outbox))?;
        self.progress = progress;
        self.scan.commit(marks);
        self.unwritten = false;
        self.written = Instant::now();
        metrics::committed(outbox, events, took);
        let committed_at = clock::now();
        let live = rows.iter().filter(|_| outbox == OutboxName::Main); // the age of migrated history says nothing of the relay
        for event in live.filter_map(|row| row.event.as_ref()) {
            metrics::event_age(outbox, (committed_at - event.occurred_at).to_std().unwrap_or_default());
        }
        if events > 0 {
            tracing::debug!(%outbox, events, low_water = self.progress.marks.low_water, ?took, "committed");
        }
        Ok(())
    }

    /// Settles the holes that have been given their time, one statement each. Returns how many were found dead.
    async fn seal_due(&mut self) -> Result<usize, RelayError> {
        let (start, delay, mut dead) = (Instant::now(), self.delay.get(), 0);
        for id in self.scan.due(start, delay) {
            let asked = Instant::now();
            let outcome = self.reader.seal(id).await?;
            let now = Instant::now();
            self.delay.record(now - asked);
            self.scan.settled(id, outcome, now, delay);
            metrics::sealed(self.carrier.outbox, outcome);
            if outcome == ledger_core::outbox_reader::Sealed::Dead {
                tracing::info!(outbox = %self.carrier.outbox, id, "sealed a hole");
                dead += 1;
                self.progress.sealed(id);
                metrics::tombstones(self.carrier.outbox, 1);
                self.unwritten = true;
            }
            if start.elapsed() > SEALING {
                break;
            }
        }
        Ok(dead)
    }

    /// Connects again, waits for its turn, and checks that the database is the one it was.
    async fn regain(&mut self, stop: &CancellationToken) -> Result<(), RelayError> {
        let outbox = self.carrier.outbox;
        let mut pause = Duration::from_millis(100);
        while !stop.is_cancelled() {
            match self.try_regain().await {
                Ok(()) => {
                    metrics::reconnected(outbox);
                    tracing::info!(%outbox, "the database answers again");
                    return Ok(());
                }
                Err(RelayError::Store(StoreError::Unavailable(error))) => {
                    tracing::debug!(%outbox, %error, "the database still does not answer");
                }
                Err(error) => return Err(error),
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(2));
        }
        Ok(())
    }

    async fn try_regain(&mut self) -> Result<(), RelayError> {
        self.reader.reconnect().await?;
        if !self.reader.take_turn(0).await? {
            return Err(RelayError::TurnLost { outbox: self.carrier.outbox });
        }
        let database = examine(self.reader, Some(&self.progress)).await?;
        resume::continues(&self.progress, &database, &self.carrier.leave)?;
        Ok(())
    }

    fn report(&self) {
        let now = Instant::now();
        self.carrier.pulse.beat(Doing::Working, now);
        metrics::standing(
            self.carrier.outbox,
            metrics::Standing {
                low_water: self.scan.marks().low_water,
                highest: self.scan.highest(),
                waiting: self.scan.waiting().map_or(Duration::ZERO, |(_, since)| now.duration_since(since)),
                holes: self.scan.holes(),
                parked: self.scan.parked(),
            },
        );
    }
}

/// What the database holds, as far as the progress speaks of it.
pub async fn examine(reader: &mut OutboxReader, progress: Option<&Progress>) -> Result<Database, StoreError> {
    let server_uuid = reader.server_uuid().await?;
    let bounds = reader.bounds().await?;
    let mut anchors = Vec::new();
    for (id, _) in progress.iter().flat_map(|progress| progress.anchors.iter()) {
        let standing = match reader.row_at(id).await? {
            None => Standing::Nothing,
            Some(OutboxRow { event: None, .. }) => Standing::Tombstone,
            Some(OutboxRow { event: Some(event), .. }) => {
                Standing::Event(crate::progress::Hash(event.row_hash))
            }
        };
        anchors.push((id, standing));
    }
    Ok(Database { server_uuid, bounds, anchors })
}

/// Runs a call that blocks on a thread of its own.
pub async fn blocking<T: Send + 'static>(call: impl FnOnce() -> T + Send + 'static) -> Result<T, RelayError> {
    tokio::task::spawn_blocking(call).await.map_err(|_| RelayError::Broken)
}
