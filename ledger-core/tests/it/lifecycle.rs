//! One payment from creation to its last cancel, and what stands in the tables then.

use ledger_core::ledger::{Answer, ReversalState};
use ledger_core::payment::fact::{AttemptKind, ResultOutcome};
use ledger_core::payment::status::{Reversal, Status};

use super::world::{MERCHANT, World, answer, cancel, create, now, split};

#[tokio::test(flavor = "multi_thread")]
async fn a_split_payment_is_confirmed_canceled_in_parts_and_ends_at_zero() {
    let world = World::new("life").await;
    let payment = world.confirmed("order-1").await;
    assert_eq!(payment.status(now()), Status::Done);
    assert_eq!(payment.balance().unwrap().get(), 50_000);

    let partial = cancel(&world.ledger, payment.id, Some(20_000), "cancel-1").await.unwrap();
    assert!(matches!(partial, Answer::Fresh(ref rendered) if rendered.status == 200), "{partial:?}");
    let after = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
    let shares: Vec<_> =
        after.cancels().flat_map(|c| &c.shares).map(|s| (s.leg_no, s.amount.get())).collect();
    assert_eq!(shares, [(1, 15_000), (2, 5_000)], "the card is emptied before points are touched");
    assert_eq!(after.cancels().next().unwrap().cancellation.vat.get(), 4_545 - 2_727);

    let over = cancel(&world.ledger, payment.id, Some(30_001), "cancel-2").await.unwrap();
    assert!(matches!(over, Answer::Fresh(ref rendered) if rendered.status == 409), "{over:?}");
    cancel(&world.ledger, payment.id, None, "cancel-3").await.unwrap();
    let end = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
    assert_eq!(end.status(now()), Status::Canceled);

    let trial: Vec<(String, i64)> = sqlx::query_as(
        "SELECT account, CAST(SUM(IF(side = 'D', amount, -amount)) AS SIGNED) FROM journal_line GROUP BY account ORDER BY account",
    )
    .fetch_all(&world.owner)
    .await
    .unwrap();
    assert_eq!(trial.len(), 4);
    assert!(
        trial.iter().all(|(_, sum)| *sum == 0),
        "a payment canceled in full leaves nothing on any account: {trial:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_replays_byte_for_byte_and_another_body_is_refused() {
    let world = World::new("replay").await;
    let Answer::Fresh(first) = create(&world.ledger, "order-1", 1_000, "key-1").await.unwrap() else {
        panic!("the first use of a key is fresh")
    };
    let rows = world.count("payment_change").await;
    let Answer::Replayed(second) = create(&world.ledger, "order-1", 1_000, "key-1").await.unwrap() else {
        panic!("the second use of a key is a replay")
    };
    assert_eq!((second.status, second.body.unwrap().2), (first.status, first.body));
    let Answer::Reused(fields) = create(&world.ledger, "order-1", 2_000, "key-1").await.unwrap() else {
        panic!("another body under the same key is refused")
    };
    assert_eq!(fields, ["/body"]);
    assert_eq!(world.count("payment_change").await, rows);
}

/// R1, I12
#[tokio::test(flavor = "multi_thread")]
async fn late_approval_never_revives_an_abandoned_attempt() {
    let world = World::new("late").await;
    let id = world.created("order-1", 50_000).await;
    let (op, attempts) = world.begun(id, "confirm-1", &split()).await;
    let mut answers = super::world::approve(&attempts);
    answers[1].1 = answer(ResultOutcome::Timeout, None);
    let (late_key, _) = answers[1];
    let told = world.ledger.finish_confirm(&op, id, &answers, now(), &super::world::Plain).await.unwrap();
    assert!(matches!(told, Answer::Fresh(ref rendered) if rendered.status == 409), "{told:?}");
    let aborted = world.ledger.payment(MERCHANT, id).await.unwrap().unwrap();
    assert_eq!((aborted.status(now()), aborted.reversal(now())), (Status::Aborted, Reversal::Pending));
    assert_eq!(aborted.exposure(now()).get(), 50_000, "both legs may stand at their issuers");

    let late = answer(ResultOutcome::Approved, Some("LATE-1"));
    let after = world.ledger.record_late(late_key, &late, now()).await.unwrap();
    assert_eq!(after.status(now()), Status::Aborted);
    assert_eq!(
        after
            .legs()
            .flat_map(ledger_core::payment::fold::Leg::authorizations)
            .map(|a| a.effective().get())
            .sum::<i64>(),
        0
    );

    let due = world.ledger.due_reversals(now(), 10).await.unwrap();
    assert_eq!(due.len(), 2);
    for due in due {
        let key = ledger_core::ledger::AttemptKey {
            payment_id: due.payment_id,
            leg_no: due.leg_no,
            kind: AttemptKind::Auth,
            attempt_no: due.attempt_no,
        };
        let reversal = world.ledger.begin_reversal(key, now()).await.unwrap().unwrap();
        assert!(reversal.original().unwrap().auth_no.is_some(), "the late number is used to undo it");
        let state = world
            .ledger
            .finish_reversal(reversal.key(), &answer(ResultOutcome::Reversed, None), now())
            .await
            .unwrap();
        assert_eq!(state, ReversalState::Voided);
    }
    let end = world.ledger.payment(MERCHANT, id).await.unwrap().unwrap();
    assert_eq!((end.exposure(now()).get(), end.reversal(now())), (0, Reversal::Done));
    assert!(world.ledger.due_reversals(now(), 10).await.unwrap().is_empty());
    let retry = create(&world.ledger, "order-1", 50_000, "create-again").await.unwrap();
    assert_ne!(
        super::world::id_in(&retry),
        id,
        "an aborted order with nothing left to undo may be tried again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_made_again_from_facts_are_those_of_the_outbox() {
    let world = World::new("history").await;
    let payment = world.confirmed("order-1").await;
    cancel(&world.ledger, payment.id, Some(20_000), "cancel-1").await.unwrap();
    let history = world.ledger.history(MERCHANT, payment.id).await.unwrap().unwrap();
    let again: Vec<_> = history
        .iter()
        .flat_map(|entry| &entry.change.events)
        .map(|event| (event.position.to_string(), event.kind.to_owned(), event.body.clone()))
        .collect();
    let stored: Vec<(u32, u8, String, Vec<u8>)> =
        sqlx::query_as("SELECT seq, ordinal, type, body FROM outbox_event ORDER BY id")
            .fetch_all(&world.owner)
            .await
            .unwrap();
    let stored: Vec<_> = stored
        .into_iter()
        .map(|(seq, ordinal, kind, body)| (format!("{seq}.{ordinal}"), kind, body))
        .collect();
    assert!(stored.len() >= 4, "{stored:?}");
    assert_eq!(again, stored);
    assert!(history.iter().all(ledger_core::history::HistoryEntry::is_intact));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_was_never_confirmed_in_time_may_be_tried_again() {
    let world = World::new("expire").await;
    let first = world.created("order-1", 1_000).await;
    let too_early = create(&world.ledger, "order-1", 1_000, "early").await.unwrap();
    assert!(matches!(too_early, Answer::Fresh(ref rendered) if rendered.status == 409), "{too_early:?}");
    let later = now() + chrono::TimeDelta::minutes(31);
    let again = super::world::create_at(&world.ledger, "order-1", 1_000, "later", later).await.unwrap();
    assert_ne!(super::world::id_in(&again), first);
    let old = world.ledger.payment(MERCHANT, first).await.unwrap().unwrap();
    assert_eq!(old.status(later), Status::Expired);
    assert_eq!(world.count("payment_verdict WHERE verdict = 'EXPIRED'").await, 1);
}
