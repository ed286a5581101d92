//! Payments by virtual account through the gateway and the job: issued, closed when the deposit does not come, given up.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_core::ids::PaymentId;
use ledger_core::ledger::DEPOSIT_GRACE;
use ledger_core::payment::confirm::Confirm;
use ledger_core::payment::fact::Method;
use ledger_core::payment::status::{Reversal, Status};
use ledger_runtime::clock;
use net_cancel::drive::Done;
use net_cancel::run::Job;

use crate::world::{World, leg, text, won};

/// A payment that waits for 30,000, besides 20,000 by card.
async fn waiting(world: &World) -> PaymentId {
    let id = world.created("o-1", 50_000).await;
    let legs = vec![
        leg(Method::VirtualAccount, "bank-1", 30_000, "tok"),
        leg(Method::Card, "card-1", 20_000, "tok"),
    ];
    let answer = world.confirm(id, Confirm { legs }).await.unwrap();
    assert!(text(&answer).contains("WAITING_FOR_DEPOSIT"), "{answer:?}");
    id
}

fn account_no(payment: &ledger_core::payment::fold::Payment) -> String {
    payment.leg(1).unwrap().account.as_ref().unwrap().account.account_no.clone()
}

/// A week and a bit later: the seeded rule waits for 168 hours.
fn later() -> DateTime<Utc> {
    clock::now() + TimeDelta::hours(168) + DEPOSIT_GRACE + TimeDelta::minutes(1)
}

async fn once_later(world: &World) -> Vec<Done> {
    let Job { mut driver, scanner, times, concurrency } = world.job().await;
    driver.clock = later;
    Job { driver, scanner, times, concurrency }.once().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payment_that_waits_is_left_alone_until_its_time_is_over() {
    let world = World::new("nc_deposit").await;
    let id = waiting(&world).await;
    let patient = world.times.recovery_grace * 3;
    tokio::time::sleep(patient).await;
    assert_eq!(world.once().await, [], "its authorizations are answered, nobody has died");

    let done = once_later(&world).await;
    assert!(done.contains(&Done::Expire { payment_id: id }), "{done:?}");
    let payment = world.payment(id).await;
    assert_eq!(
        (payment.status(clock::now()), payment.reversal(clock::now())),
        (Status::Expired, Reversal::Done)
    );
    assert_eq!(payment.exposure(clock::now()), won(0));
    assert_eq!(world.issuer.truth().totals.effective, 0, "the card is undone");
    let undone = world.issuer.truth().traces.iter().map(|trace| trace.reversal_requests).sum::<u32>();
    assert_eq!(undone, 1, "the account has closed by itself");
    world.audit(&[id]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_account_of_a_payment_that_is_given_up_is_closed_at_its_issuer() {
    let world = World::new("nc_given_up").await;
    let id = waiting(&world).await;
    let account = account_no(&world.payment(id).await);
    let answer = world.cancel(id, 50_000).await;
    assert!(text(&answer).contains("CANCELED"), "{answer:?}");
    let payment = world.run_until(id, |payment| payment.reversal(clock::now()) == Reversal::Done).await;
    assert_eq!((payment.status(clock::now()), payment.exposure(clock::now())), (Status::Canceled, won(0)));
    assert!(!world.issuer.deposit(&account, 30_000), "nobody can deposit there any more");
    world.audit(&[id]).await;
}
