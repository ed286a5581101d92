//! What callers are told when issuers decline, are silent, or cannot be reached; and that a caller who hangs up changes
//! nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{World, scripted, send};

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_aborts_and_is_kept() {
    let world = World::start("declined").await;
    let path = world.created("order-1", 1_000).await;
    let confirm = format!("{path}/confirm");
    let declined = world.post(&confirm, "k", &scripted(1_000, "sim:decline")).await;
    assert_eq!(declined.status, 402);
    assert_eq!(declined.problem("APPROVAL_DECLINED")["outcome"], "declined");
    let payment = world.get(&path).await.json();
    assert_eq!((&payment["status"], &payment["exposure"]), (&json!("ABORTED"), &json!(0)));
    assert_eq!(payment["balanceAmount"], 0);
    let again = world.post(&confirm, "k", &scripted(1_000, "sim:decline")).await;
    assert_eq!((again.status.as_u16(), &again.bytes), (402, &declined.bytes));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_answered_in_time_and_shown_as_exposure() {
    let world = World::start("silent").await;
    let path = world.created("order-1", 1_000).await;
    let silent = world.post(&format!("{path}/confirm"), "k", &scripted(1_000, "sim:drop")).await;
    assert_eq!(silent.status, 504);
    assert_eq!(silent.problem("ISSUER_TIMEOUT")["outcome"], "aborted");
    let payment = world.get(&path).await.json();
    assert_eq!((&payment["status"], &payment["exposure"]), (&json!("ABORTED"), &json!(1_000)), "{payment:#}");
    assert_eq!(
        (&payment["reversal"], &payment["approvals"][0]["status"]),
        (&json!("PENDING"), &json!("REVERSING"))
    );
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 1_000});
    world.post("/v1/payments", "k-2", &body).await.problem("ORDER_IN_USE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_would_not_wait_for_is_not_begun() {
    let world = World::start("deadline").await;
    let path = world.created("order-1", 1_000).await;
    let confirm = format!("{path}/confirm");
    let before = world.rows().await;
    let short = world.posting(&confirm, "k", &scripted(1_000, "sim:approve"));
    let refused = send(short.header("X-Request-Timeout-Ms", "900")).await;
    assert_eq!(refused.problem("DEADLINE_TOO_SHORT")["outcome"], "not_attempted");
    assert_eq!(world.rows().await, before);

    let long = world.posting(&confirm, "k", &scripted(1_000, "sim:approve"));
    let done = send(long.header("X-Request-Timeout-Ms", "5000")).await;
    assert_eq!(done.status, 200, "the key was not used up: {:#}", done.json());
    let short = world.posting(&confirm, "k", &scripted(1_000, "sim:approve"));
    let replayed = send(short.header("X-Request-Timeout-Ms", "900")).await;
    assert_eq!(
        (replayed.status.as_u16(), replayed.bytes),
        (200, done.bytes),
        "what was attempted is not denied"
    );
}

/// R11
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_hangs_up_changes_nothing() {
    let world = World::start("hangup").await;
    let path = world.created("order-1", 1_000).await;
    let body = scripted(1_000, "sim:delay:400");
    let request = world.posting(&format!("{path}/confirm"), "k", &body).timeout(Duration::from_millis(150));
    assert!(request.send().await.unwrap_err().is_timeout());
    let done = wait_for(&world, &path, |payment| payment["status"] == "DONE").await;
    assert_eq!(done["approvals"][0]["status"], "ACCEPTED");
    let again = world.post(&format!("{path}/confirm"), "k", &body).await;
    assert_eq!((again.status.as_u16(), again.header("idempotency-replayed")), (200, Some("true")));
}

/// R6
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_not_answered_is_in_progress_and_holds_its_amount() {
    let world = World::start("hold").await;
    let path = world.paid("order-1", 1_000).await;
    let script = json!({"match": {"amount": 400}, "kind": "cancel", "steps": [{"action": "drop"}]});
    world.issuer.script(serde_json::from_value(script).unwrap());
    let cancel = json!({"cancelAmount": 400, "reason": "one item"});
    let open = world.post(&format!("{path}/cancellations"), "k", &cancel).await;
    let body = open.json();
    assert_eq!((open.status.as_u16(), open.header("retry-after")), (202, Some("1")), "{body:#}");
    assert_eq!(body["cancellation"]["cancelStatus"], "IN_PROGRESS");
    assert_eq!(
        (&body["payment"]["balanceAmount"], &body["payment"]["cancelableAmount"]),
        (&json!(1_000), &json!(600))
    );
    let again = world.post(&format!("{path}/cancellations"), "k", &cancel).await;
    assert_eq!(
        (again.status.as_u16(), again.json()["cancellation"]["id"].clone()),
        (202, body["cancellation"]["id"].clone())
    );
    let over = json!({"cancelAmount": 601, "reason": "the held part"});
    world.post(&format!("{path}/cancellations"), "k-2", &over).await.problem("NOT_CANCELABLE_AMOUNT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_refused_releases_its_amount() {
    let world = World::start("release").await;
    let path = world.paid("order-1", 1_000).await;
    let script = json!({"match": {"amount": 400}, "kind": "cancel", "steps": [{"action": "decline"}]});
    world.issuer.script(serde_json::from_value(script).unwrap());
    let cancel = json!({"cancelAmount": 400, "reason": "one item"});
    let refused = world.post(&format!("{path}/cancellations"), "k", &cancel).await;
    assert_eq!(refused.problem("CANCEL_DECLINED")["outcome"], "declined");
    let payment = world.get(&path).await.json();
    assert_eq!((&payment["status"], &payment["cancelableAmount"]), (&json!("DONE"), &json!(1_000)));
    assert_eq!(payment["cancels"][0]["cancelStatus"], "FAILED");
}

async fn wait_for(world: &World, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let waiting = async {
        loop {
            let payment = world.get(path).await.json();
            if condition(&payment) {
                return payment;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .expect("the condition comes true within ten seconds")
}
