//! A merchant sees its own payments and nothing of others'.

use std::time::Duration;

use ledger_runtime::clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, card, new_key, send};

const ABSENT: &str = "01939999-0000-8000-8000-000000000000";

/// A problem without what names the request.
fn anonymous(reply: &Reply) -> Value {
    let mut problem = reply.problem("PAYMENT_NOT_FOUND");
    let fields = problem.as_object_mut().unwrap();
    fields.remove("instance");
    fields.remove("traceId");
    problem
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_of_another_merchant_is_answered_like_one_that_does_not_exist() {
    let world = World::start("tenants").await;
    let path = world.paid("order-1", 1_000).await;
    let other = new_key(&world.admin, "m-2").await;
    let before = world.rows().await;
    let absent = format!("/v1/payments/{ABSENT}");
    let cancel = json!({"reason": "not mine"});
    let calls: [(Method, &str, Option<Value>); 5] = [
        (Method::GET, "", None),
        (Method::GET, "/cancellations", None),
        (Method::GET, "/events", None),
        (Method::POST, "/confirm", Some(card(1_000))),
        (Method::POST, "/cancellations", Some(cancel)),
    ];
    for (method, tail, body) in calls {
        let mut answers = Vec::new();
        for of in [&path, &absent] {
            let request =
                world.client.request(method.clone(), format!("{}{of}{tail}", world.base)).bearer_auth(&other);
            let request = match &body {
                Some(body) => request.header("Idempotency-Key", format!("k{tail}{of}")).json(body),
                None => request,
            };
            let reply = send(request).await;
            assert_eq!(reply.status, 404, "{method} {tail}");
            answers.push(anonymous(&reply));
        }
        assert_eq!(answers[0], answers[1], "{method} {tail}");
    }
    let order = world.client.get(format!("{}/v1/payments/orders/order-1", world.base)).bearer_auth(&other);
    assert_eq!(send(order).await.status, 404);
    assert_eq!(world.rows().await, before);

    let same_order = world.client.post(format!("{}/v1/payments", world.base)).bearer_auth(&other);
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 5});
    let created = send(same_order.header("Idempotency-Key", "create-order-1").json(&body)).await;
    assert_eq!(created.status, 201, "orders and keys are each merchant's own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_wrong_or_revoked_opens_nothing() {
    let world = World::start("keys").await;
    let before = world.rows().await;
    let (key_id, secret) = world.key.split_once('.').unwrap();
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        format!("Bearer {key_id}"),
        format!("Bearer {key_id}.wrong"),
        format!("Bearer lk_unknown.{secret}"),
        format!("Basic {key_id}.{secret}"),
    ];
    for value in wrong {
        let request =
            world.client.post(format!("{}/v1/payments", world.base)).header("Authorization", &value);
        let reply = send(request.header("Idempotency-Key", "k").json(&json!({}))).await;
        assert_eq!(reply.problem("UNAUTHORIZED")["outcome"], "not_attempted", "{value}");
        assert!(reply.header("www-authenticate").unwrap().starts_with("Bearer"));
    }
    assert_eq!(world.rows().await, before);

    assert_eq!(world.get("/v1/payments/orders/none").await.status, 404);
    world.admin.revoke_key(key_id, "lost", clock::now()).await.unwrap();
    let noticed = async {
        while world.get("/v1/payments/orders/none").await.status != 401 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), noticed)
        .await
        .expect("a revocation is noticed within five seconds");
}
