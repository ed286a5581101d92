//! Exposure and what is owed: by merchant over REST and of all by `ledger-admin`, now and as they were known then.

use chrono::{TimeDelta, Utc};
use ledger_core::time::{BusinessDate, seoul};
use ledger_runtime::clock;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::support::{World, card, new_key, scripted, send};

/// Runs a report of `ledger-admin` on the replica, once that has everything.
async fn report(world: &World, arguments: &[&str]) -> Vec<Value> {
    world.db.replica_caught_up().await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger-admin"));
    command.args(["--format", "json"]).args(arguments).env("REPLICA_URL", &world.db.read);
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn micros(at: chrono::DateTime<Utc>) -> String {
    seoul(at).to_rfc3339_opts(chrono::SecondsFormat::Micros, false)
}

async fn silent(world: &World, key: &str, order: &str, amount: i64) {
    let post = |path: &str, name: String, body: &Value| {
        world
            .client
            .post(format!("{}{path}", world.base))
            .bearer_auth(key)
            .header("Idempotency-Key", name)
            .json(body)
    };
    let body = json!({"orderId": order, "currency": "KRW", "totalAmount": amount});
    let made = send(post("/v1/payments", format!("c-{order}"), &body)).await;
    let confirm = format!("{}/confirm", made.header("location").unwrap());
    let reply = send(post(&confirm, format!("f-{order}"), &scripted(amount, "sim:drop"))).await;
    reply.problem("ISSUER_TIMEOUT");
}

/// I7, I8
#[tokio::test(flavor = "multi_thread")]
async fn exposure_is_told_by_payment_issuer_and_merchant_now_and_then() {
    let world = World::start("exposure").await;
    let other = new_key(&world.admin, "m-2").await;
    world.paid("order-0", 9_000).await;
    silent(&world, &world.key, "order-1", 1_000).await;
    let between = clock::now();
    silent(&world, &world.key, "order-2", 2_000).await;
    silent(&world, &other, "order-1", 50_000).await;

    let exposure = world.get("/v1/exposure").await.json();
    assert_eq!(
        exposure["byIssuer"],
        json!([{"issuerId": "card", "currency": "KRW", "amount": 3_000, "attempts": 2}])
    );
    let amounts: Vec<_> = exposure["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["orderId"].clone(), row["amount"].clone()))
        .collect();
    assert_eq!(amounts, [(json!("order-1"), json!(1_000)), (json!("order-2"), json!(2_000))]);
    let at = micros(between).replace('+', "%2B");
    let then = world.get(&format!("/v1/exposure?asOf={at}")).await.json();
    assert_eq!(then["byIssuer"][0]["amount"], 1_000, "by what was known then");
    let closing = BusinessDate::in_seoul(clock::now() - TimeDelta::days(1));
    assert_eq!(world.get(&format!("/v1/exposure?asOf={closing}")).await.json()["data"], json!([]));
    let first = world.get("/v1/exposure?limit=1").await.json();
    let next =
        world.get(&format!("/v1/exposure?cursor={}", first["nextCursor"].as_str().unwrap())).await.json();
    assert_eq!((&next["data"][0]["orderId"], &next["hasMore"]), (&json!("order-2"), &json!(false)));

    let by = async |by: &str| report(&world, &["exposure", "--by", by]).await;
    let sums = by("issuer").await;
    assert_eq!(
        (sums.len(), &sums[0]["issuerId"], &sums[0]["amount"], &sums[0]["attempts"]),
        (1, &json!("card"), &json!(53_000), &json!(3))
    );
    let sums = by("merchant").await;
    assert_eq!((&sums[0]["merchantId"], &sums[0]["amount"]), (&json!("m-1"), &json!(3_000)));
    assert_eq!((&sums[1]["merchantId"], &sums[1]["amount"]), (&json!("m-2"), &json!(50_000)));
    assert_eq!(by("payment").await.len(), 3);
    let then = report(&world, &["exposure", "--as-of", &micros(between)]).await;
    assert_eq!((&then[0]["amount"], &then[0]["asOf"]), (&json!(1_000), &json!(micros(between))));
    let again = report(&world, &["exposure", "--as-of", &micros(between)]).await;
    assert_eq!(then, again);
    assert_eq!(report(&world, &["exposure", "--as-of", &closing.to_string()]).await, Vec::<Value>::new());
}

/// I5
#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_for_a_day_is_the_same_however_often_it_is_asked_and_tells_what_came_later() {
    let world = World::start("payable").await;
    let path = world.paid("order-1", 50_000).await;
    let day = BusinessDate::in_seoul(clock::now()).to_string();
    let owed = async |query: &str| world.get(&format!("/v1/payables?day={query}")).await.json();
    let first = owed(&day).await;
    let row = &first["data"][0];
    assert_eq!(
        (&row["amount"], &row["credit"], &row["debit"], &row["lines"]),
        (&json!(48_350), &json!(48_350), &json!(0), &json!(1))
    );
    assert_eq!((&row["recordedLater"], &row["linesRecordedLater"]), (&json!(0), &json!(0)));

    let cancel = json!({"cancelAmount": 20_000, "reason": "returned"});
    world.post(&format!("{path}/cancellations"), "k", &cancel).await;
    let pinned = format!("{day}&asOf={}", first["asOf"].as_str().unwrap().replace('+', "%2B"));
    assert_eq!(owed(&pinned).await, first, "what came later is left out");
    let now = owed(&day).await;
    assert_eq!(now["data"][0]["amount"], 48_350 - 19_340);
    assert_eq!(owed("2026-01-01").await["data"], json!([]));
    world.get("/v1/payables").await.problem("INVALID_PARAMETER");

    // a line that counts for a day gone by, as a file of an issuer or a correction brings it
    world
        .administer(
            "INSERT INTO journal_line (payment_id, seq, line_no, slot, origin, account, side, currency, amount, merchant_id, leg_no, business_date) \
             SELECT payment_id, 3, 90, slot, origin, account, side, currency, 700, merchant_id, leg_no, '2026-11-01' \
             FROM journal_line WHERE account = 'MERCHANT_PAYABLE' AND side = 'C'",
        )
        .await;
    let late = owed("2026-11-01").await;
    let row = &late["data"][0];
    assert_eq!(
        (&row["amount"], &row["recordedLater"], &row["linesRecordedLater"]),
        (&json!(700), &json!(700), &json!(1))
    );
    let as_known = owed("2026-11-01&asOf=2026-11-01").await;
    assert_eq!(as_known["data"], json!([]), "on the day itself it was not known");

    let other = new_key(&world.admin, "m-2").await;
    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 10_000});
    let post = |path: &str, body: &Value| {
        world
            .client
            .post(format!("{}{path}", world.base))
            .bearer_auth(&other)
            .header("Idempotency-Key", "k")
            .json(body)
    };
    let made = send(post("/v1/payments", &body)).await;
    assert_eq!(
        send(post(&format!("{}/confirm", made.header("location").unwrap()), &card(10_000))).await.status,
        200
    );
    let as_of = micros(clock::now());
    let all = report(&world, &["payable", "--day", &day, "--as-of", &as_of]).await;
    let rows: Vec<_> = all
        .iter()
        .map(|row| (row["merchantId"].as_str().unwrap(), row["amount"].as_i64().unwrap()))
        .collect();
    assert_eq!(rows, [("m-1", 29_010), ("m-2", 9_670)]);
    world.paid("order-2", 1_000).await;
    assert_eq!(report(&world, &["payable", "--day", &day, "--as-of", &as_of]).await, all, "twice the same");
}
