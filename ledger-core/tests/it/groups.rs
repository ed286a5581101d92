//! Group commit: many requests share a commit, and only a loser sees its loss.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger_core::ledger::{Answer, Ledger, LedgerError};
use ledger_core::store::StoreError;
use ledger_core::store::batch::BatchOptions;
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

/// Waits until an account has made so many commits since `before`, and no more: MySQL counts a statement a moment after it
/// has answered it.
pub async fn assert_commits(root: &MySqlPool, account: &str, before: i64, expected: i64) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let made = commits(root, account).await - before;
        if made >= expected || std::time::Instant::now() > until {
            assert_eq!(made, expected, "commits");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Commits that an account has made.
pub async fn commits(root: &MySqlPool, account: &str) -> i64 {
    statements(root, account, "statement/sql/commit").await
}

/// Statements of a kind that an account has made, by the kind's name in `performance_schema`.
pub async fn statements(root: &MySqlPool, account: &str, kind: &str) -> i64 {
    let text = "SELECT CAST(count_star AS SIGNED) FROM performance_schema.events_statements_summary_by_user_by_event_name \
                WHERE user = ? AND event_name = ?";
    sqlx::query_scalar(text).bind(account).bind(kind).fetch_one(root).await.unwrap()
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

/// §11.1: what a process remembers is stale once another has been at the payment. A decision on it loses its key in the database,
/// and is taken again on the payment as it is.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_memory_can_only_lose() {
    let world = World::new("stale_loses").await;
    let account = own_account(&world, "REQUIRE SSL").await;
    let remembers = Ledger::open(&account.url, PoolOptions::default()).await.unwrap();
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let id = super::world::id_in(&create(&remembers, "order-1", 50_000, "create").await.unwrap());
    let lost = async || -> i64 {
        let text = "SELECT CAST(COALESCE(SUM(sum_error_raised), 0) AS SIGNED) \
                    FROM performance_schema.events_errors_summary_by_user_by_error WHERE user = ? AND error_number = 1062";
        sqlx::query_scalar(text).bind(&account.name).fetch_one(&root).await.unwrap()
    };
    let (op, attempts) = world.begun(id, "confirm", &super::world::split()).await;
    let answers = super::world::approve(&attempts);
    assert_eq!(lost().await, 0);
    // it remembers the payment as it was created, where nothing can be confirmed yet or any more
    let again =
        super::world::operation("other", ledger_core::store::idempotency::Operation::Confirm, id.slot(), "x");
    let told =
        remembers.begin_confirm(&again, id, &super::world::split(), &super::world::Plain).await.unwrap();
    assert!(
        matches!(told, ledger_core::ledger::BeginConfirm::Answered(_)),
        "one confirm is under way: {told:?}"
    );
    assert_eq!(lost().await, 1, "it was accepted on the stale payment, and lost");
    assert_eq!(world.count("attempt").await, 2, "nothing of it is there");
    world.ledger.finish_confirm(&op, id, &answers, super::world::now(), &super::world::Plain).await.unwrap();
}

/// A lane that is full turns requests away before anything is tried; what waits is written, and the key that was turned away
/// may be used again.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_says_so_and_keeps_nothing() {
    let world = World::new("full_lane").await;
    let appends = BatchOptions { group: 1, lanes: 1, queue: 1 };
    let options = PoolOptions { appends, ..PoolOptions::default() };
    let ledger = Ledger::open(&world.db.app, options).await.unwrap();
    let blocker = world.hold_order("blocked").await;
    let mut requests = JoinSet::new();
    let mut send = |order: &'static str| {
        let ledger = ledger.clone();
        requests.spawn(async move { (order, create(&ledger, order, 1_000, order).await) });
    };
    send("blocked");
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let waits = "SELECT COUNT(*) FROM performance_schema.data_lock_waits";
    let until = Instant::now() + Duration::from_secs(4);
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&root).await.unwrap() == 0 {
        assert!(Instant::now() < until, "nobody waits for the order");
    }
    // there is room for one of these
    send("queued-1");
    send("queued-2");

    let (turned_away, told) = requests.join_next().await.unwrap().unwrap();
    assert!(matches!(told, Err(LedgerError::Store(StoreError::Busy))), "{turned_away}: {told:?}");
    blocker.rollback().await.unwrap();
    for (order, told) in requests.join_all().await {
        assert!(matches!(told, Ok(Answer::Fresh(_))), "{order}: {told:?}");
    }
    assert_eq!(world.count("idempotency_claim").await, 2, "what was turned away left no claim");
    let again = create(&ledger, turned_away, 1_000, turned_away).await.unwrap();
    assert!(matches!(again, Answer::Fresh(_)), "{again:?}");
}
