//! What callers are told when the database fails under a request, and that the same key finds its way afterwards.

use serde_json::json;

use crate::support::{World, card};

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_fails_is_not_attempted() {
    let world = World::start("noread").await;
    let path = world.created("order-1", 1_000).await;
    world.administer("RENAME TABLE api_key TO api_key_away").await;
    let refused = loop {
        let reply = world.get(&path).await;
        if reply.status != 200 {
            break reply;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    };
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (503, Some("1")));
    let problem = refused.problem("LEDGER_UNAVAILABLE");
    assert_eq!(problem["outcome"], "not_attempted");
    assert!(!problem.to_string().contains("api_key"), "nothing of the inside is told: {problem:#}");
    world.administer("RENAME TABLE api_key_away TO api_key").await;
    assert_eq!(world.get(&path).await.status, 200);
}

/// §11.2
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_never_reached_its_commit_was_not_attempted_and_the_same_key_does_it_once() {
    let world = World::start("nowrite").await;
    let before = world.rows().await;
    world.administer("RENAME TABLE outbox_event TO outbox_event_away").await;
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 1_000});
    let failed = world.post("/v1/payments", "k", &body).await;
    assert_eq!(failed.status, 503);
    assert_eq!(failed.problem("LEDGER_UNAVAILABLE")["outcome"], "not_attempted");
    world.administer("RENAME TABLE outbox_event_away TO outbox_event").await;
    assert_eq!(world.rows().await, before, "nothing of it stayed");
    let created = world.post("/v1/payments", "k", &body).await;
    assert_eq!(created.status, 201);
    let replayed = world.post("/v1/payments", "k", &body).await;
    assert_eq!((replayed.status, replayed.bytes), (created.status, created.bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_bytes_are_gone_is_not_given_again_and_nothing_is_done_again() {
    let world = World::start("expired").await;
    let path = format!("{}/confirm", world.created("order-1", 1_000).await);
    assert_eq!(world.post(&path, "k", &card(1_000)).await.status, 200);
    world.administer("TRUNCATE TABLE idempotency_body").await;
    let rows = world.rows().await;
    let expired = world.post(&path, "k", &card(1_000)).await;
    assert_eq!(expired.status, 410);
    let problem = expired.problem("ANSWER_EXPIRED");
    assert!(problem["detail"].as_str().unwrap().contains("200"), "{problem:#}");
    assert_eq!(world.rows().await, rows);
}

/// §11.11: what a newer version has written is shown by name, and nothing is decided on it here.
#[tokio::test(flavor = "multi_thread")]
async fn a_fact_of_a_newer_version_is_named_and_every_write_says_that_nothing_was_tried() {
    let world = World::start("newer").await;
    let (path, other) = (world.paid("order-1", 1_000).await, world.paid("order-2", 1_000).await);
    world.administer("ALTER TABLE payment_verdict DROP CHECK ck_payment_verdict").await;
    let plant = "UPDATE payment_verdict SET verdict = 'PARKED' WHERE order_id = 'order-1'";
    world.administer(plant).await;

    let shown = world.get(&path).await;
    assert_eq!(shown.status, 200, "{:#}", shown.json());
    let payment = shown.json();
    let named = json!([{"fact": "payment_verdict", "field": "verdict", "code": "PARKED", "version": 3}]);
    assert_eq!((&payment["status"], &payment["notUnderstood"]), (&json!("UNKNOWN"), &named));
    assert_eq!(payment["cancelableAmount"], 0);
    assert!(world.get(&other).await.json().get("notUnderstood").is_none());
    let listed = world.get("/v1/payments").await.json();
    let statuses: Vec<_> = listed["data"].as_array().unwrap().iter().map(|row| &row["status"]).collect();
    assert_eq!(statuses, ["DONE", "UNKNOWN"]);

    let second = format!("{}{path}/cancellations", world.second_service().await);
    let request = world.client.post(second).bearer_auth(&world.key).header("Idempotency-Key", "k1");
    let refused = crate::support::send(request.json(&json!({"reason": "returned"}))).await;
    assert_eq!(refused.status, 503);
    assert_eq!(refused.problem("FACT_NOT_UNDERSTOOD")["outcome"], "not_attempted");
    assert_eq!(world.get(&format!("{path}/explain")).await.status, 503);
}
