//! The story: what happens, step by step, and what the ledger, the journal and Kafka hold after each.

mod grants;
mod legacy;
mod payments;
mod timeout;

use std::io::Write;

use anyhow::{Result, ensure};
use ledger_core::store::pool::{PoolOptions, connect};
use serde_json::{Value, json};
use stack::{EnvFile, Stack};

use crate::audit::{self, Check, Scope};
use crate::client::{Client, Reply};
use crate::consumer;
use crate::tell::{Format, Step};

/// What the steps share.
pub struct Teller<'a> {
    pub(crate) env: &'a EnvFile,
    pub(crate) client: Client,
    pub(crate) format: Format,
}

/// Tells it all; whether the audit at the end holds.
pub async fn tell(stack: &mut Stack, format: Format) -> Result<bool> {
    let env = stack.env().clone();
    let client = Client::new(env.get("API_URL")?, env.get("API_KEY")?)?;
    let teller = Teller { env: &env, client, format };
    let payment = teller.split_payment().await?;
    teller.replay(&payment).await?;
    teller.cancels(&payment).await?;
    teller.timeout().await?;
    teller.copy().await?;
    teller.mirror_and_heal().await?;
    teller.refused_changes().await?;
    teller.audit().await
}

/// Whether any legacy row was carried over.
pub async fn has_legacy_rows(env: &EnvFile) -> Result<bool> {
    let pool = connect(env.get("REPLICA_URL")?, PoolOptions::default()).await?;
    Ok(sqlx::query("SELECT 1 FROM legacy_row LIMIT 1").fetch_optional(&pool).await?.is_some())
}

/// One line about a check.
pub fn write_check(out: &mut impl Write, check: &Check) -> Result<()> {
    let verdict = if check.holds() { "ok" } else { "FAILED" };
    writeln!(out, "   {verdict:<7} {:<34} {} rows examined", check.name, check.examined)?;
    for violation in &check.violations {
        writeln!(out, "           {violation}")?;
    }
    Ok(())
}

impl Teller<'_> {
    /// The final audit.
    async fn audit(&self) -> Result<bool> {
        let mut step =
            Step::begin(self.format, "audit", "everything that must hold after everything that happened")?;
        let checks = audit::run(self.env, Scope { legacy: true }).await?;
        let held = checks.iter().all(Check::holds);
        if self.format == Format::Text {
            for check in &checks {
                write_check(&mut std::io::stdout(), check)?;
            }
        } else {
            step.say("checks", Value::Array(checks.iter().map(Check::to_json).collect()))?;
        }
        step.end(held)?;
        Ok(held)
    }

    /// What the ledger and the journal hold of a payment: one line per change.
    pub(crate) async fn say_history(&self, step: &mut Step, id: &str, from_seq: u64) -> Result<()> {
        let events = expect(self.client.get(&format!("/v1/payments/{id}/events")).await?, 200)?;
        for change in events.body["data"].as_array().into_iter().flatten() {
            if change["seq"].as_u64().unwrap_or(0) < from_seq {
                continue;
            }
            step.say(
                "ledger",
                format!(
                    "change {} {} by {}",
                    change["seq"],
                    text(&change["command"]),
                    text(&change["actor"])
                ),
            )?;
            for line in change["journal"].as_array().into_iter().flatten() {
                step.say(
                    "journal",
                    format!("{} {} {}", text(&line["side"]), line["amount"], text(&line["account"])),
                )?;
            }
        }
        Ok(())
    }

    /// What Kafka holds of a payment, on every topic; read until `wanted` is there.
    pub(crate) async fn say_kafka(&self, step: &mut Step, id: &str, wanted: &str) -> Result<()> {
        let topics = ["payment.ledger.v1", "payment.issuer-activity.v1"];
        for _ in 0..100 {
            let records = consumer::read_all(self.env.get("KAFKA_BROKERS")?, &topics).await?;
            let records: Vec<_> = records.into_iter().filter(|record| record.key == id).collect();
            if let Some(record) = records.iter().rev().find(|record| record.header("ce_type") == wanted) {
                step.say("kafka", format!("{}[{}]@{}", record.topic, record.partition, record.offset))?;
                step.say("headers", json!(record.headers))?;
                step.say("body", serde_json::from_slice::<Value>(&record.body)?)?;
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        anyhow::bail!("Kafka does not get {wanted} of payment {id}")
    }
}

/// An answer that must have this status.
pub(crate) fn expect(reply: Reply, status: u16) -> Result<Reply> {
    ensure!(reply.status.as_u16() == status, "status {} instead of {status}: {}", reply.status, reply.body);
    Ok(reply)
}

/// A string of a JSON document, or nothing.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}
