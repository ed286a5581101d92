//! Rows that a newer version has written: shown, never decided on, never added to.

use chrono::TimeDelta;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{LedgerError, PaymentFilter};
use ledger_core::payment::fold::UnknownFact;
use ledger_core::payment::status::Status;
use ledger_core::store::{StoreError, load};
use sqlx::AssertSqlSafe;

use super::world::{MERCHANT, World, cancel, create, now};

/// Where a later version may have a code of its own.
const NEWER: &[(&str, &str)] = &[
    ("approval", "method"),
    ("attempt", "kind"),
    ("attempt_result", "outcome"),
    ("attempt_result", "source"),
    ("attempt_verdict", "verdict"),
    ("payment_verdict", "verdict"),
    ("cancellation", "kind"),
    ("cancel_outcome", "outcome"),
    ("balance_link", "kind"),
];

/// Drops every check of a table, as the schema of a later version would let its own codes pass.
async fn widen(world: &World, table: &str) {
    let checks: Vec<String> = sqlx::query_scalar(
        "SELECT CONSTRAINT_NAME FROM information_schema.table_constraints \
         WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND CONSTRAINT_TYPE = 'CHECK'",
    )
    .bind(table)
    .fetch_all(&world.owner)
    .await
    .unwrap();
    for check in checks {
        let text = format!("ALTER TABLE {table} DROP CHECK {check}");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&world.owner).await.unwrap();
    }
}

async fn plant(world: &World, (table, column): (&str, &str), code: &str, id: PaymentId) {
    let text = format!(
        "SET foreign_key_checks = 0; UPDATE {table} SET {column} = '{code}' WHERE payment_id = 0x{} LIMIT 1; SET foreign_key_checks = 1",
        hex::encode(id.as_bytes())
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(&world.owner).await.unwrap();
}

/// A code that this version does not know makes its payment unknown: it is read, named and listed beside the others, nothing is
/// decided on it, nothing is added to it, and its order begins no further try.
#[tokio::test(flavor = "multi_thread")]
async fn a_fact_of_a_newer_version_is_shown_and_never_decided_on() {
    let world = World::new("newer").await;
    let other = world.confirmed("other").await.id;
    let mut planted = Vec::new();
    for (at, (table, column)) in NEWER.iter().enumerate() {
        let order = format!("order-{at}");
        let payment = world.confirmed(&order).await;
        cancel(&world.ledger, payment.id, Some(10_000), &format!("first-{at}")).await.unwrap();
        planted.push((payment.id, order, *table, *column));
    }
    for table in NEWER.iter().map(|(table, _)| *table) {
        widen(&world, table).await;
    }
    let changes = world.count("payment_change").await;
    for (id, _, table, column) in &planted {
        plant(&world, (table, column), "PARKED", *id).await;
    }

    let reader = world.second_ledger().await;
    for (at, (id, order, table, column)) in planted.iter().enumerate() {
        let payment = reader.payment(MERCHANT, *id).await.unwrap().unwrap();
        let what = format!("{table}.{column}");
        assert_eq!(payment.status(now()), Status::Unknown, "{what}");
        let [UnknownFact { table: named, column: field, code, .. }] = payment.unknown() else {
            panic!("{what}: {:?}", payment.unknown());
        };
        assert_eq!((named, field, code.as_str()), (table, column, "PARKED"));
        assert_eq!(payment.head.seq, 5, "{what}");
        let refused = cancel(&reader, *id, Some(1_000), &format!("second-{at}")).await.unwrap_err();
        assert!(matches!(refused, LedgerError::Store(StoreError::Corrupt { .. })), "{what}: {refused:?}");
        let refused = create(&reader, order, 50_000, &format!("again-{at}")).await.unwrap_err();
        assert!(matches!(refused, LedgerError::Store(StoreError::Corrupt { .. })), "{what}: {refused:?}");
        let of_order = reader.payment_of_order(MERCHANT, order).await.unwrap().unwrap();
        assert_eq!(of_order.status(now()), Status::Unknown, "{what}");
        let mut connection = world.owner.acquire().await.unwrap();
        assert!(load::payments(&mut connection, &[*id]).await.is_err(), "{what}: nor adopted by a migration");
    }
    assert_eq!(world.count("payment_change").await, changes, "nothing is added");

    let filter = PaymentFilter { before: now() + TimeDelta::seconds(1), status: None };
    let listed = reader.payments(MERCHANT, filter, now(), None, 100).await.unwrap().rows;
    assert_eq!(listed.len(), planted.len() + 1);
    let done: Vec<_> = listed.iter().filter(|payment| payment.status(now()) == Status::Done).collect();
    assert_eq!(
        done.iter().map(|payment| payment.id).collect::<Vec<_>>(),
        [other],
        "its neighbours are as ever"
    );
}

/// The row of the payment itself says what everything else is about: without it there is nothing to show.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_own_row_is_newer_is_refused_by_name() {
    let world = World::new("newer_payment").await;
    let id = world.created("order-1", 1_000).await;
    widen(&world, "payment").await;
    plant(&world, ("payment", "currency"), "XBT", id).await;
    match world.second_ledger().await.payment(MERCHANT, id).await {
        Err(LedgerError::Store(StoreError::Corrupt { table, column, .. })) => {
            assert_eq!((table, column), ("payment", "currency"));
        }
        other => panic!("{other:?}"),
    }
}
