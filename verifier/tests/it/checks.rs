//! Every check holds on a copied past, and every check fails on a violation planted for it.

use serde_json::Value;
use sqlx::AssertSqlSafe;

use crate::common::Ends;

/// A violation as the owner of the schema could make it, with its guards switched off.
struct Plant {
    check: &'static str,
    what: &'static str,
    sql: &'static [&'static str],
}

const fn plant(check: &'static str, what: &'static str, sql: &'static [&'static str]) -> Plant {
    Plant { check, what, sql }
}

/// A payment without cancels, kept in a session variable; another one for each plant.
const SOME_PAYMENT: &str = "SET @p = (SELECT p.payment_id FROM payment p LEFT JOIN cancellation c USING (payment_id) \
    WHERE c.payment_id IS NULL ORDER BY p.payment_id LIMIT 1 OFFSET {n})";
/// A payment that was canceled once, in part.
const SOME_CANCEL: &str = "SET @p = (SELECT c.payment_id FROM cancellation c JOIN payment p USING (payment_id) \
    GROUP BY c.payment_id HAVING COUNT(*) = 1 AND MAX(c.amount) < MAX(p.total) ORDER BY c.payment_id LIMIT 1 OFFSET {n})";

const PLANTS: &[Plant] = &[
    plant(
        "facts_belong",
        "a fact without its change",
        &[SOME_PAYMENT, "UPDATE approval SET seq = 77 WHERE payment_id = @p"],
    ),
    plant(
        "i01",
        "a confirmed total that is not approved",
        &[SOME_PAYMENT, "UPDATE payment SET total = total + 1 WHERE payment_id = @p"],
    ),
    plant(
        "i01",
        "an accepted approval of an aborted payment",
        &[SOME_PAYMENT, "UPDATE payment_verdict SET verdict = 'ABORTED' WHERE payment_id = @p"],
    ),
    plant(
        "i02",
        "a tail that is more than what remains",
        &[SOME_CANCEL, "DELETE FROM balance_link WHERE payment_id = @p AND link_no = 1"],
    ),
    plant(
        "i02",
        "a forged start",
        &[SOME_CANCEL, "UPDATE balance_link SET link_no = 5 WHERE payment_id = @p AND link_no = 1"],
    ),
    plant(
        "i03",
        "a share that is less than its cancel",
        &[SOME_CANCEL, "UPDATE cancel_share SET amount = amount - 1 WHERE payment_id = @p"],
    ),
    plant(
        "i04",
        "a cancel with more tax than the payment",
        &[
            SOME_CANCEL,
            "UPDATE cancel_share SET vat = (SELECT vat + 1 FROM payment WHERE payment_id = @p) WHERE payment_id = @p",
        ],
    ),
    plant(
        "i05",
        "a line that is off by one",
        &[SOME_PAYMENT, "UPDATE journal_line SET amount = amount + 1 WHERE payment_id = @p AND line_no = 1"],
    ),
    plant(
        "i05",
        "a confirmed payment without lines",
        &[SOME_PAYMENT, "DELETE FROM journal_line WHERE payment_id = @p"],
    ),
    plant(
        "i06",
        "an accept whose result is gone",
        &[SOME_PAYMENT, "DELETE FROM attempt_result WHERE payment_id = @p"],
    ),
    plant(
        "i09",
        "a hole among changes",
        &[SOME_CANCEL, "DELETE FROM payment_change WHERE payment_id = @p AND seq = 1"],
    ),
    plant(
        "i09",
        "an event that is gone",
        &[SOME_PAYMENT, "DELETE FROM outbox_backfill WHERE payment_id = @p AND ordinal = 0"],
    ),
    plant(
        "i09",
        "an event in the wrong outbox",
        &[SOME_PAYMENT, "INSERT INTO outbox_event SELECT * FROM outbox_backfill WHERE payment_id = @p"],
    ),
    plant(
        "i09",
        "an event that forgets the one before it",
        &[
            SOME_CANCEL,
            "UPDATE outbox_backfill SET previous_position = '9.9' WHERE payment_id = @p AND seq = 2",
        ],
    ),
    plant(
        "i12",
        "an abandoned attempt nobody undoes",
        &[
            SOME_PAYMENT,
            "UPDATE attempt_verdict SET verdict = 'ABANDON', result_outcome = NULL, result_no = NULL WHERE payment_id = @p",
        ],
    ),
    plant(
        "i13",
        "a legacy row nobody carried over",
        &[
            SOME_PAYMENT,
            "UPDATE legacy_row SET amount = amount + 1 WHERE payment_id = @p AND kind = 'APPROVAL'",
        ],
    ),
    plant(
        "i15",
        "a broken link",
        &[
            SOME_CANCEL,
            "UPDATE payment_change SET previous_digest = REPEAT('x', 32) WHERE payment_id = @p AND seq = 2",
        ],
    ),
    plant("i15", "a verifier run that is gone", &["DELETE FROM verifier_run ORDER BY run_no LIMIT 1"]),
    plant(
        "references",
        "a result without its attempt",
        &[SOME_PAYMENT, "DELETE FROM attempt WHERE payment_id = @p"],
    ),
    plant(
        "references",
        "an approval without its payment",
        &[SOME_PAYMENT, "DELETE FROM payment WHERE payment_id = @p"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_check_holds_on_a_copied_past_and_fails_on_what_is_planted() {
    let ends = Ends::copied("checks", 41, 600).await;
    for _ in 0..2 {
        assert_eq!(ends.verify_all(&[]).state(), "GREEN");
    }
    let clean = ends.verifier(&["checks", "--expect-rows"]);
    assert_eq!(clean.code, Some(0), "{clean:?}");
    assert_eq!(clean.lines.len(), verifier::checks::CHECKS.len());
    assert!(clean.lines.iter().all(|line| line["examined"].as_u64().unwrap() > 0));
    drop_guards(&ends).await;
    let (mut payments, mut cancels) = (0, 0);
    for plant in PLANTS {
        let counter = if plant.sql[0] == SOME_CANCEL { &mut cancels } else { &mut payments };
        *counter += 1;
        let number = *counter;
        let before = violations(&ends, plant.check).await;
        let mut owner = ends.owner.acquire().await.unwrap();
        sqlx::raw_sql("SET foreign_key_checks = 0").execute(&mut *owner).await.unwrap();
        let mut touched = 0;
        for sql in plant.sql {
            let sql = AssertSqlSafe(sql.replace("{n}", &number.to_string()));
            touched = sqlx::raw_sql(sql).execute(&mut *owner).await.unwrap().rows_affected();
        }
        assert!(touched > 0, "{}: nothing was planted", plant.what);
        drop(owner);
        let after = violations(&ends, plant.check).await;
        assert!(after > before, "{} misses {}", plant.check, plant.what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_sees_nothing_proves_nothing() {
    let ends = Ends::create("checks_empty").await;
    assert_eq!(ends.verifier(&["checks"]).code, Some(0));
    assert_eq!(ends.verifier(&["checks", "--expect-rows"]).code, Some(10));
}

/// The schema would refuse most of what is planted: its checks are taken away, in this database only.
async fn drop_guards(ends: &Ends) {
    let guards: Vec<(String, String)> = sqlx::query_as(
        "SELECT TABLE_NAME, CONSTRAINT_NAME FROM information_schema.table_constraints \
         WHERE CONSTRAINT_SCHEMA = DATABASE() AND CONSTRAINT_TYPE = 'CHECK'",
    )
    .fetch_all(&ends.owner)
    .await
    .unwrap();
    assert!(guards.len() > 40);
    for (table, name) in guards {
        let sql = format!("ALTER TABLE {table} DROP CHECK {name}");
        sqlx::query(AssertSqlSafe(sql)).execute(&ends.owner).await.unwrap();
    }
}

async fn violations(ends: &Ends, check: &str) -> u64 {
    ends.ledger.replica_caught_up().await.unwrap();
    let ran = ends.verifier(&["checks", "--only", check]);
    let line: &Value = ran.summary();
    let found = line["violations"].as_u64().unwrap();
    assert_eq!(ran.code, Some(if found > 0 { 20 } else { 0 }), "{ran:?}");
    found
}
