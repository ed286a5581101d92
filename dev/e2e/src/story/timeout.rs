//! Step d: an issuer that answers too late.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use super::{Teller, expect, text};
use crate::tell::Step;

/// How long the network cancel and the late answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

impl Teller<'_> {
    /// d. The caller gets its answer in time; what the issuer may have approved is undone; its late approval changes
    /// nothing.
    pub(crate) async fn timeout(&self) -> Result<()> {
        let mut step =
            Step::begin(self.format, "d", "an issuer that answers too late: undone, and not revived")?;
        let create = json!({ "orderId": "demo-order-2", "currency": "KRW", "totalAmount": 12_000 });
        let created = expect(self.client.post("/v1/payments", "demo-create-2", &create).await?, 201)?;
        let id = text(&created.body["id"]).to_owned();
        let confirm = json!({ "approvals": [
            { "method": "CARD", "issuerId": "slow-1", "amount": 12_000, "methodToken": "sim:late:4000" },
        ] });
        let path = format!("/v1/payments/{id}/confirm");
        step.say("sent", format!("POST {path} {confirm}"))?;
        let asked = Instant::now();
        let answer = expect(self.client.post(&path, "demo-confirm-2", &confirm).await?, 504)?;
        let waited = asked.elapsed().as_millis();
        step.say(
            "answer",
            format!(
                "504 {} after {waited} ms, outcome {}",
                text(&answer.body["code"]),
                text(&answer.body["outcome"])
            ),
        )?;
        let now = self.payment(&id).await?;
        step.say(
            "ledger",
            format!(
                "{} with exposure {}, reversal {}",
                text(&now["status"]),
                now["exposure"],
                text(&now["reversal"])
            ),
        )?;
        self.say_kafka(&mut step, &id, "approval.uncertain.v1").await?;
        let voided = self.wait(&id, "reversed", |payment, _| payment["reversal"] == "DONE").await?;
        step.say(
            "net-cancel",
            format!("reversal {}, exposure {}", text(&voided["reversal"]), voided["exposure"]),
        )?;
        let late = self.wait(&id, "told late", |_, history| has_late_approval(history)).await?;
        step.say(
            "late",
            format!(
                "the issuer's approval arrived and was recorded; the payment stays {}",
                text(&late["status"])
            ),
        )?;
        ensure!(late["status"] == "ABORTED", "the late approval revived it: {late}");
        ensure!(late["exposure"] == 0, "what the issuer has named as reversed is exposed again: {late}");
        self.say_history(&mut step, &id, 1).await?;
        self.say_kafka(&mut step, &id, "network_cancel.confirmed.v1").await?;
        step.end(true)
    }

    async fn payment(&self, id: &str) -> Result<Value> {
        Ok(expect(self.client.get(&format!("/v1/payments/{id}")).await?, 200)?.body)
    }

    /// Waits until a payment and its history are as wanted.
    async fn wait(&self, id: &str, what: &str, is_there: impl Fn(&Value, &Value) -> bool) -> Result<Value> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let payment = self.payment(id).await?;
            let history = expect(self.client.get(&format!("/v1/payments/{id}/events")).await?, 200)?.body;
            if is_there(&payment, &history) {
                return Ok(payment);
            }
            if Instant::now() > deadline {
                bail!("payment {id} is not {what} within {} s: {payment}", PATIENCE.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn has_late_approval(history: &Value) -> bool {
    history["data"].as_array().into_iter().flatten().any(|change| change["command"] == "LATE_ANSWER")
}
