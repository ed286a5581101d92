//! What a test gets from `TestDb`: fresh databases, accounts that may do little, TLS, a replica that follows.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use stack::{LegacyDb, TestDb};

async fn connect(url: &str) -> MySqlConnection {
    MySqlConnection::connect(url).await.unwrap()
}

async fn refused(connection: &mut MySqlConnection, sql: &str) -> String {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap_err().to_string()
}

#[tokio::test]
async fn every_account_reaches_its_ledger_and_the_runtime_account_can_change_nothing() {
    let db = TestDb::create("accounts").await.unwrap();
    for url in [&db.owner, &db.app, &db.relay, &db.mirror, &db.read, &db.ops, &db.admin, &db.root] {
        let here: String =
            sqlx::query_scalar("SELECT DATABASE()").fetch_one(&mut connect(url).await).await.unwrap();
        assert_eq!(here, db.name);
    }
    let mut app = connect(&db.app).await;
    for sql in ["UPDATE payment SET currency = 'KRW'", "DELETE FROM payment", "DROP TABLE payment"] {
        assert!(refused(&mut app, sql).await.contains("denied"), "{sql}");
    }
    let seen: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM payment").fetch_one(&mut app).await.unwrap();
    assert_eq!(seen, 0);
}

#[tokio::test]
async fn nobody_gets_in_without_tls() {
    let db = TestDb::create("tls").await.unwrap();
    let cipher: (String, String) =
        sqlx::query_as("SHOW STATUS LIKE 'Ssl_cipher'").fetch_one(&mut connect(&db.app).await).await.unwrap();
    assert!(cipher.1.starts_with("TLS_"), "{cipher:?}");
    let (server, _) = db.app.split_once('?').unwrap();
    let plain = MySqlConnection::connect(&format!("{server}?ssl-mode=DISABLED")).await;
    assert!(plain.is_err(), "a plain connection was let in");
}

#[tokio::test]
async fn the_replica_follows_and_refuses_every_writer() {
    let db = LegacyDb::create("replica").await.unwrap();
    let mut owner = connect(&db.owner).await;
    for sql in ["CREATE TABLE one (n INT PRIMARY KEY)", "INSERT INTO one VALUES (7)"] {
        sqlx::query(sql).execute(&mut owner).await.unwrap();
    }
    db.replica_caught_up().await.unwrap();
    let n: i32 = sqlx::query_scalar("SELECT n FROM one")
        .fetch_one(&mut connect(&db.replica_read).await)
        .await
        .unwrap();
    assert_eq!(n, 7);
    let mut root = connect(&db.replica_root).await;
    let told = refused(&mut root, &format!("INSERT INTO `{}`.one VALUES (8)", db.name)).await;
    assert!(told.contains("read-only"), "{told}");
}

#[tokio::test]
async fn a_database_goes_with_its_handle() {
    let db = TestDb::create("gone").await.unwrap();
    let (name, root) = (db.name.clone(), db.root.replace(&format!("/{}?", db.name), "/?"));
    let mut root = connect(&root).await;
    let count = "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = ?";
    let there: i64 = sqlx::query_scalar(count).bind(&name).fetch_one(&mut root).await.unwrap();
    drop(db);
    let left: i64 = sqlx::query_scalar(count).bind(&name).fetch_one(&mut root).await.unwrap();
    assert_eq!((there, left), (1, 0));
}
