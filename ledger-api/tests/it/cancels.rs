//! Cancels over REST: how they are spread, foreseen, refused field by field, done in part, and read.

use serde_json::{Value, json};

use crate::support::{Reply, World};

/// 15,000 by card and 35,000 by points.
async fn split(world: &World, order: &str) -> String {
    let path = world.created(order, 50_000).await;
    let body = json!({"approvals": [
        {"method": "CARD", "issuerId": "card", "amount": 15_000},
        {"method": "POINTS", "issuerId": "points", "amount": 35_000, "partialCancelable": false},
    ]});
    let reply = world.post(&format!("{path}/confirm"), &format!("confirm-{order}"), &body).await;
    assert_eq!(reply.status, 200, "{:#}", reply.json());
    path
}

fn parts(cancellation: &Value) -> Vec<(i64, i64)> {
    let parts = cancellation["allocations"].as_array().unwrap();
    parts.iter().map(|part| (part["leg"].as_i64().unwrap(), part["amount"].as_i64().unwrap())).collect()
}

fn pointer(reply: &Reply, code: &str) -> String {
    reply.problem(code)["errors"][0]["pointer"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_is_spread_as_asked_for_and_read_by_its_id() {
    let world = World::start("spread").await;
    let path = format!("{}/cancellations", split(&world, "order-1").await);
    let told = json!({"allocations": [{"leg": 1, "amount": 4_000, "taxFreeAmount": 0}], "reason": "one"});
    let first = world.post(&path, "k-1", &told).await.json()["cancellation"].clone();
    assert_eq!((parts(&first), &first["cancelAmount"]), (vec![(1, 4_000)], &json!(4_000)), "{first:#}");
    let prorata = json!({"cancelAmount": 36_000, "allocation": "PRORATA", "reason": "two"});
    let second = world.post(&path, "k-2", &prorata).await.json()["cancellation"].clone();
    assert_eq!(parts(&second), [(1, 1_000), (2, 35_000)], "the points are taken whole");
    let rest = json!({"allocation": "REFUND_ORDER", "reason": "the rest"});
    let third = world.post(&path, "k-3", &rest).await.json()["cancellation"].clone();
    assert_eq!(parts(&third), [(1, 10_000)]);
    for cancellation in [first, second, third] {
        let one = world.get(&format!("{path}/{}", cancellation["id"].as_str().unwrap())).await;
        assert_eq!((one.status.as_u16(), one.json()), (200, cancellation));
        assert!(one.header("etag").is_some());
    }
    let id = path.split('/').nth(3).unwrap();
    world.get(&format!("{path}/{id}-c9")).await.problem("CANCELLATION_NOT_FOUND");
    world.get(&format!("{path}/{id}-c01")).await.problem("INVALID_PARAMETER");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_canceled_is_refused_by_its_field() {
    let world = World::start("fields").await;
    let path = format!("{}/cancellations", split(&world, "order-1").await);
    let part = |leg: i64, amount: i64| json!({"leg": leg, "amount": amount});
    let cases = [
        (json!({"allocations": [part(1, 1), part(3, 1)]}), "ALLOCATION_IMPOSSIBLE", "/allocations/1/leg"),
        (json!({"allocations": [part(1, 15_001)]}), "NOT_CANCELABLE_AMOUNT", "/allocations/0/amount"),
        (json!({"allocations": [part(2, 34_999)]}), "ALLOCATION_IMPOSSIBLE", "/allocations/0/amount"),
        (json!({"allocations": [part(1, 1), part(1, 1)]}), "INVALID_FIELDS", "/allocations/1/leg"),
        (json!({"allocations": [part(1, 1)], "cancelAmount": 2}), "INVALID_FIELDS", "/allocations"),
        (json!({"allocations": [part(0, 1)]}), "INVALID_FIELDS", "/allocations/0/leg"),
        (json!({"allocations": []}), "INVALID_FIELDS", "/allocations"),
        (json!({"allocations": [part(1, 1)], "allocation": "PRORATA"}), "INVALID_FIELDS", "/allocation"),
        (json!({"allocation": "EVENLY"}), "INVALID_FIELDS", "/allocation"),
        (
            json!({"allocations": [{"leg": 1, "amount": 2, "taxFreeAmount": 3}]}),
            "INVALID_FIELDS",
            "/allocations/0/taxFreeAmount",
        ),
        (
            json!({"allocations": [{"leg": 1, "amount": 2, "taxFreeAmount": 1}]}),
            "TAX_FREE_OUT_OF_BOUNDS",
            "/allocations",
        ),
        (json!({"cancelAmount": 2, "taxFreeAmount": 1}), "TAX_FREE_OUT_OF_BOUNDS", "/taxFreeAmount"),
        (json!({"cancelAmount": 15_001}), "ALLOCATION_IMPOSSIBLE", "/cancelAmount"),
        (json!({"cancelAmount": 15_001, "allocation": "PRORATA"}), "ALLOCATION_IMPOSSIBLE", "/cancelAmount"),
        (json!({"cancelAmount": 50_001}), "NOT_CANCELABLE_AMOUNT", "/cancelAmount"),
        (json!({"expectedBalance": 1}), "BALANCE_MISMATCH", "/expectedBalance"),
    ];
    for (case, (mut body, code, place)) in cases.into_iter().enumerate() {
        body["reason"] = json!("a case");
        let refused = world.post(&path, &format!("k-{case}"), &body).await;
        assert_eq!(pointer(&refused, code), place, "{body}");
        body["dryRun"] = json!(true);
        let foreseen = world.post(&path, &format!("d-{case}"), &body).await;
        assert_eq!((pointer(&foreseen, code).as_str(), foreseen.status), (place, refused.status), "{body}");
    }
    assert_eq!(world.issuer.truth().totals.canceled, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_what_comes_of_it_and_leaves_nothing_behind() {
    let world = World::start("dry").await;
    let payment = split(&world, "order-1").await;
    let path = format!("{payment}/cancellations");
    let rows = world.rows().await;
    let body = json!({"cancelAmount": 10_000, "reason": "one", "dryRun": true});
    let dry = world.post(&path, "k", &body).await;
    let mut foreseen = dry.json();
    assert_eq!((dry.status.as_u16(), &foreseen["dryRun"]), (200, &json!(true)), "{foreseen:#}");
    assert_eq!(world.rows().await, rows, "nothing is written");
    assert_eq!(world.issuer.truth().totals.canceled, 0, "nobody is asked");

    let real = world.post(&path, "k", &json!({"cancelAmount": 10_000, "reason": "one"})).await;
    assert_eq!((real.status.as_u16(), real.header("idempotency-replayed")), (200, None), "the key was free");
    let mut real = real.json();
    assert_eq!(real.get("dryRun"), None);
    foreseen.as_object_mut().unwrap().remove("dryRun");
    for body in [&mut foreseen, &mut real] {
        body["payment"].as_object_mut().unwrap().remove("version");
        for approval in body["payment"]["approvals"].as_array_mut().unwrap() {
            approval.as_object_mut().unwrap().remove("attempts");
        }
        for at in ["/cancellation", "/payment/cancels/0"] {
            let cancellation = body.pointer_mut(at).unwrap().as_object_mut().unwrap();
            assert!(cancellation.remove("requestedAt").is_some() && cancellation.remove("endedAt").is_some());
        }
    }
    assert_eq!(foreseen, real, "but for times, messages and the number of the change");
}

/// R16
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_one_of_two_issuers_refuses_is_partly_done_and_replayed_so() {
    let world = World::start("partly").await;
    let payment = split(&world, "order-1").await;
    let path = format!("{payment}/cancellations");
    let script = json!({"match": {"amount": 35_000}, "kind": "cancel", "steps": [{"action": "decline"}]});
    world.issuer.script(serde_json::from_value(script).unwrap());
    let all = json!({"reason": "all of it"});
    let partly = world.post(&path, "k-1", &all).await;
    let body = partly.json();
    assert_eq!(partly.status, 200, "{body:#}");
    let cancellation = &body["cancellation"];
    assert_eq!(
        (&cancellation["cancelStatus"], &cancellation["doneAmount"]),
        (&json!("PARTIALLY_DONE"), &json!(15_000))
    );
    assert_eq!(
        (&body["payment"]["balanceAmount"], &body["payment"]["cancelableAmount"]),
        (&json!(35_000), &json!(35_000)),
        "the refused share is free again"
    );
    let again = world.post(&path, "k-1", &all).await;
    assert_eq!((again.status, &again.bytes), (partly.status, &partly.bytes));
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    let rest = world.post(&path, "k-2", &json!({"cancelAmount": 35_000, "reason": "the rest"})).await;
    assert_eq!(rest.json()["payment"]["status"], "CANCELED", "{:#}", rest.json());
    assert_eq!(world.issuer.truth().totals.effective, 0);
}
