//! A row that commits after a later one has been read.

use sqlx::Acquire as _;

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};

/// `WHERE id > max(id)`, as it is often written.
#[derive(Default)]
struct NaiveCursor {
    id: u64,
    seen: Vec<u64>,
}

impl NaiveCursor {
    async fn poll(&mut self, ledger: &Ledger) {
        let ids: Vec<u64> =
            sqlx::query_scalar("SELECT id FROM outbox_event WHERE id > ? AND kind = 'EVENT' ORDER BY id")
                .bind(self.id)
                .fetch_all(&ledger.app)
                .await
                .unwrap();
        self.id = ids.last().copied().unwrap_or(self.id);
        self.seen.extend(ids);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_commit_is_lost_by_a_naive_cursor_and_published_by_the_relay() {
    let ledger = Ledger::create("late_commit").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let relay = ledger.relay();
    let (early, later) = (Event::of(1, 1), Event::of(2, 1));
    let mut naive = NaiveCursor::default();

    let mut connection = ledger.app.acquire().await.unwrap();
    let mut open = connection.begin().await.unwrap();
    assert_eq!(insert(&mut open, early).await.unwrap(), 1);
    assert_eq!(insert(&mut ledger.app.acquire().await.unwrap(), later).await.unwrap(), 2);

    let stream = eventually("id 2 in kafka while id 1 is open", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() == 1).then_some(stream)
    })
    .await;
    assert_eq!(stream[0].headers["idempotency-key"], later.key());
    naive.poll(&ledger).await;
    // the hole is looked at again and again, and its writer is left alone
    ledger.watcher().await.further(3).await;
    open.commit().await.unwrap();

    let stream = eventually("id 1 in kafka", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() == 2).then_some(stream)
    })
    .await;
    naive.poll(&ledger).await;
    relay.stop().await;

    assert_eq!(naive.seen, [2], "the naive cursor has to lose id 1, or this test shows nothing");
    assert_eq!(consumer::keys(&stream), [early.key(), later.key()].into());
    assert_eq!(consumer::faults(&stream), Vec::<String>::new());
    assert_eq!(ledger.tombstones().await, Vec::<u64>::new());
}
