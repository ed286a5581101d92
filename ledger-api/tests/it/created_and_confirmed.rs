//! Created and confirmed by one request.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{World, card, scripted, send};

fn body(order: &str, confirm: &Value) -> Value {
    json!({"orderId": order, "currency": "KRW", "totalAmount": 1_000, "confirm": confirm})
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_creates_and_confirms() {
    let world = World::start("cc").await;
    let done = world.post("/v1/payments", "k-1", &body("o-1", &card(1_000))).await;
    let payment = done.json();
    assert_eq!((done.status.as_u16(), &payment["status"]), (201, &json!("DONE")), "{payment:#}");
    assert_eq!(
        (done.header("etag"), &payment["version"]),
        (Some("\"2\""), &json!(2)),
        "two changes, two commits"
    );
    assert_eq!(world.get(done.header("location").unwrap()).await.json(), payment);

    let declined = world.post("/v1/payments", "k-2", &body("o-2", &scripted(1_000, "sim:decline"))).await;
    assert_eq!(
        (declined.status.as_u16(), &declined.problem("APPROVAL_DECLINED")["outcome"]),
        (402, &json!("declined"))
    );
    let aborted = world.get("/v1/payments/orders/o-2").await.json();
    assert_eq!(aborted["status"], "ABORTED");
    let again = world.post("/v1/payments", "k-3", &body("o-2", &card(1_000))).await.json();
    assert_eq!((&again["status"], &again["tryNo"]), (&json!("DONE"), &json!(2)), "{again:#}");

    let silent = world.post("/v1/payments", "k-4", &body("o-4", &scripted(1_000, "sim:drop"))).await;
    assert_eq!(silent.problem("ISSUER_TIMEOUT")["outcome"], "aborted");
    assert_eq!(world.get("/v1/payments/orders/o-4").await.json()["exposure"], 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_by_its_place_and_opens_nothing() {
    let world = World::start("cc_wrong").await;
    let rows = world.rows().await;
    let wrong = body("o-1", &json!({"approvals": [{"method": "CARD", "issuerId": "card", "amount": 0}]}));
    let problem = world.post("/v1/payments", "k", &wrong).await.problem("INVALID_FIELDS");
    assert_eq!(problem["errors"][0]["pointer"], "/confirm/approvals/0/amount");
    let short = world.posting("/v1/payments", "k", &body("o-1", &card(1_000)));
    let refused = send(short.header("X-Request-Timeout-Ms", "900")).await;
    refused.problem("DEADLINE_TOO_SHORT");
    assert_eq!(world.rows().await, rows);
    let sum = world.post("/v1/payments", "k", &body("o-1", &card(999))).await;
    sum.problem("APPROVAL_SUM_MISMATCH");
    assert_eq!(world.rows().await["payment"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_it_runs_the_same_key_is_told_so() {
    let world = World::start("cc_running").await;
    let body = body("o-1", &scripted(1_000, "sim:delay:600"));
    let first = tokio::spawn(send(world.posting("/v1/payments", "k", &body)));
    while world.issuer.truth().traces.is_empty() {
        assert!(!first.is_finished(), "the issuer was never asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let running = world.post("/v1/payments", "k", &body).await;
    running.problem("REQUEST_IN_PROGRESS");
    world.post("/v1/payments", "k-2", &body).await.problem("ORDER_IN_USE");
    let first = first.await.unwrap();
    assert_eq!(first.status, 201);
    let replayed = world.post("/v1/payments", "k", &body).await;
    assert_eq!((replayed.status, &replayed.bytes), (first.status, &first.bytes));
    assert_eq!(replayed.header("location"), first.header("location"));
}
