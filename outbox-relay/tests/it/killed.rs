//! The promise under kill -9: each event once, in order per payment, for a reader of committed records.

use std::collections::BTreeSet;
use std::time::Duration;

use sqlx::mysql::MySqlPool;
use tokio_util::sync::CancellationToken;

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};
use crate::process::{Process, command};

const KILLS: usize = 20;

/// Writes events of forty payments until told to stop; every fifteenth transaction is rolled back.
async fn write(pool: MySqlPool, stop: CancellationToken) -> BTreeSet<String> {
    let (mut heads, mut written) = ([0_u32; 40], BTreeSet::new());
    for turn in 0_u32.. {
        if stop.is_cancelled() {
            break;
        }
        let payment = turn % 40;
        let head = &mut heads[usize::try_from(payment).unwrap()];
        let event = Event::of(payment, *head + 1);
        let mut open = pool.begin().await.unwrap();
        // an id that was sealed under it: the same event goes in the next time round
        if insert(&mut open, event).await.is_ok() {
            if turn % 15 == 14 {
                open.rollback().await.unwrap();
            } else {
                open.commit().await.unwrap();
                *head += 1;
                written.insert(event.key());
            }
        }
        tokio::time::sleep(Duration::from_millis(4)).await;
    }
    written
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_kills_within_open_transactions_lose_double_and_disorder_nothing() {
    let ledger = Ledger::create("killed").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let stop = CancellationToken::new();
    let writer = tokio::spawn(write(ledger.app.clone(), stop.clone()));

    let (mut landed, mut kills) = (0, 0);
    while landed < KILLS {
        assert!(kills < 2 * KILLS, "only {landed} of {kills} kills landed in an open transaction");
        let mut relay = Process::start(&ledger, &[("RELAY__COMMIT_LINGER_MS", "400")]);
        for _ in 0..=kills % 3 {
            relay.tells("transaction open").await; // every record of it has reached the brokers
        }
        relay.kill_9().await;
        kills += 1;
        // asked of the brokers: the last stable offset lies below the end
        landed += usize::from(consumer::transaction_is_open(&brokers, &topic).await);
    }
    stop.cancel();
    let written = writer.await.unwrap();

    let relay = Process::start(&ledger, &[]);
    let stream = eventually("every event in kafka", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() >= written.len()).then_some(stream)
    })
    .await;
    eventually("every id decided", async || {
        let rows = ledger.rows().await;
        (u64::try_from(rows.len()).unwrap() == rows.last().unwrap().0).then_some(())
    })
    .await;
    assert_eq!(relay.terminate().await.code(), Some(0));
    let aborted = consumer::written(&brokers, &topic).await.len() - stream.len();
    println!(
        "{kills} kills, {landed} of them within an open transaction; {} events, {aborted} records of aborted transactions",
        written.len()
    );

    assert_eq!(consumer::faults(&stream), Vec::<String>::new());
    assert_eq!(consumer::keys(&stream), written);
    assert_eq!(stream.len(), written.len());
    assert!(aborted >= KILLS, "each kill has to leave records that no reader of committed records may see");

    let proof = command(&ledger, &["prove", "--outbox", "main", "--format", "json"]).output().await.unwrap();
    let told: serde_json::Value = serde_json::from_slice(&proof.stdout).unwrap();
    assert_eq!((proof.status.code(), &told["faults"]), (Some(0), &serde_json::json!(0)), "{told}");
    assert_eq!(told["records"], written.len());
}
