//! Cancels that an issuer does not answer: R6.

use ledger_core::ledger::Answer;
use ledger_core::payment::status::{CancelStatus, Status};
use ledger_runtime::clock;

use crate::world::{World, text, won};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declined_cancel_gives_its_hold_back() {
    let world = World::new("nc_cancel_declined").await;
    let id = world.paid("o-1", "sim:decline-cancel:CLOSED").await;
    let answer = world.cancel(id, 20_000).await;
    assert!(text(&answer).contains("CLOSED"), "{answer:?}");
    assert_eq!(world.payment(id).await.cancelable().unwrap(), won(50_000));
    world.audit(&[id]).await;
}
