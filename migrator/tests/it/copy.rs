//! The bulk copy: totals tie out, nothing is written twice, a kill costs nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Ends, until};

const ROWS: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_ties_out_and_a_second_one_inserts_nothing() {
    let (ends, made) = Ends::filled("copy_ties_out", 1, ROWS).await;
    let first = ends.run(&["copy"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let summary = first.summary();
    assert_eq!(summary["tiesOut"], json!(true));
    assert_eq!(summary["legacy"]["rows"], json!(made.rows));
    let rows = |part: &str| summary[part]["rows"].as_u64().unwrap();
    assert_eq!(rows("legacy"), rows("mapped") + rows("quarantined") + rows("excluded"));
    assert!(rows("mapped") > 900 && rows("excluded") > 0 && rows("quarantined") >= 12, "{summary}");
    for line in &first.lines[..first.lines.len() - 1] {
        let amount = |part: &str| line[part]["amount"].as_i64().unwrap();
        assert_eq!(amount("legacy"), amount("mapped") + amount("quarantined") + amount("excluded"), "{line}");
    }
    assert_eq!(
        kinds(&first.lines),
        ["APPROVAL CARD", "APPROVAL TRANSFER", "CANCEL CARD", "CANCEL TRANSFER", "HEADER CARD"]
    );

    // The facts say the same as the totals.
    let approved = ends.count("SELECT CAST(SUM(amount) AS SIGNED) FROM approval").await;
    let canceled = ends.count("SELECT CAST(SUM(amount) AS SIGNED) FROM cancellation").await;
    let told = |kind: &str| -> i64 {
        let lines = first.lines.iter().filter(|line| line["kind"] == json!(kind));
        lines.map(|line| line["mapped"]["amount"].as_i64().unwrap()).sum()
    };
    assert_eq!((approved, canceled), (told("APPROVAL"), told("CANCEL")));

    let before = ends.rows_written().await;
    let second = ends.run(&["copy"]);
    assert_eq!((second.code, &second.summary()["inserted"]), (Some(0), &json!(0)));
    assert_eq!(ends.rows_written().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_history_go_to_the_backfill_outbox_only() {
    let (ends, _) = Ends::filled("copy_backfill", 2, 200).await;
    assert_eq!(ends.run(&["copy"]).code, Some(0));
    assert_eq!(ends.count("SELECT COUNT(*) FROM outbox_event").await, 0);
    assert!(ends.count("SELECT COUNT(*) FROM outbox_backfill WHERE kind = 'EVENT'").await > 100);
    let elsewhere =
        ends.count("SELECT COUNT(*) FROM outbox_backfill WHERE topic <> 'payment.ledger.backfill.v1'").await;
    assert_eq!(elsewhere, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dirty_rows_are_in_quarantine_with_their_reason_and_without_card_numbers() {
    let (ends, made) = Ends::filled("copy_dirty", 3, 300).await;
    assert_eq!(ends.run(&["copy"]).code, Some(0));
    for dirty in &made.dirty {
        let listed = ends.run(&["quarantine", "list", "--reason", dirty.reason]);
        let found = listed
            .lines
            .iter()
            .find(|row| row["table"] == json!(dirty.table) && row["pk"] == json!(dirty.pk));
        let found = found.unwrap_or_else(|| panic!("{dirty:?} is not listed: {listed:?}"));
        assert_eq!(found["column"], json!(dirty.column), "{found}");
    }
    let listed = ends.run(&["quarantine", "list"]);
    let reasons: BTreeMap<&str, i64> = listed
        .lines
        .iter()
        .map(|line| (line["reason"].as_str().unwrap(), line["rows"].as_i64().unwrap()))
        .collect();
    assert_eq!(reasons["ORPHAN"], 2, "{reasons:?}");
    assert_eq!(reasons.len(), 12, "eleven reasons and the rows that go with them: {reasons:?}");
    let whole =
        ends.count("SELECT COUNT(*) FROM legacy_quarantine WHERE REGEXP_LIKE(raw, '411111[0-9]')").await;
    assert_eq!(whole, 0, "no card number is written anywhere");
    let bins = ends
        .count("SELECT COUNT(*) FROM approval WHERE card_bin = '411111' AND card_last4 IS NOT NULL")
        .await;
    assert!(bins > 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_killed_at_any_point_resumes_to_the_same_totals() {
    let (ends, _) = Ends::filled("copy_killed", 4, ROWS).await;
    let mut kills = 0;
    let mut receipts = 0;
    for turn in 1..=200 {
        let mut child = ends.spawn(&["copy", "--resume", "--chunk-rows", "20"]);
        // Each turn lives until it has made some progress of its own, or a little less: the next kill hits elsewhere.
        let wanted = receipts + turn % 3;
        until(Duration::from_secs(30), "progress or an end", async || {
            child.try_wait().unwrap().is_some()
                || ends.count("SELECT COUNT(*) FROM copy_receipt").await >= wanted
        })
        .await;
        if child.try_wait().unwrap().is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(u64::try_from(turn).unwrap() * 7 % 40)).await;
        child.kill().unwrap();
        kills += i64::from(child.wait().unwrap().code().is_none());
        receipts = ends.count("SELECT COUNT(*) FROM copy_receipt").await;
        if kills >= 12 {
            break;
        }
    }
    assert!(kills >= 5, "only {kills} kills hit");
    let last = ends.run(&["copy", "--resume"]);
    assert_eq!((last.code, &last.summary()["tiesOut"]), (Some(0), &json!(true)), "{last:?}");

    let (whole, _) = Ends::filled("copy_unkilled", 4, ROWS).await;
    let unkilled = whole.run(&["copy"]);
    for part in ["legacy", "mapped", "quarantined", "excluded", "unrecorded"] {
        assert_eq!(last.summary()[part], unkilled.summary()[part], "{part}");
    }
    let (killed, unkilled) = (ends.rows_written().await, whole.rows_written().await);
    assert_eq!(killed, unkilled, "the same rows, each once");
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_what_a_copy_would_meet_and_changes_nothing() {
    let (ends, _) = Ends::filled("check", 5, 200).await;
    let checked = ends.run(&["check"]);
    assert_eq!(checked.code, Some(10), "dirty rows are findings: {checked:?}");
    assert!(checked.lines.iter().all(|line| line["verdict"] != json!("blocked")), "{checked:?}");
    let dry = ends.run(&["copy", "--dry-run"]);
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert_eq!(ends.rows_written().await, vec![0; 10]);

    let wide = ends.migrator(&["check"]).env("LEGACY_READ_URL", &ends.legacy.owner).output().unwrap();
    assert_eq!(wide.status.code(), Some(11), "an account that could write to the legacy ledger is refused");
    let wide = ends.migrator(&["copy"]).env("MYSQL_MIRROR_URL", &ends.ledger.owner).output().unwrap();
    assert_eq!(wide.status.code(), Some(11), "so is one that could change the ledger");
    sqlx::query("ALTER TABLE TB_CARD_APPR DROP COLUMN QUOTA").execute(&ends.legacy_pool).await.unwrap();
    let changed = ends.run(&["check"]);
    assert_eq!(changed.code, Some(11), "{changed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_used_twice_goes_to_quarantine_and_its_neighbours_go_in() {
    let (ends, _) = Ends::filled("copy_order_twice", 6, 200).await;
    for (tr_no, amount) in [(900_000_000_000_001_u64, 5_000), (900_000_000_000_002, 7_000)] {
        let sql = format!(
            "INSERT INTO TB_ACNT_TRAN VALUES ({tr_no}, 'shop1', 'ORD-TWICE', {amount}, '088', '2026-11-0{} 10:00:00', NULL, 'N', \
             '2026-11-01 10:00:00')",
            tr_no % 10
        );
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&ends.legacy_pool).await.unwrap();
    }
    let copied = ends.run(&["copy"]);
    assert_eq!((copied.code, &copied.summary()["tiesOut"]), (Some(0), &json!(true)), "{copied:?}");
    assert_eq!(ends.count("SELECT COUNT(*) FROM payment WHERE order_id = 'ORD-TWICE'").await, 1);
    let refused = ends.run(&["quarantine", "list", "--reason", "LEDGER_REFUSED"]);
    assert_eq!(refused.lines.len(), 1, "{refused:?}");
    assert!(
        refused.lines[0]["detail"].as_str().unwrap().contains("in use by another payment"),
        "{refused:?}"
    );

    let explained = ends.run(&["explain", "--row", "TB_ACNT_TRAN:900000000000002"]);
    assert_eq!((explained.code, &explained.summary()["outcome"]["into"]), (Some(0), &json!("MAPPED")));
}

/// What was carried over is never changed: a row that says something else now is for people.
#[tokio::test(flavor = "multi_thread")]
async fn an_amount_changed_in_place_goes_to_quarantine() {
    let (ends, _) = Ends::filled("copy_changed", 7, 100).await;
    assert_eq!(ends.run(&["copy"]).code, Some(0));
    let before = ends.rows_written().await;
    sqlx::query("UPDATE TB_ACNT_TRAN SET AMT = AMT + 1 WHERE MID = 'shop1' AND DEL_YN = 'N' AND AMT > 0 ORDER BY TR_NO DESC LIMIT 1")
        .execute(&ends.legacy_pool)
        .await
        .unwrap();
    let again = ends.run(&["copy"]);
    assert_eq!((again.code, &again.summary()["tiesOut"]), (Some(0), &json!(true)), "{again:?}");
    let refused = ends.run(&["quarantine", "list", "--reason", "LEDGER_REFUSED"]);
    assert_eq!(refused.lines.len(), 1, "{refused:?}");
    assert!(refused.lines[0]["detail"].as_str().unwrap().starts_with("total was "), "{refused:?}");
    assert_eq!(ends.rows_written().await[..8], before[..8], "no fact, journal line or event was added");
}

fn kinds(lines: &[Value]) -> Vec<String> {
    let named = lines.iter().filter_map(|line| Some((line["kind"].as_str()?, line["method"].as_str()?)));
    named.map(|(kind, method)| format!("{kind} {method}")).collect()
}
