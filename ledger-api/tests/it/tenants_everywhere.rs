//! What is another merchant's is answered like what does not exist, on every route that takes an id, an order or a cursor: the
//! same status, headers and body, by the same statements, so that time does not tell them apart either. A route that is not
//! in the table fails the test.

use std::collections::{BTreeMap, BTreeSet};

use ledger_api::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, card, deposit, new_key, send};

/// Of the form of the real one, in its slot.
fn absent(path: &str) -> String {
    let id = path.rsplit('/').next().unwrap();
    format!("01939999-0000-8000-8000-{}", &id[24..])
}

/// What a caller can tell answers apart by.
fn told(reply: &Reply, id: &str) -> (u16, BTreeMap<String, String>, Value) {
    let headers = reply
        .headers
        .iter()
        .filter(|(name, _)| !["date", "x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    let mut body = reply.json();
    assert!(body["instance"].as_str().unwrap().contains(id));
    let fields = body.as_object_mut().unwrap();
    fields.remove("instance");
    fields.remove("traceId");
    (reply.status.as_u16(), headers, body)
}

/// The statements that ran since `before`, by text; reference data are read now and then, whoever asks.
fn ran(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> BTreeMap<String, i64> {
    let reference = ["FROM api_key", "FROM issuer", "FROM merchant_contract", "FROM method_rule", "SELECT 1"];
    after
        .iter()
        .map(|(text, count)| (text.clone(), count - before.get(text).unwrap_or(&0)))
        .filter(|(text, count)| *count > 0 && !reference.iter().any(|words| text.contains(words)))
        .collect()
}

/// The body of a write, by the last part of its path.
fn body_of(path: &str) -> Value {
    match path.rsplit('/').next().unwrap() {
        "confirm" => card(1_000),
        "attempts" => json!({"method": "CARD", "issuerId": "card", "amount": 1_000}),
        "result" if path.contains("/deposit-refunds/") => json!({"outcome": "DONE"}),
        "result" => json!({"outcome": "NOT_SENT"}),
        "deposits" => deposit("r-1", 1_000),
        "deposit-refunds" => json!({"amount": 1, "reason": "not mine",
            "refundReceiveAccount": {"bankCode": "088", "token": "acct"}}),
        _ => json!({"reason": "not mine"}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_for_a_foreign_id_as_for_none_by_the_same_statements() {
    let world = World::start("tenants2").await;
    let mine = world.paid("order-1", 1_000).await;
    let body = json!({"cancelAmount": 100, "reason": "returned"});
    world.post(&format!("{mine}/cancellations"), "victim", &body).await;
    let id = mine.rsplit('/').next().unwrap().to_owned();
    let absent = absent(&mine);
    let other = new_key(&world.admin, "m-2").await;
    let before = world.rows().await;
    let document = openapi::document();
    let mut asked = BTreeSet::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        if !template.contains("{paymentId}") && !template.contains("{orderId}") {
            continue;
        }
        for method in item.as_object().unwrap().keys() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let mut answers = Vec::new();
            for (id, order) in
                [(&id, "order-1"), (&absent, "order-9"), (&id, "order-1"), (&absent, "order-9")]
            {
                let path = template
                    .replace("{paymentId}", id)
                    .replace("{cancellationId}", &format!("{id}-c1"))
                    .replace("{orderId}", order)
                    .replace("{leg}", "1")
                    .replace("{attemptNo}", "1")
                    .replace("{refundNo}", "1");
                assert!(
                    !path.contains('{'),
                    "{template} has a part that this test does not know: say what is foreign there"
                );
                let request =
                    world.client.request(method.clone(), format!("{}{path}", world.base)).bearer_auth(&other);
                let request = if method == Method::POST {
                    request.header("Idempotency-Key", "victim").json(&body_of(template))
                } else {
                    request
                };
                let statements = world.statements().await;
                let reply = send(request).await;
                let statements = ran(&statements, &world.statements().await);
                assert_eq!(reply.status, 404, "{method} {path}: {:#}", reply.json());
                let name = if template.contains("{orderId}") { order } else { id.as_str() };
                answers.push((told(&reply, name), statements));
            }
            // the first two are the first use of their keys, the others the second
            assert_eq!(answers[0], answers[1], "{method} {template}");
            assert_eq!(answers[2], answers[3], "{method} {template}");
            assert_eq!(answers[0].0, answers[2].0, "{method} {template}");
            assert!(answers[0].1.values().sum::<i64>() >= 1, "{method} {template}: no statement was seen");
            asked.insert(format!("{method} {template}"));
        }
    }
    assert!(asked.len() >= 8, "{asked:?}");
    assert_eq!(world.rows().await, before, "nothing was written");
    let replay = world.post(&format!("{mine}/cancellations"), "victim", &body).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotency-replayed")), (200, Some("true")));
}

/// A payment that this process remembers is taken from memory for its own merchant only.
#[tokio::test(flavor = "multi_thread")]
async fn lists_of_another_merchant_hold_nothing_and_read_nothing_of_mine() {
    let world = World::start("tenants3").await;
    for number in 0..5 {
        world.paid(&format!("order-{number}"), 1_000).await;
    }
    let other = new_key(&world.admin, "m-2").await;
    for path in ["/v1/payments", "/v1/payments?status=DONE&olderThan=0", "/v1/transactions"] {
        let request = world.client.get(format!("{}{path}", world.base)).bearer_auth(&other);
        let before = world.statements().await;
        let page = send(request).await.json();
        let mut statements = ran(&before, &world.statements().await);
        statements.retain(|text, _| !text.contains("UTC_TIMESTAMP"));
        assert_eq!((&page["data"], &page["hasMore"]), (&json!([]), &json!(false)), "{path}");
        assert_eq!(
            statements.values().sum::<i64>(),
            1,
            "{path}: the clock, the list itself and no payment: {statements:#?}"
        );
    }
}
