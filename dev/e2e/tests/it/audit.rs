//! Each check of the audit is proven by a violation that is planted behind everybody's back.

use std::collections::BTreeSet;
use std::time::Duration;

use e2e::audit::{Check, Scope, run};
use e2e::tool;
use fakes::legacy::{Options, generate};
use rdkafka::config::ClientConfig;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::json;
use sqlx::AssertSqlSafe;

use super::world::{World, confirmed};

/// Names of the checks that do not hold.
fn failing(checks: &[Check]) -> BTreeSet<String> {
    checks.iter().filter(|check| !check.violations.is_empty()).map(|check| check.name.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_check_finds_the_violation_planted_for_it() {
    let world = World::start("e2e-audit").await;
    let id = confirmed(&world.client, "audit-1").await;
    confirmed(&world.client, "audit-2").await;
    let cancel = json!({ "cancelAmount": 20_000, "reason": "audit" });
    let done = world
        .client
        .post(&format!("/v1/payments/{id}/cancellations"), "audit-cancel", &cancel)
        .await
        .unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    let legacy = world.pool("LEGACY_URL").await;
    generate(&legacy, 1, 100, Options::default()).await.unwrap();
    tool::run(&world.env, "migrator", &["copy", "--format", "json"]).await.unwrap();
    tool::run(&world.env, "verifier", &["run", "--full", "--settle", "0", "--format", "json"]).await.unwrap();
    let scope = Scope { legacy: true };
    let clean = run(&world.env, scope).await.unwrap();
    let not_held: Vec<_> = clean.iter().filter(|check| !check.holds()).collect();
    assert!(not_held.is_empty(), "{not_held:?}");

    let root = world.pool("MYSQL_ROOT_URL").await;
    let hex = id.replace('-', "");
    let plants = [
        ("digest-chain", format!("UPDATE cancellation SET reason = 'x' WHERE payment_id = UNHEX('{hex}')")),
        (
            "i05_journal_is_balanced",
            format!(
                "UPDATE journal_line SET amount = amount + 1 WHERE payment_id = UNHEX('{hex}') AND line_no = 1"
            ),
        ),
        ("outbox_event-contiguity", "DELETE FROM outbox_event WHERE id = 2".to_owned()),
        ("outbox_backfill-contiguity", "DELETE FROM outbox_backfill WHERE id = 2".to_owned()),
        (
            "legacy-ties-out",
            "DELETE FROM legacy_row WHERE disposition = 'MAPPED' AND kind = 'APPROVAL' LIMIT 1".to_owned(),
        ),
    ];
    let mut known = BTreeSet::new();
    for (name, text) in plants {
        let changed = sqlx::raw_sql(AssertSqlSafe(text)).execute(&root).await.unwrap();
        assert!(changed.rows_affected() > 0, "{name} planted nothing");
        known.insert(name.to_owned());
    }
    publish_unknown(world.env.get("KAFKA_BROKERS").unwrap());
    known.insert("outbox-keys-are-topic-keys".to_owned());
    known.insert("topic-order-and-previous".to_owned());
    approve_behind_our_back(world.env.get("ISSUER_URL").unwrap()).await;
    known.insert("issuer-truth".to_owned());

    let found = failing(&run(&world.env, scope).await.unwrap());
    let missed: Vec<_> = known.difference(&found).collect();
    assert!(missed.is_empty(), "not found: {missed:?}; found: {found:?}");
    world.stack.stop().await.unwrap();
}

/// An event that no outbox holds, and that does not follow what it says it follows.
fn publish_unknown(brokers: &str) {
    let producer: BaseProducer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let header = |key, value| rdkafka::message::Header { key, value: Some(value) };
    let headers = OwnedHeaders::new()
        .insert(header("idempotency-key", "nobody:9.0:payment.confirmed.v1"))
        .insert(header("ce_sequence", "9.0"))
        .insert(header("ce_previous", "8.0"));
    producer.send(BaseRecord::to("payment.ledger.v1").key("nobody").payload("{}").headers(headers)).unwrap();
    producer.flush(Duration::from_secs(30)).unwrap();
}

/// An authorization that the ledger never asked for.
async fn approve_behind_our_back(issuer: &str) {
    let body = json!({ "traceDate": "2026-11-24", "traceNo": "NOBODY", "amount": 1, "currency": "KRW", "method": "CARD",
                       "installmentMonths": 0 });
    let url = format!("{issuer}/card-1/v1/authorizations");
    let reply = e2e::client::http().unwrap().post(url).json(&body).send().await.unwrap();
    assert!(reply.status().is_success(), "{}", reply.status());
}
