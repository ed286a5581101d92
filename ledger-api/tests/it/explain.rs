//! Why a payment is as it is, now and as it was known after each of its changes.

use serde_json::{Value, json};

use crate::support::{World, scripted};

fn encoded(instant: &Value) -> String {
    instant.as_str().unwrap().replace('+', "%2B")
}

fn rules(step: &Value) -> Vec<&str> {
    step["facts"].as_array().unwrap().iter().map(|fact| fact["rule"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_has_its_facts_and_rules_and_can_be_gone_back_to() {
    let world = World::start("explain").await;
    let path = world.paid("order-1", 10_000).await;
    let cancel = json!({"cancelAmount": 4_000, "reason": "returned"});
    assert_eq!(world.post(&format!("{path}/cancellations"), "k", &cancel).await.status, 200);
    let whole = world.get(&format!("{path}/explain")).await.json();
    let steps = whole["steps"].as_array().unwrap();
    assert_eq!(whole["because"]["rule"], "I2");
    assert_eq!(whole["payment"], world.get(&path).await.json());
    let statuses: Vec<_> = steps.iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["READY", "IN_PROGRESS", "DONE", "DONE", "PARTIAL_CANCELED"]);
    assert_eq!(rules(&steps[0]), ["OPEN"]);
    assert_eq!(rules(&steps[1]), ["LEGS", "SEND"]);
    assert_eq!(rules(&steps[2]), ["ANSWER", "I6", "I1", "I2"]);
    assert_eq!(rules(&steps[3]), ["SEND", "R7", "I4", "R7"]);
    assert_eq!(rules(&steps[4]), ["ANSWER", "ANSWER"]);
    for fact in steps.iter().flat_map(|step| step["facts"].as_array().unwrap()) {
        assert!(
            fact["text"].as_str().unwrap().len() > 20 && !fact["says"].as_str().unwrap().is_empty(),
            "{fact}"
        );
    }
    assert_eq!(
        whole["balances"],
        json!([{"leg": 1, "approved": 10_000, "refunded": 4_000, "held": 0, "remaining": 6_000}])
    );
    let sums = |field: &str| -> i64 {
        whole["accounts"].as_array().unwrap().iter().map(|account| account[field].as_i64().unwrap()).sum()
    };
    assert_eq!(sums("debit"), sums("credit"));
    let receivable = &whole["accounts"][0];
    assert_eq!(
        (&receivable["account"], &receivable["debit"], &receivable["credit"]),
        (&json!("ISSUER_RECEIVABLE"), &json!(10_000), &json!(4_000))
    );

    for (index, step) in steps.iter().enumerate() {
        let at = encoded(&step["recordedAt"]);
        let then = world.get(&format!("{path}/explain?asOf={at}")).await.json();
        assert_eq!(then["steps"].as_array().unwrap().as_slice(), &steps[..=index], "step {index}");
        assert_eq!(then["payment"]["version"], index + 1);
        assert_eq!(then["payment"]["status"], step["status"]);
        assert_eq!(world.get(&format!("{path}?asOf={at}")).await.json(), then["payment"]);
    }
    let held = world.get(&format!("{path}/explain?asOf={}", encoded(&steps[3]["recordedAt"]))).await.json();
    assert_eq!(held["balances"][0]["held"], 4_000);
    let yesterday = world.get(&format!("{path}/explain?asOf=2026-01-01")).await;
    yesterday.problem("PAYMENT_NOT_FOUND");
}

/// R8
#[tokio::test(flavor = "multi_thread")]
async fn silence_is_explained_with_what_stands_at_the_issuer() {
    let world = World::start("explain2").await;
    let path = world.created("order-1", 1_000).await;
    let silent = world.post(&format!("{path}/confirm"), "f", &scripted(1_000, "sim:drop")).await;
    silent.problem("ISSUER_TIMEOUT");
    let whole = world.get(&format!("{path}/explain")).await.json();
    assert_eq!(
        (&whole["because"]["rule"], &whole["payment"]["status"]),
        (&json!("UNKNOWN"), &json!("ABORTED"))
    );
    assert_eq!(
        (&whole["exposed"][0]["amount"], &whole["exposed"][0]["state"]),
        (&json!(1_000), &json!("REVERSING"))
    );
    assert_eq!(whole["accounts"], json!([]), "what is not known is in no account");
    let verdict = &whole["steps"][2];
    assert_eq!(rules(verdict), ["UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"]);
    let before =
        world.get(&format!("{path}/explain?asOf={}", encoded(&whole["steps"][1]["recordedAt"]))).await.json();
    assert_eq!((&before["because"]["rule"], &before["exposed"]), (&json!("SEND"), &json!([])));
}
