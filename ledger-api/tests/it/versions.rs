//! The version of a payment as a condition: `If-Match` on writes, `If-None-Match` on reads.

use chrono::TimeDelta;
use ledger_core::change::Asked;
use ledger_core::ids::{RequestId, Slot};
use ledger_core::ledger::{Ledger, Operation};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::create::Create;
use ledger_core::store::idempotency::{self, Claim};
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, World, card, send};

async fn matching(world: &World, path: &str, key: &str, tag: &str, body: &Value) -> Reply {
    send(world.posting(path, key, body).header("If-Match", tag)).await
}

async fn seen(world: &World, path: &str, tag: &str) -> Reply {
    send(world.request(Method::GET, path).header("If-None-Match", tag)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_on_an_old_version_is_refused_with_the_current_one_and_keeps_nothing() {
    let world = World::start("versions").await;
    let path = world.created("order-1", 1_000).await;
    let confirm = format!("{path}/confirm");
    let before = world.rows().await;
    for tag in ["\"2\"", "W/\"1\"", "\"x\""] {
        let refused = matching(&world, &confirm, "c", tag, &card(1_000)).await;
        let problem = refused.problem("VERSION_MISMATCH");
        assert_eq!((refused.status.as_u16(), refused.header("etag")), (412, Some("\"1\"")), "{tag}");
        assert_eq!(problem["errors"][0]["parameter"], "If-Match");
    }
    assert_eq!(world.rows().await, before, "a refused condition leaves no claim");
    matching(&world, &confirm, "c", "1", &card(1_000)).await.problem("INVALID_PARAMETER");
    let done = matching(&world, &confirm, "c", "\"9\", \"1\"", &card(1_000)).await;
    assert_eq!((done.status.as_u16(), done.header("etag")), (200, Some("\"3\"")), "the key was still free");

    let replay = matching(&world, &confirm, "c", "\"1\"", &card(1_000)).await;
    assert_eq!((replay.status.as_u16(), replay.header("idempotency-replayed")), (200, Some("true")));
    assert_eq!(replay.bytes, done.bytes, "an answer that is kept comes before the condition");
    let other = matching(&world, &confirm, "c", "\"1\"", &card(999)).await;
    other.problem("IDEMPOTENCY_KEY_REUSED");

    let cancel = format!("{path}/cancellations");
    let body = json!({"cancelAmount": 400, "reason": "returned"});
    let refused = matching(&world, &cancel, "k", "\"2\"", &body).await;
    assert_eq!((refused.status.as_u16(), refused.header("etag")), (412, Some("\"3\"")));
    assert_eq!(matching(&world, &cancel, "k", "*", &body).await.status, 200);

    let body = json!({"orderId": "order-2", "currency": "KRW", "totalAmount": 5});
    let made = send(world.posting("/v1/payments", "n", &body).header("If-Match", "\"1\"")).await;
    assert_eq!(made.problem("INVALID_PARAMETER")["errors"][0]["parameter"], "If-Match");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_is_judged_on_the_payment_as_it_is_and_not_as_it_was_remembered() {
    let mut world = World::start("versions2").await;
    let path = world.paid("order-1", 1_000).await;
    let first = world.base.clone();
    let second = world.second_service().await;
    let cancel = format!("{path}/cancellations");
    let body = json!({"cancelAmount": 100, "reason": "returned"});

    world.base.clone_from(&second);
    assert_eq!(matching(&world, &cancel, "other", "\"3\"", &body).await.status, 200);
    world.base = first;
    let stale = matching(&world, &cancel, "mine", "\"3\"", &body).await;
    assert_eq!((stale.status.as_u16(), stale.header("etag")), (412, Some("\"5\"")), "it was remembered at 3");
    let current = matching(&world, &cancel, "mine", "\"5\"", &body).await;
    assert_eq!((current.status.as_u16(), current.header("etag")), (200, Some("\"7\"")));

    world.base = second;
    let replay = matching(&world, &cancel, "mine", "\"5\"", &body).await;
    assert_eq!(
        replay.bytes, current.bytes,
        "a process that never met the key replays its answer all the same"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_the_version_is_told_so_in_no_bytes() {
    let world = World::start("seen").await;
    let path = world.paid("order-1", 1_000).await;
    for path in [path.clone(), "/v1/payments/orders/order-1".to_owned()] {
        let whole = world.get(&path).await;
        let tag = whole.header("etag").unwrap().to_owned();
        for tag in [tag.as_str(), "*", "\"1\", W/\"3\""] {
            let unchanged = seen(&world, &path, tag).await;
            assert_eq!((unchanged.status.as_u16(), unchanged.bytes.len()), (304, 0), "{tag}");
            assert_eq!(unchanged.header("etag"), Some("\"3\""));
        }
        assert_eq!(seen(&world, &path, "\"2\"").await.bytes, whole.bytes);
        seen(&world, &path, "2").await.problem("INVALID_PARAMETER");
    }
}

/// A deadline passes without a change: the version is the same and the payment is not.
#[tokio::test(flavor = "multi_thread")]
async fn what_time_alone_has_changed_is_shown_again() {
    let world = World::start("seen2").await;
    let fresh = world.created("order-1", 1_000).await;
    assert_eq!(seen(&world, &fresh, "\"1\"").await.status, 304);

    let ledger = Ledger::open(&world.db.app, PoolOptions { commit_within: None, ..PoolOptions::default() })
        .await
        .unwrap();
    let create = Create {
        merchant_id: "m-1".to_owned(),
        order_id: "order-2".to_owned(),
        currency: Currency::Krw,
        total: Minor::new(1_000).unwrap(),
        tax_free: Minor::ZERO,
    };
    let op = Operation {
        claim: Claim {
            claim_id: [7; 32],
            slot: Slot::of("m-1", "order-2"),
            merchant_id: "m-1".to_owned(),
            operation: idempotency::Operation::Create,
            fingerprint: [7; 32],
            fields: std::collections::BTreeMap::new(),
        },
        asked: Asked {
            actor: "test".to_owned(),
            request_id: RequestId::new(&mut rand::rng()),
            at: clock::now() - TimeDelta::hours(1),
        },
        versions: None,
    };
    world.administer("INSERT INTO merchant_contract (merchant_id, version, valid_from, fee_rate, fee_vat_rate, created_at, created_by) \
                      VALUES ('m-1', 2, '2026-01-01', 0.03, 0.1, '2026-01-01', 'test')").await;
    ledger.create(&op, &create, &ledger_api::render::Kept::Created).await.unwrap();
    let expired = seen(&world, "/v1/payments/orders/order-2", "\"1\"").await;
    assert_eq!((expired.status.as_u16(), &expired.json()["status"]), (200, &json!("EXPIRED")));
}
