//! The story of the demo: a split payment, its partial cancel, an over-cancel.

use serde_json::{Value, json};

use crate::support::{Reply, World, send};

fn split() -> Value {
    json!({"approvals": [
        {"method": "CARD", "issuerId": "card", "amount": 15_000, "card": {"bin": "411111", "last4": "1111"}, "installmentMonths": 3},
        {"method": "POINTS", "issuerId": "points", "amount": 35_000},
    ]})
}

fn version_of(reply: &Reply, payment: &Value) -> String {
    let etag = format!("\"{}\"", payment["version"]);
    assert_eq!(reply.header("etag"), Some(etag.as_str()));
    etag
}

fn figures(payment: &Value) -> [i64; 5] {
    ["balanceAmount", "cancelableAmount", "suppliedAmount", "vat", "taxFreeAmount"]
        .map(|field| payment[field].as_i64().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_split_payment_is_created_confirmed_canceled_in_part_and_not_beyond() {
    let world = World::start("story").await;
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 50_000});
    let created = world.post("/v1/payments", "k-create", &body).await;
    let payment = created.json();
    assert_eq!((created.status.as_u16(), &payment["status"]), (201, &json!("READY")));
    assert_eq!(figures(&payment), [50_000, 0, 45_455, 4_545, 0]);
    let path = format!("/v1/payments/{}", payment["id"].as_str().unwrap());
    assert_eq!(created.header("location"), Some(path.as_str()));
    version_of(&created, &payment);

    let confirmed = world.post(&format!("{path}/confirm"), "k-confirm", &split()).await;
    let payment = confirmed.json();
    assert_eq!((confirmed.status.as_u16(), &payment["status"]), (200, &json!("DONE")), "{payment:#}");
    assert_eq!(figures(&payment), [50_000, 50_000, 45_455, 4_545, 0]);
    assert_eq!(payment["approvals"][0]["card"], json!({"bin": "411111", "last4": "1111"}));
    assert_eq!(payment["approvals"][0]["attempts"][0]["state"], "ACCEPTED");
    assert!(payment["approvedAt"].as_str().unwrap().ends_with("+09:00"));
    version_of(&confirmed, &payment);

    let cancel = json!({"cancelAmount": 20_000, "reason": "하나 반품", "expectedBalance": 50_000});
    let canceled = world.post(&format!("{path}/cancellations"), "k-cancel", &cancel).await;
    let body = canceled.json();
    assert_eq!(canceled.status, 200, "{body:#}");
    assert_eq!(body["payment"]["status"], "PARTIAL_CANCELED");
    assert_eq!(figures(&body["payment"]), [30_000, 30_000, 27_273, 2_727, 0]);
    let cancellation = &body["cancellation"];
    assert_eq!((&cancellation["cancelStatus"], &cancellation["vat"]), (&json!("DONE"), &json!(1_818)));
    let allocated = cancellation["allocations"].as_array().unwrap();
    let allocated: Vec<_> =
        allocated.iter().map(|part| (part["leg"].as_i64(), part["amount"].as_i64())).collect();
    assert_eq!(allocated, [(Some(1), Some(15_000)), (Some(2), Some(5_000))]);
    version_of(&canceled, &body["payment"]);

    let over = json!({"cancelAmount": 30_001, "reason": "too much"});
    let refused =
        world.post(&format!("{path}/cancellations"), "k-over", &over).await.problem("NOT_CANCELABLE_AMOUNT");
    assert_eq!((&refused["status"], &refused["outcome"]), (&json!(409), &json!("not_attempted")));
    let old = json!({"cancelAmount": 1, "reason": "old picture", "expectedBalance": 50_000});
    world.post(&format!("{path}/cancellations"), "k-old", &old).await.problem("BALANCE_MISMATCH");

    reads(&world, &path, &body["payment"]).await;
    let truth = serde_json::to_value(world.issuer.truth()).unwrap();
    assert_eq!(truth["totals"]["effective"], 30_000, "{truth:#}");
}

/// What can be read of it afterwards.
async fn reads(world: &World, path: &str, last: &Value) {
    let read = world.get(path).await;
    assert_eq!((read.status.as_u16(), &read.json()), (200, last), "a kept answer and a read show the same");
    version_of(&read, last);
    assert_eq!(&world.get("/v1/payments/orders/order-1").await.json(), last);

    let cancels = world.get(&format!("{path}/cancellations")).await.json();
    assert_eq!((&cancels["data"], &cancels["hasMore"]), (&last["cancels"], &json!(false)));

    let first = world.get(&format!("{path}/events?limit=2")).await.json();
    let cursor = first["nextCursor"].as_str().unwrap();
    let rest = world.get(&format!("{path}/events?cursor={cursor}")).await.json();
    let changes: Vec<_> =
        first["data"].as_array().unwrap().iter().chain(rest["data"].as_array().unwrap()).collect();
    let seqs: Vec<_> = changes.iter().map(|change| change["seq"].as_i64().unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5], "create, confirm, verdict, cancel, its result");
    assert_eq!(changes[2]["events"][0]["type"], "payment.confirmed.v1");
    for change in changes {
        assert_eq!(change["intact"], true);
        let lines = change["journal"].as_array().unwrap();
        let signed =
            |line: &Value| line["amount"].as_i64().unwrap() * if line["side"] == "D" { 1 } else { -1 };
        assert_eq!(lines.iter().map(signed).sum::<i64>(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_a_request_come_back() {
    let world = World::start("ids").await;
    let request = world.request(reqwest::Method::GET, "/v1/payments/orders/none");
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let reply = send(request.header("X-Request-Id", "req-1").header("traceparent", parent)).await;
    assert_eq!(reply.header("x-request-id"), Some("req-1"));
    let problem = reply.problem("PAYMENT_NOT_FOUND");
    assert_eq!(problem["traceId"], "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(problem["instance"], "/v1/payments/orders/none");
    let page = world.client.get(format!("{}{}", world.base, problem["type"].as_str().unwrap()));
    let page = send(page).await;
    assert_eq!(page.status, 200);
    assert!(String::from_utf8(page.bytes).unwrap().starts_with("# PAYMENT_NOT_FOUND"));
    let reply =
        send(world.request(reqwest::Method::GET, "/health/ready").header("X-Request-Id", "a b")).await;
    assert_eq!(reply.header("x-request-id").map(str::len), Some(36), "one of ours");
}
