//! The live mirror: follows a legacy ledger that goes on writing, fed by its calls and by polling its change columns.

pub mod http;
pub mod metrics;
pub mod queue;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::mpsc::Receiver;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::carry::{Carrier, CarryError, Run};
use crate::tally::Disposition;

use queue::{Queue, Touch};

/// Calls of one batch at most.
const BATCH: usize = 500;
/// How far a poll looks back behind the one before: legacy transactions commit later than they stamp.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);
/// The longest pause before a batch that failed is tried again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Carries what is queued until it is stopped; what is in hand then is finished.
pub async fn follow(
    carrier: &Carrier,
    run: &Run,
    queue: &Queue,
    mut touched: Receiver<Touch>,
    stop: &CancellationToken,
) -> u64 {
    let mut batches = 0;
    loop {
        let mut batch = Vec::with_capacity(BATCH);
        let received = tokio::select! {
            biased;
            () = stop.cancelled() => touched.try_recv().map(|touch| batch.push(touch)).is_ok(),
            count = touched.recv_many(&mut batch, BATCH) => count > 0,
        };
        if !received {
            return batches;
        }
        while batch.len() < BATCH {
            let Ok(touch) = touched.try_recv() else { break };
            batch.push(touch);
        }
        deliver(carrier, run, queue, &batch, stop).await;
        batches += 1;
    }
}

/// Carries one batch; the databases being away is waited for, with the queue filling up behind it.
async fn deliver(carrier: &Carrier, run: &Run, queue: &Queue, batch: &[Touch], stop: &CancellationToken) {
    let mut by_aggregate: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for touch in batch {
        if let Some(aggregate) = carrier.mapping.aggregate_of(&touch.table) {
            by_aggregate.entry(aggregate.name.as_str()).or_default().insert(touch.key.clone());
        }
    }
    for aggregate in &carrier.mapping.aggregates {
        let Some(keys) = by_aggregate.get(aggregate.name.as_str()) else { continue };
        let mut pause = Duration::from_millis(100);
        loop {
            match carrier.carry(aggregate, keys, run).await {
                Ok(done) => {
                    let calls = batch.iter().filter(|touch| aggregate.has(&touch.table)).count();
                    let calls = u64::try_from(calls).unwrap_or(u64::MAX);
                    let quarantined = done.tally.of(Disposition::Quarantined).rows;
                    let inserted = u64::try_from(done.changes).unwrap_or(u64::MAX);
                    queue.counts.carried(calls, inserted, quarantined);
                    break;
                }
                Err(error) => {
                    queue.counts.failed();
                    tell(&error);
                }
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Puts the keys of changed rows into the queue, again and again, until it is stopped.
pub async fn poll(carrier: &Carrier, queue: &Arc<Queue>, every: Duration, stop: &CancellationToken) {
    let mut since = ledger_runtime::clock::now() - OVERLAP;
    let mut clock = tokio::time::interval(every);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = clock.tick() => {}
        }
        // One second further than now: change columns are cut to seconds.
        let until = ledger_runtime::clock::now() + TimeDelta::seconds(1);
        match changed(carrier, since, until).await {
            Ok(touches) => {
                for touch in touches {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = queue.put(touch) => {}
                    }
                }
                since = until - OVERLAP;
            }
            Err(error) => tell(&error),
        }
    }
}

async fn changed(
    carrier: &Carrier,
    from: chrono::DateTime<chrono::Utc>,
    to: chrono::DateTime<chrono::Utc>,
) -> Result<BTreeSet<Touch>, CarryError> {
    let mut touches = BTreeSet::new();
    for aggregate in &carrier.mapping.aggregates {
        for table in &aggregate.tables {
            let keys = carrier.reader.changed(&carrier.mapping, table, from, to).await?;
            // Named by the header, so that a payment found twice is carried once.
            let header = &aggregate.header().spec.name;
            touches.extend(keys.into_iter().map(|key| Touch { table: header.clone(), key }));
        }
    }
    Ok(touches)
}

fn tell(error: &CarryError) {
    let chain: &dyn std::error::Error = error;
    tracing::warn!(error = chain, "the mirror waits: {error}");
}
