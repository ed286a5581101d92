//! Races between two API processes and a writer of raw SQL; keys are really lost.

use std::sync::Arc;

use e2e::client::{Client, Reply};
use serde_json::json;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::world::{World, confirmed, counter, created, split};

const RACERS: usize = 16;

/// How often a race is run at most until a key is lost.
const ROUNDS: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_api_processes_and_raw_sql_race_for_the_same_keys() {
    let world = World::start("e2e-races").await;
    let (mut second, other, other_ops) = world.second_api().await;
    let clients = [world.client.clone(), other];
    let first_ops = world.env.get("OPS_URL").unwrap().to_owned();
    let lost = async || {
        counter(&first_ops, "ledger_lost_keys_total").await
            + counter(&other_ops, "ledger_lost_keys_total").await
    };

    // a round in which the first is through before the others begin was no race
    let mut round = 0..ROUNDS;
    while lost().await == 0 {
        let round = round.next().expect("no key was lost, so nothing was raced for");
        cancels(&clients, round).await;
    }
    let after_cancels = lost().await;
    let mut round = 0..ROUNDS;
    while lost().await == after_cancels {
        let round = round.next().expect("no further key was lost");
        confirms(&clients, round).await;
        orders(&clients, round).await;
        keys(&clients, round).await;
    }
    let checks = e2e::audit::run(&world.env, e2e::audit::Scope { legacy: false }).await.unwrap();
    let broken: Vec<_> = checks.iter().filter(|check| !check.violations.is_empty()).collect();
    assert!(broken.is_empty(), "{broken:?}");
    raw_writer(&world, &clients[1]).await;

    second.terminate(std::time::Duration::from_secs(15)).await.unwrap();
    world.stack.stop().await.unwrap();
}

/// Sends the same kind of request sixteen times at once, by turns to either process.
async fn race(
    clients: &[Client; 2],
    path: &str,
    request: impl Fn(usize) -> (String, serde_json::Value),
) -> Vec<Reply> {
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (client, start, path) = (clients[racer % 2].clone(), start.clone(), path.to_owned());
        let (key, body) = request(racer);
        race.spawn(async move {
            start.wait().await;
            loop {
                let reply = client.post(&path, &key, &body).await.unwrap();
                // still running, or too many at once: the same key again, as a client would
                if reply.status == 503 || reply.body["code"] == "REQUEST_IN_PROGRESS" {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    continue;
                }
                return reply;
            }
        });
    }
    race.join_all().await
}

fn count(replies: &[Reply], status: u16) -> usize {
    replies.iter().filter(|reply| reply.status == status).count()
}

/// R7
async fn cancels(clients: &[Client; 2], round: usize) {
    let id = confirmed(&clients[0], &format!("race-cancel-{round}")).await;
    let replies = race(clients, &format!("/v1/payments/{id}/cancellations"), |racer| {
        (format!("race-cancel-{round}-{racer}"), json!({ "cancelAmount": 30_000, "reason": "race" }))
    })
    .await;
    assert_eq!((count(&replies, 200), count(&replies, 409)), (1, RACERS - 1), "{replies:?}");
    let payment = clients[1].get(&format!("/v1/payments/{id}")).await.unwrap();
    assert_eq!(payment.body["balanceAmount"], 20_000);
}

/// R5
async fn confirms(clients: &[Client; 2], round: usize) {
    let id = created(&clients[0], &format!("race-confirm-{round}"), 50_000).await;
    let replies = race(clients, &format!("/v1/payments/{id}/confirm"), |racer| {
        (format!("race-confirm-{round}-{racer}"), split())
    })
    .await;
    assert_eq!(count(&replies, 200), 1, "{replies:?}");
    assert_eq!(count(&replies, 409), RACERS - 1, "{replies:?}");
}

async fn orders(clients: &[Client; 2], round: usize) {
    let body = json!({ "orderId": format!("race-order-{round}"), "currency": "KRW", "totalAmount": 1_000 });
    let replies =
        race(clients, "/v1/payments", |racer| (format!("race-order-{round}-{racer}"), body.clone())).await;
    assert_eq!((count(&replies, 201), count(&replies, 409)), (1, RACERS - 1), "{replies:?}");
}

/// I14
async fn keys(clients: &[Client; 2], round: usize) {
    let body = json!({ "orderId": format!("race-key-{round}"), "currency": "KRW", "totalAmount": 1_000 });
    let replies = race(clients, "/v1/payments", |_| (format!("race-one-key-{round}"), body.clone())).await;
    assert_eq!(count(&replies, 201), RACERS, "{replies:?}");
    assert!(replies.iter().all(|reply| reply.bytes == replies[0].bytes));
    assert_eq!(replies.iter().filter(|reply| !reply.replayed).count(), 1);
}

/// A change inserted by hand holds the key that a cancel wants; the cancel waits, loses it, and decides again behind it.
async fn raw_writer(world: &World, client: &Client) {
    let id = confirmed(client, "race-raw").await;
    let app = world.pool("MYSQL_APP_URL").await;
    let mut transaction = app.begin().await.unwrap();
    let insert = "INSERT INTO payment_change (payment_id, seq, slot, origin, command, actor, request_id, recorded_at, \
                  render_version, positions, previous_digest, digest) SELECT payment_id, seq + 1, slot, 'LIVE', 'RAW', 'raw', \
                  REVERSE(request_id), NOW(6), 1, positions, digest, digest FROM payment_change \
                  WHERE payment_id = UNHEX(REPLACE(?, '-', '')) AND seq = 3";
    sqlx::query(insert).bind(&id).execute(&mut *transaction).await.unwrap();
    let (path, sender) = (format!("/v1/payments/{id}/cancellations"), client.clone());
    let cancel = tokio::spawn(async move {
        sender
            .post(&path, "race-raw-cancel", &json!({ "cancelAmount": 1_000, "reason": "race" }))
            .await
            .unwrap()
    });
    let root = world.pool("MYSQL_ROOT_URL").await;
    for attempt in 0.. {
        let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM performance_schema.data_lock_waits")
            .fetch_one(&root)
            .await
            .unwrap();
        if waiting > 0 {
            break;
        }
        assert!(attempt < 400, "the cancel never waits for the key");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    transaction.commit().await.unwrap();
    let reply = cancel.await.unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    assert_eq!(
        reply.body["payment"]["version"], 6,
        "the raw change is 4, so the cancel is 5 and its result 6"
    );
}
