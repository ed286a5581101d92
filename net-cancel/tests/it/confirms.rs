//! Confirming through the gateway: the order of legs, deadlines, and callers that hang up.

use std::time::Duration;

use issuer_gateway::run::RunError;
use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::fact::{Method, NetworkCancelReason, ResultOutcome};
use ledger_core::payment::status::Status;
use ledger_runtime::clock;

use crate::world::{Waits, World, authorization, by_card, leg, text, won};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_legs_approved_make_a_payment() {
    let world = World::new("nc_done").await;
    let id = world.created("o-1", 50_000).await;
    let legs =
        vec![leg(Method::Card, "card-1", 30_000, "tok"), leg(Method::Points, "points-1", 20_000, "tok")];
    let answer = world.confirm(id, Confirm { legs }).await.unwrap();
    assert!(text(&answer).contains("DONE"), "{answer:?}");
    assert_eq!(world.payment(id).await.balance().unwrap(), won(50_000));
    assert_eq!(world.once().await, [], "there is nothing to undo");
    world.audit(&[id]).await;
}

/// R8
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn once_a_leg_fails_the_rest_is_not_sent_and_what_was_approved_is_undone() {
    let world = World::new("nc_sibling").await;
    let id = world.created("o-1", 60_000).await;
    let legs = vec![
        leg(Method::Transfer, "bank-1", 10_000, "tok"),
        leg(Method::Card, "card-1", 20_000, "sim:decline:STOLEN"),
        leg(Method::Points, "points-1", 30_000, "tok"),
    ];
    let answer = world.confirm(id, Confirm { legs }).await.unwrap();
    assert!(text(&answer).contains("STOLEN"), "{answer:?}");
    let asked: Vec<_> = world.issuer.truth().traces.iter().map(|trace| trace.issuer.clone()).collect();
    assert_eq!(
        asked,
        ["card-1", "points-1"],
        "the transfer, hardest to reverse, comes last and was not sent"
    );
    let payment = world.payment(id).await;
    let of = |leg_no| payment.leg(leg_no).unwrap().authorizations().last().unwrap();
    assert!(of(1).result(ResultOutcome::NotSent).is_some());
    assert_eq!(of(3).state(clock::now()), AttemptState::Reversing(NetworkCancelReason::SiblingFailed));
    world.audit(&[id]).await;

    world.once().await;
    let payment = world.payment(id).await;
    assert_eq!(
        payment.leg(3).unwrap().authorizations().last().unwrap().state(clock::now()),
        AttemptState::Voided
    );
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_waited_for_is_not_sent() {
    let world = World::new("nc_deadline").await;
    let id = world.created("o-1", 50_000).await;
    // Connecting, reading and recording take up to 1.8 s.
    let answer = world.confirm_within(id, by_card("tok"), Duration::from_secs(1)).await.unwrap();
    assert_eq!(world.issuer.truth().traces, [], "{answer:?}");
    let payment = world.payment(id).await;
    assert_eq!(payment.status(clock::now()), Status::Aborted);
    assert_eq!(authorization(&payment).results[0].issuer_code.as_deref(), Some("DEADLINE"));
    assert_eq!(payment.exposure(clock::now()), won(0), "nothing was sent, nothing is to be undone");
    assert_eq!(world.once().await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_hangs_up_does_not_stop_the_verdict() {
    let world = World::with("nc_hangs_up", Waits { read: Duration::from_secs(5), ..Waits::default() }).await;
    let id = world.created("o-1", 50_000).await;
    let confirm = world.confirm(id, by_card("sim:delay:700"));
    assert!(tokio::time::timeout(Duration::from_millis(400), confirm).await.is_err(), "hung up");
    let payment = world.until(id, |payment| payment.verdict.is_some()).await;
    assert_eq!(payment.status(clock::now()), Status::Done);
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_end_is_said_to_be_unknown() {
    let world = World::new("nc_unfinished").await;
    let id = world.created("o-1", 50_000).await;
    let answer = world.confirm_within(id, by_card("tok"), Duration::from_millis(1)).await;
    assert!(matches!(answer, Err(RunError::Unfinished)), "{answer:?}");
    let payment = world.until(id, |payment| payment.verdict.is_some()).await;
    assert_eq!(payment.status(clock::now()), Status::Aborted);
    assert_eq!(world.issuer.truth().traces, []);
}
