//! Races on real MySQL: two handles with pools of their own, as two processes have, and a writer of raw SQL.

use std::sync::Arc;

use ledger_core::ids::PaymentId;
use ledger_core::ledger::{Answer, BeginConfirm, Ledger, LedgerError};
use ledger_core::store::idempotency;
use ledger_core::store::pool::{PoolOptions, connect};
use sqlx::mysql::MySqlPool;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::unknown_commit::own_account;
use super::world::{MERCHANT, Plain, World, approve, cancel, create, now, operation, split};

const RACERS: usize = 16;

/// On a busy machine racers may come one after the other and all see the first one's end: then they race again.
const ROUNDS: usize = 20;

/// Two handles, as two processes have, under an account of their own, so that the keys they lose can be counted.
struct Contenders {
    ledgers: [Ledger; 2],
    account: String,
    root: MySqlPool,
}

impl Contenders {
    async fn of(world: &World) -> Self {
        let account = own_account(world, "REQUIRE SSL").await;
        let open = async || Ledger::open(&account.url, PoolOptions::default()).await.unwrap();
        let ledgers = [open().await, open().await];
        let root = connect(&world.db.root, PoolOptions::default()).await.unwrap();
        let contenders = Self { ledgers, account: account.name, root };
        assert_eq!(contenders.count().await, 0, "nothing is raced for yet");
        contenders
    }

    fn of_racer(&self, racer: usize) -> Ledger {
        self.ledgers[racer % 2].clone()
    }

    /// Asserts that MySQL refused duplicate keys in this race: without that nothing was raced for.
    async fn lost_keys(&self) {
        assert!(self.count().await > 0, "no key was lost");
    }

    async fn count(&self) -> i64 {
        let text = "SELECT CAST(COALESCE(SUM(sum_error_raised), 0) AS SIGNED) \
                    FROM performance_schema.events_errors_summary_by_user_by_error WHERE user = ? AND error_number = 1062";
        sqlx::query_scalar(text).bind(&self.account).fetch_one(&self.root).await.unwrap()
    }
}

/// R7: of sixteen cancels of 30,000 on a balance of 50,000, one is done; the others see what is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_cancels_at_once_never_exceed_the_balance() {
    let world = World::new("race_cancel").await;
    let contenders = Contenders::of(&world).await;
    for round in 0..ROUNDS {
        let payment = world.confirmed(&format!("order-{round}")).await;
        let answers = race_cancels(&contenders, payment.id).await;
        let done = answers.iter().filter(|a| matches!(a, Answer::Fresh(r) if r.status == 200)).count();
        let refused = answers.iter().filter(|a| matches!(a, Answer::Fresh(r) if r.status == 409)).count();
        assert_eq!((done, refused), (1, RACERS - 1), "{answers:?}");
        let after = world.ledger.payment(MERCHANT, payment.id).await.unwrap().unwrap();
        assert_eq!(after.balance().unwrap().get(), 20_000);
        if contenders.count().await > 0 {
            break;
        }
    }
    contenders.lost_keys().await;
}

async fn race_cancels(contenders: &Contenders, id: PaymentId) -> Vec<Answer> {
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, start) = (contenders.of_racer(racer), start.clone());
        race.spawn(async move {
            start.wait().await;
            loop {
                match cancel(&ledger, id, Some(30_000), &format!("cancel-{racer}-{id}")).await {
                    Err(LedgerError::Contended(_)) => {}
                    done => return done.unwrap(),
                }
            }
        });
    }
    race.join_all().await
}

/// Two decisions on the same state: the database lets one pass and names the key the other lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_change_is_really_lost() {
    let world = World::new("race_key").await;
    let payment = world.confirmed("order-1").await;
    let raw = "INSERT INTO payment_change (payment_id, seq, slot, origin, command, actor, request_id, recorded_at, \
               render_version, positions, previous_digest, digest) SELECT payment_id, seq + 1, slot, 'LIVE', 'RAW', 'raw', \
               request_id, NOW(6), 1, '', digest, digest FROM payment_change WHERE payment_id = ? AND seq = ?";
    let app =
        ledger_core::store::pool::connect(&world.db.app, ledger_core::store::pool::PoolOptions::default())
            .await
            .unwrap();
    let insert =
        || sqlx::query(raw).bind(payment.id.as_bytes().as_slice()).bind(payment.head.seq).execute(&app);
    insert().await.unwrap();
    let lost: ledger_core::store::StoreError = insert().await.unwrap_err().into();
    assert!(
        matches!(lost, ledger_core::store::StoreError::Lost(ledger_core::store::LostKey::Change)),
        "{lost:?}"
    );
    let done = cancel(&world.ledger, payment.id, None, "cancel-1").await.unwrap();
    assert!(
        matches!(done, Answer::Fresh(ref r) if r.status == 200),
        "the ledger goes on from the raw change: {done:?}"
    );
}

/// R5: sixteen confirms of one payment: one sends, the rest are told so; there is one AUTH attempt per leg.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_confirms_send_once() {
    let world = World::new("race_confirm").await;
    let contenders = Contenders::of(&world).await;
    for round in 1..=ROUNDS {
        let id = world.created(&format!("order-{round}"), 50_000).await;
        assert_eq!(race_confirms(&contenders, id).await, 1);
        let count = i64::try_from(round).unwrap();
        assert_eq!(world.count("attempt WHERE kind = 'AUTH'").await, 2 * count);
        assert_eq!(world.count("payment_verdict WHERE verdict = 'CONFIRMED'").await, count);
        if contenders.count().await > 0 {
            break;
        }
    }
    contenders.lost_keys().await;
}

/// How many of them sent something.
async fn race_confirms(contenders: &Contenders, id: PaymentId) -> usize {
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, start) = (contenders.of_racer(racer), start.clone());
        race.spawn(async move {
            let key = format!("confirm-{racer}-{id}");
            let op = operation(&key, idempotency::Operation::Confirm, id.slot(), "same");
            start.wait().await;
            match ledger.begin_confirm(&op, id, &split(), &Plain).await.unwrap() {
                BeginConfirm::Started { attempts, .. } => {
                    let answers = approve(&attempts);
                    ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
                    true
                }
                BeginConfirm::Answered(_) => false,
            }
        });
    }
    race.join_all().await.into_iter().filter(|sent| *sent).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_creates_of_one_order_make_one_payment() {
    let world = World::new("race_order").await;
    let answers = race_creates(&world, |racer| format!("key-{racer}")).await;
    let made = answers.iter().filter(|a| matches!(a, Answer::Fresh(r) if r.status == 200)).count();
    let refused = answers.iter().filter(|a| matches!(a, Answer::Fresh(r) if r.status == 409)).count();
    assert_eq!((made, refused), (1, RACERS - 1), "{answers:?}");
    assert_eq!(world.count("payment").await, 1);
}

/// I14
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixteen_creates_under_one_key_get_one_answer() {
    let world = World::new("race_idem").await;
    let answers = race_creates(&world, |_| "one-key".to_owned()).await;
    let bodies: std::collections::BTreeSet<_> = answers
        .iter()
        .map(|answer| match answer {
            Answer::Fresh(rendered) => rendered.body.clone(),
            Answer::Replayed(replay) => replay.body.clone().unwrap().2,
            Answer::InProgress(..) | Answer::Running | Answer::Refused(_) | Answer::Reused(_) => {
                panic!("{answer:?}")
            }
        })
        .collect();
    let fresh = answers.iter().filter(|a| matches!(a, Answer::Fresh(_))).count();
    assert_eq!((bodies.len(), fresh), (1, 1), "{answers:?}");
    assert_eq!(world.count("payment").await, 1);
    assert_eq!(world.count("idempotency_claim").await, 1);
}

async fn race_creates(world: &World, key: impl Fn(usize) -> String) -> Vec<Answer> {
    let contenders = Contenders::of(world).await;
    let start = Arc::new(Barrier::new(RACERS));
    let mut race = JoinSet::new();
    for racer in 0..RACERS {
        let (ledger, start, key) = (contenders.of_racer(racer), start.clone(), key(racer));
        race.spawn(async move {
            start.wait().await;
            create(&ledger, "order-1", 1_000, &key).await.unwrap()
        });
    }
    let answers = race.join_all().await;
    contenders.lost_keys().await;
    answers
}
