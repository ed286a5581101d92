//! The programs as programs: `ledger-admin` on an empty ledger, then `ledger-api serve` with what it added, and a stop.

use std::time::Duration;

use fakes::issuer::IssuerSimulator;
use serde_json::json;
use stack::TestDb;
use tokio::process::Command;

use crate::programs::{admin, done, refused, serve};
use crate::support::{scripted, send};

const ISSUER: [&str; 12] = [
    "--id",
    "card",
    "--name",
    "Card",
    "--connect-timeout-ms",
    "500",
    "--read-timeout-ms",
    "2000",
    "--late-window-seconds",
    "10",
    "--validity-seconds",
    "60",
];

fn contract<'a>(merchant: &'a str, rate: &'a str) -> Vec<&'a str> {
    vec!["contract", "add", "--merchant", merchant, "--fee-rate", rate, "--fee-vat-rate", "0.1"]
}

#[tokio::test(flavor = "multi_thread")]
async fn reference_data_are_added_by_version_and_mistakes_are_named() {
    let db = TestDb::create("admin").await.unwrap();
    assert!(done(&db, &["migrate"]).await.len() >= 5, "migrating what is migrated is no fault");
    done(&db, &["merchant", "add", "--id", "shop", "--name", "가게"]).await;
    refused(&db, &["merchant", "add", "--id", "shop", "--name", "x"], "exists already").await;
    refused(&db, &["merchant", "add", "--id", "a b", "--name", "x"], "A-Z a-z 0-9").await;
    assert_eq!(done(&db, &contract("shop", "0.03")).await[0]["version"], 1);
    assert_eq!(done(&db, &contract("shop", "0.025")).await[0]["version"], 2);
    refused(&db, &contract("nobody", "0.03"), "merchant nobody is not known").await;
    refused(&db, &contract("shop", "3"), "out of range").await;
    let issuer = |endpoint| [&["issuer", "add", "--endpoint", endpoint], ISSUER.as_slice()].concat();
    assert_eq!(done(&db, &issuer("http://127.0.0.1:1")).await[0]["version"], 1);
    assert_eq!(done(&db, &issuer("http://127.0.0.1:2")).await[0]["version"], 2);
    refused(&db, &issuer("127.0.0.1"), "http(s)://host").await;
    refused(
        &db,
        &[issuer("http://a").as_slice(), &["--late-window-seconds", "60"]].concat(),
        "cannot be used multiple times",
    )
    .await;
    let contracts = done(&db, &["contract", "list"]).await;
    assert_eq!(contracts.iter().map(|row| row["feeRate"].clone()).collect::<Vec<_>>(), ["0.03", "0.025"]);
    assert_eq!(done(&db, &["issuer", "list"]).await[1]["endpoint"], "http://127.0.0.1:2");
    assert_eq!(done(&db, &["merchant", "list"]).await[0]["name"], "가게");
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_methods_are_added_from_a_day_on_and_never_in_the_past() {
    let db = TestDb::create("admin_methods").await.unwrap();
    let method = |valid_from| {
        let rule = ["method", "add", "--method", "MOBILE", "--refund-priority", "20", "--send-order", "3"];
        [&rule[..], &["--partial-cancelable", "false", "--cancel-window", "calendar-month"], valid_from]
            .concat()
    };
    let added_rule = done(&db, &method(&[])).await.remove(0);
    assert_eq!((&added_rule["version"], &added_rule["cancelWindow"]), (&json!(2), &json!("CALENDAR_MONTH")));
    refused(&db, &method(&["--valid-from", "2026-11-01T00:00:00+09:00"]), "not in the past").await;
    refused(&db, &method(&["--cancel-days", "3"]), "cannot be used with").await;
    refused(&db, &method(&["--deposit-hours", "24"]), "ck_method_rule_deposit").await;
    let rules = done(&db, &["method", "list", "--method", "MOBILE"]).await;
    assert_eq!(rules.iter().map(|row| row["partialCancelable"].clone()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(done(&db, &["method", "list"]).await.len(), 7, "six methods come with the schema");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_once_and_authority_is_set_once() {
    let db = TestDb::create("admin_keys").await.unwrap();
    done(&db, &["merchant", "add", "--id", "shop", "--name", "가게"]).await;
    let start = ["--authority", "LEDGER", "--valid-from", "2026-12-01T00:00:00+09:00"];
    let authority = [["authority", "set", "--merchant", "shop"].as_slice(), &start].concat();
    done(&db, &authority).await;
    refused(&db, &authority, "exists already").await;
    refused(&db, &["key", "create", "--merchant", "nobody"], "merchant nobody is not known").await;

    let made = done(&db, &["key", "create", "--merchant", "shop"]).await.remove(0);
    let (key_id, bearer) = (made["keyId"].as_str().unwrap(), made["apiKey"].as_str().unwrap());
    assert!(bearer.starts_with(&format!("{key_id}.")));
    done(&db, &["key", "revoke", "--key", key_id, "--reason", "lost"]).await;
    refused(&db, &["key", "revoke", "--key", key_id], "exists already").await;
    refused(&db, &["key", "revoke", "--key", "lk_none"], "API key lk_none is not known").await;
    let listed = done(&db, &["key", "list", "--merchant", "shop"]).await;
    assert_eq!((&listed[0]["keyId"], &listed[0]["revokedFor"]), (&json!(key_id), &json!("lost")));
    assert!(!listed[0].to_string().contains(bearer.split_once('.').unwrap().1), "a secret is shown once");
    assert_eq!(done(&db, &["authority", "list"]).await[0]["validFrom"], "2026-12-01T00:00:00.000+09:00");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_the_confirm_that_is_under_way() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let db = TestDb::create("stop").await.unwrap();
    let simulator = IssuerSimulator::start("127.0.0.1:0").await.unwrap();
    done(&db, &["merchant", "add", "--id", "shop", "--name", "Shop"]).await;
    done(&db, &contract("shop", "0.03")).await;
    done(&db, &[&["issuer", "add", "--endpoint", &simulator.url()], ISSUER.as_slice()].concat()).await;
    let key =
        done(&db, &["key", "create", "--merchant", "shop"]).await[0]["apiKey"].as_str().unwrap().to_owned();
    let (mut service, base, ops) = serve(&db).await;
    let client = reqwest::Client::new();
    let metrics = send(client.get(format!("{ops}/metrics"))).await;
    assert!(String::from_utf8(metrics.bytes).unwrap().contains("ledger_api_requests_running"));

    let body = json!({"orderId": "order-1", "currency": "KRW", "totalAmount": 1_000});
    let post =
        |path: &str| client.post(format!("{base}{path}")).bearer_auth(&key).header("Idempotency-Key", "k");
    let path = send(post("/v1/payments").json(&body)).await.header("location").unwrap().to_owned();
    let confirm = post(&format!("{path}/confirm")).json(&scripted(1_000, "sim:delay:800"));
    let confirm = tokio::spawn(send(confirm));
    while simulator.truth().traces.is_empty() {
        assert!(!confirm.is_finished(), "the issuer was never asked");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let pid = service.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
    let confirmed = confirm.await.unwrap();
    assert_eq!((confirmed.status.as_u16(), &confirmed.json()["status"]), (200, &json!("DONE")));
    let ended = tokio::time::timeout(Duration::from_secs(20), service.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_change_rows_is_refused() {
    let db = TestDb::create("toowide").await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_ledger-api"));
    command.arg("serve").env("DATABASE__URL", &db.owner);
    command.env("HTTP__BIND", "127.0.0.1:0").env("OPS__BIND", "127.0.0.1:0");
    let output = command.output().await.unwrap();
    assert_eq!(output.status.code(), Some(11));
    assert!(String::from_utf8(output.stderr).unwrap().contains("too wide"));
    for url in [&db.app, &db.owner] {
        let (exit, _, stderr) = admin(&db, &["--admin-url", url, "merchant", "list"]).await;
        assert_eq!(exit, 11, "{stderr}");
        assert!(stderr.contains("too wide"), "{stderr}");
    }
}
