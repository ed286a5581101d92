//! Every endpoint that writes × every outcome of its key: fresh, replayed, reused, in progress; and who races.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Reply, World, card, scripted, send};

/// One endpoint that writes: path, a body, one that differs, and the pointers that do.
async fn writes(world: &World) -> Vec<(String, Value, Value, Vec<&'static str>)> {
    let ready = world.created("ready", 1_000).await;
    let paid = world.paid("paid", 1_000).await;
    let declined = world.created("declined", 1_000).await;
    vec![
        (
            "/v1/payments".to_owned(),
            json!({"orderId": "new", "currency": "KRW", "totalAmount": 1_000}),
            json!({"orderId": "new", "currency": "USD", "totalAmount": 1_001, "taxFreeAmount": 0}),
            vec!["/currency", "/taxFreeAmount", "/totalAmount"],
        ),
        (
            "/v1/payments".to_owned(),
            json!({"orderId": "new-2", "currency": "KRW", "totalAmount": 1_000, "confirm": card(1_000)}),
            json!({"orderId": "new-2", "currency": "KRW", "totalAmount": 1_000, "confirm": scripted(1_000, "t")}),
            vec![
                "/confirm/approvals/0/card/bin",
                "/confirm/approvals/0/card/last4",
                "/confirm/approvals/0/methodToken",
            ],
        ),
        (
            "/v1/payments".to_owned(),
            json!({"orderId": "new-3", "currency": "KRW", "totalAmount": 1_000, "confirm": scripted(1_000, "sim:decline")}),
            json!({"orderId": "new-3", "currency": "KRW", "totalAmount": 1_000}),
            vec![
                "/confirm/approvals/0/amount",
                "/confirm/approvals/0/issuerId",
                "/confirm/approvals/0/method",
                "/confirm/approvals/0/methodToken",
            ],
        ),
        (
            format!("{ready}/confirm"),
            card(1_000),
            json!({"approvals": [{"method": "CARD", "issuerId": "card", "amount": 1_000, "card": {"bin": "411111", "last4": "1112"}}]}),
            vec!["/approvals/0/card/last4"],
        ),
        (
            format!("{paid}/cancellations"),
            json!({"cancelAmount": 300, "reason": "one"}),
            json!({"cancelAmount": 301, "reason": "one"}),
            vec!["/cancelAmount"],
        ),
        (
            format!("{paid}/cancellations"),
            json!({"cancelAmount": 5_000, "reason": "refused, and kept"}),
            json!({"reason": "refused, and kept"}),
            vec!["/cancelAmount"],
        ),
        (
            format!("{declined}/confirm"),
            scripted(1_000, "sim:decline"),
            scripted(1_000, "sim:approve"),
            vec!["/approvals/0/methodToken"],
        ),
    ]
}

/// I14
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_replayed_byte_for_byte_and_another_body_is_refused_by_its_fields() {
    let world = World::start("replay").await;
    let second = world.second_service().await;
    for (index, (path, body, other, differing)) in writes(&world).await.into_iter().enumerate() {
        let key = format!("key {index}");
        let fresh = world.post(&path, &key, &body).await;
        assert_eq!(fresh.header("idempotency-replayed"), None, "{path}");
        let rows = world.rows().await;
        let elsewhere = world.client.post(format!("{second}{path}")).bearer_auth(&world.key);
        let elsewhere = send(elsewhere.header("Idempotency-Key", &key).json(&body)).await;
        for replayed in [world.post(&path, &key, &body).await, elsewhere] {
            assert_eq!(replayed.header("idempotency-replayed"), Some("true"), "{path}");
            assert_eq!((replayed.status, &replayed.bytes), (fresh.status, &fresh.bytes), "{path}");
            for name in ["content-type", "location", "etag"] {
                assert_eq!(replayed.header(name), fresh.header(name), "{path} {name}");
            }
        }
        let reused = world.post(&path, &key, &other).await;
        assert_eq!(reused.status, 422);
        let problem = reused.problem("IDEMPOTENCY_KEY_REUSED");
        let errors = problem["errors"].as_array().unwrap();
        let named: Vec<_> = errors.iter().map(|error| error["pointer"].as_str().unwrap()).collect();
        assert_eq!(named, differing, "{path}");
        assert_eq!(world.rows().await, rows, "{path}: neither replay nor reuse writes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blanks_and_the_order_of_fields_make_no_other_body() {
    let world = World::start("canonical").await;
    let first = world
        .post("/v1/payments", "k", &json!({"orderId": "o-1", "currency": "KRW", "totalAmount": 1}))
        .await;
    let text = "{ \"totalAmount\" : 1,\n \"currency\":\"KRW\", \"orderId\":\"o\\u002d1\"}";
    let request = world.request(reqwest::Method::POST, "/v1/payments").header("Idempotency-Key", "k");
    let again = send(request.header("Content-Type", "application/json; charset=utf-8").body(text)).await;
    assert_eq!((again.status, again.bytes), (first.status, first.bytes));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_confirm_that_still_runs_is_told_so() {
    let world = World::start("running").await;
    let path = format!("{}/confirm", world.created("order-1", 1_000).await);
    let body = scripted(1_000, "sim:delay:600");
    let first = tokio::spawn(send(world.posting(&path, "k", &body)));
    while world.issuer.truth().traces.is_empty() {
        assert!(!first.is_finished(), "the issuer was never asked");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let running = world.post(&path, "k", &body).await;
    assert_eq!((running.status.as_u16(), running.header("retry-after")), (409, Some("1")));
    assert_eq!(running.problem("REQUEST_IN_PROGRESS")["outcome"], "unknown");
    let other = world.post(&path, "k-2", &body).await;
    other.problem("INVALID_STATE");
    let first = first.await.unwrap();
    assert_eq!(first.status, 200);
    let replayed = world.post(&path, "k", &body).await;
    assert_eq!(replayed.bytes, first.bytes);
    let late = world.post(&path, "k-2", &body).await;
    late.problem("INVALID_STATE");
}

/// I14
#[tokio::test(flavor = "multi_thread")]
async fn sixteen_at_once_with_one_key_do_it_once_and_get_one_answer() {
    let world = World::start("race").await;
    let second = world.second_service().await;
    let paid = world.paid("order-1", 1_000).await;
    let path = format!("{paid}/cancellations");
    let body = json!({"cancelAmount": 100, "reason": "once"});
    let calls: Vec<_> = (0..16)
        .map(|caller| {
            let base = if caller % 2 == 0 { &world.base } else { &second };
            let request = world.client.post(format!("{base}{path}")).bearer_auth(&world.key);
            tokio::spawn(send(request.header("Idempotency-Key", "one").json(&body)))
        })
        .collect();
    let mut bodies = BTreeSet::new();
    for call in calls {
        let reply: Reply = call.await.unwrap();
        assert!(matches!(reply.status.as_u16(), 200 | 202), "{:#}", reply.json());
        if reply.status == 200 {
            bodies.insert(reply.bytes);
        }
    }
    assert_eq!(bodies.len(), 1);
    let payment = world.get(&paid).await.json();
    assert_eq!(
        (payment["balanceAmount"].as_i64(), payment["cancels"].as_array().unwrap().len()),
        (Some(900), 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_orders_at_once_with_one_name_make_one_payment() {
    let world = World::start("orders").await;
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 1_000});
    let calls: Vec<_> = (0..16)
        .map(|caller| tokio::spawn(send(world.posting("/v1/payments", &format!("k-{caller}"), &body))))
        .collect();
    let mut created = 0;
    for call in calls {
        let reply = call.await.unwrap();
        if reply.status == 201 {
            created += 1;
        } else {
            reply.problem("ORDER_IN_USE");
        }
    }
    assert_eq!(created, 1);
    assert_eq!(world.rows().await["payment"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_may_pass_leaves_the_key_free() {
    let world = World::start("passing").await;
    let path = format!("{}/confirm", world.created("order-1", 1_000).await);
    let before = world.rows().await;
    let nobody = json!({"approvals": [{"method": "CARD", "issuerId": "nobody", "amount": 1_000}]});
    let refused = world.post(&path, "k", &nobody).await;
    assert_eq!(refused.problem("UNKNOWN_ISSUER")["outcome"], "not_attempted");
    assert_eq!(world.rows().await, before);
    assert_eq!(world.post(&path, "k", &card(1_000)).await.status, 200);
}
