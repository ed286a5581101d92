//! Approvals that a payment service gets itself, on real MySQL.

use std::sync::Arc;

use chrono::TimeDelta;
use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Answer, AttemptKey, BeginConfirm, Ledger, LedgerError, ReversalState};
use ledger_core::payment::confirm::LegRequest;
use ledger_core::payment::fact::{AttemptKind, Method, ResultOutcome};
use ledger_core::payment::fold::Payment;
use ledger_core::payment::status::{Reversal, Status};
use ledger_core::store::idempotency;
use ledger_core::store::pool::{PoolOptions, connect};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::groups::{assert_commits, commits};
use super::unknown_commit::own_account;
use super::world::{MERCHANT, Plain, World, answer, cancel, create_at, id_in, leg, now, operation, split};

const RACERS: usize = 16;

fn card() -> LegRequest {
    leg(Method::Card, "card-1", 15_000)
}

fn points() -> LegRequest {
    leg(Method::Points, "points-1", 35_000)
}

async fn attempt(
    ledger: &Ledger,
    id: PaymentId,
    leg_no: u8,
    leg: &LegRequest,
    key: &str,
) -> Result<Answer, LedgerError> {
    let op = operation(key, idempotency::Operation::Attempt, id.slot(), &format!("{leg_no} {leg:?}"));
    ledger.tell_attempt(&op, id, leg_no, leg, &Plain).await
}

async fn result(
    ledger: &Ledger,
    id: PaymentId,
    leg_no: u8,
    outcome: ResultOutcome,
    key: &str,
) -> Result<Answer, LedgerError> {
    let op = operation(key, idempotency::Operation::Result, id.slot(), &format!("{leg_no} {outcome}"));
    let auth_no = (outcome == ResultOutcome::Approved).then_some("A-1");
    ledger.tell_result(&op, id, leg_no, 1, &answer(outcome, auth_no), &Plain).await
}

fn status(answer: &Answer) -> u16 {
    match answer {
        Answer::Fresh(rendered) => rendered.status,
        Answer::Replayed(replay) => replay.status,
        other @ (Answer::InProgress(..) | Answer::Running | Answer::Refused(_) | Answer::Reused(_)) => {
            panic!("{other:?}")
        }
    }
}

async fn payment(world: &World, id: PaymentId) -> Payment {
    world.ledger.payment(MERCHANT, id).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_approved_leg_by_leg_with_one_commit_each_and_canceled_by_the_ledger() {
    let world = World::new("callers").await;
    let id = world.created("order-1", 50_000).await;
    let account = own_account(&world, "REQUIRE SSL").await;
    let ledger = Ledger::open(&account.url, PoolOptions::default()).await.unwrap();
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let before = commits(&root, &account.name).await;
    for (leg_no, leg) in [(1, card()), (2, points())] {
        let told = attempt(&ledger, id, leg_no, &leg, &format!("attempt-{leg_no}")).await.unwrap();
        assert!(matches!(told, Answer::Fresh(_)), "{told:?}");
        let key = format!("result-{leg_no}");
        let told = result(&ledger, id, leg_no, ResultOutcome::Approved, &key).await.unwrap();
        assert!(matches!(told, Answer::Fresh(_)), "{told:?}");
    }
    assert_commits(&root, &account.name, before, 4).await;
    let done = payment(&world, id).await;
    assert_eq!((done.status(now()), done.balance().unwrap().get()), (Status::Done, 50_000));
    assert_eq!(world.count("attempt WHERE sent_by = 'CALLER'").await, 2);
    assert_eq!(world.count("attempt_result WHERE source = 'CALLER'").await, 2);

    let again = attempt(&world.ledger, id, 1, &card(), "attempt-1").await.unwrap();
    assert!(matches!(again, Answer::Replayed(_)), "{again:?}");
    let rows = world.count("payment_change").await;
    let told = result(&world.ledger, id, 1, ResultOutcome::Approved, "another key").await.unwrap();
    assert!(matches!(told, Answer::Fresh(_)), "{told:?}");
    assert_eq!(world.count("payment_change").await, rows, "told again it changes nothing");
    let replayed = result(&world.ledger, id, 1, ResultOutcome::Approved, "another key").await.unwrap();
    assert!(matches!(replayed, Answer::Replayed(_)), "{replayed:?}");

    cancel(&world.ledger, id, None, "cancel-1").await.unwrap();
    assert_eq!(payment(&world, id).await.status(now()), Status::Canceled);
    let history = world.ledger.history(MERCHANT, id).await.unwrap().unwrap();
    assert!(history.iter().all(ledger_core::history::HistoryEntry::is_intact));
}

/// R5: of sixteen attempts at one leg one is committed, and of a confirm beside it one way is taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_attempts_at_one_leg_commit_one() {
    let world = World::new("callers_race").await;
    let id = world.created("order-1", 50_000).await;
    let ledgers = [world.ledger.clone(), world.second_ledger().await];
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, start) = (ledgers[racer % 2].clone(), start.clone());
        race.spawn(async move {
            start.wait().await;
            if racer < 2 {
                let op =
                    operation(&format!("confirm-{racer}"), idempotency::Operation::Confirm, id.slot(), "");
                let begun = ledger.begin_confirm(&op, id, &split(), &Plain).await.unwrap();
                return usize::from(matches!(begun, BeginConfirm::Started { .. }));
            }
            let told = attempt(&ledger, id, 1, &card(), &format!("attempt-{racer}")).await.unwrap();
            usize::from(matches!(told, Answer::Fresh(ref rendered) if rendered.status == 200))
        });
    }
    let begun: usize = race.join_all().await.into_iter().sum();
    assert_eq!(begun, 1);
    let senders: i64 = sqlx::query_scalar("SELECT COUNT(DISTINCT sent_by) FROM attempt")
        .fetch_one(&world.owner)
        .await
        .unwrap();
    let most: i64 =
        sqlx::query_scalar("SELECT MAX(n) FROM (SELECT COUNT(*) AS n FROM attempt GROUP BY leg_no) AS legs")
            .fetch_one(&world.owner)
            .await
            .unwrap();
    assert_eq!((senders, most), (1, 1));
}

/// R8: both results at once, one approved and one declined: one verdict, whoever is first, and nothing approved stands.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn results_at_once_make_one_verdict() {
    let world = World::new("callers_results").await;
    let ledgers = [world.ledger.clone(), world.second_ledger().await];
    for round in 0..8 {
        let declined = round % 2 == 0;
        let id = world.created(&format!("order-{round}"), 50_000).await;
        for (leg_no, leg) in [(1, card()), (2, points())] {
            attempt(&world.ledger, id, leg_no, &leg, &format!("a-{round}-{leg_no}")).await.unwrap();
        }
        let start = Arc::new(Barrier::new(4));
        let mut race = JoinSet::new();
        for racer in 0..4_u8 {
            let (ledger, start) = (ledgers[usize::from(racer % 2)].clone(), start.clone());
            let leg_no = racer / 2 + 1;
            let outcome =
                if declined && leg_no == 2 { ResultOutcome::Declined } else { ResultOutcome::Approved };
            race.spawn(async move {
                start.wait().await;
                result(&ledger, id, leg_no, outcome, &format!("r-{round}-{racer}")).await.unwrap()
            });
        }
        assert!(race.join_all().await.iter().all(|answer| status(answer) == 200));
        let after = payment(&world, id).await;
        let (want, reversal) =
            if declined { (Status::Aborted, Reversal::Pending) } else { (Status::Done, Reversal::None) };
        assert_eq!((after.status(now()), after.reversal(now())), (want, reversal));
        assert_eq!(
            world.count(&format!("attempt_result WHERE payment_id = UNHEX('{}')", id.to_hex())).await,
            2
        );
    }
}

/// R10: an attempt whose result nobody told is found after its deadline, abandoned and undone by its trace number; a late
/// approval brings the authorization number and revives nothing (R1).
#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_is_never_answered_is_given_up_and_undone() {
    let world = World::new("callers_silent").await;
    let id = world.created("order-1", 50_000).await;
    attempt(&world.ledger, id, 1, &card(), "a-1").await.unwrap();
    result(&world.ledger, id, 1, ResultOutcome::Approved, "r-1").await.unwrap();
    attempt(&world.ledger, id, 2, &points(), "a-2").await.unwrap();
    let job = world.second_ledger().await;
    let grace = TimeDelta::seconds(1);
    assert!(job.stale_intents(now(), grace, 10).await.unwrap().is_empty());
    let later = now() + TimeDelta::seconds(20);
    let stale = job.stale_intents(later, grace, 10).await.unwrap();
    assert_eq!(stale.iter().map(|key| (key.payment_id, key.leg_no)).collect::<Vec<_>>(), [(id, 2)]);
    let after = job.recover(stale[0], later).await.unwrap();
    assert_eq!((after.status(later), after.exposure(later).get()), (Status::Aborted, 50_000));

    let late = result(&world.ledger, id, 2, ResultOutcome::Approved, "r-2").await.unwrap();
    assert_eq!(status(&late), 200);
    assert_eq!(payment(&world, id).await.status(now()), Status::Aborted);
    for leg_no in [1, 2] {
        let key = AttemptKey { payment_id: id, leg_no, kind: AttemptKind::Auth, attempt_no: 1 };
        let reversal = job.begin_reversal(key, later).await.unwrap().unwrap();
        assert_eq!(reversal.original().unwrap().auth_no.as_deref(), Some("A-1"));
        let reversed = answer(ResultOutcome::Reversed, None);
        assert_eq!(
            job.finish_reversal(reversal.key(), &reversed, later).await.unwrap(),
            ReversalState::Voided
        );
    }
    assert!(payment(&world, id).await.exposure(later).is_zero());
}

/// A payment that its caller leaves incomplete is given up once it has expired, by a job that has long run as well as by one
/// that has just started; what was never sent is closed by the next try of the order.
#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_payment_is_given_up_when_it_expires() {
    let world = World::new("callers_left").await;
    let created = create_at(&world.ledger, "order-1", 50_000, "create-1", now()).await.unwrap();
    let id = id_in(&created);
    attempt(&world.ledger, id, 1, &card(), "a-1").await.unwrap();
    result(&world.ledger, id, 1, ResultOutcome::Approved, "r-1").await.unwrap();
    let (job, grace) = (world.second_ledger().await, TimeDelta::seconds(1));
    for minutes in [0, 5, 29] {
        let then = now() + TimeDelta::minutes(minutes);
        assert!(job.stale_intents(then, grace, 10).await.unwrap().is_empty(), "after {minutes} minutes");
    }
    let then = now() + TimeDelta::minutes(31);
    for job in [&job, &world.second_ledger().await] {
        let left = job.stale_intents(then, grace, 10).await.unwrap();
        assert_eq!(left.iter().map(|key| key.payment_id).collect::<Vec<_>>(), [id]);
    }
    let key = AttemptKey { payment_id: id, leg_no: 1, kind: AttemptKind::Auth, attempt_no: 1 };
    let early = job.recover(key, now()).await.unwrap_err();
    assert!(matches!(early, LedgerError::Refused(_)), "{early:?}");
    let after = job.recover(key, then).await.unwrap();
    assert_eq!((after.status(then), after.exposure(then).get()), (Status::Aborted, 15_000));
    assert!(job.stale_intents(then, grace, 10).await.unwrap().is_empty());

    let other = world.created("order-2", 50_000).await;
    attempt(&world.ledger, other, 1, &card(), "a-2").await.unwrap();
    result(&world.ledger, other, 1, ResultOutcome::NotSent, "r-2").await.unwrap();
    let again = create_at(&world.ledger, "order-2", 50_000, "create-3", then).await.unwrap();
    assert_ne!(id_in(&again), other);
    assert_eq!(payment(&world, other).await.status(then), Status::Expired);
}
