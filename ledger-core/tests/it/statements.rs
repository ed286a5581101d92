//! Every statement of the register fits the schema and the grants of the account that runs it.

use ledger_core::store::pool::{PoolOptions, connect};
use ledger_core::store::statement::{Account, all};
use sqlx::AssertSqlSafe;

use super::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_prepares_under_its_account() {
    let world = World::new("register").await;
    let mut prepared = 0;
    for statement in all() {
        let url = match statement.account {
            Account::App => &world.db.app,
            Account::Mirror => &world.db.mirror,
            Account::Relay => &world.db.relay,
            Account::Read => &world.db.read_on_primary,
            Account::Admin => &world.db.admin,
        };
        let pool =
            connect(url, PoolOptions { max_connections: 1, min_connections: 0, ..PoolOptions::default() })
                .await
                .unwrap();
        let mut connection = pool.acquire().await.unwrap();
        let verb = statement.sql.split_whitespace().next().unwrap();
        assert!(matches!(verb, "SELECT" | "INSERT"), "{} is neither SELECT nor INSERT", statement.name);
        let text = statement.sql.replace('\'', "''").replace('\\', "\\\\");
        sqlx::raw_sql(AssertSqlSafe(format!("PREPARE s FROM '{text}'")))
            .execute(&mut *connection)
            .await
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", statement.name, statement.sql));
        prepared += 1;
    }
    assert!(prepared > 50, "the register is shorter than the schema: {prepared}");
}
