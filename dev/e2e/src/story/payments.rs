//! Steps a to c: a split payment, a replay, cancels.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::{Teller, expect, text};
use crate::tell::Step;

/// The payment that the first steps are about.
pub(crate) struct Paid {
    pub(crate) id: String,
    create: Value,
    create_key: String,
    created: Vec<u8>,
}

impl Teller<'_> {
    /// a. 50,000 won over a card and points.
    pub(crate) async fn split_payment(&self) -> Result<Paid> {
        let mut step =
            Step::begin(self.format, "a", "50,000 won, split over a card and points, created and confirmed")?;
        let create = json!({ "orderId": "demo-order-1", "currency": "KRW", "totalAmount": 50_000 });
        step.say("sent", format!("POST /v1/payments {create}"))?;
        let created = expect(self.client.post("/v1/payments", "demo-create-1", &create).await?, 201)?;
        let id = text(&created.body["id"]).to_owned();
        step.say("answer", format!("201 {} {}", text(&created.body["status"]), id))?;
        let confirm = json!({ "approvals": [
            { "method": "CARD", "issuerId": "card-1", "amount": 15_000, "methodToken": "tok-1",
              "card": { "bin": "411111", "last4": "1111" } },
            { "method": "POINTS", "issuerId": "points-1", "amount": 35_000, "methodToken": "tok-2" },
        ] });
        step.say("sent", format!("POST /v1/payments/{id}/confirm {confirm}"))?;
        let path = format!("/v1/payments/{id}/confirm");
        let confirmed = expect(self.client.post(&path, "demo-confirm-1", &confirm).await?, 200)?;
        ensure!(confirmed.body["status"] == "DONE", "the payment is {}", confirmed.body["status"]);
        for approval in confirmed.body["approvals"].as_array().into_iter().flatten() {
            let line = format!(
                "leg {} {} {} {} auth {}",
                approval["leg"],
                text(&approval["method"]),
                approval["amount"],
                text(&approval["status"]),
                text(&approval["authNo"])
            );
            step.say("approval", line)?;
        }
        step.say("verdict", format!("CONFIRMED, so the payment is {}", text(&confirmed.body["status"])))?;
        self.say_history(&mut step, &id, 1).await?;
        self.say_kafka(&mut step, &id, "payment.confirmed.v1").await?;
        step.end(true)?;
        Ok(Paid { id, create, create_key: "demo-create-1".to_owned(), created: created.bytes })
    }

    /// b. The same key again, and with another body.
    pub(crate) async fn replay(&self, paid: &Paid) -> Result<()> {
        let mut step = Step::begin(
            self.format,
            "b",
            "the same request under the same key is replayed, another body is refused",
        )?;
        step.say("sent", format!("POST /v1/payments {} (same key)", paid.create))?;
        let again = expect(self.client.post("/v1/payments", &paid.create_key, &paid.create).await?, 201)?;
        ensure!(
            again.replayed && again.bytes == paid.created,
            "the replay is not byte for byte what was answered first"
        );
        step.say("answer", "201, Idempotency-Replayed: true, byte for byte")?;
        let mut other = paid.create.clone();
        other["totalAmount"] = json!(60_000);
        step.say("sent", format!("POST /v1/payments {other} (same key)"))?;
        let refused = expect(self.client.post("/v1/payments", &paid.create_key, &other).await?, 422)?;
        let field = text(&refused.body["errors"][0]["pointer"]).to_owned();
        ensure!(field == "/totalAmount", "the differing field is not named: {}", refused.body);
        step.say("answer", format!("422 {} names {field}", text(&refused.body["code"])))?;
        step.end(true)
    }

    /// c. A partial cancel over both legs, and one too many.
    pub(crate) async fn cancels(&self, paid: &Paid) -> Result<()> {
        let mut step = Step::begin(
            self.format,
            "c",
            "20,000 won canceled over both approvals; an over-cancel is refused",
        )?;
        let path = format!("/v1/payments/{}/cancellations", paid.id);
        let cancel = json!({ "cancelAmount": 20_000, "reason": "one of two items returned" });
        step.say("sent", format!("POST {path} {cancel}"))?;
        let done = expect(self.client.post(&path, "demo-cancel-1", &cancel).await?, 200)?;
        let made = &done.body["cancellation"];
        for share in made["allocations"].as_array().into_iter().flatten() {
            let line = format!("leg {} {} of it VAT {}", share["leg"], share["amount"], share["vat"]);
            step.say("share", line)?;
        }
        step.say("balance", done.body["payment"]["balanceAmount"].clone())?;
        ensure!(
            done.body["payment"]["balanceAmount"] == 30_000,
            "the balance is {}",
            done.body["payment"]["balanceAmount"]
        );
        self.say_history(&mut step, &paid.id, 4).await?;
        let over = json!({ "cancelAmount": 30_001, "reason": "too much" });
        step.say("sent", format!("POST {path} {over}"))?;
        let refused = expect(self.client.post(&path, "demo-cancel-2", &over).await?, 409)?;
        step.say(
            "answer",
            format!("409 {}: {}", text(&refused.body["code"]), text(&refused.body["detail"])),
        )?;
        self.say_kafka(&mut step, &paid.id, "cancellation.completed.v1").await?;
        step.end(true)
    }
}
