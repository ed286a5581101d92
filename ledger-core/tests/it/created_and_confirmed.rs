//! A payment created and confirmed by one request: two commits, one key, and the same guarantees as by two requests.

use std::sync::Arc;

use ledger_core::ids::Slot;
use ledger_core::ledger::{Answer, BeginConfirm, Ledger, LedgerError, Operation};
use ledger_core::money::{Currency, Minor};
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::create::Create;
use ledger_core::payment::fact::{Method, ResultOutcome};
use ledger_core::payment::status::Status;
use ledger_core::store::idempotency;
use ledger_core::store::pool::{PoolOptions, connect};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::groups::{assert_commits, commits};
use super::unknown_commit::own_account;
use super::world::{MERCHANT, Plain, World, answer, approve, leg, now, operation, split, won};

fn wanted(order: &str) -> Create {
    Create {
        merchant_id: MERCHANT.to_owned(),
        order_id: order.to_owned(),
        currency: Currency::Krw,
        total: won(50_000),
        tax_free: Minor::ZERO,
    }
}

fn under(key: &str, order: &str) -> Operation {
    operation(key, idempotency::Operation::Create, Slot::of(MERCHANT, order), order)
}

async fn begin(
    ledger: &Ledger,
    op: &Operation,
    order: &str,
    cmd: &Confirm,
) -> Result<BeginConfirm, LedgerError> {
    ledger.begin_create(op, &wanted(order), cmd, &Plain).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_created_and_confirmed_by_one_request_takes_two_commits() {
    let world = World::new("two_commits").await;
    let account = own_account(&world, "REQUIRE SSL").await;
    let ledger = Ledger::open(&account.url, PoolOptions::default()).await.unwrap();
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let before = commits(&root, &account.name).await;

    let op = under("key-1", "order-1");
    let begun = begin(&ledger, &op, "order-1", &split()).await.unwrap();
    let BeginConfirm::Started { payment, attempts } = begun else { panic!("{begun:?}") };
    let rows = [world.count("payment").await, world.count("approval").await, world.count("attempt").await];
    assert_eq!(rows, [1, 2, 2], "all of it is committed before a byte leaves");
    let told = ledger.finish_confirm(&op, payment.id, &approve(&attempts), now(), &Plain).await.unwrap();
    let Answer::Fresh(fresh) = told else { panic!("{told:?}") };
    assert_commits(&root, &account.name, before, 2).await;

    let done = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
    assert_eq!((done.status(now()), done.head.seq), (Status::Done, 2));
    let kinds: Vec<String> = sqlx::query_scalar("SELECT type FROM outbox_event ORDER BY id")
        .fetch_all(&world.owner)
        .await
        .unwrap();
    assert_eq!(kinds, ["payment.created.v1", "payment.confirmed.v1"]);
    let again = begin(&world.ledger, &under("key-1", "order-1"), "order-1", &split()).await.unwrap();
    let BeginConfirm::Answered(Answer::Replayed(replay)) = again else { panic!("{again:?}") };
    assert_eq!(replay.body.unwrap().2, fresh.body);
}

/// I14, R5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_requests_with_one_key_send_once_and_with_many_keys_make_one_payment() {
    for (label, one_key) in [("cc_one_key", true), ("cc_keys", false)] {
        let world = World::new(label).await;
        let ledgers = [world.ledger.clone(), world.second_ledger().await];
        let start = Arc::new(Barrier::new(16));
        let mut race = JoinSet::new();
        for racer in 0..16 {
            let (ledger, start) = (ledgers[racer % 2].clone(), start.clone());
            race.spawn(async move {
                let key = if one_key { "key".to_owned() } else { format!("key-{racer}") };
                let op = under(&key, "order-1");
                start.wait().await;
                match begin(&ledger, &op, "order-1", &split()).await.unwrap() {
                    BeginConfirm::Started { payment, attempts } => {
                        let answers = approve(&attempts);
                        ledger.finish_confirm(&op, payment.id, &answers, now(), &Plain).await.unwrap();
                        true
                    }
                    BeginConfirm::Answered(Answer::InProgress(..) | Answer::Replayed(_)) => {
                        assert!(one_key);
                        false
                    }
                    BeginConfirm::Answered(Answer::Fresh(refused)) => {
                        assert!(!one_key && refused.status == 409, "{refused:?}");
                        false
                    }
                    BeginConfirm::Answered(other) => panic!("{other:?}"),
                }
            });
        }
        let sent = race.join_all().await.into_iter().filter(|sent| *sent).count();
        assert_eq!((sent, world.count("payment").await, world.count("attempt").await), (1, 1, 2));
    }
}

/// R8: one leg fails: one failure under one key, the approved leg is to be undone, and the order may be tried again by the
/// same kind of request once it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_leg_that_is_declined_aborts_the_payment_under_the_one_key() {
    let world = World::new("cc_declined").await;
    let op = under("key-1", "order-1");
    let begun = begin(&world.ledger, &op, "order-1", &split()).await.unwrap();
    let BeginConfirm::Started { payment, attempts } = begun else { panic!("{begun:?}") };
    let mut answers = approve(&attempts);
    answers[1].1 = answer(ResultOutcome::Declined, None);
    let told = world.ledger.finish_confirm(&op, payment.id, &answers, now(), &Plain).await.unwrap();
    assert!(matches!(told, Answer::Fresh(ref rendered) if rendered.status == 409), "{told:?}");
    let aborted = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
    assert_eq!(aborted.status(now()), Status::Aborted);
    assert!(!aborted.exposure(now()).is_zero());
    let early = begin(&world.ledger, &under("key-2", "order-1"), "order-1", &split()).await.unwrap();
    assert!(matches!(early, BeginConfirm::Answered(Answer::Fresh(ref r)) if r.status == 409), "{early:?}");
    let due = world.ledger.due_reversals(now(), 10).await.unwrap();
    let key = ledger_core::ledger::AttemptKey {
        payment_id: payment.id,
        leg_no: due[0].leg_no,
        kind: ledger_core::payment::fact::AttemptKind::Auth,
        attempt_no: 1,
    };
    let reversal = world.ledger.begin_reversal(key, now()).await.unwrap().unwrap();
    let reversed = answer(ResultOutcome::Reversed, None);
    world.ledger.finish_reversal(reversal.key(), &reversed, now()).await.unwrap();
    let next = begin(&world.ledger, &under("key-3", "order-1"), "order-1", &split()).await.unwrap();
    assert!(matches!(next, BeginConfirm::Started { ref payment, .. } if payment.opened.try_no == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn legs_that_do_not_add_up_open_no_payment() {
    let world = World::new("cc_sum").await;
    let short = Confirm { legs: vec![leg(Method::Card, "card-1", 49_999)] };
    let refused = begin(&world.ledger, &under("key-1", "order-1"), "order-1", &short).await.unwrap();
    assert!(
        matches!(refused, BeginConfirm::Answered(Answer::Fresh(ref r)) if r.status == 409),
        "{refused:?}"
    );
    let nobody = Confirm { legs: vec![leg(Method::Card, "nobody", 50_000)] };
    let refused = begin(&world.ledger, &under("key-2", "order-1"), "order-1", &nobody).await.unwrap();
    assert!(matches!(refused, BeginConfirm::Answered(Answer::Refused(_))), "{refused:?}");
    assert_eq!((world.count("payment").await, world.count("idempotency_claim").await), (0, 1));
}
