//! Undoing an approval, beside everything else that may happen to it: races R9 and R13 on a real database.

use std::sync::Arc;

use chrono::TimeDelta;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Answer, AttemptKey, Ledger, LedgerError, ReversalState};
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome};
use ledger_core::payment::status::{Reversal, Status};
use tokio::sync::Barrier;

use super::world::{MERCHANT, Plain, World, answer, approve, cancel, leg, now, split, won};

/// R9: the compensation of a leg whose sibling failed is not answered, again and again. The payment stays aborted, says how far
/// undoing has come, and what the issuer may hold stays visible for the merchant, to the end and after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_compensation_that_fails_stays_visible_and_is_handed_to_people() {
    let world = World::new("compensation").await;
    let id = world.created("order-1", 50_000).await;
    let (op, attempts) = world.begun(id, "confirm", &split()).await;
    let mut answers = approve(&attempts);
    let declined = answers.iter().position(|(key, _)| key.leg_no == 1).unwrap();
    answers[declined].1 = answer(ResultOutcome::Declined, None);
    world.ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();

    let key = AttemptKey { payment_id: id, leg_no: 2, kind: AttemptKind::Auth, attempt_no: 1 };
    let stands = async |at, reversal, what: &str| {
        let payment = world.ledger.payment(MERCHANT, id).await.unwrap().unwrap();
        assert_eq!((payment.status(at), payment.reversal(at)), (Status::Aborted, reversal), "{what}");
        assert_eq!(payment.exposure(at), won(35_000), "{what}");
        let exposed = world.ledger.exposure(MERCHANT, at).await.unwrap();
        assert_eq!(exposed.iter().map(|row| row.amount).collect::<Vec<_>>(), [won(35_000)], "{what}");
    };
    let mut at = now();
    stands(at, Reversal::Pending, "nothing is tried yet").await;
    // an hour of validity: people take over after 85 % of it
    for minutes in [1, 20, 40, 50] {
        at = now() + TimeDelta::minutes(minutes);
        let attempt = world.ledger.begin_reversal(key, at).await.unwrap().expect("it is not given up");
        let silence = answer(ResultOutcome::Timeout, None);
        let state = world.ledger.finish_reversal(attempt.key(), &silence, at).await.unwrap();
        assert_eq!(state, ReversalState::Repeat, "after {minutes} minutes");
        stands(at, Reversal::Pending, "unanswered").await;
    }
    at = now() + TimeDelta::minutes(55);
    if let Some(attempt) = world.ledger.begin_reversal(key, at).await.unwrap() {
        let silence = answer(ResultOutcome::Timeout, None);
        let state = world.ledger.finish_reversal(attempt.key(), &silence, at).await.unwrap();
        assert_eq!(state, ReversalState::Escalated);
    }
    for later in [at, at + TimeDelta::days(1)] {
        stands(later, Reversal::Escalated, "handed to people").await;
        assert!(world.ledger.begin_reversal(key, later).await.unwrap().is_none(), "nothing more is sent");
    }
    let refused = cancel(&world.ledger, id, None, "cancel").await.unwrap();
    assert!(matches!(refused, Answer::Fresh(ref rendered) if rendered.status == 409), "{refused:?}");
}

/// Up to fewer reads than these an answer comes later than the rest.
const READS: u32 = 12;

/// What of a payment's approval was undone by whom.
async fn undone_by(world: &World, kind: AttemptKind) -> i64 {
    world.count(&format!("attempt WHERE kind = '{kind}'")).await
}

/// One payment for which everybody races: its answer, whoever believes that its process has died, and its merchant. The answer
/// has the payment at hand and the others read it first, so it comes some reads later from one payment to the next, lest it
/// is always the first.
async fn raced(world: &World, others: &[Ledger; 2], number: u32) {
    let id = world.created(&format!("order-{number}"), 50_000).await;
    let confirm = Confirm { legs: vec![leg(Method::Card, "card-1", 50_000)] };
    let (op, attempts) = world.begun(id, &format!("confirm-{number}"), &confirm).await;
    let (key, answers) = (attempts[0].key(), approve(&attempts));
    let start = Arc::new(Barrier::new(3));
    let answered = tokio::spawn({
        let (ledger, start) = (world.ledger.clone(), start.clone());
        async move {
            start.wait().await;
            for _ in 0..number % READS {
                ledger.payment(MERCHANT, id).await.unwrap();
            }
            ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
        }
    });
    let given_up = tokio::spawn(undo(others[0].clone(), start.clone(), key));
    let canceled = tokio::spawn(refund(others[1].clone(), start, id, number));
    answered.await.unwrap();
    given_up.await.unwrap();
    canceled.await.unwrap();
}

/// Gives the attempt up (R10) and reverses it, as often as it may.
async fn undo(ledger: Ledger, start: Arc<Barrier>, key: AttemptKey) {
    start.wait().await;
    let later = now() + TimeDelta::minutes(1);
    match ledger.recover(key, later).await {
        Ok(_) | Err(LedgerError::Refused(_)) => {}
        Err(error) => panic!("{error:?}"),
    }
    if let Some(attempt) = ledger.begin_reversal(key, later).await.unwrap() {
        let reversed = answer(ResultOutcome::Reversed, None);
        ledger.finish_reversal(attempt.key(), &reversed, later).await.unwrap();
    }
}

/// Cancels the payment in full as soon as it has a verdict.
async fn refund(ledger: Ledger, start: Arc<Barrier>, id: PaymentId, number: u32) {
    start.wait().await;
    for attempt in 0.. {
        match cancel(&ledger, id, None, &format!("cancel-{number}-{attempt}")).await {
            Err(LedgerError::Contended(_)) => {}
            done => {
                done.unwrap();
                if ledger.payment(MERCHANT, id).await.unwrap().unwrap().verdict.is_some() {
                    return;
                }
            }
        }
    }
}

/// R13: a network cancel goes to what was abandoned and a merchant's cancel to what was accepted, and one verdict is all an
/// attempt ever has: however they race, nothing is undone by both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_network_cancel_and_a_cancel_never_hit_the_same_approval() {
    let world = World::new("r13").await;
    let others = [world.second_ledger().await, world.second_ledger().await];
    let mut payments = 0;
    while payments < 12
        || undone_by(&world, AttemptKind::NetCancel).await == 0
        || undone_by(&world, AttemptKind::Cancel).await == 0
    {
        assert!(payments < 200, "they always end the same way, so nothing was raced for");
        payments += 1;
        raced(&world, &others, payments).await;
    }
    let both = "attempt AS n JOIN attempt AS c ON c.payment_id = n.payment_id AND c.leg_no = n.leg_no AND c.kind = 'CANCEL' \
                WHERE n.kind = 'NET_CANCEL'";
    assert_eq!(world.count(both).await, 0);
    let ordered = "network_cancel AS n JOIN attempt_verdict AS v ON v.payment_id = n.payment_id AND v.leg_no = n.leg_no \
                   AND v.attempt_no = n.attempt_no WHERE v.verdict <> 'ABANDON'";
    assert_eq!(world.count(ordered).await, 0, "what is undone was abandoned");
    let held = "balance_link AS b JOIN attempt_verdict AS v ON v.payment_id = b.payment_id AND v.leg_no = b.leg_no \
                WHERE v.verdict <> 'ACCEPT'";
    assert_eq!(world.count(held).await, 0, "what is canceled was accepted");
    assert_eq!(world.count("attempt_verdict").await, i64::from(payments), "one verdict each");
}
