//! Steps e and f: a legacy ledger is copied, mirrored, and what the mirror loses is healed.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fakes::legacy::{LegacyService, Options, Pace, generate};
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use sqlx::MySqlPool;
use stack::Proc;

use super::{Teller, text};
use crate::client::http;
use crate::tell::Step;
use crate::tool;

/// Legacy rows that are copied.
const ROWS: usize = 1_000;

/// Rows that the mirror is made to lose.
const DROPS: u64 = 10;

impl Teller<'_> {
    /// e. A thousand legacy rows, and dirty ones among them.
    pub(crate) async fn copy(&self) -> Result<()> {
        let mut step = Step::begin(
            self.format,
            "e",
            "1,000 legacy rows are copied; totals tie out, dirty rows are in quarantine",
        )?;
        let legacy = connect(self.env.get("LEGACY_URL")?, PoolOptions::default()).await?;
        let made = generate(&legacy, 20_261_124, ROWS, Options::default()).await?;
        step.say("legacy", json!(made))?;
        tool::run(self.env, "migrator", &["check", "--format", "json"])
            .await
            .context("checking the mapping")?;
        let copied = tool::run(self.env, "migrator", &["copy", "--format", "json"]).await?;
        ensure!(matches!(copied.code, 0 | 10), "the copy ended with {}: {}", copied.code, copied.stderr);
        step.say("copied", copied.last().clone())?;
        let quarantine = tool::run(self.env, "migrator", &["quarantine", "list", "--format", "json"]).await?;
        for reason in &quarantine.lines {
            step.say("quarantine", reason.clone())?;
        }
        ensure!(!quarantine.lines.is_empty(), "no dirty row is in quarantine");
        let certificate =
            tool::run(self.env, "migrator", &["certify", "--format", "json"]).await?.expect(0)?;
        step.say("totals", certificate.last().clone())?;
        step.end(true)
    }

    /// f. The legacy service keeps writing, the mirror drops ten, the verifier finds and heals exactly these.
    pub(crate) async fn mirror_and_heal(&self) -> Result<()> {
        let mut step = Step::begin(
            self.format,
            "f",
            "the mirror drops ten rows; the verifier heals exactly these, and then nothing",
        )?;
        let (mut mirror, address) = self.start_mirror().await?;
        let pace = Pace { every: Duration::from_millis(20), cancels: false, mirror: Some(address.clone()) };
        let legacy = connect(self.env.get("LEGACY_URL")?, PoolOptions::default()).await?;
        let clock = legacy.clone();
        let mut service = LegacyService::new(legacy, 7, pace);
        for _ in 0..20 {
            service.write().await?;
        }
        let drill = http()?
            .post(format!("http://{address}/control/drop"))
            .json(&json!({ "next": DROPS }))
            .send()
            .await?;
        ensure!(drill.status().is_success(), "the mirror does not take the drill: {}", drill.status());
        step.say("drill", format!("the mirror's queue drops the next {DROPS} rows"))?;
        for _ in 0..30 {
            service.write().await?;
        }
        let state = mirror_idle(&address).await?;
        step.say("mirror", state)?;
        mirror.terminate(Duration::from_secs(15)).await?;
        settled(&clock).await?;
        let first = self.verify().await?;
        step.say("verifier", first.clone())?;
        ensure!(first["healed"] == DROPS, "healed {} instead of {DROPS}: {first}", first["healed"]);
        let second = self.verify().await?;
        step.say("again", second.clone())?;
        ensure!(second["healed"] == 0 && second["gaps"] == 0, "the second run found something: {second}");
        step.end(true)
    }

    async fn start_mirror(&self) -> Result<(Proc, String)> {
        let address = format!("127.0.0.1:{}", stack::free_port()?);
        let log = stack::stack_dir("demo")?.join("logs").join("migrator-mirror.log");
        let args = ["mirror", "--bind", &address, "--poll-interval", "0", "--drills"];
        let mut mirror = Proc::spawn(&stack::bin("migrator")?, &args, self.env.iter(), &log)?;
        mirror.wait_ready(&format!("http://{address}/health/ready"), Duration::from_secs(30)).await?;
        Ok((mirror, address))
    }

    /// One run of the verifier over what was just written.
    async fn verify(&self) -> Result<Value> {
        let args = ["run", "--window", "30m", "--settle", "1s", "--format", "json"];
        let told = tool::run(self.env, "verifier", &args).await?.expect(0)?;
        let run = told.last().clone();
        ensure!(text(&run["state"]) != "SKIPPED", "the run was skipped: {run}");
        Ok(run)
    }
}

/// Waits until what was written is settled, by the clock of the legacy server: change columns count whole seconds, and a row is
/// settled a second after its own has ended.
async fn settled(legacy: &MySqlPool) -> Result<()> {
    let clock = "SELECT CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)";
    let now = async || sqlx::query_scalar::<_, i64>(clock).fetch_one(legacy).await;
    let until = (now().await? / 1_000_000 + 2) * 1_000_000;
    while now().await? <= until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Waits until the mirror's queue is empty and says what it did.
async fn mirror_idle(address: &str) -> Result<Value> {
    for _ in 0..200 {
        let state: Value = http()?.get(format!("http://{address}/v1/mirror")).send().await?.json().await?;
        if state["waiting"] == 0 && state["carried"].as_u64() >= state["taken"].as_u64() {
            return Ok(state);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    anyhow::bail!("the mirror's queue does not empty")
}
