//! A relay in operation: health, metrics, and a database connection that is cut.

use sqlx::{Connection as _, MySqlConnection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};
use crate::process::Process;

async fn get(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_show_progress_and_a_cut_connection_is_got_over() {
    let ledger = Ledger::create("running").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let address = format!("127.0.0.1:{}", stack::free_port().unwrap());
    let mut relay = Process::start(&ledger, &[("OPS__BIND", &address)]);
    eventually("readiness", async || {
        get(&address, "/health/ready").await.filter(|answer| answer.starts_with("HTTP/1.1 200")).map(drop)
    })
    .await;

    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    let connection: u64 = sqlx::query_scalar(
        "SELECT processlist_id FROM performance_schema.threads \
         WHERE processlist_user = 'ledger_relay' AND processlist_db = DATABASE()",
    )
    .fetch_one(&mut root)
    .await
    .unwrap();
    sqlx::query(sqlx::AssertSqlSafe(format!("KILL {connection}"))).execute(&mut root).await.unwrap();
    relay.tells("the database answers again").await;

    let mut open = ledger.app.begin().await.unwrap();
    insert(&mut open, Event::of(1, 1)).await.unwrap();
    open.rollback().await.unwrap();
    insert(&mut ledger.app.acquire().await.unwrap(), Event::of(2, 1)).await.unwrap();
    let metrics = eventually("a published event and a sealed hole in the metrics", async || {
        let answer = get(&address, "/metrics").await?;
        let has = |line: &str| answer.lines().any(|found| found == line);
        (has(r#"relay_events_published_total{outbox="main"} 1"#)
            && has(r#"relay_seals_total{outbox="main",outcome="dead"} 1"#)
            && has(r#"relay_low_water_id{outbox="main"} 2"#))
        .then_some(answer)
    })
    .await;
    for name in [
        "relay_low_water_age_seconds",
        "relay_holes",
        "relay_parked_events",
        "relay_transaction_open",
        "relay_transaction_commit_seconds",
        "relay_event_age_seconds",
        "relay_reconnects_total",
    ] {
        assert!(metrics.contains(name), "{name} is missing");
    }
    assert_eq!(consumer::committed(&brokers, &topic).await.len(), 1);
    assert_eq!(relay.terminate().await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_keeps_its_payment_back_until_it_may_be_sent() {
    let ledger = Ledger::create("parked").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let [small, large, behind, other] = [Event::of(1, 1), Event::of(1, 2), Event::of(1, 3), Event::of(2, 1)];
    for event in [small, large, behind, other] {
        insert(&mut ledger.app.acquire().await.unwrap(), event).await.unwrap();
    }
    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    sqlx::query("UPDATE outbox_event SET body = REPEAT('x', 5000) WHERE id = 2")
        .execute(&mut root)
        .await
        .unwrap();

    let mut relay = Process::start(&ledger, &[("RELAY__MAX_EVENT_BYTES", "4000")]);
    relay.tells("its payment is parked").await;
    let stream = eventually("what is not parked", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() == 2).then_some(stream)
    })
    .await;
    assert_eq!(relay.terminate().await.code(), Some(0));
    assert_eq!(consumer::keys(&stream), [small.key(), other.key()].into());

    let relay = Process::start(&ledger, &[]);
    let stream = eventually("what was parked", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() == 4).then_some(stream)
    })
    .await;
    assert_eq!(relay.terminate().await.code(), Some(0));
    assert_eq!(consumer::faults(&stream), Vec::<String>::new());
}
