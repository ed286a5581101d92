//! Answers that contradict what was decided, on real MySQL: kept as facts, found in every total, undone or with people.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Answer, AttemptKey, ReversalState, Undoing};
use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::exposure::Exposed;
use ledger_core::payment::fact::{AttemptKind, ContradictionStep, ResultOutcome, Way};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::{CancelStatus, Status};
use ledger_core::replica_reader::ReplicaReader;

use super::world::{MERCHANT, Plain, World, answer, any_time, cancel, cancel_by, now, split, wanted};

fn auth(id: PaymentId, leg_no: u8) -> AttemptKey {
    AttemptKey { payment_id: id, leg_no, kind: AttemptKind::Auth, attempt_no: 1 }
}

async fn payment(world: &World, id: PaymentId) -> Payment {
    world.ledger.payment(MERCHANT, id).await.unwrap().unwrap()
}

/// What of a payment is exposed: by itself, among its merchant's and among all, which have to agree.
async fn exposed(world: &World, id: PaymentId, at: DateTime<Utc>) -> Vec<Exposed> {
    let of_merchant = world.ledger.exposure(MERCHANT, at).await.unwrap();
    let reader = ReplicaReader::open(&world.db.read_on_primary, any_time()).await.unwrap();
    let of_all = reader.exposure(at).await.unwrap();
    assert_eq!(of_merchant, of_all, "one merchant has all there is");
    let own: Vec<_> = of_all.into_iter().filter(|row| row.payment_id == id).collect();
    let sum: i64 = own.iter().map(|row| row.amount.get()).sum();
    assert_eq!(sum, payment(world, id).await.exposure(at).get());
    own
}

async fn undone(world: &World, id: PaymentId, outcome: ResultOutcome) -> ReversalState {
    let due = world.ledger.due_reversals(now(), 10).await.unwrap();
    let due = due.into_iter().find(|due| due.payment_id == id).unwrap();
    let undoing = Undoing { key: auth(id, due.leg_no), result_no: due.result_no };
    let sent = world.ledger.begin_reversal(undoing, now()).await.unwrap().unwrap();
    world.ledger.finish_reversal(sent.key(), &answer(outcome, None), now()).await.unwrap()
}

/// R5: beside an accepted approval a second one is exposed everywhere until it is canceled by its own reference.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_approval_is_in_every_total_until_it_is_undone_by_its_reference() {
    let world = World::new("second").await;
    let id = world.confirmed("order-1").await.id;
    assert_eq!(exposed(&world, id, now()).await, []);
    let before = now();
    world
        .ledger
        .record_late(auth(id, 1), &answer(ResultOutcome::Approved, Some("B-2")), now())
        .await
        .unwrap();
    let rows = exposed(&world, id, now()).await;
    assert_eq!(
        rows.iter().map(|row| (row.amount.get(), row.state)).collect::<Vec<_>>(),
        [(15_000, "CONFLICT")]
    );
    assert_eq!(payment(&world, id).await.status(now()), Status::Done);

    let due = world.ledger.due_reversals(now(), 10).await.unwrap();
    let undoing = Undoing { key: auth(id, 1), result_no: due[0].result_no };
    let sent = world.ledger.begin_reversal(undoing, now()).await.unwrap().unwrap();
    assert_eq!(sent.way(), Some(Way::Cancel));
    assert_eq!(sent.original().unwrap().auth_no.as_deref(), Some("B-2"));
    let silent = answer(ResultOutcome::Timeout, None);
    assert_eq!(
        world.ledger.finish_reversal(sent.key(), &silent, now()).await.unwrap(),
        ReversalState::Repeat
    );
    let again = world.ledger.begin_reversal(undoing, now()).await.unwrap().unwrap();
    assert_eq!(again.trace_no(), sent.trace_no(), "one cancel, however often it is sent");
    let canceled = answer(ResultOutcome::Canceled, None);
    let state = world.ledger.finish_reversal(again.key(), &canceled, now()).await.unwrap();
    assert_eq!(state, ReversalState::Voided);

    let after = now() + TimeDelta::milliseconds(1);
    assert_eq!(exposed(&world, id, after).await, []);
    assert_eq!(payment(&world, id).await.balance().unwrap().get(), 50_000);
    assert_eq!(exposed_then(&world, before).await, 0, "as it was known then");
    let kinds: Vec<String> =
        sqlx::query_scalar("SELECT type FROM outbox_event WHERE type LIKE 'contradiction%' ORDER BY id")
            .fetch_all(&world.owner)
            .await
            .unwrap();
    assert_eq!(kinds, ["contradiction.raised.v1", "contradiction.undone.v1"]);
}

async fn exposed_then(world: &World, at: DateTime<Utc>) -> usize {
    world.ledger.exposure(MERCHANT, at).await.unwrap().len()
}

/// R1, I12: an approval after the issuer's "reversed".
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_after_it_was_voided_is_exposed_and_undone_and_never_resurrected() {
    let world = World::new("voided").await;
    let id = world.created("order-1", 50_000).await;
    let (op, attempts) = world.begun(id, "confirm-1", &split()).await;
    let answers: Vec<_> =
        attempts.iter().map(|attempt| (attempt.key(), answer(ResultOutcome::Timeout, None))).collect();
    world.ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
    for _ in 0..2 {
        assert_eq!(undone(&world, id, ResultOutcome::Reversed).await, ReversalState::Voided);
    }
    assert_eq!(exposed(&world, id, now()).await, []);
    world
        .ledger
        .record_late(auth(id, 1), &answer(ResultOutcome::Approved, Some("B-9")), now())
        .await
        .unwrap();
    assert_eq!(exposed(&world, id, now()).await.len(), 1);
    let after = payment(&world, id).await;
    let attempt = after.attempt(1, AttemptKind::Auth, 1).unwrap();
    assert_eq!((after.status(now()), attempt.state(now())), (Status::Aborted, AttemptState::Voided));
    assert_eq!(undone(&world, id, ResultOutcome::Reversed).await, ReversalState::Voided);
    assert_eq!(exposed(&world, id, now()).await, []);
}

/// R5: an approval beside a refusal is in the totals, and stays there when people have it, however old it gets.
#[tokio::test(flavor = "multi_thread")]
async fn an_approval_beside_a_refusal_is_in_every_total_and_stays_there_with_people() {
    let world = World::new("conflict").await;
    let id = world.created("order-1", 50_000).await;
    let (op, attempts) = world.begun(id, "confirm-1", &split()).await;
    let answers: Vec<_> =
        attempts.iter().map(|attempt| (attempt.key(), answer(ResultOutcome::Declined, None))).collect();
    world.ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
    world
        .ledger
        .record_late(auth(id, 2), &answer(ResultOutcome::Approved, Some("B-7")), now())
        .await
        .unwrap();
    let rows = exposed(&world, id, now()).await;
    assert_eq!(rows.iter().map(|row| (row.leg_no, row.amount.get())).collect::<Vec<_>>(), [(2, 35_000)]);
    assert_eq!(undone(&world, id, ResultOutcome::TooLate).await, ReversalState::Inquire);
    assert_eq!(undone(&world, id, ResultOutcome::NoOriginal).await, ReversalState::Escalated);
    assert!(world.ledger.due_reversals(now(), 10).await.unwrap().is_empty(), "people decide from here on");
    let a_year_on = now() + TimeDelta::days(365);
    assert_eq!(exposed(&world, id, a_year_on).await[0].state, "ESCALATED");
}

/// R4: asked about, then canceled in full by the number that the inquiry has told; both are in the ledger before they are sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_can_no_longer_be_reversed_is_asked_about_and_canceled_in_full() {
    let world = World::new("too_late").await;
    let id = world.created("order-1", 50_000).await;
    let (op, attempts) = world.begun(id, "confirm-1", &split()).await;
    let mut answers: Vec<_> =
        attempts.iter().map(|attempt| (attempt.key(), answer(ResultOutcome::NotSent, None))).collect();
    answers[0].1 = answer(ResultOutcome::Timeout, None);
    let leg_no = answers[0].0.leg_no;
    world.ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
    assert_eq!(undone(&world, id, ResultOutcome::TooLate).await, ReversalState::Inquire);
    let inquiry = world.ledger.begin_reversal(auth(id, leg_no), now()).await.unwrap().unwrap();
    assert_eq!(inquiry.kind(), AttemptKind::Inquiry);
    let stands = answer(ResultOutcome::Approved, Some("B-5"));
    assert_eq!(
        world.ledger.finish_reversal(inquiry.key(), &stands, now()).await.unwrap(),
        ReversalState::Cancel
    );
    assert_eq!(exposed(&world, id, now()).await.len(), 1);
    let cancel = world.ledger.begin_reversal(auth(id, leg_no), now()).await.unwrap().unwrap();
    assert_eq!((cancel.kind(), cancel.way()), (AttemptKind::NetCancel, Some(Way::Cancel)));
    assert_eq!(cancel.original().unwrap().auth_no.as_deref(), Some("B-5"));
    let canceled = answer(ResultOutcome::Canceled, None);
    let state = world.ledger.finish_reversal(cancel.key(), &canceled, now()).await.unwrap();
    assert_eq!(state, ReversalState::Voided);
    assert_eq!(exposed(&world, id, now()).await, []);
}

/// R6: two messages of one cancel, one refused and one refunded: both are kept, and the refund is seen.
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_that_contradicts_a_refusal_is_kept_and_seen() {
    let world = World::new("refunded").await;
    let id = world.confirmed("order-1").await.id;
    let cmd = wanted(Some(10_000));
    cancel_by(&world.ledger, id, cmd, "cancel-1", |_| ResultOutcome::Declined).await.unwrap();
    assert_eq!(payment(&world, id).await.cancel(1).unwrap().status(), CancelStatus::Failed);
    let key = AttemptKey { payment_id: id, leg_no: 1, kind: AttemptKind::Cancel, attempt_no: 1 };
    let open = ledger_core::ledger::OpenCancel { payment_id: id, cancel_no: 1 };
    let refunded = [(key, answer(ResultOutcome::Canceled, None))];
    world.ledger.finish_cancel_repeat(open, &refunded, now()).await.unwrap();
    let after = payment(&world, id).await;
    let attempt = after.attempt(1, AttemptKind::Cancel, 1).unwrap();
    assert_eq!(attempt.results.len(), 2);
    assert_eq!(attempt.contradictions.last().map(|fact| fact.step), Some(ContradictionStep::Escalated));
    assert_eq!(after.cancel(1).unwrap().status(), CancelStatus::Failed, "what has ended stays ended");
    let rows = exposed(&world, id, now()).await;
    assert_eq!(
        (rows[0].kind, rows[0].amount.get(), rows[0].state),
        (AttemptKind::Cancel, 10_000, "ESCALATED")
    );
    // what went back is not given back again: of 50,000 people have 10,000
    assert_eq!((after.balance().unwrap().get(), after.cancelable().unwrap().get()), (50_000, 40_000));
    let over = cancel(&world.ledger, id, Some(40_001), "over").await.unwrap();
    assert!(matches!(over, Answer::Fresh(ref rendered) if rendered.status == 409), "{over:?}");
    let rest = cancel(&world.ledger, id, None, "rest").await.unwrap();
    assert!(matches!(rest, Answer::Fresh(ref rendered) if rendered.status == 200), "{rest:?}");
    assert_eq!(payment(&world, id).await.balance().unwrap().get(), 10_000);
}

/// One horizon: an attempt that nobody judged for days is in the merchant's figure as it is in all.
#[tokio::test(flavor = "multi_thread")]
async fn a_merchants_exposure_and_that_over_all_look_equally_far_back() {
    let world = World::new("horizon").await;
    let id = world.created("order-1", 50_000).await;
    world.begun(id, "confirm-1", &split()).await;
    for days in [1, 3, 7] {
        let later = now() + TimeDelta::days(days);
        assert_eq!(exposed(&world, id, later).await.len(), 2, "after {days} days");
    }
}
