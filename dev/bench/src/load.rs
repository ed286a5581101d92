//! Closed loop: so many connections, each with its next payment as soon as its last is done.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use sqlx::mysql::MySqlPool;
use stack::EnvFile;
use tokio::task::JoinSet;

use crate::cpu::Cpu;
use crate::wire::Wire;

/// Before anything is counted.
const WARM_UP: Duration = Duration::from_secs(2);

/// One point.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    pub env: &'a EnvFile,
    pub connections: usize,
    pub legs: u8,
    pub seconds: u64,
}

impl Load<'_> {
    /// Runs it and says what was applied.
    pub async fn run(self) -> Result<Value> {
        let (counting, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let mut clients = JoinSet::new();
        for _ in 0..self.connections {
            let wire = Wire::connect(self.env.get("API_URL")?, self.env.get("API_KEY")?).await?;
            clients.spawn(client(wire, self.legs, counting.clone(), stop.clone()));
        }
        let pool = connect(self.env.get("MYSQL_ROOT_URL")?, PoolOptions::default()).await?;
        tokio::time::sleep(WARM_UP).await;
        let (before, started, cpu) = (State::of(&pool).await?, Instant::now(), Cpu::now());
        counting.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        counting.store(false, Ordering::SeqCst);
        let (after, millis, used) = (State::of(&pool).await?, started.elapsed().as_millis(), cpu.since());
        stop.store(true, Ordering::SeqCst);
        let mut latency = Histogram::<u64>::new(3)?;
        while let Some(done) = clients.join_next().await {
            latency.add(done??)?;
        }
        let millis = u64::try_from(millis)?;
        let applied = after.confirmed - before.confirmed;
        let quantile = |per_mille: u64| latency.value_at_quantile(quantile_of(per_mille)) / 1_000;
        let per_thousand = |value: u64| value * 1_000 / applied.max(1);
        Ok(json!({
            "connections": self.connections, "legs": self.legs, "applied": applied, "applied_per_s": applied * 1_000 / millis,
            "p50_ms": quantile(500), "p99_ms": quantile(990), "p99_9_ms": quantile(999),
            "rows_per_1000": per_thousand(after.rows - before.rows), "commits_per_1000": per_thousand(after.commits - before.commits),
            "cpu_ms_per_1000": used.per_thousand(applied),
        }))
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the histogram takes a float"
)]
fn quantile_of(per_mille: u64) -> f64 {
    per_mille as f64 / 1_000.0
}

/// Payments one after the other; the latency of create and confirm together, in microseconds.
async fn client(
    mut wire: Wire,
    legs: u8,
    counting: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
) -> Result<Histogram<u64>> {
    let mut latency = Histogram::<u64>::new(3)?;
    let amount = 50_000 / i64::from(legs);
    let total = amount * i64::from(legs);
    let names = [("CARD", "card-1"), ("POINTS", "points-1"), ("TRANSFER", "transfer-1")];
    let approvals: Vec<_> = names
        .iter()
        .take(usize::from(legs))
        .map(|(method, issuer)| json!({ "method": method, "issuerId": issuer, "amount": amount }))
        .collect();
    let confirm = json!({ "approvals": approvals }).to_string();
    while !stop.load(Ordering::Relaxed) {
        let name = format!("{:032x}", rand::random::<u128>());
        let create = json!({ "orderId": name, "currency": "KRW", "totalAmount": total }).to_string();
        let (started, counted) = (Instant::now(), counting.load(Ordering::Relaxed));
        let (status, body) = wire.post("/v1/payments", &format!("c{name}"), &create).await?;
        anyhow::ensure!(status == 201, "create: {status} {}", String::from_utf8_lossy(&body));
        let created: Value = serde_json::from_slice(&body)?;
        let id = created["id"].as_str().context("an id")?;
        let (status, body) =
            wire.post(&format!("/v1/payments/{id}/confirm"), &format!("f{name}"), &confirm).await?;
        anyhow::ensure!(status == 200, "confirm: {status} {}", String::from_utf8_lossy(&body));
        if counted {
            latency.record(u64::try_from(started.elapsed().as_micros())?)?;
        }
    }
    Ok(latency)
}

/// What MySQL says.
struct State {
    confirmed: u64,
    rows: u64,
    commits: u64,
}

impl State {
    async fn of(pool: &MySqlPool) -> Result<Self> {
        let confirmed: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM payment_verdict").fetch_one(pool).await?;
        let rows = "SELECT CAST(variable_value AS UNSIGNED) FROM performance_schema.global_status \
                    WHERE variable_name = 'Innodb_rows_inserted'";
        let rows = sqlx::query_scalar(rows).fetch_one(pool).await?;
        let commits = "SELECT count_star FROM performance_schema.events_statements_summary_global_by_event_name \
                       WHERE event_name = 'statement/sql/commit'";
        let commits = sqlx::query_scalar(commits).fetch_one(pool).await?;
        Ok(Self { confirmed: u64::try_from(confirmed)?, rows, commits })
    }
}
