//! Group commit: many requests share a commit, and only a loser sees its loss.

use std::sync::Arc;

use ledger_core::ledger::{Answer, Ledger};
use ledger_core::store::pool::{PoolOptions, connect};
use sqlx::mysql::MySqlPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::unknown_commit::own_account;
use super::world::{World, create};

const REQUESTS: usize = 400;

/// Every tenth request wants an order that is taken.
const LOSERS: usize = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_share_a_commit_and_only_a_loser_sees_its_loss() {
    let world = World::new("groups").await;
    world.created("taken", 1_000).await;
    let account = own_account(&world, "REQUIRE SSL").await;
    let ledger = Ledger::open(&account.url, PoolOptions::default()).await.unwrap();
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let before = commits(&root, &account.name).await;

    let start = Arc::new(Barrier::new(REQUESTS));
    let mut requests = JoinSet::new();
    for request in 0..REQUESTS {
        let (ledger, start) = (ledger.clone(), start.clone());
        requests.spawn(async move {
            let loses = request % (REQUESTS / LOSERS) == 0;
            let order = if loses { "taken".to_owned() } else { format!("order-{request}") };
            start.wait().await;
            (loses, create(&ledger, &order, 1_000, &format!("key-{request}")).await.unwrap())
        });
    }
    let answers = requests.join_all().await;
    for (loses, answer) in &answers {
        let Answer::Fresh(rendered) = answer else { panic!("{answer:?}") };
        assert_eq!(rendered.status, if *loses { 409 } else { 200 });
    }
    assert_eq!(world.count("payment").await, i64::try_from(REQUESTS - LOSERS + 1).unwrap());
    let commits = commits(&root, &account.name).await - before;
    assert!(commits < 150, "{REQUESTS} requests took {commits} commits, so they shared none");
}

/// Commits that an account has made.
pub async fn commits(root: &MySqlPool, account: &str) -> i64 {
    let text = "SELECT CAST(count_star AS SIGNED) FROM performance_schema.events_statements_summary_by_user_by_event_name \
                WHERE user = ? AND event_name = 'statement/sql/commit'";
    sqlx::query_scalar(text).bind(account).fetch_one(root).await.unwrap()
}

/// A stale memory of a payment is never the ground for a refusal: what another process did is seen first.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_rests_on_the_payment_as_it_stands() {
    let world = World::new("stale").await;
    let payment = world.confirmed("order-1").await;
    let other = world.second_ledger().await;
    super::world::cancel(&other, payment.id, Some(40_000), "other-1").await.unwrap();
    let over = super::world::cancel(&world.ledger, payment.id, Some(20_000), "over").await.unwrap();
    let Answer::Fresh(rendered) = over else { panic!("{over:?}") };
    let told = String::from_utf8(rendered.body).unwrap();
    assert!(told.contains("cancelable amount is 10000"), "{told}");
    let rest = super::world::cancel(&world.ledger, payment.id, None, "rest").await.unwrap();
    assert!(matches!(rest, Answer::Fresh(ref rendered) if rendered.status == 200), "{rest:?}");
    let done = super::world::cancel(&other, payment.id, None, "none-left").await.unwrap();
    assert!(matches!(done, Answer::Fresh(ref rendered) if rendered.status == 409), "{done:?}");
}
