//! Cancels on real MySQL: partly done, foreseen, expected, unanswered.

use std::sync::Arc;

use ledger_core::ledger::{Answer, BeginCancel, LedgerError, OpenCancel};
use ledger_core::payment::allocation::{Allocation, Part};
use ledger_core::payment::cancel::Cancel;
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::{CancelStatus, Status};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::world::{
    MERCHANT, Plain, World, answer, approve, cancel, cancel_by, cancel_operation, leg, now, wanted, won,
};
use ledger_core::payment::confirm::Confirm;

const RACERS: usize = 16;

fn told(answer: &Answer) -> (u16, String) {
    match answer {
        Answer::Fresh(rendered) => (rendered.status, String::from_utf8(rendered.body.clone()).unwrap()),
        Answer::Replayed(replay) => {
            (replay.status, String::from_utf8(replay.body.clone().unwrap().2).unwrap())
        }
        other @ (Answer::InProgress(..) | Answer::Running | Answer::Refused(_) | Answer::Reused(_)) => {
            panic!("{other:?}")
        }
    }
}

fn shares(payment: &Payment, cancel_no: u16) -> Vec<(u8, i64, i64, i64, i64)> {
    let cancel = payment.cancel(cancel_no).unwrap();
    cancel
        .shares
        .iter()
        .map(|s| (s.leg_no, s.amount.get(), s.tax_free.get(), s.vat.get(), s.fee.get()))
        .collect()
}

/// R16: a refund that is done stays; the share that is refused is released, and a new cancel takes it again.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_is_done_in_part_keeps_what_is_done_and_frees_the_rest() {
    let world = World::new("partly").await;
    let payment = world.confirmed("order-1").await;
    let said = |leg| if leg == 1 { ResultOutcome::Canceled } else { ResultOutcome::Declined };
    let first = cancel_by(&world.ledger, payment.id, wanted(Some(20_000)), "c-1", said).await.unwrap();
    assert_eq!(told(&first).0, 200);
    let again = cancel_by(&world.ledger, payment.id, wanted(Some(20_000)), "c-1", said).await.unwrap();
    assert!(matches!(again, Answer::Replayed(_)), "{again:?}");
    assert_eq!(told(&again), told(&first));

    let after = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
    let partly = after.cancel(1).unwrap();
    assert_eq!((partly.status(), partly.done_amount().unwrap()), (CancelStatus::PartiallyDone, won(15_000)));
    assert_eq!((after.balance().unwrap(), after.cancelable().unwrap()), (won(35_000), won(35_000)));
    assert_eq!(after.status(now()), Status::PartialCanceled);
    let kinds: Vec<(String, String)> = sqlx::query_as(
        "SELECT type, JSON_UNQUOTE(JSON_EXTRACT(CONVERT(body USING utf8mb4), '$.cancelStatus')) FROM outbox_event \
         WHERE type LIKE 'cancellation.%' ORDER BY id",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    let kind = |kind: &str, status: &str| (kind.to_owned(), status.to_owned());
    assert_eq!(
        kinds,
        [
            kind("cancellation.requested.v1", "IN_PROGRESS"),
            kind("cancellation.completed.v1", "PARTIALLY_DONE")
        ]
    );

    let part = Part { leg_no: 2, amount: won(5_000), tax_free: None };
    let rest = Cancel { allocation: Allocation::Explicit(vec![part]), ..wanted(None) };
    let second =
        cancel_by(&world.ledger, payment.id, rest, "c-2", |_| ResultOutcome::Canceled).await.unwrap();
    assert_eq!(told(&second).0, 200);
    cancel(&world.ledger, payment.id, None, "c-3").await.unwrap();
    let end = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
    assert_eq!(end.status(now()), Status::Canceled);
    assert_eq!(end.cancel(1).unwrap().done_amount().unwrap(), won(15_000), "never undone");
}

/// R6: unanswered shares keep their holds; each is repeated by its own attempt, under its own number, until it is definite.
#[tokio::test(flavor = "multi_thread")]
async fn an_unanswered_share_is_held_and_repeated_with_the_same_attempt() {
    let world = World::new("held").await;
    let payment = world.confirmed("order-1").await;
    let said = |leg| if leg == 1 { ResultOutcome::Canceled } else { ResultOutcome::Timeout };
    let first = cancel_by(&world.ledger, payment.id, wanted(None), "c-1", said).await.unwrap();
    assert!(matches!(first, Answer::InProgress(..)), "{first:?}");
    let open = OpenCancel { payment_id: payment.id, cancel_no: 1 };
    let ledger = world.second_ledger().await;
    let numbers = |payment: &Payment| -> Vec<String> {
        let attempts = payment.legs().flat_map(|leg| leg.attempts_of(AttemptKind::Cancel));
        attempts.map(|facts| facts.attempt.trace_no.clone()).collect()
    };
    let committed = numbers(&world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap());
    for outcome in [ResultOutcome::Reset, ResultOutcome::NotSent, ResultOutcome::Garbled] {
        let repeated = ledger.begin_cancel_repeat(open).await.unwrap();
        let keys: Vec<_> = repeated.iter().map(|a| (a.leg_no(), a.trace_no().to_owned())).collect();
        assert_eq!(keys, [(2, committed[1].clone())], "the share that is done is left alone");
        let answers = [(repeated[0].key(), answer(outcome, None))];
        let after = ledger.finish_cancel_repeat(open, &answers, now()).await.unwrap();
        assert_eq!(after.cancelable().unwrap(), won(0), "the hold stays");
        assert_eq!(after.cancel(1).unwrap().status(), CancelStatus::InProgress);
        assert_eq!(numbers(&after), committed, "the same message, not a new one");
    }
    let repeated = ledger.begin_cancel_repeat(open).await.unwrap();
    let answers = [(repeated[0].key(), answer(ResultOutcome::Declined, None))];
    let after = ledger.finish_cancel_repeat(open, &answers, now()).await.unwrap();
    assert_eq!(after.cancel(1).unwrap().status(), CancelStatus::PartiallyDone);
    assert_eq!(after.cancelable().unwrap(), won(35_000));
    let replayed = cancel_by(&world.ledger, payment.id, wanted(None), "c-1", said).await.unwrap();
    assert_eq!(told(&replayed).0, 200, "the caller learns under its key how it ended");
}

/// R7: of sixteen cancels that expect the same balance one passes, the rest are told the balance that stands: even while no
/// issuer has answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixteen_cancels_that_expect_one_balance_one_passes() {
    let world = World::new("expected").await;
    let payment = world.confirmed("order-1").await;
    let ledgers = [world.ledger.clone(), world.second_ledger().await];
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, start, id) = (ledgers[racer % 2].clone(), start.clone(), payment.id);
        race.spawn(async move {
            let mut cmd = Cancel { expected_balance: Some(won(50_000)), ..wanted(Some(1_000)) };
            let op = cancel_operation(&format!("c-{racer}"), id, &cmd);
            cmd.cancel_request_id = op.cancel_request_id();
            start.wait().await;
            loop {
                match ledger.begin_cancel(&op, id, &cmd, &Plain).await {
                    Err(LedgerError::Contended(_)) => {}
                    Ok(BeginCancel::Started { .. }) => return None,
                    Ok(BeginCancel::Answered(answer)) => return Some(told(&answer).1),
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    let refused: Vec<_> = race.join_all().await.into_iter().flatten().collect();
    assert_eq!(refused.len(), RACERS - 1);
    assert!(refused.iter().all(|text| text.contains("is 49000, expected 50000")), "{refused:?}");
    assert_eq!(world.count("cancellation").await, 1);
}

/// What is foreseen is what comes of it: over many random payments and cancels, refusals included; and foreseeing writes
/// nothing.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_foreseen_is_what_comes_of_it() {
    let world = World::new("foresee").await;
    let mut random = StdRng::seed_from_u64(20_261_124);
    let (mut done, mut refused) = (0, 0);
    for case in 0..30 {
        let id = paid(&world, &mut random, case).await;
        for turn in 0..3 {
            let cmd = random_cancel(&mut random);
            let key = format!("c-{case}-{turn}");
            let op = cancel_operation(&key, id, &cmd);
            let rows = rows(&world).await;
            let foreseen = world.ledger.foresee_cancel(&op, id, &cmd).await;
            assert_eq!(self::rows(&world).await, rows, "nothing is written");
            let real = cancel_by(&world.ledger, id, cmd, &key, |_| ResultOutcome::Canceled).await.unwrap();
            match foreseen {
                Ok(foreseen) => {
                    assert_eq!(told(&real).0, 200, "{real:?}");
                    let after = world.ledger.payment(MERCHANT, id).await.unwrap().unwrap();
                    let no = foreseen.cancel_no;
                    assert_eq!(shares(&foreseen.after, no), shares(&after, no));
                    assert_eq!(foreseen.after.balance(), after.balance());
                    assert_eq!(foreseen.after.cancelable(), after.cancelable());
                    assert_eq!(foreseen.after.status(now()), after.status(now()));
                    done += 1;
                }
                Err(LedgerError::Refused(refusal)) => {
                    assert_eq!(told(&real), (409, refusal.to_string()));
                    refused += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(done > 20 && refused > 20, "{done} done, {refused} refused: too few of one kind");
}

async fn rows(world: &World) -> Vec<i64> {
    let mut rows = Vec::new();
    for table in ["payment_change", "idempotency_claim", "attempt", "cancellation", "outbox_event"] {
        rows.push(world.count(table).await);
    }
    rows
}

/// A confirmed payment with one to four legs, some of which are taken whole or not at all.
async fn paid(world: &World, random: &mut StdRng, case: u32) -> ledger_core::ids::PaymentId {
    let methods = [Method::Card, Method::EasyPay, Method::Transfer, Method::Points];
    let legs: Vec<_> = methods[..random.random_range(1..=4)]
        .iter()
        .map(|method| {
            let mut leg = leg(*method, "card-1", random.random_range(1..=2_000));
            leg.partial_cancelable = random.random_bool(0.7);
            leg
        })
        .collect();
    let total = legs.iter().map(|leg| leg.amount.get()).sum();
    let id = world.created(&format!("order-{case}"), total).await;
    let (op, attempts) = world.begun(id, &format!("confirm-{case}"), &Confirm { legs }).await;
    world.ledger.finish_confirm(&op, id, &approve(&attempts), now(), &Plain).await.unwrap();
    id
}

fn random_cancel(random: &mut StdRng) -> Cancel {
    let allocation = match random.random_range(0..3) {
        0 => Allocation::RefundOrder,
        1 => Allocation::Prorata,
        _ => {
            let part = |leg_no, amount| Part { leg_no, amount: won(amount), tax_free: None };
            let parts =
                (1..=random.random_range(1..=2_u8)).map(|leg| part(leg, random.random_range(1..=900)));
            Allocation::Explicit(parts.collect())
        }
    };
    let amount = match allocation {
        Allocation::Explicit(_) => None,
        Allocation::RefundOrder | Allocation::Prorata => {
            random.random_bool(0.8).then(|| random.random_range(1..=2_500))
        }
    };
    Cancel { allocation, ..wanted(amount) }
}
