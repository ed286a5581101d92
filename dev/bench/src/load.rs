//! Clients that create and confirm payments over HTTP, closed loop or open loop.
//!
//! Closed loop: so many connections, each with its next payment as soon as its last is done. Open loop: payments start on a
//! schedule whatever became of those before, and a latency counts from the instant on the schedule, so that a stall is paid
//! for by all who had to wait for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use hdrhistogram::Histogram;
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::applied::Applied;
use crate::cpu::{Cpu, Watched};
use crate::wire::Wire;

/// Before anything is counted.
pub const WARM_UP: Duration = Duration::from_secs(2);

/// Requests that a repeating client may take up again.
const REMEMBERED: usize = 64;

/// Clients that only repeat what others have sent.
const REPEATERS: usize = 4;

/// Where to send payments, and as whom.
#[derive(Debug, Clone)]
pub struct Target {
    /// `http://host:port`
    pub url: String,
    /// One API key for each merchant.
    pub keys: Arc<[String]>,
    /// The database that tells what was applied.
    pub database: String,
    /// Whose CPU time is told.
    pub watched: Watched,
}

/// How payments are sent.
#[derive(Debug, Clone)]
pub struct Load {
    pub connections: usize,
    pub legs: u8,
    pub seconds: u64,
    /// Payments a second by schedule; none is closed loop.
    pub rate: Option<u64>,
    /// Of a hundred requests, how many repeat another one.
    pub repeated: u64,
    /// Create with confirm inside: one request.
    pub in_one: bool,
}

/// What the clients share.
#[derive(Debug, Default)]
struct Shared {
    counting: AtomicBool,
    stop: AtomicBool,
    started: AtomicU64,
    sent: AtomicU64,
    repeated: AtomicU64,
    overtaken: AtomicU64,
    recent: Mutex<VecDeque<Request>>,
}

#[derive(Debug, Clone)]
struct Request {
    path: String,
    key: String,
    body: String,
    as_whom: String,
}

impl Load {
    /// Runs it against `target` and says what was applied.
    pub async fn run(&self, target: &Target) -> Result<Value> {
        let shared = Arc::new(Shared::default());
        let begun = tokio::time::Instant::now();
        let mut clients = JoinSet::new();
        for place in 0..self.connections {
            let client = Client {
                wire: Wire::connect(&target.url).await?,
                as_whom: target.keys[place % target.keys.len()].clone(),
                load: self.clone(),
                shared: shared.clone(),
            };
            clients.spawn(client.run(begun));
        }
        let mut repeaters = JoinSet::new();
        if self.repeated > 0 {
            for _ in 0..REPEATERS {
                let wire = Wire::connect(&target.url).await?;
                repeaters.spawn(repeat(wire, self.repeated, shared.clone()));
            }
        }
        let pool = connect(&target.database, PoolOptions::default()).await?;
        tokio::time::sleep(WARM_UP).await;
        let (before, started, cpu) = (Applied::now(&pool).await?, Instant::now(), Cpu::now(&target.watched));
        shared.counting.store(true, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(self.seconds)).await;
        shared.counting.store(false, Ordering::SeqCst);
        let (after, millis, used) =
            (Applied::now(&pool).await?, started.elapsed().as_millis(), cpu.since(&target.watched));
        shared.stop.store(true, Ordering::SeqCst);
        let mut latency = Histogram::<u64>::new(3)?;
        while let Some(done) = clients.join_next().await {
            latency.add(done??)?;
        }
        while let Some(done) = repeaters.join_next().await {
            done??;
        }
        let applied = before.until(&after);
        ensure!(applied.payments > 0, "nothing was applied");
        let mut point = json!({
            "connections": self.connections, "legs": self.legs, "merchants": target.keys.len(),
            "applied": applied.payments, "applied_per_s": applied.payments * 1_000 / u64::try_from(millis)?,
            "rows_per_1000": applied.per_thousand(applied.rows), "commits_per_1000": applied.per_thousand(applied.commits),
            "cpu_ms_per_1000": used.per_thousand(applied.payments),
        });
        tell_latency(&mut point, &latency);
        if let Some(rate) = self.rate {
            point["rate"] = rate.into();
        }
        if self.repeated > 0 {
            point["repeated"] = shared.repeated.load(Ordering::Relaxed).into();
            point["overtaken"] = shared.overtaken.load(Ordering::Relaxed).into();
        }
        Ok(point)
    }
}

/// Adds to a point the latencies, in microseconds, that so many payments do not exceed.
pub fn tell_latency(point: &mut Value, latency: &Histogram<u64>) {
    for (name, per_mille) in [("p50_us", 500), ("p99_us", 990), ("p99_9_us", 999)] {
        point[name] = quantile(latency, per_mille).into();
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the histogram takes a float"
)]
fn quantile(latency: &Histogram<u64>, per_mille: u64) -> u64 {
    latency.value_at_quantile(per_mille as f64 / 1_000.0)
}

/// One connection.
struct Client {
    wire: Wire,
    as_whom: String,
    load: Load,
    shared: Arc<Shared>,
}

impl Client {
    /// The latencies of its payments, in microseconds.
    async fn run(mut self, begun: tokio::time::Instant) -> Result<Histogram<u64>> {
        let mut latency = Histogram::<u64>::new(3)?;
        while !self.shared.stop.load(Ordering::Relaxed) {
            let started = self.next_start(begun).await;
            let counted = self.shared.counting.load(Ordering::Relaxed);
            self.pay().await?;
            if counted {
                latency.record(u64::try_from(started.elapsed().as_micros())?)?;
            }
        }
        Ok(latency)
    }

    /// Now, or the next instant on the schedule once it has come.
    async fn next_start(&self, begun: tokio::time::Instant) -> tokio::time::Instant {
        let Some(rate) = self.load.rate else { return tokio::time::Instant::now() };
        let place = self.shared.started.fetch_add(1, Ordering::Relaxed);
        let at = begun + Duration::from_micros(place * 1_000_000 / rate.max(1));
        tokio::time::sleep_until(at).await;
        at
    }

    /// Creates and confirms one payment.
    async fn pay(&mut self) -> Result<()> {
        let name = format!("{:032x}", rand::random::<u128>());
        let amount = 50_000 / i64::from(self.load.legs);
        let total = amount * i64::from(self.load.legs);
        let names = [("CARD", "card-1"), ("POINTS", "points-1"), ("TRANSFER", "transfer-1")];
        let approvals: Vec<_> = names
            .iter()
            .take(usize::from(self.load.legs))
            .map(|(method, issuer)| json!({ "method": method, "issuerId": issuer, "amount": amount }))
            .collect();
        let confirm = json!({ "approvals": approvals });
        let mut create = json!({ "orderId": name, "currency": "KRW", "totalAmount": total });
        if self.load.in_one {
            create["confirm"] = confirm.clone();
        }
        let (status, body) = self.send("/v1/payments", format!("c{name}"), create.to_string()).await?;
        ensure!(status == 201, "create: {status} {}", String::from_utf8_lossy(&body));
        if self.load.in_one {
            return Ok(());
        }
        let created: Value = serde_json::from_slice(&body)?;
        let id = created["id"].as_str().context("an id")?;
        let path = format!("/v1/payments/{id}/confirm");
        let (status, body) = self.send(&path, format!("f{name}"), confirm.to_string()).await?;
        ensure!(status == 200, "confirm: {status} {}", String::from_utf8_lossy(&body));
        Ok(())
    }

    async fn send(&mut self, path: &str, key: String, body: String) -> Result<(u16, Vec<u8>)> {
        self.shared.sent.fetch_add(1, Ordering::Relaxed);
        let request = Request { path: path.to_owned(), key, body, as_whom: self.as_whom.clone() };
        if self.load.repeated > 0 {
            let mut recent = self.shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
            recent.push_back(request.clone());
            if recent.len() > REMEMBERED {
                recent.pop_front();
            }
        }
        loop {
            let (status, body) =
                self.wire.post(&request.path, &request.as_whom, &request.key, &request.body).await?;
            // its repetition came first: the answer is there once that one is done
            if self.load.repeated == 0 || status != 409 {
                return Ok((status, body));
            }
            self.shared.overtaken.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A client that repeats what others have just sent, often before they have their answer.
async fn repeat(mut wire: Wire, share: u64, shared: Arc<Shared>) -> Result<()> {
    while !shared.stop.load(Ordering::Relaxed) {
        let request = {
            let recent = shared.recent.lock().unwrap_or_else(PoisonError::into_inner);
            let place = rand::random::<u32>();
            recent.get(usize::try_from(place)? % recent.len().max(1)).cloned()
        };
        let due = shared.sent.load(Ordering::Relaxed) * share / 100;
        let Some(request) = request.filter(|_| shared.repeated.load(Ordering::Relaxed) < due) else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        shared.repeated.fetch_add(1, Ordering::Relaxed);
        let (status, body) = wire.post(&request.path, &request.as_whom, &request.key, &request.body).await?;
        ensure!(status < 500, "a repeated request: {status} {}", String::from_utf8_lossy(&body));
    }
    Ok(())
}
