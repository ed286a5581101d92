//! A writer whose id is settled under it, while its statement has not reached the row yet.

use ledger_core::store::{LostKey, StoreError};
use sqlx::{Connection as _, MySqlConnection};

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert, insert_two_slowly};

/// DESIGN §11.5
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_writer_runs_its_transaction_again_and_nobody_sees_an_error() {
    let ledger = Ledger::create("sealed_writer").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let relay = ledger.relay();
    let (pool, pair) = (ledger.app.clone(), [Event::of(1, 1), Event::of(1, 2)]);
    // ids 1 and 2 are its own from the start; it stops before it inserts the second
    let writer = tokio::spawn(async move {
        let (mut refused, mut seconds) = (0, 3.0);
        loop {
            let mut connection = pool.acquire().await.unwrap();
            match insert_two_slowly(&mut connection, pair, seconds).await.map_err(StoreError::from) {
                Ok(()) => return refused,
                Err(StoreError::Lost(LostKey::OutboxId)) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
            seconds = 0.0;
        }
    });
    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    let other = eventually("a row above the writer's ids", async || {
        let asleep: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM performance_schema.threads \
             WHERE processlist_state = 'User sleep' AND processlist_db = DATABASE()",
        )
        .fetch_one(&mut root)
        .await
        .unwrap();
        if asleep == 0 {
            return None;
        }
        let mut connection = ledger.app.acquire().await.unwrap();
        let event = Event::of(2, 1);
        assert_eq!(insert(&mut connection, event).await.unwrap(), 3);
        Some(event)
    })
    .await;

    let refused = writer.await.unwrap();
    let stream = eventually("three events in kafka", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() == 3).then_some(stream)
    })
    .await;
    eventually("both ids of the first attempt settled", async || {
        (ledger.tombstones().await == [1, 2]).then_some(())
    })
    .await;
    relay.stop().await;

    assert_eq!(refused, 1, "the writer has to be sealed, or this test shows nothing");
    assert_eq!(consumer::keys(&stream), [pair[0].key(), pair[1].key(), other.key()].into());
    assert_eq!(consumer::faults(&stream), Vec::<String>::new());
}
