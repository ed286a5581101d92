//! A writer whose ids are settled under it, while its statement has not reached the rows yet.

use ledger_core::ledger::Answer;
use ledger_core::payment::fact::ResultOutcome;
use sqlx::{Connection as _, Executor as _, MySqlConnection};

use crate::consumer;
use crate::ledger::{Event, Ledger, eventually, insert};
use crate::world::{Plain, World, answer, approve, now, split};

/// DESIGN §11.5
#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_writer_runs_its_transaction_again_and_nobody_sees_an_error() {
    let world = World::new("sealed_writer").await;
    let id = world.created("order-1", 50_000).await;
    let (op, attempts) = world.begun(id, "confirm-1", &split()).await;
    let World { db, ledger: core, owner: _ } = world;
    let ledger = Ledger::of(db).await;
    let (kafka, relay) = (&ledger.settings.kafka, ledger.relay());
    let mut root = MySqlConnection::connect(&ledger.db.root).await.unwrap();
    // an INSERT of five events takes ids 2 to 6 at once; this keeps it three seconds between its first row and its second
    root.execute(
        "CREATE TRIGGER stall AFTER INSERT ON outbox_event FOR EACH ROW \
         BEGIN IF NEW.type LIKE 'approval.%' AND NEW.ordinal = 0 THEN DO SLEEP(3); END IF; END",
    )
    .await
    .unwrap();

    let mut answers = approve(&attempts);
    answers[1].1 = answer(ResultOutcome::Timeout, None);
    let confirming = tokio::spawn(async move { core.finish_confirm(&op, id, &answers, now(), &Plain).await });
    let other = eventually("the writer between its rows", async || {
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
        let event = Event::of(2, 1);
        assert_eq!(insert(&mut ledger.app.acquire().await.unwrap(), event).await.unwrap(), 7);
        Some(event)
    })
    .await;

    let told = confirming.await.unwrap().unwrap();
    assert!(matches!(told, Answer::Fresh(ref rendered) if rendered.status == 409), "{told:?}");
    eventually("every id of the first attempt settled", async || {
        (ledger.tombstones().await == [2, 3, 4, 5, 6]).then_some(())
    })
    .await;
    let events = ledger.rows().await.len() - 5;
    let (business, activity) = eventually("every event in kafka", async || {
        let business = consumer::committed(&kafka.brokers, &kafka.topic("payment.ledger.v1")).await;
        let activity = consumer::committed(&kafka.brokers, &kafka.topic("payment.issuer-activity.v1")).await;
        (business.len() + activity.len() >= events).then_some((business, activity))
    })
    .await;
    relay.stop().await;

    assert_eq!(business.len() + activity.len(), events);
    assert_eq!(consumer::faults(&business), Vec::<String>::new());
    assert_eq!(consumer::faults(&activity), Vec::<String>::new());
    assert!(consumer::keys(&business).contains(&other.key()));
    let told: Vec<&str> = business.iter().map(|seen| seen.headers["ce_type"].as_str()).collect();
    assert!(told.contains(&"payment.created.v1") && told.contains(&"payment.aborted.v1"), "{told:?}");
}
