//! Whatever kind of row is tampered with, behind everybody's back, the chain says so and names it.

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection};

use crate::common::{Ends, Ran};
use crate::past::Past;

/// What the owner of the schema does to one payment, and the row that has to be named.
struct Tampering {
    order: &'static str,
    sql: &'static str,
    table: &'static str,
    /// In the row's key or in what is said of it.
    says: &'static str,
}

const fn tampering(
    order: &'static str,
    sql: &'static str,
    table: &'static str,
    says: &'static str,
) -> Tampering {
    Tampering { order, sql, table, says }
}

const TAMPERINGS: &[Tampering] = &[
    // amounts
    tampering(
        "done",
        "UPDATE payment SET total = total - 1 WHERE payment_id = @p",
        "payment",
        "total was 50000",
    ),
    tampering(
        "done",
        "UPDATE approval SET amount = 15001 WHERE payment_id = @p AND leg_no = 1",
        "approval",
        "amount was 15000",
    ),
    tampering(
        "canceled",
        "UPDATE cancel_share SET amount = amount - 1 WHERE payment_id = @p AND cancel_no = 1 LIMIT 1",
        "cancel_share",
        "amount was",
    ),
    tampering(
        "partly-canceled",
        "UPDATE balance_link SET delta = delta + 1 WHERE payment_id = @p AND link_no = 1",
        "balance_link",
        "delta was -777",
    ),
    // other columns of facts
    tampering(
        "done",
        "UPDATE attempt SET issuer_id = 'points-1' WHERE payment_id = @p AND leg_no = 1",
        "attempt",
        "issuer_id was \"card-1\"",
    ),
    tampering(
        "declined",
        "UPDATE payment_verdict SET verdict = 'EXPIRED' WHERE payment_id = @p",
        "payment_verdict",
        "verdict was \"ABORTED\"",
    ),
    tampering(
        "undone",
        "UPDATE network_cancel_outcome SET outcome = 'VOIDED_PROVISIONAL' WHERE payment_id = @p AND leg_no = 1",
        "network_cancel_outcome",
        "outcome was \"VOIDED\"",
    ),
    tampering(
        "done",
        "UPDATE attempt_result SET received_at = received_at + INTERVAL 1 SECOND WHERE payment_id = @p AND leg_no = 2",
        "attempt_result",
        "received_at was",
    ),
    // the journal
    tampering(
        "done",
        "UPDATE journal_line SET amount = amount + 1 WHERE payment_id = @p AND line_no = 2",
        "journal_line",
        "line_no 2",
    ),
    tampering(
        "done",
        "DELETE FROM journal_line WHERE payment_id = @p AND line_no = 1",
        "journal_line",
        "is gone",
    ),
    tampering(
        "done",
        "INSERT INTO journal_line (payment_id, seq, line_no, slot, origin, account, side, currency, amount, merchant_id, leg_no, business_date) \
        SELECT payment_id, seq, 99, slot, origin, account, side, currency, amount, merchant_id, leg_no, business_date FROM journal_line \
        WHERE payment_id = @p LIMIT 1",
        "journal_line",
        "follows from no fact",
    ),
    // facts that were taken away
    tampering("done", "DELETE FROM approval WHERE payment_id = @p AND leg_no = 2", "approval", "leg_no 2"),
    tampering("done", "DELETE FROM attempt WHERE payment_id = @p AND leg_no = 1", "attempt", "leg_no 1"),
    tampering(
        "done",
        "DELETE FROM attempt_result WHERE payment_id = @p AND leg_no = 1",
        "attempt_result",
        "leg_no 1",
    ),
    tampering("done", "DELETE FROM payment_verdict WHERE payment_id = @p", "payment_verdict", "is gone"),
    tampering(
        "undone",
        "DELETE FROM network_cancel WHERE payment_id = @p AND leg_no = 1",
        "network_cancel",
        "leg_no 1",
    ),
    tampering(
        "canceled",
        "DELETE FROM cancel_outcome WHERE payment_id = @p AND cancel_no = 2",
        "cancel_outcome",
        "is gone",
    ),
    tampering(
        "canceled",
        "DELETE FROM balance_link WHERE payment_id = @p AND link_no = 1 AND leg_no = 1",
        "balance_link",
        "leg_no 1, kind HOLD, cancel_no 1",
    ),
    tampering("done", "DELETE FROM payment WHERE payment_id = @p", "payment", "is gone"),
    // facts that were put in
    tampering(
        "undone",
        "INSERT INTO attempt_result (payment_id, leg_no, kind, attempt_no, outcome, result_no, slot, origin, seq, source, received_at) \
        SELECT payment_id, leg_no, kind, attempt_no, 'APPROVED', 9, slot, origin, seq, source, received_at FROM attempt_result \
        WHERE payment_id = @p AND kind = 'AUTH' LIMIT 1",
        "attempt_result",
        "was not written with this change",
    ),
    tampering(
        "in-flight",
        "INSERT INTO attempt (payment_id, leg_no, kind, attempt_no, slot, origin, seq, issuer_id, trace_date, trace_no, amount, sent_by, deadline_at) \
        SELECT payment_id, leg_no, kind, 2, slot, origin, seq, issuer_id, trace_date, 'FORGED', amount, sent_by, deadline_at FROM attempt \
        WHERE payment_id = @p LIMIT 1",
        "attempt",
        "was not written with this change",
    ),
    // changes
    tampering(
        "done",
        "UPDATE payment_change SET actor = 'cancel-repeat' WHERE payment_id = @p AND seq = 2",
        "payment_change",
        "actor was \"test\"",
    ),
    tampering(
        "canceled",
        "UPDATE payment_change SET command = 'CANCEL_RESULT' WHERE payment_id = @p AND seq = 4",
        "payment_change",
        "command was \"CANCEL\"",
    ),
    tampering(
        "done",
        "UPDATE payment_change SET recorded_at = recorded_at + INTERVAL 1 DAY WHERE payment_id = @p AND seq = 1",
        "payment_change",
        "recorded_at was",
    ),
    tampering(
        "done",
        "UPDATE payment_change SET event_digest = REPEAT('x', 32) WHERE payment_id = @p AND seq = 3",
        "payment_change",
        "event_digest",
    ),
    tampering(
        "done",
        "UPDATE payment_change SET previous_digest = REPEAT('x', 32) WHERE payment_id = @p AND seq = 2",
        "payment_change",
        "previous_digest",
    ),
    tampering(
        "done",
        "UPDATE payment_change SET digest = REPEAT('x', 32) WHERE payment_id = @p AND seq = 2",
        "payment_change",
        "digest",
    ),
    tampering(
        "done",
        "DELETE FROM payment_change WHERE payment_id = @p AND seq = 2",
        "payment_change",
        "is gone",
    ),
];

fn verify(ends: &Ends, arguments: &[&str]) -> Ran {
    ends.verifier(&[&["verify-chain", "--quiet"], arguments].concat())
}

/// I15
#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_row_that_is_tampered_with_is_named() {
    let ends = Ends::create("verify_chain").await;
    let past = Past::open(&ends.ledger).await;
    past.live().await;
    ends.ledger.replica_caught_up().await.unwrap();
    let clean = verify(&ends, &[]);
    let whole = clean.summary();
    assert_eq!((clean.code, clean.lines.len()), (Some(0), 1), "{clean:?}");
    assert!(whole["changes"].as_u64() > whole["payments"].as_u64() && whole["complete"] == true, "{whole}");

    // each is undone before the next: on the primary, behind the handle that reads it
    let mut root = MySqlConnection::connect(&ends.ledger.root).await.unwrap();
    execute(&mut root, "SET foreign_key_checks = 0").await;
    for guard in crate::plants::guards(&mut root).await {
        execute(&mut root, &guard).await;
    }
    let tables = [
        "payment",
        "payment_change",
        "approval",
        "attempt",
        "attempt_result",
        "payment_verdict",
        "network_cancel",
        "network_cancel_outcome",
        "cancel_share",
        "cancel_outcome",
        "balance_link",
        "journal_line",
    ];
    for table in tables {
        let columns = stored(&mut root, table).await;
        let keep = format!(
            "CREATE TABLE was_{table} LIKE {table}; INSERT INTO was_{table} ({columns}) SELECT {columns} FROM {table}"
        );
        execute(&mut root, &keep).await;
    }
    for tampering in TAMPERINGS {
        let Tampering { order, sql, table, says } = tampering;
        let find = format!(
            "SET @p = (SELECT payment_id FROM was_payment WHERE order_id = '{order}' ORDER BY try_no LIMIT 1)"
        );
        execute(&mut root, &find).await;
        assert!(execute(&mut root, sql).await > 0, "{sql} touches nothing");
        ends.ledger.replica_caught_up().await.unwrap();
        let ran = verify(&ends, &[]);
        assert_eq!(ran.code, Some(20), "{sql}: {ran:?}");
        let found: Vec<&Value> = ran.lines.iter().filter(|line| line["what"].is_string()).collect();
        let names_it = |line: &&&Value| {
            let all =
                format!("{} {}", line["row"].as_str().unwrap_or_default(), line["what"].as_str().unwrap());
            line["table"] == *table && all.contains(says)
        };
        assert_eq!(found.iter().filter(names_it).count(), 1, "{sql}: {found:#?}");
        assert!(found.len() == 1, "{sql}: one row was tampered with: {found:#?}");
        let columns = stored(&mut root, table).await;
        let back =
            format!("DELETE FROM {table}; INSERT INTO {table} ({columns}) SELECT {columns} FROM was_{table}");
        execute(&mut root, &back).await;
    }
    ends.ledger.replica_caught_up().await.unwrap();
    let again = verify(&ends, &[]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_verified_of_one_payment_since_an_instant_and_from_where_it_was_stopped() {
    let ends = Ends::create("verify_some").await;
    let past = Past::open(&ends.ledger).await;
    past.live().await;
    let id = past.another("one").await;
    ends.ledger.replica_caught_up().await.unwrap();
    let payments = |arguments: &[&str]| verify(&ends, arguments).summary()["payments"].as_u64().unwrap();
    let all = payments(&[]);
    assert_eq!(payments(&["--payment", &id.to_string()]), 1);
    assert_eq!(payments(&["--after", &id.to_string()]), 0, "it was the last");
    let hour_ago = (crate::past::now() - chrono::TimeDelta::hours(1)).to_rfc3339();
    let young = payments(&["--since", &hour_ago]);
    assert!(young > 0 && young < all, "{young} of {all}");
    assert_eq!(payments(&["--page", "1"]), all);
    let nobody = verify(&ends, &["--payment", "01a20cb4-65e2-8c62-b8bc-97df58b150b7"]);
    assert_eq!(nobody.code, Some(10), "there is no such payment");

    let sql = AssertSqlSafe(format!(
        "UPDATE payment SET currency = 'XYZ' WHERE payment_id = UNHEX('{}')",
        id.to_hex()
    ));
    sqlx::query("ALTER TABLE payment DROP CHECK ck_payment_currency").execute(&ends.owner).await.unwrap();
    sqlx::query(sql).execute(&ends.owner).await.unwrap();
    ends.ledger.replica_caught_up().await.unwrap();
    let impossible = verify(&ends, &[]);
    assert_eq!((impossible.code, impossible.summary()["payments"].as_u64()), (Some(20), Some(all)));
    assert_eq!(impossible.lines[0]["table"], "payment");
}

/// Columns that are not generated.
async fn stored(root: &mut MySqlConnection, table: &str) -> String {
    sqlx::query_scalar(
        "SELECT CAST(GROUP_CONCAT(COLUMN_NAME) AS CHAR) FROM information_schema.columns \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND EXTRA NOT LIKE '%GENERATED%'",
    )
    .bind(table)
    .fetch_one(root)
    .await
    .unwrap()
}

async fn execute(root: &mut MySqlConnection, sql: &str) -> u64 {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(root)
        .await
        .unwrap_or_else(|error| panic!("{error}: {sql}"))
        .rows_affected()
}
