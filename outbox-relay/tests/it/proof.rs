//! `prove` finds what it is there to find: each check against a planted violation.

use std::time::Duration;

use ledger_core::outbox_reader::OutboxName;
use outbox_relay::envelope::Envelope;
use outbox_relay::publish::{Publisher, Record};
use sqlx::{Connection as _, Executor as _, MySqlConnection};

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};
use crate::process::command;

async fn prove(ledger: &Ledger) -> (Option<i32>, String) {
    let proof = command(ledger, &["prove", "--outbox", "main", "--format", "json"]).output().await.unwrap();
    (proof.status.code(), String::from_utf8(proof.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_planted_violation_is_found() {
    let ledger = Ledger::create("proof").await;
    assert_eq!(prove(&ledger).await.0, Some(10), "nothing examined is not a proof");
    for payment in 1..=5 {
        insert(&mut ledger.app.acquire().await.unwrap(), Event::of(payment, 1)).await.unwrap();
    }
    let (topic, relay) = (ledger.settings.kafka.topic("payment.ledger.v1"), ledger.relay());
    eventually("five events in kafka", async || {
        (consumer::committed(&ledger.settings.kafka.brokers, &topic).await.len() == 5).then_some(())
    })
    .await;
    relay.stop().await;
    let (code, told) = prove(&ledger).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains(r#""rows":5"#) && told.contains(r#""records":5"#), "{told}");

    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    root.execute("UPDATE outbox_event SET body = '{}' WHERE id = 1").await.unwrap();
    root.execute("DELETE FROM outbox_event WHERE id = 2").await.unwrap();
    root.execute("UPDATE outbox_event SET seq = 9 WHERE id = 3").await.unwrap();
    send_again(&ledger, &topic, Event::of(4, 1)).await;

    let (code, told) = prove(&ledger).await;
    assert_eq!(code, Some(10), "{told}");
    for fault in [
        format!("row 1 ({}) is in kafka with another body", Event::of(1, 1).key()),
        "ids 2 to 2 hold no row".to_owned(),
        format!("{} is in kafka and no row asks for it", Event::of(2, 1).key()),
        format!("row 3 ({}) is not in its topic", Event::of(3, 9).key()),
        format!("{} is in kafka and no row asks for it", Event::of(3, 1).key()),
        format!("{} is in kafka more than once", Event::of(4, 1).key()),
        format!("{} says it follows nothing, it follows 1.0", Event::of(4, 1).key()),
    ] {
        assert!(told.contains(&fault), "{fault}\nis not in\n{told}");
    }
    assert!(told.contains(r#""faults":7"#), "{told}");
}

/// Publishes an event past the relay.
async fn send_again(ledger: &Ledger, topic: &str, event: Event) {
    let payment = ledger_core::ids::PaymentId::from_bytes(event.payment).to_string();
    let headers = vec![
        ("idempotency-key", event.key()),
        ("ce_subject", payment.clone()),
        ("ce_sequence", format!("{}.0", event.seq)),
    ];
    let record =
        Record { topic: topic.to_owned(), envelope: Envelope { key: payment, headers }, body: event.body() };
    let kafka = ledger.settings.kafka.clone();
    tokio::task::spawn_blocking(move || {
        let publisher = Publisher::take_over(&kafka, OutboxName::Main, Duration::ZERO).unwrap();
        let progress = outbox_relay::recall::last_progress(&kafka, OutboxName::Main, true).unwrap().unwrap();
        publisher.publish(&[record], &progress).unwrap();
    })
    .await
    .unwrap();
}
