//! The start-up proof refuses every account that may do more than its service needs.

use ledger_core::ledger::{GrantsError, Ledger};
use ledger_core::mirror_writer::MirrorWriter;
use ledger_core::store::pool::{PoolOptions, connect};
use sqlx::AssertSqlSafe;

use super::world::World;

const RUNTIME_ACCOUNTS: [&str; 3] = ["app", "mirror", "relay"];

#[tokio::test(flavor = "multi_thread")]
async fn the_accounts_of_roles_sql_pass() {
    let world = World::new("grants_ok").await;
    MirrorWriter::open(&world.db.mirror, PoolOptions::default()).await.unwrap();
    for table in ["payment", "payment_change", "balance_link", "outbox_event", "journal_line"] {
        assert_eq!(world.count(table).await, 0, "the proof leaves nothing in {table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_and_an_administrator_are_refused_without_a_trace() {
    let world = World::new("grants_root").await;
    for url in [&world.db.owner, &world.db.root] {
        let refused = Ledger::open(url, PoolOptions::default()).await.unwrap_err();
        assert!(matches!(refused, GrantsError::TooWide { .. }), "{refused}");
        assert!(MirrorWriter::open(url, PoolOptions::default()).await.is_err());
    }
    assert_eq!(world.count("payment").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_account_cannot_run_a_mirror_and_the_mirror_account_cannot_run_the_ledger() {
    let world = World::new("grants_swap").await;
    let refused = MirrorWriter::open(&world.db.app, PoolOptions::default()).await.unwrap_err();
    assert!(refused.to_string().contains("INSERT on"), "{refused}");
    assert!(Ledger::open(&world.db.mirror, PoolOptions::default()).await.is_err());
}

/// I15
#[tokio::test(flavor = "multi_thread")]
async fn update_delete_and_replace_are_refused_by_mysql() {
    let world = World::new("grants_deny").await;
    for account in RUNTIME_ACCOUNTS {
        let url = match account {
            "app" => &world.db.app,
            "mirror" => &world.db.mirror,
            _ => &world.db.relay,
        };
        let pool = connect(url, PoolOptions::default()).await.unwrap();
        for text in [
            "UPDATE outbox_event SET kind = 'TOMBSTONE' WHERE FALSE",
            "UPDATE payment SET total = 1 WHERE FALSE",
            "DELETE FROM payment WHERE FALSE",
            "DELETE FROM outbox_event WHERE FALSE",
            "REPLACE INTO payment (payment_id) VALUES ('x')",
            "DROP TABLE journal_line",
            "TRUNCATE TABLE outbox_event",
            "ALTER TABLE payment ADD COLUMN x INT",
        ] {
            let refused = sqlx::raw_sql(AssertSqlSafe(text)).execute(&pool).await;
            let number = ledger_core::store::error::number_of(&refused.unwrap_err());
            assert_eq!(number, Some(1142), "{account}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mirror_account_inserts_no_live_fact() {
    let world = World::new("grants_origin").await;
    let pool = connect(&world.db.mirror, PoolOptions::default()).await.unwrap();
    let live = "INSERT INTO mirror_payment_change (payment_id, seq, slot, origin, command, actor, request_id, recorded_at, \
                render_version, positions, digest) VALUES (REPEAT('0', 16), 1, 12336, 'LIVE', 'X', 'x', REPEAT('0', 16), \
                NOW(6), 1, '', REPEAT('0', 32))";
    let refused = sqlx::raw_sql(live).execute(&pool).await.unwrap_err();
    assert_eq!(ledger_core::store::error::number_of(&refused), Some(1369), "{refused}");
    let legacy = live.replace("'LIVE'", "'LEGACY'");
    sqlx::raw_sql(AssertSqlSafe(legacy)).execute(&pool).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_lets_a_link_be_forged_is_refused() {
    let world = World::new("grants_forge").await;
    sqlx::raw_sql("ALTER TABLE balance_link DROP FOREIGN KEY fk_balance_link_previous")
        .execute(&world.owner)
        .await
        .unwrap();
    let refused = Ledger::open(&world.db.app, PoolOptions::default()).await.unwrap_err();
    assert!(matches!(refused, GrantsError::Forged { .. }), "{refused}");
    let refused = MirrorWriter::open(&world.db.mirror, PoolOptions::default()).await.unwrap_err();
    assert!(matches!(refused, GrantsError::Forged { .. }), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_table_too_many_is_too_wide() {
    let world = World::new("grants_table").await;
    let account = super::unknown_commit::own_account(&world, "REQUIRE SSL").await;
    Ledger::open(&account.url, PoolOptions::default()).await.unwrap();
    let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let grant = format!("GRANT INSERT ON {}.issuer TO '{}'@'%'", world.db.name, account.name);
    sqlx::raw_sql(AssertSqlSafe(grant)).execute(&root).await.unwrap();
    let refused = Ledger::open(&account.url, PoolOptions::default()).await.unwrap_err();
    assert!(refused.to_string().contains("INSERT on"), "{refused}");
    assert!(refused.to_string().contains("issuer"), "{refused}");
}
