//! Two relays: one works, the other stands by; and a relay that has been fenced off can commit nothing more.

use std::time::Duration;

use ledger_core::outbox_reader::OutboxName;
use outbox_relay::progress::Progress;
use outbox_relay::publish::{PublishError, Publisher, Record};
use outbox_relay::{envelope::Envelope, recall};

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};
use crate::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stands_by_takes_over_when_the_other_dies() {
    let ledger = Ledger::create("turns").await;
    let (topic, brokers) =
        (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.settings.kafka.brokers.clone());
    let mut first = Process::start(&ledger, &[]);
    first.tells("takes over").await;
    let mut second = Process::start(&ledger, &[]);
    second.tells("standing by").await;
    insert(&mut ledger.app.acquire().await.unwrap(), Event::of(1, 1)).await.unwrap();
    eventually("the first relay's event", async || {
        (consumer::committed(&brokers, &topic).await.len() == 1).then_some(())
    })
    .await;

    first.kill_9().await;
    insert(&mut ledger.app.acquire().await.unwrap(), Event::of(1, 2)).await.unwrap();
    second.tells("takes over").await;
    let stream = eventually("the second relay's event", async || {
        let stream = consumer::committed(&brokers, &topic).await;
        (stream.len() == 2).then_some(stream)
    })
    .await;
    assert_eq!(second.terminate().await.code(), Some(0));
    assert_eq!(consumer::faults(&stream), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_was_fenced_off_commits_nothing() {
    let ledger = Ledger::create("fenced").await;
    let kafka = ledger.settings.kafka.clone();
    let outcome = tokio::task::spawn_blocking(move || {
        let outbox = OutboxName::Main;
        let take_over = || Publisher::take_over(&kafka, outbox, Duration::ZERO).unwrap();
        let progress = Progress::none(outbox, "server".to_owned(), 0, ledger_runtime::clock::now());
        let record = |key: &str| Record {
            topic: kafka.topic("payment.ledger.v1"),
            envelope: Envelope { key: key.to_owned(), headers: Vec::new() },
            body: b"{}".to_vec(),
        };
        let zombie = take_over();
        zombie.publish(&[record("before")], &progress).unwrap();
        let working = take_over();
        let refused = zombie.publish(&[record("zombie")], &progress.clone().stamped(progress.written_at));
        working.publish(&[record("after")], &progress).unwrap();
        (refused, recall::last_progress(&kafka, outbox, true).unwrap())
    });
    let (refused, last) = outcome.await.unwrap();
    assert!(matches!(refused, Err(PublishError::Fenced { .. })), "{refused:?}");
    assert_eq!(last.unwrap().transactions, 0, "the zombie's progress must not be seen");
    let topic = ledger.settings.kafka.topic("payment.ledger.v1");
    let stream = consumer::committed(&ledger.settings.kafka.brokers, &topic).await;
    let mut keys: Vec<&str> = stream.iter().map(|seen| seen.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["after", "before"]);
}
