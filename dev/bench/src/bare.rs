//! The bare ceiling: the same rows, in the same statements and at a given batch size, by connections that do nothing else.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use ledger_core::store::append::{Entry, append_entries};
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use sqlx::mysql::MySqlPool;
use stack::EnvFile;

use crate::cpu::{Cpu, Watched};
use crate::facts;

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
        let options = PoolOptions { max_connections: 1, ..PoolOptions::default() };
        let pool = connect(env.get("MYSQL_APP_URL")?, options).await?;
        writers.spawn(async move {
            let mut written = 0_u64;
            while Instant::now() < until {
                write(&pool, legs, batch).await?;
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

/// One batch of payments, in three commits.
async fn write(pool: &MySqlPool, legs: u8, batch: usize) -> Result<()> {
    let created: Vec<_> = (0..batch).map(|_| facts::created(legs)).collect::<Result<_>>()?;
    append(pool, &created).await?;
    let begun: Vec<_> =
        created.iter().map(|step| facts::begun(&step.payment, legs)).collect::<Result<_>>()?;
    append(pool, &begun).await?;
    let confirmed: Vec<_> = begun.iter().map(|step| facts::confirmed(step, legs)).collect::<Result<_>>()?;
    append(pool, &confirmed).await
}

async fn append(pool: &MySqlPool, steps: &[facts::Step]) -> Result<()> {
    let entries: Vec<&Entry> = steps.iter().map(|step| &step.entry).collect();
    append_entries(pool, &entries).await.map_err(|failed| anyhow!("{failed:?}"))
}
