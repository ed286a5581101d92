//! Approvals that a payment service gets itself and does not tell the end of: R10.

use std::time::Duration;

use ledger_core::ids::PaymentId;
use ledger_core::ledger::Answer;
use ledger_core::payment::attempt::AttemptState;
use ledger_core::payment::confirm::Answer as Told;
use ledger_core::payment::fact::{Method, NetworkCancelReason, ResultOutcome, ResultSource};
use ledger_core::payment::status::Status;
use ledger_core::store::idempotency::Operation;
use ledger_runtime::clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::world::{Plain, World, authorization, leg, operation, state, text, won};

/// The authorization that a payment service sends by itself, under the number the ledger gave it.
async fn send(world: &World, id: PaymentId) {
    let payment = world.payment(id).await;
    let attempt = &authorization(&payment).attempt;
    let body = format!(
        r#"{{"traceDate":"{}","traceNo":"{}","amount":{},"currency":"KRW","method":"CARD","token":"tok","installmentMonths":0}}"#,
        attempt.trace_date, attempt.trace_no, attempt.amount
    );
    let host = world.issuer.address();
    let request = format!(
        "POST /card-1/v1/authorizations HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).await.unwrap();
    assert!(reply.contains("APPROVED"), "{reply}");
}

/// R10, R1: the service dies after the issuer approved: the job gives the payment up after the deadline and undoes it by its
/// trace number; what the service tells when it is back is recorded and revives nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_that_its_service_never_told_is_undone() {
    let world = World::new("nc_caller").await;
    let id = world.created("o-1", 50_000).await;
    let op = operation(Operation::Attempt, id.slot());
    let card = leg(Method::Card, "card-1", 50_000, "tok");
    let told = world.ledger.tell_attempt(&op, id, 1, &card, &Plain).await.unwrap();
    assert!(matches!(told, Answer::Fresh(_)), "{told:?}");
    send(&world, id).await;
    assert_eq!(world.issuer.truth().totals.effective, 50_000);

    let early = world.once().await;
    assert!(early.is_empty(), "its service has time left: {early:?}");
    let payment = world.run_until(id, |payment| state(payment) == AttemptState::Voided).await;
    assert_eq!(payment.status(clock::now()), Status::Aborted);
    let order = authorization(&payment).network_cancel.as_ref().unwrap();
    assert_eq!(order.reason, NetworkCancelReason::CrashRecovery);
    assert_eq!(world.issuer.truth().totals.effective, 0);

    let op = operation(Operation::Result, id.slot());
    let late = Told {
        outcome: ResultOutcome::Approved,
        source: ResultSource::Caller,
        issuer_ref: world.issuer.truth().traces[0].auth_no.clone(),
        issuer_code: None,
        account: None,
        received_at: clock::now(),
    };
    let told = world.ledger.tell_result(&op, id, 1, 1, &late, &Plain).await.unwrap();
    assert!(text(&told).contains("ABORTED"), "{told:?}");
    let payment = world.payment(id).await;
    assert_eq!(state(&payment), AttemptState::Voided);
    assert_eq!(payment.exposure(clock::now()), won(0), "the issuer named it when it was reversed");
    assert!(world.once().await.is_empty(), "nothing is undone once more");
    tokio::time::timeout(Duration::from_secs(30), world.audit(&[id])).await.unwrap();
}
