//! Cancels that an issuer does not answer: R6.

use std::time::Duration;

use ledger_core::ledger::Answer;
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::fact::{AttemptKind, Method};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::{CancelStatus, Status};
use ledger_runtime::clock;
use tokio::process::Child;
use tokio::time::Instant;

use crate::processes::net_cancel;
use crate::world::{Waits, World, leg, text, won};

/// The program, repeating cancels soon.
fn repeating(world: &World) -> Child {
    net_cancel(world, &["run"]).env("JOB__CANCEL_REPEAT_MS", "300").spawn().unwrap()
}

/// R6
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unanswered_cancel_keeps_its_hold_and_is_repeated_with_the_same_data() {
    for (order, token, canceled_before) in
        [("o-1", "sim:lost-cancel:1", 0), ("o-2", "sim:drop-cancel:1", 20_000)]
    {
        let world = World::new("nc_cancel").await;
        let id = world.paid(order, token).await;
        let answer = world.cancel(id, 20_000).await;
        assert!(matches!(answer, Answer::InProgress(..)), "{answer:?}");
        assert_eq!(world.issuer.truth().totals.canceled, canceled_before);
        let payment = world.payment(id).await;
        assert_eq!(payment.cancelable().unwrap(), won(30_000), "the hold stays");
        assert_eq!(payment.cancel(1).unwrap().status(), CancelStatus::InProgress);

        let payment = world.run_until(id, |payment| payment.cancel(1).unwrap().is_settled()).await;
        assert_eq!(payment.cancel(1).unwrap().status(), CancelStatus::Done);
        assert_eq!(payment.status(clock::now()), Status::PartialCanceled);
        let truth = world.issuer.truth();
        assert_eq!(
            (truth.traces[0].cancel_requests, truth.totals.canceled),
            (2, 20_000),
            "the same cancel, twice"
        );
        world.audit(&[id]).await;
    }
}

/// R6: two legs, two silent issuers, and a job that is killed while it repeats: the holds stay, the same two messages are
/// repeated by the next one, and nothing is refunded twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_of_two_legs_is_repeated_by_the_next_job_when_one_is_killed() {
    let waits = Waits { read: Duration::from_secs(2), ..Waits::default() };
    let world = World::with("nc_cancel_kill", waits).await;
    let id = world.created("o-1", 50_000).await;
    let legs = vec![
        leg(Method::Card, "card-1", 15_000, "sim:drop-cancel:2"),
        leg(Method::Points, "points-1", 35_000, "sim:lost-cancel:2"),
    ];
    world.confirm(id, Confirm { legs }).await.unwrap();
    let answer = world.cancel(id, 50_000).await;
    assert!(matches!(answer, Answer::InProgress(..)), "{answer:?}");
    let messages = |payment: &Payment| -> Vec<String> {
        let attempts = payment.legs().flat_map(|leg| leg.attempts_of(AttemptKind::Cancel));
        attempts.map(|facts| facts.attempt.trace_no.clone()).collect()
    };
    let committed = messages(&world.payment(id).await);
    assert_eq!(committed.len(), 2);

    let requests = || world.issuer.truth().traces.iter().map(|trace| trace.cancel_requests).sum::<u32>();
    let before = requests();
    let mut job = repeating(&world);
    let limit = Instant::now() + Duration::from_secs(30);
    while requests() == before {
        assert!(Instant::now() < limit, "the cancel is never repeated");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    job.kill().await.unwrap();
    let payment = world.payment(id).await;
    assert_eq!(payment.cancelable().unwrap(), won(0), "the holds stay");
    assert_eq!(payment.cancel(1).unwrap().status(), CancelStatus::InProgress);

    let job = repeating(&world);
    let payment = world.until(id, |payment| payment.cancel(1).unwrap().is_settled()).await;
    drop(job);
    assert_eq!(payment.cancel(1).unwrap().status(), CancelStatus::Done);
    assert_eq!(messages(&payment), committed, "no further message was made");
    assert_eq!(world.issuer.truth().totals.canceled, 50_000, "refunded once");
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_cancel_gives_its_hold_back() {
    let world = World::new("nc_cancel_declined").await;
    let id = world.paid("o-1", "sim:decline-cancel:CLOSED").await;
    let answer = world.cancel(id, 20_000).await;
    assert!(text(&answer).contains("CLOSED"), "{answer:?}");
    assert_eq!(world.payment(id).await.cancelable().unwrap(), won(50_000));
    world.audit(&[id]).await;
}
