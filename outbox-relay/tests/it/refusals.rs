//! When a relay must not start, or not go on: each with its exit code and what to do.

use outbox_relay::error::RelayError;
use outbox_relay::resume::{Leave, Refusal};
use sqlx::{Connection as _, Executor as _, MySqlConnection};

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};
use crate::process::{Process, command};

async fn publish(ledger: &Ledger, payments: std::ops::Range<u32>) {
    for payment in payments.clone() {
        insert(&mut ledger.app.acquire().await.unwrap(), Event::of(payment, 1)).await.unwrap();
    }
    let relay = ledger.relay();
    let topic = ledger.settings.kafka.topic("payment.ledger.v1");
    eventually("events in kafka", async || {
        let stream = consumer::committed(&ledger.settings.kafka.brokers, &topic).await;
        (stream.len() >= usize::try_from(payments.end).unwrap()).then_some(())
    })
    .await;
    relay.stop().await;
}

/// DESIGN §11.6
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_lost_what_was_published_stops_the_relay() {
    let ledger = Ledger::create("lost_rows").await;
    publish(&ledger, 0..3).await;
    // what a fail-over to a server that lagged does: the last row is gone, another stands there
    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    root.execute("DELETE FROM outbox_event WHERE id = 3").await.unwrap();
    let error = ledger.relay().error().await;
    assert!(
        matches!(error, RelayError::Refused(Refusal::Rewritten { id: 3, found: "missing", .. })),
        "{error}"
    );
    root.execute("INSERT INTO outbox_event (id, kind) VALUES (3, 'TOMBSTONE')").await.unwrap();
    let error = ledger.relay().error().await;
    assert!(
        matches!(error, RelayError::Refused(Refusal::Rewritten { id: 3, found: "a tombstone", .. })),
        "{error}"
    );

    let mut relay = Process::start(&ledger, &[]);
    let told = relay.tells("docs/EVENTS.md").await;
    assert_eq!(relay.ends().await.code(), Some(20), "{told}");
    let status =
        command(&ledger, &["status", "--outbox", "main", "--format", "json"]).output().await.unwrap();
    assert_eq!(status.status.code(), Some(20));
    assert!(String::from_utf8(status.stdout).unwrap().contains("row 3 was published"));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_progress_are_not_published_a_second_time() {
    let ledger = Ledger::create("no_progress").await;
    publish(&ledger, 0..2).await;
    // the progress is lost with its topic
    consumer::forget_topic(
        &ledger.settings.kafka.brokers,
        &ledger.settings.kafka.topic("ledger.relay.progress.v1"),
    )
    .await;
    command(&ledger, &["topics", "--replication", "1"]).status().await.unwrap();

    let error = ledger.relay().error().await;
    assert!(matches!(error, RelayError::Refused(Refusal::NoProgress { .. })), "{error}");
    // an operator who knows better may say so
    let told = ledger.relay_with(Leave { from_beginning: true, ..Leave::default() });
    let topic = ledger.settings.kafka.topic("payment.ledger.v1");
    eventually("everything a second time", async || {
        (consumer::committed(&ledger.settings.kafka.brokers, &topic).await.len() == 4).then_some(())
    })
    .await;
    told.stop().await;
}

/// DESIGN §11.8: the proof leaves no trace.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_do_more_than_a_relay_is_refused_by_name() {
    let ledger = Ledger::create("grants").await;
    for (url, account) in
        [(&ledger.db.app, "ledger_app@"), (&ledger.db.root, "root@"), (&ledger.db.owner, "ledger_owner@")]
    {
        let refused =
            command(&ledger, &["run", "--outbox", "main"]).env("DATABASE__URL", url).output().await.unwrap();
        let told = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(11), "{told}");
        assert!(told.contains("too wide") && told.contains(account), "{told}");
    }
    assert_eq!(ledger.rows().await, []);
    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    let event = Event::of(1, 1);
    assert_eq!(insert(&mut root, event).await.unwrap(), 1, "the proof has used up an outbox id");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_is_missing_is_named_with_the_way_out() {
    let ledger = Ledger::create("no_topics").await;
    let mut relay = command(&ledger, &["run", "--outbox", "main"]);
    let refused = relay.env("KAFKA__TOPIC_PREFIX", "none.").output().await.unwrap();
    let told = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(11), "{told}");
    assert!(told.contains("outbox-relay topics"), "{told}");
}
