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
