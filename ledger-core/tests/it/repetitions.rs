//! A request that is repeated while it runs: the repetition claims nothing, so it spoils no commit of its neighbours.

use std::sync::Arc;

use ledger_core::ids::Slot;
use ledger_core::ledger::{Answer, Ledger};
use ledger_core::store::idempotency;
use ledger_core::store::pool::{PoolOptions, connect};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::groups::{assert_commits, commits, statements};
use super::unknown_commit::own_account;
use super::world::{MERCHANT, World, create, operation};

const REPETITIONS: usize = 16;

const ROLLBACK: &str = "statement/sql/rollback";

#[tokio::test(flavor = "multi_thread")]
async fn repetitions_of_a_create_wait_for_it_and_claim_nothing() {
    let world = World::new("repetitions").await;
    let account = own_account(&world, "REQUIRE SSL").await;
    let ledger = Arc::new(Ledger::open(&account.url, PoolOptions::default()).await.unwrap());
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let before = commits(&root, &account.name).await;
    let refused = statements(&root, &account.name, ROLLBACK).await;
    let start = Arc::new(Barrier::new(REPETITIONS));
    let mut requests = JoinSet::new();
    for _ in 0..REPETITIONS {
        let (ledger, start) = (ledger.clone(), start.clone());
        requests.spawn(async move {
            start.wait().await;
            match create(&ledger, "order-1", 1_000, "key-1").await.unwrap() {
                Answer::Fresh(rendered) => (true, rendered.body),
                Answer::Replayed(replay) => (false, replay.body.unwrap().2),
                other @ (Answer::InProgress(..)
                | Answer::Running
                | Answer::Refused(_)
                | Answer::Reused(_)) => {
                    panic!("{other:?}")
                }
            }
        });
    }
    let answers = requests.join_all().await;
    assert_eq!(answers.iter().filter(|(is_fresh, _)| *is_fresh).count(), 1);
    assert!(answers.iter().all(|(_, body)| *body == answers[0].1));
    assert_commits(&root, &account.name, before, 1).await;
    assert_eq!(statements(&root, &account.name, ROLLBACK).await, refused, "groups that were refused");
}

/// A key is held for one body at a time; under another body it is looked up, not waited for; once let go it is free.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_held_by_one_request_until_that_ends() {
    let world = World::new("held").await;
    let under =
        |body: &str| operation("key-1", idempotency::Operation::Create, Slot::of(MERCHANT, "order-1"), body);
    let held = world.ledger.hold(&under("a")).unwrap();
    assert!(world.ledger.hold(&under("a")).is_err(), "the same request runs");
    let other = world.ledger.hold(&under("b")).unwrap();
    drop(other);
    assert!(world.ledger.hold(&under("a")).is_err(), "another body lets go of nothing");
    drop(held);
    drop(world.ledger.hold(&under("a")).unwrap());
}
