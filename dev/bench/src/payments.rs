//! The run of `bench payments`: the service under load, the audit, then the peer and the bare ceiling on the same database.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use e2e::audit::{self, Check, Scope};
use serde_json::{Value, json};
use sqlx::{Connection as _, MySqlConnection};
use stack::Stack;

use crate::bare::{self, Bare};
use crate::load::{Load, Target};
use crate::print::Printer;
use crate::{cpu, plain};

/// Merchants of a load that is spread evenly.
const MERCHANTS: usize = 32;

/// Of a hundred requests, how many are repeated in the run that shows what that costs the others.
const REPEATED: u64 = 5;

/// Changes of a payment that is created and confirmed.
const CHANGES: u64 = 3;

/// Programs that only follow the ledger.
const FOLLOWERS: [&str; 2] = ["outbox-relay", "net-cancel"];

/// The connections of the point that is held against the bare client, and a larger batch for comparison.
const COMPARED: usize = 64;
const LARGE_BATCH: u64 = 64;

/// Room for all that a run writes, as the memory of a server that serves only this would have: with the little that a stack is
/// given, later points would read from disk what earlier ones have written. Nothing about durability.
/// A server that has more keeps it.
const MEMORY: &str = "SET GLOBAL \
    innodb_buffer_pool_size = CAST(GREATEST(@@innodb_buffer_pool_size, 2147483648) AS UNSIGNED), \
    innodb_redo_log_capacity = CAST(GREATEST(@@innodb_redo_log_capacity, 1073741824) AS UNSIGNED)";

/// What is measured.
#[derive(Debug, Clone)]
pub struct Plan {
    pub connections: Vec<usize>,
    /// Payments a second of open loops beside the one at half load.
    pub rates: Vec<u64>,
    pub seconds: u64,
    pub in_one: bool,
    pub core_only: bool,
    pub quick: bool,
}

/// Runs it; says whether the audit was clean.
pub async fn run(stack: &mut Stack, plan: &Plan, printer: &Printer) -> Result<bool> {
    let mut run = Run { stack, plan, printer, best: 0, compared: Compared::default() };
    run.give_memory().await?;
    if !plan.core_only {
        run.everything_on().await?;
    }
    run.core_only().await?;
    let clean = run.audit().await?;
    run.limits().await?;
    Ok(clean)
}

struct Run<'a> {
    stack: &'a mut Stack,
    plan: &'a Plan,
    printer: &'a Printer,
    /// Payments a second of the best closed loop so far.
    best: u64,
    compared: Compared,
}

/// The core alone at [`COMPARED`] connections, and at one.
#[derive(Debug, Default)]
struct Compared {
    /// Half of the payments at one connection took no longer.
    alone_us: u64,
    applied: u64,
    /// Changes that shared a commit, on average.
    batch: u64,
}

impl Run<'_> {
    async fn everything_on(&mut self) -> Result<()> {
        let hot = self.target(1).await?;
        for connections in self.plan.connections.clone() {
            self.point("everything on", &hot, &self.load(connections)).await?;
        }
        if self.plan.quick {
            return Ok(());
        }
        self.point("three legs", &hot, &Load { legs: 3, ..self.load(COMPARED) }).await?;
        self.point("open loop at half load", &hot, &self.paced(self.best / 2)).await?;
        Ok(())
    }

    /// Spread merchants and repeated requests, each between two points of the same load without.
    async fn beside_others(&mut self, hot: &Target) -> Result<()> {
        let load = self.load(COMPARED);
        let before = applied(&self.point("core only, one merchant", hot, &load).await?);
        let spread = self.target(MERCHANTS).await?;
        let uniform = applied(&self.point("core only, uniform merchants", &spread, &load).await?);
        let between = applied(&self.point("core only, one merchant", hot, &load).await?);
        let repeating = Load { repeated: REPEATED, ..load.clone() };
        let repeated = applied(&self.point("core only, 5 % of requests repeated", hot, &repeating).await?);
        let after = applied(&self.point("core only, one merchant", hot, &load).await?);
        self.printer.line(&json!({
            "ratio": "one hot merchant / uniform merchants, per 1,000",
            "value": (before + between) * 500 / uniform.max(1),
        }))?;
        self.printer.line(&json!({
            "ratio": "with 5 % repeated / without, per 1,000", "value": repeated * 2_000 / (between + after).max(1),
        }))
    }

    /// Without relay, network cancel and the replica's applier.
    async fn core_only(&mut self) -> Result<()> {
        for name in FOLLOWERS {
            self.stack.service(name)?.terminate(Duration::from_secs(15)).await?;
        }
        self.replica("STOP REPLICA").await?;
        let hot = self.target(1).await?;
        let mut best = 0;
        for connections in self.plan.connections.clone() {
            let point = self.point("core only", &hot, &self.load(connections)).await?;
            best = best.max(applied(&point));
            if connections == COMPARED {
                self.compared.together(&point);
            }
            if connections == 1 {
                self.compared.alone_us = point["p50_us"].as_u64().unwrap_or(0);
            }
        }
        self.best = best;
        if !self.plan.quick {
            self.beside_others(&hot).await?;
            for rate in self.half_loads() {
                self.point("core only, open loop at half load", &hot, &self.paced(rate)).await?;
            }
        }
        for rate in self.plan.rates.clone() {
            self.point("core only, open loop", &hot, &self.paced(rate)).await?;
        }
        self.replica("START REPLICA").await?;
        for name in FOLLOWERS {
            self.stack.restart(name).await?;
        }
        Ok(())
    }

    async fn audit(&self) -> Result<bool> {
        let checks = audit::run(self.stack.env(), Scope { legacy: false }).await?;
        let failed: Vec<_> =
            checks.iter().filter(|check| !check.violations.is_empty()).map(Check::to_json).collect();
        let examined: u64 = checks.iter().map(|check| check.examined).sum();
        let clean = failed.is_empty();
        self.printer
            .line(&json!({ "step": "audit", "ok": clean, "examined": examined, "failed": failed }))?;
        Ok(clean)
    }

    /// The peer and the bare client, core only too, and after the audit: no issuer has ever heard of these payments.
    async fn limits(&mut self) -> Result<()> {
        for name in FOLLOWERS {
            self.stack.service(name)?.terminate(Duration::from_secs(15)).await?;
        }
        self.replica("STOP REPLICA").await?;
        let env = self.stack.env().clone();
        let url = plain::serve(env.get("MYSQL_APP_URL")?, 1).await?;
        let target = Target { url, ..self.target(1).await? };
        let load = Load { in_one: false, ..self.load(COMPARED) };
        let peer = self.measured("plain service, no group commit", &target, &load).await?;
        let (mut same_batch, mut one_by_one) = (0, 0);
        for (batch, writers) in [(1, 1), (self.compared.batch.max(1), 2), (LARGE_BATCH, 2)] {
            let bare = Bare { legs: 1, batch: usize::try_from(batch)?, writers };
            let point = bare::ceiling(&env, &self.watched(), bare, self.plan.seconds).await?;
            if batch == self.compared.batch {
                same_batch = applied(&point);
            }
            if writers == 1 {
                one_by_one = applied(&point);
            }
            self.printer.line(&point)?;
        }
        for rate in self.half_loads() {
            self.printer.line(&bare::paced(&env, &self.watched(), rate, self.plan.seconds).await?)?;
        }
        if self.compared.alone_us > 0 {
            let bare_us = 1_000_000 / one_by_one.max(1);
            self.printer.line(&json!({
                "latency": "core only at one connection, p50, and three bare commits", "core_only_us": self.compared.alone_us,
                "bare_us": bare_us, "over_us": self.compared.alone_us.saturating_sub(bare_us),
            }))?;
        }
        if self.compared.applied == 0 {
            return Ok(());
        }
        let ratio = |what: &str, other: u64| json!({ "ratio": what, "value": self.compared.applied * 1_000 / other.max(1) });
        self.printer.line(&ratio("core only / bare client at the same batch size, per 1,000", same_batch))?;
        self.printer.line(&ratio("core only / plain service, per 1,000", applied(&peer)))
    }

    /// Half of what the core does at [`COMPARED`] connections, and half of the most it does at all.
    fn half_loads(&self) -> Vec<u64> {
        let mut rates = vec![self.compared.applied / 2, self.best / 2];
        rates.retain(|rate| *rate > 0);
        rates.dedup();
        rates
    }

    fn load(&self, connections: usize) -> Load {
        Load {
            connections,
            legs: 1,
            seconds: self.plan.seconds,
            rate: None,
            repeated: 0,
            in_one: self.plan.in_one,
        }
    }

    /// An open loop, with as many connections as it may need.
    fn paced(&self, rate: u64) -> Load {
        Load { rate: Some(rate), ..self.load(256) }
    }

    fn watched(&self) -> cpu::Watched {
        cpu::watched(&self.stack.processes())
    }

    async fn target(&self, merchants: usize) -> Result<Target> {
        let env = self.stack.env();
        let mut keys = vec![env.get("API_KEY")?.to_owned()];
        while keys.len() < merchants {
            let name = format!("bench-{}-{:08x}", keys.len(), rand::random::<u32>());
            keys.push(self.stack.add_merchant(&name).await?);
        }
        Ok(Target {
            url: env.get("API_URL")?.to_owned(),
            keys: Arc::from(keys),
            database: env.get("MYSQL_ROOT_URL")?.to_owned(),
            watched: self.watched(),
        })
    }

    async fn point(&mut self, name: &str, target: &Target, load: &Load) -> Result<Value> {
        let point = self.measured(name, target, load).await?;
        self.best = self.best.max(applied(&point));
        Ok(point)
    }

    async fn measured(&self, name: &str, target: &Target, load: &Load) -> Result<Value> {
        let mut point = load.run(target).await?;
        point["point"] = name.into();
        self.printer.line(&point)?;
        Ok(point)
    }

    async fn give_memory(&self) -> Result<()> {
        self.root("MYSQL_ROOT_URL", MEMORY).await?;
        self.root("REPLICA_ROOT_URL", MEMORY).await
    }

    async fn replica(&self, what: &'static str) -> Result<()> {
        self.root("REPLICA_ROOT_URL", what).await
    }

    async fn root(&self, server: &str, what: &'static str) -> Result<()> {
        let mut root = MySqlConnection::connect(self.stack.env().get(server)?).await?;
        sqlx::raw_sql(what).execute(&mut root).await?;
        Ok(())
    }
}

impl Compared {
    fn together(&mut self, point: &Value) {
        let commits = point["commits_per_1000"].as_u64().unwrap_or(0);
        (self.applied, self.batch) = (applied(point), CHANGES * 1_000 / commits.max(1));
    }
}

fn applied(point: &Value) -> u64 {
    point["applied_per_s"].as_u64().unwrap_or(0)
}
