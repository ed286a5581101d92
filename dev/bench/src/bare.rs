//! The bare ceiling: the same rows, in the same statements and at a given batch size, by connections that do nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;
use ledger_core::store::append::{Entry, append_entries};
use ledger_core::store::committer::Committer;
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use stack::EnvFile;

use crate::cpu::{Cpu, Watched};
use crate::facts;
use crate::load::{WARM_UP, tell_latency};

/// What a bare client inserts.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    pub legs: u8,
    /// Payments that share each of three commits.
    pub batch: usize,
    /// Connections that insert.
    pub writers: usize,
}

/// Inserts whole payments for so many seconds.
pub async fn ceiling(env: &EnvFile, watched: &Watched, bare: Bare, seconds: u64) -> Result<Value> {
    let (started, cpu) = (Instant::now(), Cpu::now(watched));
    let until = started + Duration::from_secs(seconds);
    let mut writers = tokio::task::JoinSet::new();
    let Bare { legs, batch, writers: count } = bare;
    for _ in 0..count {
        let mut committer = committer(env).await?;
        writers.spawn(async move {
            let mut written = 0_u64;
            while Instant::now() < until {
                write(&mut committer, legs, batch).await?;
                written += u64::try_from(batch)?;
            }
            anyhow::Ok(written)
        });
    }
    let mut written = 0;
    while let Some(done) = writers.join_next().await {
        written += done??;
    }
    let millis = u64::try_from(started.elapsed().as_millis())?;
    Ok(json!({
        "bare": true, "batch": batch, "writers": count, "legs": legs, "applied": written, "applied_per_s": written * 1_000 / millis,
        "cpu_ms_per_1000": cpu.since(watched).per_thousand(written),
    }))
}

/// Writers of a schedule, and the most payments that one takes at a time: what the service has in lanes and group.
const PACED_WRITERS: usize = 2;
const PACED_BATCH: u64 = 128;

/// Payments on a schedule: a writer that is free takes all that are due and writes them in three commits. A latency counts
/// from the schedule, once it has run for as long as a load takes to warm up.
pub async fn paced(env: &EnvFile, watched: &Watched, rate: u64, seconds: u64) -> Result<Value> {
    let taken = Arc::new(AtomicU64::new(0));
    let mut committers = Vec::new();
    for _ in 0..PACED_WRITERS {
        committers.push(committer(env).await?);
    }
    let begun = tokio::time::Instant::now();
    let at = move |place: u64| begun + Duration::from_micros(place * 1_000_000 / rate.max(1));
    let mut writers = tokio::task::JoinSet::new();
    for mut committer in committers {
        let taken = taken.clone();
        writers.spawn(async move {
            let mut latency = Histogram::<u64>::new(3)?;
            while begun.elapsed() < WARM_UP + Duration::from_secs(seconds) {
                let first = taken.load(Ordering::SeqCst);
                tokio::time::sleep_until(at(first)).await;
                let due = u64::try_from(begun.elapsed().as_micros())? * rate / 1_000_000 + 1;
                let end = due.min(first + PACED_BATCH);
                if end <= first
                    || taken.compare_exchange(first, end, Ordering::SeqCst, Ordering::SeqCst).is_err()
                {
                    continue;
                }
                write(&mut committer, 1, usize::try_from(end - first)?).await?;
                let done = tokio::time::Instant::now();
                for place in (first..end).filter(|place| at(*place) >= begun + WARM_UP) {
                    latency.record(u64::try_from((done - at(place)).as_micros())?)?;
                }
            }
            anyhow::Ok(latency)
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let (warm, cpu) = (Instant::now(), Cpu::now(watched));
    let mut latency = Histogram::<u64>::new(3)?;
    while let Some(done) = writers.join_next().await {
        latency.add(done??)?;
    }
    let millis = u64::try_from(warm.elapsed().as_millis())?;
    let mut point = json!({
        "bare": true, "rate": rate, "writers": PACED_WRITERS, "applied": latency.len(), "applied_per_s": latency.len() * 1_000 / millis,
        "cpu_ms_per_1000": cpu.since(watched).per_thousand(latency.len()),
    });
    tell_latency(&mut point, &latency);
    Ok(point)
}

async fn committer(env: &EnvFile) -> Result<Committer> {
    let options = PoolOptions { max_connections: 1, min_connections: 0, ..PoolOptions::default() };
    let mut committer = Committer::new(connect(env.get("MYSQL_APP_URL")?, options).await?);
    committer.warm_up().await;
    Ok(committer)
}

/// One batch of payments, in three commits.
async fn write(committer: &mut Committer, legs: u8, batch: usize) -> Result<()> {
    let created: Vec<_> = (0..batch).map(|_| facts::created(legs)).collect::<Result<_>>()?;
    append(committer, &created).await?;
    let begun: Vec<_> =
        created.iter().map(|step| facts::begun(&step.payment, legs)).collect::<Result<_>>()?;
    append(committer, &begun).await?;
    let confirmed: Vec<_> = begun.iter().map(|step| facts::confirmed(step, legs)).collect::<Result<_>>()?;
    append(committer, &confirmed).await
}

async fn append(committer: &mut Committer, steps: &[facts::Step]) -> Result<()> {
    let entries: Vec<&Entry> = steps.iter().map(|step| &step.entry).collect();
    append_entries(committer, &entries).await.map_err(|failed| anyhow!("{failed:?}"))
}
