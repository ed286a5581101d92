//! The connections that commit, one for each lane: what is refused is taken back, and one that was lost is opened anew.

use std::time::{Duration, Instant};

use ledger_core::ledger::{Answer, Ledger, LedgerError};
use ledger_core::store::StoreError;
use ledger_core::store::batch::BatchOptions;
use ledger_core::store::pool::{PoolOptions, connect};
use sqlx::AssertSqlSafe;
use sqlx::mysql::MySqlPool;

use super::unknown_commit::{OwnAccount, own_account};
use super::world::{World, create};

const LIMIT: Duration = Duration::from_secs(20);

/// A ledger of one lane under an account of its own.
async fn one_lane(world: &World) -> (Ledger, OwnAccount, MySqlPool) {
    let account = own_account(world, "REQUIRE SSL").await;
    let appends = BatchOptions { lanes: 1, ..BatchOptions::default() };
    let ledger = Ledger::open(&account.url, PoolOptions { appends, ..PoolOptions::default() }).await.unwrap();
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    (ledger, account, root)
}

/// InnoDB lists them anew only when nobody has asked for a tenth of a second.
async fn open_transactions(root: &MySqlPool, account: &str) -> i64 {
    tokio::time::sleep(Duration::from_millis(150)).await;
    let text = "SELECT COUNT(*) FROM information_schema.innodb_trx t \
                JOIN performance_schema.processlist p ON p.id = t.trx_mysql_thread_id WHERE p.user = ?";
    sqlx::query_scalar(text).bind(account).fetch_one(root).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_leaves_no_transaction_open() {
    let world = World::new("committer_refused").await;
    let (ledger, account, root) = one_lane(&world).await;
    world.created("taken", 1_000).await;
    let refused = create(&ledger, "taken", 1_000, "key-1").await.unwrap();
    assert!(matches!(&refused, Answer::Fresh(told) if told.status == 409), "{refused:?}");
    assert_eq!(open_transactions(&root, &account.name).await, 0);

    // the refusal itself was written by the same lane; one that has to wait for a row shows that this would see one that is open
    let holder = world.hold_order("waits").await;
    let waiting = tokio::spawn({
        let ledger = ledger.clone();
        async move { create(&ledger, "waits", 1_000, "key-2").await }
    });
    let until = Instant::now() + LIMIT;
    while open_transactions(&root, &account.name).await == 0 {
        assert!(Instant::now() < until, "the write that waits for a lock is not seen");
    }
    holder.rollback().await.unwrap();
    assert!(matches!(waiting.await.unwrap().unwrap(), Answer::Fresh(told) if told.status == 200));
    assert_eq!(open_transactions(&root, &account.name).await, 0);
}

/// A restart of the server, as the lane sees it. Whatever is refused meanwhile was not written, and may be asked for again
/// under its key.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_has_ended_is_opened_anew() {
    let world = World::new("committer_ended").await;
    let (ledger, account, root) = one_lane(&world).await;
    create(&ledger, "order-1", 1_000, "key-1").await.unwrap();
    let sessions = "SELECT CAST(id AS SIGNED) FROM performance_schema.processlist WHERE user = ?";
    let ids: Vec<i64> = sqlx::query_scalar(sessions).bind(&account.name).fetch_all(&root).await.unwrap();
    assert!(!ids.is_empty());
    for id in ids {
        sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&root).await.unwrap();
    }
    let until = Instant::now() + LIMIT;
    let done = loop {
        match create(&ledger, "order-2", 1_000, "key-2").await {
            Ok(done) => break done,
            Err(LedgerError::Store(StoreError::NotWritten(_) | StoreError::Unavailable(_))) => {
                assert_eq!(world.count("payment").await, 1, "what was refused is not there");
                assert!(Instant::now() < until, "the lane does not come back");
            }
            Err(error) => panic!("{error:?}"),
        }
    };
    assert!(matches!(&done, Answer::Fresh(told) if told.status == 200), "{done:?}");
    assert_eq!((world.count("payment").await, world.count("outbox_event").await), (2, 2));
}
