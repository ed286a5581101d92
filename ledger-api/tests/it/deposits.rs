//! Virtual accounts over REST: issued by the issuer, deposited, refunded from suspense, given up, canceled.

use serde_json::{Value, json};

use crate::support::{World, by_deposit, deposit};

fn to() -> Value {
    json!({"bankCode": "088", "token": "acct-7f3a"})
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_issued_shown_and_deposited_to() {
    let world = World::start("issued").await;
    let (path, account) = world.waiting("order-1", 50_000).await;
    let shown = world.get(&path).await.json();
    let virtual_account = &shown["approvals"][0]["virtualAccount"];
    assert_eq!(
        (&virtual_account["bankCode"], &virtual_account["depositedAmount"]),
        (&json!("088"), &json!(0))
    );
    assert_eq!(
        (&shown["approvals"][0]["status"], &shown["approvals"][0]["ruleVersion"]),
        (&json!("ISSUED"), &json!(1))
    );
    assert!(virtual_account["dueAt"].as_str().unwrap() > shown["requestedAt"].as_str().unwrap());
    assert_eq!((&shown["exposure"], &shown["cancelableAmount"]), (&json!(0), &json!(0)));

    assert!(world.issuer.deposit(&account, 20_000) && world.issuer.deposit(&account, 30_000));
    let first = world.post(&format!("{path}/deposits"), "d-1", &deposit("r-1", 20_000)).await;
    let short = first.json();
    assert_eq!(first.status, 200, "{short:#}");
    assert_eq!(
        (&short["payment"]["status"], &short["payment"]["suspenseAmount"]),
        (&json!("WAITING_FOR_DEPOSIT"), &json!(20_000))
    );
    assert_eq!(short["deposit"]["countedAmount"], 20_000);
    let second = world.post(&format!("{path}/deposits"), "d-2", &deposit("r-2", 30_000)).await.json();
    assert_eq!(
        (&second["payment"]["status"], &second["payment"]["suspenseAmount"]),
        (&json!("DONE"), &json!(0)),
        "{second:#}"
    );
    assert_eq!(second["payment"]["balanceAmount"], 50_000);

    let nowhere = json!({"cancelAmount": 10_000, "reason": "returned"});
    let refused = world.post(&format!("{path}/cancellations"), "c-1", &nowhere).await;
    assert_eq!(refused.problem("REFUND_ACCOUNT_MISSING")["errors"][0]["pointer"], "/refundReceiveAccount");
    let body = json!({"cancelAmount": 10_000, "reason": "returned", "refundReceiveAccount": to()});
    let canceled = world.post(&format!("{path}/cancellations"), "c-2", &body).await;
    assert_eq!(
        (canceled.status.as_u16(), &canceled.json()["payment"]["status"]),
        (200, &json!("PARTIAL_CANCELED"))
    );
    assert_eq!(world.issuer.truth().totals.effective, 40_000, "the issuer was told where to");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_goes_back_from_suspense() {
    let world = World::start("suspense").await;
    let (path, _) = world.waiting("order-1", 50_000).await;
    let refund = |amount: i64| json!({"amount": amount, "reason": "too much", "refundReceiveAccount": to()});
    let refunds = format!("{path}/deposit-refunds");
    world.post(&format!("{path}/deposits"), "d-1", &deposit("r-1", 10_000)).await;
    world.post(&refunds, "f-0", &refund(1)).await.problem("INVALID_STATE");
    let over = world.post(&format!("{path}/deposits"), "d-2", &deposit("r-2", 45_000)).await.json();
    assert_eq!(over["payment"]["suspenseAmount"], 5_000, "{over:#}");
    let much = world.post(&refunds, "f-1", &refund(5_001)).await.problem("NOT_REFUNDABLE_AMOUNT");
    assert_eq!(much["errors"][0]["detail"], "1 to 5000 can be refunded");
    let asked = world.post(&refunds, "f-2", &refund(5_000)).await.json();
    assert_eq!(
        (&asked["refund"]["status"], &asked["refund"]["refundNo"]),
        (&json!("IN_PROGRESS"), &json!(1))
    );
    assert_eq!(asked["payment"]["approvals"][0]["virtualAccount"]["refundableAmount"], 0);
    let result = json!({"outcome": "DONE", "bankReference": "out-1"});
    let ended = world.post(&format!("{refunds}/1/result"), "e-1", &result).await.json();
    assert_eq!(
        (&ended["refund"]["status"], &ended["payment"]["suspenseAmount"]),
        (&json!("DONE"), &json!(0)),
        "{ended:#}"
    );
    world
        .post(&format!("{refunds}/1/result"), "e-2", &json!({"outcome": "FAILED"}))
        .await
        .problem("INVALID_STATE");
    world.post(&format!("{refunds}/2/result"), "e-3", &result).await.problem("DEPOSIT_REFUND_NOT_FOUND");
    world.post(&format!("{refunds}/x/result"), "e-4", &result).await.problem("DEPOSIT_REFUND_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_its_deposit_a_payment_is_canceled_whole_and_keeps_nothing() {
    let world = World::start("given_up").await;
    let (path, _) = world.waiting("order-1", 50_000).await;
    let cancels = format!("{path}/cancellations");
    let part = world.post(&cancels, "c-1", &json!({"cancelAmount": 1, "reason": "part"})).await;
    assert_eq!(part.problem("CANCEL_IN_FULL_ONLY")["errors"][0]["detail"], "leave it out, or say 50000");
    let dry =
        world.post(&cancels, "c-2", &json!({"reason": "no longer wanted", "dryRun": true})).await.json();
    assert_eq!((&dry["dryRun"], &dry["payment"]["status"]), (&json!(true), &json!("CANCELED")), "{dry:#}");
    let whole = world.post(&cancels, "c-2", &json!({"reason": "no longer wanted"})).await;
    let closed = whole.json();
    assert_eq!(whole.status, 200, "{closed:#}");
    assert!(closed.get("cancellation").is_none(), "nothing was paid: {closed:#}");
    let payment = &closed["payment"];
    assert_eq!(
        (&payment["status"], &payment["balanceAmount"], &payment["reversal"]),
        (&json!("CANCELED"), &json!(0), &json!("PENDING"))
    );
    let late = world.post(&format!("{path}/deposits"), "d-1", &deposit("r-1", 50_000)).await.json();
    assert_eq!(
        (&late["payment"]["status"], &late["payment"]["suspenseAmount"]),
        (&json!("CANCELED"), &json!(50_000)),
        "{late:#}"
    );
    assert_eq!(late["deposit"]["countedAmount"], 0);
    let again = world.created("order-1-again", 1_000).await;
    assert_ne!(again, path);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deposit_cannot_be_is_refused_by_its_field() {
    let world = World::start("deposit_bad").await;
    let (path, _) = world.waiting("order-1", 50_000).await;
    let deposits = format!("{path}/deposits");
    let by_card = format!("{}/deposits", world.paid("order-2", 1_000).await);
    let pointer = |problem: Value| problem["errors"][0]["pointer"].as_str().unwrap().to_owned();
    let good = deposit("r-1", 1_000);
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    for (number, (field, value)) in [
        ("amount", json!(0)),
        ("amount", json!(1.5)),
        ("bankReference", json!("a b")),
        ("depositedAt", json!("2026-11-24")),
        ("depositedAt", json!("2099-01-01T00:00:00+09:00")),
        ("leg", json!(0)),
        ("holder", json!("Kim")),
    ]
    .into_iter()
    .enumerate()
    {
        let reply = world.post(&deposits, &format!("bad-{number}"), &with(field, value)).await;
        assert_eq!(pointer(reply.problem("INVALID_FIELDS")), format!("/{field}"));
    }
    assert_eq!(pointer(world.post(&by_card, "k-1", &good).await.problem("NO_VIRTUAL_ACCOUNT")), "/leg");
    let other_leg = world.post(&deposits, "k-2", &with("leg", json!(2))).await;
    assert_eq!(pointer(other_leg.problem("NO_VIRTUAL_ACCOUNT")), "/leg");
    assert_eq!(world.post(&deposits, "k-3", &good).await.status, 200);
    let other_amount = world.post(&deposits, "k-4", &with("amount", json!(2_000))).await;
    assert_eq!(pointer(other_amount.problem("DEPOSIT_REFERENCE_REUSED")), "/bankReference");
    let number = json!({"amount": 1, "reason": "x", "refundReceiveAccount": {"bankCode": "088", "token": "110123456789"}});
    let refused = world.post(&format!("{path}/deposit-refunds"), "k-5", &number).await;
    assert_eq!(pointer(refused.problem("INVALID_FIELDS")), "/refundReceiveAccount/token");
    let card = json!({"amount": 1, "reason": "x", "refundReceiveAccount": {"bankCode": "088", "token": "4111111111111111"}});
    world.post(&format!("{path}/deposit-refunds"), "k-6", &card).await.problem("CARD_NUMBER_REFUSED");
    let mut hours = by_deposit(1_000);
    hours["approvals"][0]["depositHours"] = json!(0);
    let fresh = world.created("order-3", 1_000).await;
    let refused = world.post(&format!("{fresh}/confirm"), "k-7", &hours).await;
    assert_eq!(pointer(refused.problem("INVALID_FIELDS")), "/approvals/0/depositHours");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_waits_for_as_long_as_was_asked_for() {
    let world = World::start("deposit_hours").await;
    let path = world.created("order-1", 1_000).await;
    let mut body = by_deposit(1_000);
    body["approvals"][0]["depositHours"] = json!(2);
    let payment = world.post(&format!("{path}/confirm"), "k", &body).await.json();
    let time = |text: &Value| text.as_str().unwrap().parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let waits = time(&payment["approvals"][0]["virtualAccount"]["dueAt"]) - time(&payment["requestedAt"]);
    assert!((115..=121).contains(&waits.num_minutes()), "{payment:#}");
}
