//! What the verifier must not do: work on a writable server, repair what contradicts itself, spend more than its budget,
//! call green what it has not seen.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::{Ends, Ran};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_writes_is_refused() {
    let ends = Ends::create("refuse_writable").await;
    let ran = |key: &str, url: &str| Ran::of(&ends.command(&["run"]).env(key, url).output().unwrap());
    let ledger = ran("REPLICA_URL", &ends.ledger.read_on_primary);
    assert_eq!(ledger.code, Some(11), "{ledger:?}");
    assert!(ledger.stderr.contains("takes writes"), "{}", ledger.stderr);
    let legacy = ran("LEGACY_REPLICA_URL", &ends.legacy.read);
    assert_eq!(legacy.code, Some(11), "{legacy:?}");
    let wide = ran("REPLICA_URL", &ends.ledger.replica_root);
    assert_eq!(wide.code, Some(11), "an account that may write is refused as well: {wide:?}");
    assert_eq!(ends.count("SELECT COUNT(*) FROM verifier_run").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_late_means_skipped_never_green() {
    let ends = Ends::create("refuse_late").await;
    // A read lock on the replica holds its applier back, as a long report would.
    let mut replica =
        sqlx::mysql::MySqlPool::connect(&ends.ledger.replica_root).await.unwrap().acquire().await.unwrap();
    sqlx::raw_sql("LOCK TABLES merchant READ").execute(&mut *replica).await.unwrap();
    sqlx::query("INSERT INTO merchant VALUES ('m', 'm', UTC_TIMESTAMP(6), 'test')")
        .execute(&ends.owner)
        .await
        .unwrap();
    let late = ends.verifier(&["run", "--barrier-timeout", "500ms"]);
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut *replica).await.unwrap();
    assert_eq!((late.code, late.state()), (Some(12), "SKIPPED"), "{late:?}");
    assert_eq!(ends.count("SELECT COUNT(*) FROM verifier_run WHERE state = 'SKIPPED'").await, 1);
    ends.ledger.replica_caught_up().await.unwrap();
    assert_eq!(ends.verifier(&["run"]).state(), "GREEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_budget_freezes_and_repairs_nothing() {
    let ends = Ends::copied("refuse_budget", 31, 60).await;
    for number in 1..=6 {
        ends.legacy(&format!(
            "INSERT INTO TB_ACNT_TRAN VALUES ({}, 'shop1', 'ORD-B{number}', 5000, '088', '2026-11-20 10:00:00', NULL, 'N', '2026-11-20 10:00:00')",
            300_000_000_000_000_u64 + number
        ))
        .await;
    }
    let before = ends.count("SELECT COUNT(*) FROM payment").await;
    let frozen = ends.verify_all(&["--max-rows", "5"]);
    assert_eq!((frozen.code, frozen.state()), (Some(11), "FROZEN"), "{frozen:?}");
    assert_eq!(frozen.findings().len(), 6);
    assert_eq!(ends.count("SELECT COUNT(*) FROM payment").await, before);
    let healed = ends.verify_all(&["--max-rows", "6"]);
    assert_eq!((healed.code, healed.state()), (Some(0), "HEALED"), "{healed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_differs_is_shown_and_never_repaired() {
    let ends = Ends::copied("refuse_field", 32, 120).await;
    let tr_no = ends.text("SELECT CAST(TR_NO AS CHAR) FROM TB_ACNT_TRAN WHERE MID = 'shop1' AND DEL_YN = 'N' AND AMT > 0 ORDER BY TR_NO DESC LIMIT 1").await;
    let bank = ends.text("SELECT BANK_CD FROM TB_ACNT_TRAN WHERE MID = 'shop1' AND DEL_YN = 'N' AND AMT > 0 ORDER BY TR_NO DESC LIMIT 1").await;
    let other = if bank == "004" { "020" } else { "004" };
    ends.legacy(&format!("UPDATE TB_ACNT_TRAN SET BANK_CD = '{other}' WHERE TR_NO = {tr_no}")).await;
    let changes = ends.count("SELECT COUNT(*) FROM payment_change").await;
    for _ in 0..2 {
        let found = ends.verify_all(&[]);
        assert_eq!((found.code, found.state()), (Some(10), "FINDINGS"), "{found:?}");
        let (class, table, pk, healed) = found.findings().into_iter().next().unwrap();
        assert_eq!(
            (class.as_str(), table.as_str(), pk.as_str(), healed),
            ("FIELD_DIFF", "TB_ACNT_TRAN", tr_no.as_str(), false)
        );
        assert!(
            found.lines[0]["detail"].as_str().unwrap().starts_with("issuer_id is "),
            "{:?}",
            found.lines[0]
        );
    }
    assert_eq!(ends.count("SELECT COUNT(*) FROM payment_change").await, changes);
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_the_legacy_ledger_does_not_know_is_shown_and_left_alone() {
    let ends = Ends::copied("refuse_extra", 33, 120).await;
    ends.legacy("DELETE FROM TB_ACNT_TRAN WHERE MID = 'shop1' AND DEL_YN = 'N' AND AMT > 0 AND TR_NO NOT IN (SELECT ORG_TR_NO FROM REFUND) ORDER BY TR_NO DESC LIMIT 1").await;
    let found = ends.verify_all(&[]);
    assert_eq!((found.code, found.state()), (Some(10), "FINDINGS"), "{found:?}");
    let classes: Vec<String> = found.findings().into_iter().map(|(class, ..)| class).collect();
    assert_eq!(classes, ["EXTRA_LEDGER"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_runs_again_and_again_and_stops_when_told() {
    let ends = Ends::create("daemon").await;
    let mut daemon =
        ends.command(&["daemon", "--every", "200ms"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    let started = Instant::now();
    while ends.count("SELECT COUNT(*) FROM verifier_run WHERE state = 'GREEN'").await < 3 {
        assert!(started.elapsed() < Duration::from_secs(30), "the daemon did not run three times");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let told = Command::new("kill").args(["-TERM", &daemon.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert_eq!(daemon.wait().unwrap().code(), Some(0));
    assert_eq!(ends.verifier(&["checks", "--only", "i15"]).code, Some(0), "runs are chained");
}
