//! Every check holds on a ledger with payments of every kind, and every arm of every check fails on a violation planted for
//! it. Plants are made as the owner of the schema could make them, on the primary, each in a transaction that is rolled back.

use std::time::Duration;

use fakes::legacy::{LegacyService, Pace};
use ledger_core::store::script::{Given, ScriptRows, run};
use serde_json::Value;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use verifier::checks::{CHECKS, Check};

use crate::common::Ends;
use crate::generated::{columns, fact_tables, references, texts};
use crate::past::Past;
use crate::plants::{Plant, guards, plants};

/// Violations that are looked through for what a plant should have caused.
const KEPT: usize = 200;

impl Ends {
    /// A copied past, one payment that the mirror dropped and a run repaired, and a living one.
    async fn with_everything(label: &str) -> Self {
        let ends = Self::copied(label, 41, 600).await;
        let pace = Pace { every: Duration::ZERO, cancels: false, mirror: None };
        LegacyService::new(ends.legacy_pool.clone(), 7, pace).pay().await.unwrap();
        ends.settled().await;
        assert_eq!(ends.verify_all(&[]).state(), "HEALED");
        assert_eq!(ends.verify_all(&[]).state(), "GREEN");
        Past::open(&ends.ledger).await.live().await;
        ends.ledger.replica_caught_up().await.unwrap();
        ends
    }
}

async fn execute(connection: &mut MySqlConnection, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"))
        .rows_affected()
}

async fn said(connection: &mut MySqlConnection, check: &Check, given: &Given) -> ScriptRows {
    run(connection, check.text, given, KEPT).await.unwrap_or_else(|error| panic!("{}: {error:?}", check.name))
}

fn check_named(part: &str) -> &'static Check {
    let mut found = CHECKS.iter().filter(|check| check.name.starts_with(part));
    found.next().unwrap_or_else(|| panic!("no check {part}"))
}

/// I1–I17
#[tokio::test(flavor = "multi_thread")]
async fn every_check_holds_on_everything_there_is_and_every_arm_finds_its_plant() {
    let ends = Ends::with_everything("checks").await;
    let clean = ends.verifier(&["checks", "--expect-rows"]);
    let not_held: Vec<_> =
        clean.lines.iter().filter(|line| line["violations"] != 0 || line["examined"] == 0).collect();
    assert!(not_held.is_empty(), "{not_held:#?}");
    assert_eq!((clean.code, clean.lines.len()), (Some(0), CHECKS.len()), "{}", clean.stderr);
    every_table_has_rows(&ends).await;

    let columns = columns(&ends.owner).await;
    let references = references(&ends.owner).await;
    let mut all = plants();
    let tables = fact_tables(&columns);
    all.extend(tables.iter().map(|table| Plant::of_fact(table)));
    all.extend(references.iter().map(Plant::of_reference));
    all.extend(texts(&columns).into_iter().map(Plant::of_text));

    // not replicated: what is planted is looked for where it was planted
    let mut owner = MySqlConnection::connect(&ends.ledger.root).await.unwrap();
    execute(&mut owner, "SET sql_log_bin = 0, foreign_key_checks = 0").await;
    for guard in guards(&mut owner).await {
        execute(&mut owner, &guard).await;
    }
    let mut seen: Vec<(&str, String)> = Vec::new();
    for plant in &all {
        let check = check_named(&plant.check);
        execute(&mut owner, "START TRANSACTION").await;
        let mut touched = 0;
        for sql in &plant.sql {
            touched = execute(&mut owner, sql).await;
        }
        assert!(touched > 0, "{}: {} planted nothing", plant.check, plant.what);
        let found = said(&mut owner, check, &plant.given).await;
        execute(&mut owner, "ROLLBACK").await;
        let texts: Vec<_> = found.rows.iter().flat_map(|row| row.values().flatten().cloned()).collect();
        let is_seen = texts.iter().any(|text| text.contains(plant.what.as_str()));
        assert!(is_seen, "{} does not say {:?} but {:?}", check.name, plant.what, found.rows);
        seen.extend(texts.into_iter().map(|text| (check.name, text)));
    }
    every_arm_was_seen(&seen);
    for check in CHECKS {
        let left = said(&mut owner, check, &Given::default()).await;
        assert_eq!(left.count, 0, "{}: {:?}", check.name, left.rows);
    }
}

/// What a check can say, by its text: words in quotes.
fn arms(check: &Check) -> Vec<String> {
    let (_, violations) = check.statements();
    let quoted = violations.split('\'').skip(1).step_by(2);
    let is_words = |text: &str| text.len() > 3 && text.chars().all(|c| c.is_ascii_lowercase() || c == ' ');
    let words = quoted.filter(|text| is_words(text)).map(|text| text.trim().to_owned());
    words.collect()
}

fn every_arm_was_seen(seen: &[(&str, String)]) {
    for check in CHECKS {
        assert!(seen.iter().any(|(name, _)| *name == check.name), "{} has no plant", check.name);
        for arm in arms(check) {
            let is_seen = seen.iter().any(|(name, text)| *name == check.name && text.contains(&arm));
            assert!(is_seen, "{}: no plant makes it say {arm:?}", check.name);
        }
    }
}

/// A clean ledger proves something only of tables that hold rows.
async fn every_table_has_rows(ends: &Ends) {
    let mut tables: Vec<_> = columns(&ends.owner).await.into_iter().map(|column| column.table).collect();
    tables.dedup();
    for table in tables {
        let sql = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(sql).fetch_one(&ends.owner).await.unwrap();
        assert!(rows > 0, "no payment of the test's past has a row in {table}");
    }
}

/// I9, I10
#[tokio::test(flavor = "multi_thread")]
async fn events_that_retention_dropped_are_not_missed() {
    let ends = Ends::create("checks_kept").await;
    let past = Past::open(&ends.ledger).await;
    past.live().await;
    let mut owner = MySqlConnection::connect(&ends.ledger.owner).await.unwrap();
    // half an hour passes, and the outbox goes on in the next partition
    execute(&mut owner, "UPDATE payment_change SET recorded_at = recorded_at - INTERVAL 30 MINUTE").await;
    execute(&mut owner, "ALTER TABLE outbox_event AUTO_INCREMENT = 10000000").await;
    past.another("kept").await;
    execute(&mut owner, "ALTER TABLE outbox_event DROP PARTITION p00010000000").await;
    for check in ["i09", "i10"] {
        let kept = said(&mut owner, check_named(check), &Given::default()).await;
        assert_eq!(kept.count, 0, "{check}: {:?}", kept.rows);
        assert!(kept.examined > 0);
    }
    execute(
        &mut owner,
        "UPDATE payment_change SET recorded_at = UTC_TIMESTAMP(6) + INTERVAL 20 MINUTE WHERE seq = 1 ORDER BY payment_id LIMIT 1",
    )
    .await;
    let found = said(&mut owner, check_named("i09"), &Given::default()).await;
    assert_eq!(found.count, 1, "a young change is held to its events: {:?}", found.rows);
}

/// The window is by the time a payment was made, which its id begins with.
#[tokio::test(flavor = "multi_thread")]
async fn a_window_looks_at_its_payments_alone() {
    let ends = Ends::create("checks_window").await;
    Past::open(&ends.ledger).await.live().await;
    ends.ledger.replica_caught_up().await.unwrap();
    let examined = |arguments: &[&str]| -> u64 {
        let only = ["checks", "--only", "i01"];
        ends.verifier(&[&only, arguments].concat()).summary()["examined"].as_u64().unwrap()
    };
    let all = examined(&[]);
    let hour_ago = (crate::past::now() - chrono::TimeDelta::hours(1)).to_rfc3339();
    let (young, old) = (examined(&["--since", &hour_ago]), examined(&["--until", &hour_ago]));
    assert!(young > 0 && old > 0, "{young} and {old} of {all}");
    assert_eq!(young + old, all);
    assert_eq!(examined(&["--since", "2030-01-01T00:00:00Z"]), 0);
}

/// I8
#[tokio::test(flavor = "multi_thread")]
async fn an_issuers_file_is_compared_day_by_day() {
    let ends = Ends::create("checks_issuer").await;
    Past::open(&ends.ledger).await.live().await;
    ends.ledger.replica_caught_up().await.unwrap();
    let days: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT a.issuer_id, CAST(k.business_date AS CHAR), CAST(SUM(IF(k.side = 'D', k.amount, -k.amount)) AS SIGNED) \
         FROM journal_line AS k JOIN approval AS a ON a.payment_id = k.payment_id AND a.leg_no = k.leg_no \
         WHERE k.account = 'ISSUER_RECEIVABLE' GROUP BY a.issuer_id, k.business_date",
    )
    .fetch_all(&ends.owner)
    .await
    .unwrap();
    assert!(days.len() > 1);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("issuer_days.json");
    let told = |off_by: i64| {
        let day = |(issuer, day, amount): &(String, String, i64)| serde_json::json!({ "issuer": issuer, "day": day, "amount": amount + off_by });
        std::fs::write(&path, serde_json::to_vec(&days.iter().map(day).collect::<Vec<_>>()).unwrap())
            .unwrap();
        ends.verifier(&["checks", "--only", "i08", "--issuer-file", path.to_str().unwrap()])
    };
    assert_eq!(told(0).code, Some(0));
    let wrong = told(10_000_000);
    assert_eq!(wrong.code, Some(20));
    assert_eq!(wrong.summary()["violations"].as_u64(), Some(u64::try_from(days.len()).unwrap()));
    std::fs::write(&path, "not JSON").unwrap();
    let refused = ends.verifier(&["checks", "--only", "i08", "--issuer-file", path.to_str().unwrap()]);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_sees_nothing_proves_nothing() {
    let ends = Ends::create("checks_empty").await;
    assert_eq!(ends.verifier(&["checks"]).code, Some(0));
    assert_eq!(ends.verifier(&["checks", "--expect-rows"]).code, Some(10));
}

/// As a DBA would run it on the replica, and as the audit does.
#[tokio::test(flavor = "multi_thread")]
async fn a_violation_is_named_on_the_replica_and_ends_in_20() {
    let ends = Ends::create("checks_replica").await;
    Past::open(&ends.ledger).await.live().await;
    let plant =
        "UPDATE attempt_result SET issuer_ref = '4111111111111111' WHERE outcome = 'APPROVED' LIMIT 1";
    assert_eq!(sqlx::query(plant).execute(&ends.owner).await.unwrap().rows_affected(), 1);
    ends.ledger.replica_caught_up().await.unwrap();
    let ran = ends.verifier(&["checks", "--only", "i16"]);
    let line: &Value = ran.summary();
    assert_eq!((ran.code, line["violations"].as_u64()), (Some(20), Some(1)), "{ran:?}");
    assert_eq!(line["rows"][0]["seen"], "411111…1111");
}

/// I16: the door and the check look at a text by one rule; each text of the table tries both.
#[tokio::test(flavor = "multi_thread")]
async fn a_card_number_in_a_table_is_what_the_door_would_have_refused() {
    let table: Vec<(bool, String, String)> =
        serde_json::from_str(include_str!("../../../ledger-core/tests/card_numbers.json")).unwrap();
    let ends = Ends::create("checks_cards").await;
    for (number, (_, text, _)) in table.iter().enumerate() {
        sqlx::query(
            "INSERT INTO merchant (merchant_id, name, created_at, created_by) VALUES (?, ?, NOW(6), 'test')",
        )
        .bind(format!("shop-{number}"))
        .bind(text)
        .execute(&ends.owner)
        .await
        .unwrap();
    }
    let mut owner = MySqlConnection::connect(&ends.ledger.owner).await.unwrap();
    let found = said(&mut owner, check_named("i16"), &Given::default()).await;
    let ids: Vec<_> = found.rows.iter().filter_map(|row| row.get("id")?.clone()).collect();
    for (number, (holds, text, why)) in table.iter().enumerate() {
        let is_found = ids.contains(&format!("shop-{number}"));
        assert_eq!(is_found, *holds, "{why}: {text:?}");
        assert_eq!(ledger_core::card_number::is_in(text), *holds, "{why}: {text:?}");
    }
}
