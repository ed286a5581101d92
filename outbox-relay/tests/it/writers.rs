//! Many writers at once, some slow, some rolled back.

use std::collections::BTreeSet;

use ledger_core::store::{LostKey, StoreError};
use sqlx::Acquire as _;
use sqlx::mysql::MySqlPool;

use crate::consumer;
use crate::ledger::{Event, Ledger, Watcher, eventually, insert};

const WRITERS: u32 = 12;
const TRANSACTIONS: u32 = 120;

/// What one writer did.
#[derive(Default)]
struct Done {
    committed: BTreeSet<String>,
    rolled_back: usize,
    sealed: usize,
}

/// Each writer has three payments of its own; every twentieth transaction is so slow that the relay looks at its hole, or at those of
/// others that are, and every twentieth is rolled back.
async fn write(pool: MySqlPool, watcher: Watcher, number: u32) -> Done {
    let (mut done, mut heads) = (Done::default(), [0_u32; 3]);
    for turn in 0..TRANSACTIONS {
        let at = usize::try_from(turn % 3).unwrap();
        let event = Event::of(number * 3 + turn % 3, heads[at] + 1);
        loop {
            let mut connection = pool.acquire().await.unwrap();
            let mut open = connection.begin().await.unwrap();
            match insert(&mut open, event).await.map_err(StoreError::from) {
                Ok(_) => {}
                Err(StoreError::Lost(LostKey::OutboxId)) => {
                    done.sealed += 1;
                    continue;
                }
                Err(error) => panic!("{error:?}"),
            }
            match (turn + number) % 20 {
                0 => {
                    open.rollback().await.unwrap();
                    done.rolled_back += 1;
                    break;
                }
                10 => watcher.further(2).await,
                _ => {}
            }
            open.commit().await.unwrap();
            heads[at] += 1;
            done.committed.insert(event.key());
            break;
        }
    }
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_and_every_rollback_is_sealed() {
    let ledger = Ledger::create("writers").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let relay = ledger.relay();
    let watcher = ledger.watcher().await;
    let writers: Vec<_> =
        (0..WRITERS).map(|number| tokio::spawn(write(ledger.app.clone(), watcher.clone(), number))).collect();
    let mut all = Done::default();
    for writer in writers {
        let done = writer.await.unwrap();
        all.committed.extend(done.committed);
        all.rolled_back += done.rolled_back;
        all.sealed += done.sealed;
    }
    let last = Event::of(1_000, 1); // so that every rollback lies below a row that can be seen
    let last_id = insert(&mut ledger.app.acquire().await.unwrap(), last).await.unwrap();
    all.committed.insert(last.key());

    eventually("every id decided", async || {
        let rows = ledger.rows().await;
        (rows.len() == usize::try_from(last_id).unwrap()).then_some(())
    })
    .await;
    let stream = eventually("every committed event in kafka", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() >= all.committed.len()).then_some(stream)
    })
    .await;
    relay.stop().await;

    println!(
        "{} committed, {} rolled back, {} sealed under their writer",
        all.committed.len(),
        all.rolled_back,
        all.sealed
    );
    assert!(all.rolled_back > 0);
    assert_eq!(stream.len(), all.committed.len());
    assert_eq!(consumer::keys(&stream), all.committed);
    assert_eq!(consumer::faults(&stream), Vec::<String>::new());
    assert_eq!(ledger.tombstones().await.len(), all.rolled_back + all.sealed);
}
