//! Undoing what an issuer may have approved: races R1 to R4 and R10.

use std::time::Duration;

use chrono::TimeDelta;
use issuer_gateway::deadline::Deadline;
use issuer_gateway::run::Gateway;
use issuer_gateway::timeouts::Timeouts;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{AttemptKey, IssuerAnswer, Ledger};
use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::fact::{AttemptKind, NetworkCancelReason, ResultOutcome, ResultSource};
use ledger_core::payment::status::Status;
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::clock;
use net_cancel::drive::Done;

use crate::world::{World, at, authorization, by_card, state, tries, won};

/// R1, I12
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_approval_never_revives_an_abandoned_attempt() {
    let world = World::new("nc_late").await;
    let id = late_after_it_was_voided(&world, "sim:late:3000").await;
    let payment = world.payment(id).await;
    assert_eq!(payment.exposure(clock::now()), won(0), "the issuer said which approval it reversed");
    assert!(world.once().await.is_empty(), "nothing is undone once more");
    world.audit(&[id]).await;
}

/// R1
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_approval_that_no_reversal_named_is_undone_by_its_number() {
    let world = World::new("nc_late_unnamed").await;
    let id = late_after_it_was_voided(&world, "sim:late:3000,unnamed-nc:1").await;
    let payment = world.payment(id).await;
    assert_eq!(payment.exposure(clock::now()), won(50_000), "after \"reversed\" it may be another approval");
    let done = world.once().await;
    assert!(
        matches!(done.as_slice(), [Done::Reverse { outcome: "REVERSED", state: "VOIDED", .. }]),
        "{done:?}"
    );
    let payment = world.payment(id).await;
    assert_eq!(payment.exposure(clock::now()), won(0));
    assert_eq!((state(&payment), payment.status(clock::now())), (AttemptState::Voided, Status::Aborted));
    world.audit(&[id]).await;
}

/// A payment whose issuer approves after its authorization was given up and reversed.
async fn late_after_it_was_voided(world: &World, token: &str) -> PaymentId {
    let id = world.paid("o-1", token).await;
    let payment = world.payment(id).await;
    assert_eq!(payment.status(clock::now()), Status::Aborted);
    assert_eq!(state(&payment), AttemptState::Reversing(NetworkCancelReason::Timeout));
    assert_eq!(payment.exposure(clock::now()), won(50_000), "what we do not know has an amount");
    world.audit(&[id]).await;

    let done = world.once().await;
    assert!(
        matches!(done.as_slice(), [Done::Reverse { outcome: "REVERSED", state: "VOIDED", .. }]),
        "{done:?}"
    );
    world.audit(&[id]).await;

    let payment = world.until(id, |payment| authorization(payment).approval().is_some()).await;
    let late = authorization(&payment).approval().unwrap();
    assert_eq!(late.source, ResultSource::Late);
    assert_eq!(payment.status(clock::now()), Status::Aborted);
    assert_eq!((state(&payment), authorization(&payment).effective()), (AttemptState::Voided, won(0)));
    id
}

/// R2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_that_overtakes_its_authorization_is_sent_again_after_the_late_window() {
    let world = World::new("nc_overtakes").await;
    let id = world.paid("o-1", "sim:late-book:4000").await;
    let done = world.once().await;
    assert!(
        matches!(done.as_slice(), [Done::Reverse { outcome: "NO_ORIGINAL", state: "REPEAT", .. }]),
        "{done:?}"
    );
    let payment = world.payment(id).await;
    assert_eq!(payment.exposure(clock::now()), won(50_000), "no original is provisional");

    world.until_issuer(|truth| truth.effective == 50_000).await;
    world.audit(&[id]).await;
    let payment = world.run_until(id, |payment| state(payment) == AttemptState::Voided).await;
    assert_eq!(tries(&payment).first().unwrap(), &["NO_ORIGINAL"]);
    assert_eq!(tries(&payment).last().unwrap(), &["REVERSED"]);
    assert_eq!(payment.exposure(clock::now()), won(0));
    world.audit(&[id]).await;
}

/// R2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_original_counts_after_the_late_window_and_a_second_time() {
    let world = World::new("nc_absent").await;
    let id = world.paid("o-1", "sim:lost").await;
    let payment = world.run_until(id, |payment| state(payment) == AttemptState::VoidedProvisional).await;
    let voided = authorization(&payment).reversal.last().unwrap();
    assert!(
        voided.decided_at >= at(&payment) + TimeDelta::seconds(3),
        "not before the late window has passed"
    );
    assert!(
        tries(&payment).len() >= 2 && tries(&payment).iter().all(|outcomes| outcomes == &["NO_ORIGINAL"])
    );
    world.audit(&[id]).await;
}

/// R3
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unanswered_reversal_is_repeated_until_it_is_answered() {
    let world = World::new("nc_repeat").await;
    let id = world.paid("o-1", "sim:drop,lost-nc:2").await;
    let payment = world.run_until(id, |payment| state(payment) == AttemptState::Voided).await;
    assert_eq!(tries(&payment), [["TIMEOUT"], ["TIMEOUT"], ["REVERSED"]]);
    let truth = world.issuer.truth();
    assert_eq!((truth.traces[0].reversal_requests, truth.totals.reversed), (3, 50_000));
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_answer_to_a_reversal_counts() {
    let world = World::new("nc_late_nc").await;
    let id = world.paid("o-1", "sim:reset,delay-nc:1700").await;
    let payment = world.run_until(id, |payment| state(payment) == AttemptState::Voided).await;
    assert_eq!(tries(&payment)[0], ["TIMEOUT", "REVERSED"], "first try, late answer");
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_uncertain_answer_is_undone() {
    let world = World::new("nc_uncertain").await;
    let tokens =
        ["sim:drop", "sim:garble", "sim:garble:truncated", "sim:garble:trace", "sim:reset", "sim:error"];
    let mut ids = Vec::new();
    for token in tokens {
        let id = world.paid(token, token).await;
        let payment = world.payment(id).await;
        assert_eq!(payment.status(clock::now()), Status::Aborted, "{token}");
        assert_eq!(payment.exposure(clock::now()), won(50_000), "{token}");
        ids.push(id);
    }
    world.audit(&ids).await;
    assert_eq!(world.once().await.len(), tokens.len());
    for id in &ids {
        assert_eq!(state(&world.payment(*id).await), AttemptState::Voided);
    }
    assert_eq!(world.issuer.truth().totals.effective, 0);
    world.audit(&ids).await;
}

/// R4: asked about and canceled in full, by the number that the issuer tells, in one go.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reversal_that_is_too_late_is_followed_by_an_inquiry_and_a_full_cancel() {
    let world = World::new("nc_system").await;
    let id = world.paid("o-1", "sim:drop,too-late-nc:9").await;
    let done = world.once().await;
    assert!(
        matches!(done.as_slice(), [Done::Reverse { outcome: "CANCELED", state: "VOIDED", .. }]),
        "{done:?}"
    );
    let payment = world.payment(id).await;
    assert_eq!((state(&payment), payment.exposure(clock::now())), (AttemptState::Voided, won(0)));
    let leg = payment.leg(1).unwrap();
    let asked = leg.attempts_of(AttemptKind::Inquiry).next().unwrap();
    assert!(asked.approval().unwrap().issuer_ref.is_some(), "it stands under this number");
    let truth = world.issuer.truth();
    assert_eq!((truth.totals.canceled, truth.totals.reversed, truth.totals.effective), (50_000, 0, 0));
    world.audit(&[id]).await;
}

/// R4, R6: silence to the full cancel is followed by the same message; the issuer gives back once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_cancel_that_is_not_answered_is_sent_again_as_it_is() {
    let world = World::new("nc_system_again").await;
    let id = world.paid("o-1", "sim:drop,too-late-nc:9,drop-cancel:1").await;
    let payment = world.run_until(id, |payment| state(payment) == AttemptState::Voided).await;
    let leg = payment.leg(1).unwrap();
    let cancels = leg.attempts_of(AttemptKind::NetCancel).filter(|facts| facts.attempt.way.is_some());
    assert_eq!(cancels.count(), 1, "one trace number");
    let truth = world.issuer.truth();
    assert_eq!((truth.traces[0].cancel_requests, truth.totals.canceled), (2, 50_000));
    world.audit(&[id]).await;
}

/// R5: of two approvals the accepted one stays, the other is canceled by its own number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_approval_is_canceled_at_its_issuer_by_its_own_number() {
    let world = World::new("nc_second").await;
    let id = world.paid("o-1", "sim:approve").await;
    assert_eq!(world.payment(id).await.status(clock::now()), Status::Done);
    let trace_no = world.issuer.truth().traces[0].trace_no.clone();
    let number = world.issuer.approve_beside(&trace_no).unwrap();
    let told = IssuerAnswer {
        outcome: ResultOutcome::Approved,
        source: ResultSource::Late,
        issuer_ref: Some(number),
        issuer_code: None,
        account: None,
        received_at: clock::now(),
    };
    let key = AttemptKey { payment_id: id, leg_no: 1, kind: AttemptKind::Auth, attempt_no: 1 };
    world.ledger.record_late(key, &told, clock::now()).await.unwrap();
    world.audit(&[id]).await;
    assert_eq!(world.payment(id).await.exposure(clock::now()), won(50_000));
    let done = world.once().await;
    assert!(
        matches!(done.as_slice(), [Done::Reverse { outcome: "CANCELED", state: "VOIDED", .. }]),
        "{done:?}"
    );
    let payment = world.payment(id).await;
    assert_eq!(payment.exposure(clock::now()), won(0));
    assert_eq!((payment.status(clock::now()), payment.balance()), (Status::Done, Ok(won(50_000))));
    assert_eq!(world.issuer.truth().totals.effective, 50_000, "one of the two stands");
    world.audit(&[id]).await;
}

/// R4: only when the full cancel is refused as well do people take over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_cancel_that_is_refused_is_handed_to_people_with_its_amount() {
    let world = World::new("nc_too_late").await;
    let id = world.paid("o-1", "sim:drop,too-late-nc:9,decline-cancel:9").await;
    world.once().await;
    let payment = world.payment(id).await;
    assert_eq!(state(&payment), AttemptState::Escalated);
    assert_eq!(payment.exposure(clock::now()), won(50_000));
    assert_eq!(world.once().await, [], "people decide from here on");
    world.audit(&[id]).await;
}

/// R10
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authorization_whose_sender_died_is_given_up_and_undone() {
    let world = World::new("nc_crash").await;
    let id = world.created("o-1", 50_000).await;
    die_while_waiting(&world, id).await;
    let payment = world.payment(id).await;
    assert_eq!(authorization(&payment).results, [], "nothing came back");
    assert_eq!(payment.verdict, None);

    let payment = world.run_until(id, |payment| state(payment) == AttemptState::Voided).await;
    assert_eq!(payment.status(clock::now()), Status::Aborted);
    let order = authorization(&payment).network_cancel.as_ref().unwrap();
    assert_eq!(order.reason, NetworkCancelReason::CrashRecovery);
    assert!(authorization(&payment).result(ResultOutcome::Approved).is_none());
    world.audit(&[id]).await;
}

/// Confirms in a runtime of its own, which ends without notice once the issuer has booked the authorization.
async fn die_while_waiting(world: &World, id: ledger_core::ids::PaymentId) {
    use std::sync::Arc;

    let url = world.db.app.clone();
    let (die, died) = std::sync::mpsc::channel::<()>();
    let process = std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.spawn(async move {
            let ledger = Ledger::open(&url, PoolOptions::default()).await.unwrap();
            let gateway = Gateway::new(ledger, &Timeouts::embedded().unwrap(), clock::now);
            let op = crate::world::operation(ledger_core::store::idempotency::Operation::Confirm, id.slot());
            let deadline = Deadline::after(Duration::from_secs(20));
            let _ =
                gateway.confirm(op, id, by_card("sim:drop"), deadline, Arc::new(crate::world::Plain)).await;
        });
        died.recv().unwrap();
        runtime.shutdown_background();
    });
    world.until_issuer(|truth| truth.effective == 50_000).await;
    die.send(()).unwrap();
    process.join().unwrap();
}
