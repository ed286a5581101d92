//! A payment service that talks to issuers itself, over REST.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Reply, World, card};

fn leg(method: &str, issuer: &str, amount: i64) -> Value {
    json!({"method": method, "issuerId": issuer, "amount": amount})
}

fn approved(auth_no: &str) -> Value {
    json!({"outcome": "APPROVED", "issuerReference": auth_no, "receivedAt": "2026-11-24T12:00:00+09:00"})
}

fn pointer(reply: &Reply, code: &str) -> String {
    reply.problem(code)["errors"][0]["pointer"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_asks_issuers_itself_says_attempts_before_and_results_after() {
    let world = World::start("callers").await;
    let path = world.created("order-1", 50_000).await;
    let approvals = format!("{path}/approvals");
    let first = world.post(&format!("{approvals}/1/attempts"), "k-1", &leg("CARD", "card", 15_000)).await;
    let attempt = first.json();
    assert_eq!((first.status, &attempt["attemptNo"]), (StatusCode::CREATED, &json!(1)), "{attempt:#}");
    for field in ["traceNo", "traceDate", "deadlineAt", "issuerId", "currency"] {
        assert!(attempt[field].is_string(), "{field}: {attempt:#}");
    }
    assert_eq!(first.header("etag"), Some("\"2\""));
    let again = world.post(&format!("{approvals}/1/attempts"), "k-1", &leg("CARD", "card", 15_000)).await;
    assert_eq!((&again.bytes, again.header("idempotency-replayed")), (&first.bytes, Some("true")));
    let second = world.post(&format!("{approvals}/1/attempts"), "k-2", &leg("CARD", "card", 15_000)).await;
    second.problem("ATTEMPT_OPEN");

    let told =
        world.post(&format!("{approvals}/1/attempts/1/result"), "k-3", &json!({"outcome": "NOT_SENT"})).await;
    assert_eq!(told.json()["status"], "IN_PROGRESS", "{:#}", told.json());
    let other = world.post(&format!("{approvals}/1/attempts"), "k-4", &leg("CARD", "card", 14_000)).await;
    other.problem("APPROVAL_DIFFERS");
    let further = world.post(&format!("{approvals}/1/attempts"), "k-5", &leg("CARD", "card", 15_000)).await;
    assert_eq!(further.json()["attemptNo"], 2);
    world.post(&format!("{approvals}/1/attempts/2/result"), "k-6", &approved("A-1")).await;
    let beyond =
        world.post(&format!("{approvals}/2/attempts"), "k-7", &leg("POINTS", "points", 35_001)).await;
    beyond.problem("APPROVAL_SUM_MISMATCH");
    world.post(&format!("{approvals}/2/attempts"), "k-8", &leg("POINTS", "points", 35_000)).await;
    let done = world.post(&format!("{approvals}/2/attempts/1/result"), "k-9", &approved("A-2")).await;
    let payment = done.json();
    assert_eq!((done.status, &payment["status"]), (StatusCode::OK, &json!("DONE")), "{payment:#}");
    assert_eq!(payment["approvals"][0]["attempts"][1]["results"][0]["source"], "CALLER");
    assert_eq!(payment["approvals"][1]["authNo"], "A-2");
    assert_eq!(world.get(&path).await.json(), payment);
    assert!(world.issuer.truth().traces.is_empty(), "the ledger asked nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declined_approval_aborts_and_late_answers_are_recorded() {
    let world = World::start("callers_declined").await;
    let path = world.created("order-1", 50_000).await;
    let approvals = format!("{path}/approvals");
    world.post(&format!("{approvals}/1/attempts"), "k-1", &leg("CARD", "card", 15_000)).await;
    world.post(&format!("{approvals}/2/attempts"), "k-2", &leg("POINTS", "points", 35_000)).await;
    let declined = json!({"outcome": "DECLINED", "issuerCode": "51"});
    let told = world.post(&format!("{approvals}/2/attempts/1/result"), "k-3", &declined).await.json();
    assert_eq!((&told["status"], &told["exposure"]), (&json!("ABORTED"), &json!(15_000)), "{told:#}");
    assert_eq!(told["approvals"][0]["status"], "REVERSING");
    let late = world.post(&format!("{approvals}/1/attempts/1/result"), "k-4", &approved("A-1")).await.json();
    assert_eq!(late["status"], "ABORTED");
    assert_eq!(late["approvals"][0]["attempts"][0]["results"][0]["source"], "LATE");
    let further = world.post(&format!("{approvals}/1/attempts"), "k-5", &leg("CARD", "card", 15_000)).await;
    further.problem("INVALID_STATE");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_by_its_place() {
    let world = World::start("callers_wrong").await;
    let path = world.created("order-1", 1_000).await;
    let attempts = format!("{path}/approvals/1/attempts");
    let wrong = world.post(&attempts, "k", &json!({"method": "CARD", "issuerId": "card"})).await;
    assert_eq!(pointer(&wrong, "INVALID_FIELDS"), "/amount");
    world
        .post(&format!("{path}/approvals/9/attempts"), "k", &leg("CARD", "card", 1))
        .await
        .problem("INVALID_PARAMETER");
    world
        .post(&format!("{path}/approvals/01/attempts"), "k", &leg("CARD", "card", 1))
        .await
        .problem("INVALID_PARAMETER");
    world.post(&attempts, "k", &leg("CARD", "nobody", 1)).await.problem("UNKNOWN_ISSUER");
    let none = world.post(&format!("{attempts}/1/result"), "k", &json!({"outcome": "DECLINED"})).await;
    none.problem("ATTEMPT_NOT_FOUND");
    assert_eq!(world.post(&attempts, "k", &leg("CARD", "card", 1_000)).await.status, 201, "the key was free");
    for (body, place) in [
        (json!({"outcome": "APPROVED"}), "/issuerReference"),
        (json!({"outcome": "REVERSED"}), "/outcome"),
        (json!({"outcome": "DECLINED", "issuerCode": "a b"}), "/issuerCode"),
        (json!({"outcome": "DECLINED", "receivedAt": "2026-11-24 12:00"}), "/receivedAt"),
        (json!({"outcome": "DECLINED", "receivedAt": "2999-01-01T00:00:00Z"}), "/receivedAt"),
    ] {
        let wrong = world.post(&format!("{attempts}/1/result"), "r", &body).await;
        assert_eq!(pointer(&wrong, "INVALID_FIELDS"), place, "{body}");
    }
    let other_way = world.post(&format!("{path}/confirm"), "c", &card(1_000)).await;
    other_way.problem("INVALID_STATE");
    let sent = world.created("order-2", 1_000).await;
    world.post(&format!("{sent}/confirm"), "c-2", &card(1_000)).await;
    let told = world.post(&format!("{sent}/approvals/1/attempts/1/result"), "r-2", &approved("A-9")).await;
    told.problem("ATTEMPT_NOT_FOUND");
}
