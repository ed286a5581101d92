//! What has waited too long for its commit is not written: lists have been shown without it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Answer, BeginConfirm, Ledger, LedgerError};
use ledger_core::payment::fact::Method;
use ledger_core::payment::status::Status;
use ledger_core::store::append::{COMMIT_TAKES, COMMIT_WITHIN};
use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::{StoreError, idempotency};
use sqlx::mysql::MySqlPool;
use sqlx::{MySql, Transaction};

use super::world::{MERCHANT, Plain, World, approve, leg, now, operation};

/// Longer than anything here may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A ledger as services open it, and a second one that reads.
async fn ledgers(world: &World) -> [Ledger; 2] {
    let open = async || Ledger::open(&world.db.app, PoolOptions::default()).await.unwrap();
    [open().await, open().await]
}

/// Holds the change of a payment on which the next one stands, as its next one refers to it.
async fn hold(owner: &MySqlPool, id: PaymentId, seq: u32) -> Transaction<'static, MySql> {
    let mut transaction = owner.begin().await.unwrap();
    let text =
        "SELECT seq FROM payment_change FORCE INDEX (uq_payment_change_key) WHERE change_key = ? FOR UPDATE";
    let key = [id.as_bytes().as_slice(), &seq.to_be_bytes()].concat();
    let held = sqlx::query(text).bind(key).fetch_all(&mut *transaction).await.unwrap();
    assert_eq!(held.len(), 1);
    transaction
}

/// Waits until somebody waits for a row of this database.
async fn somebody_waits(root: &MySqlPool, database: &str) {
    let text = "SELECT COUNT(*) FROM performance_schema.data_lock_waits AS w \
                JOIN performance_schema.data_locks AS l ON l.engine_lock_id = w.requesting_engine_lock_id \
                WHERE l.object_schema = ?";
    let waits = async {
        while sqlx::query_scalar::<_, i64>(text).bind(database).fetch_one(root).await.unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, waits).await.expect("nobody waits for the row");
}

async fn until(instant: DateTime<Utc>) {
    while let Ok(rest) = (instant - now()).to_std() {
        tokio::time::sleep(rest).await;
    }
}

/// The instant of which all is written at `now`.
fn settled(now: DateTime<Utc>) -> DateTime<Utc> {
    now - TimeDelta::from_std(COMMIT_WITHIN + COMMIT_TAKES).unwrap()
}

async fn as_of(ledger: &Ledger, id: PaymentId, at: DateTime<Utc>) -> Option<(u32, Status)> {
    let payment = ledger.payment_as_of(MERCHANT, id, at).await.unwrap()?;
    Some((payment.head.seq, payment.status(at)))
}

/// Of an instant that was shown nothing is written any more: the confirm that waited for a row while its instant was shown is
/// not written, and says that nothing was.
#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waited_until_its_time_was_shown_is_not_written() {
    let world = World::new("late").await;
    let [ledger, reader] = ledgers(&world).await;
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let id = world.created("order-1", 50_000).await;

    let cmd = ledger_core::payment::confirm::Confirm { legs: vec![leg(Method::Card, "card-1", 50_000)] };
    let op = operation("confirm-1", idempotency::Operation::Confirm, id.slot(), "confirm");
    let held = hold(&world.owner, id, 1).await;
    let confirming = tokio::spawn({
        let (ledger, op, cmd) = (ledger.clone(), op.clone(), cmd.clone());
        async move { ledger.begin_confirm(&op, id, &cmd, &Plain).await }
    });
    somebody_waits(&root, &world.db.name).await;
    until(op.asked.at + COMMIT_WITHIN).await;
    held.rollback().await.unwrap();
    let refused = confirming.await.unwrap().unwrap_err();
    assert!(matches!(refused, LedgerError::Store(StoreError::NotWritten(_))), "{refused:?}");

    until(op.asked.at + COMMIT_WITHIN + COMMIT_TAKES).await;
    let then = settled(now());
    assert!(then >= op.asked.at);
    assert_eq!(as_of(&reader, id, then).await, Some((1, Status::Ready)));
    assert_eq!(world.count("approval").await, 0, "nothing of it is there");
    assert_eq!(world.count("idempotency_claim").await, 1, "the key is free");

    let again = operation("confirm-1", idempotency::Operation::Confirm, id.slot(), "confirm");
    let begun = ledger.begin_confirm(&again, id, &cmd, &Plain).await.unwrap();
    assert!(matches!(begun, BeginConfirm::Started { .. }), "{begun:?}");
    assert_eq!(as_of(&reader, id, then).await, Some((1, Status::Ready)), "what was shown stays as it was");
    assert_eq!(as_of(&reader, id, again.asked.at).await, Some((2, Status::InProgress)));
}

/// R12: what an issuer has done is recorded all the same, with the time at which it is.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_waited_is_recorded_with_a_later_time() {
    let world = World::new("late_answer").await;
    let [ledger, reader] = ledgers(&world).await;
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let id = world.created("order-1", 50_000).await;
    let cmd = ledger_core::payment::confirm::Confirm { legs: vec![leg(Method::Card, "card-1", 50_000)] };
    let (op, attempts) = world.begun(id, "confirm-1", &cmd).await;
    let answers = approve(&attempts);

    let at = now();
    let held = hold(&world.owner, id, 2).await;
    let recording = tokio::spawn({
        let (ledger, op, answers) = (ledger.clone(), op.clone(), answers.clone());
        async move { ledger.finish_confirm(&op, id, &answers, at, &Plain).await }
    });
    somebody_waits(&root, &world.db.name).await;
    until(at + COMMIT_WITHIN).await;
    held.rollback().await.unwrap();
    let unknown = recording.await.unwrap().unwrap_err();
    assert!(matches!(unknown, LedgerError::Store(StoreError::Unavailable(_))), "to be repeated: {unknown:?}");
    assert_eq!(as_of(&reader, id, at).await, Some((2, Status::InProgress)));

    let later = now();
    let answer = ledger.finish_confirm(&op, id, &answers, later, &Plain).await.unwrap();
    assert!(matches!(answer, Answer::Fresh(_)), "{answer:?}");
    assert_eq!(as_of(&reader, id, at).await, Some((2, Status::InProgress)), "what was shown stays as it was");
    assert_eq!(as_of(&reader, id, later).await, Some((3, Status::Done)));
}

/// A machine whose clock is behind writes nothing, instead of the past.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_behind_writes_nothing() {
    let world = World::new("behind").await;
    let [ledger, _] = ledgers(&world).await;
    let behind = now() - TimeDelta::seconds(30);
    let refused = super::world::create_at(&ledger, "order-1", 1_000, "create-1", behind).await.unwrap_err();
    assert!(matches!(refused, LedgerError::Store(StoreError::NotWritten(_))), "{refused:?}");
    assert_eq!(world.count("payment").await, 0);
}
