//! A connection that is cut after COMMIT was sent: the caller gets success, a repetition is a replay, nothing is doubled.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ledger_core::ids::RequestId;
use ledger_core::ledger::{Answer, BeginCancel, BeginConfirm, Ledger, Operation};
use ledger_core::payment::fact::ResultOutcome;
use ledger_core::store::idempotency::{self, Rendered};
use ledger_core::store::pool::PoolOptions;
use sqlx::AssertSqlSafe;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::world::{
    MERCHANT, Plain, World, answer, approve, cancel_operation, create, now, operation, split, wanted, won,
};

/// A proxy in front of MySQL that, once armed, lets the COMMIT through and cuts the connection before the answer.
struct Cutter {
    port: u16,
    armed: Arc<AtomicBool>,
    cuts: Arc<AtomicUsize>,
}

impl Cutter {
    async fn before(mysql: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (armed, cuts) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (arm, count) = (armed.clone(), cuts.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&mysql).await.unwrap();
                tokio::spawn(carry(client, server, arm.clone(), count.clone()));
            }
        });
        Self { port, armed, cuts }
    }
}

async fn carry(client: TcpStream, server: TcpStream, armed: Arc<AtomicBool>, cuts: Arc<AtomicUsize>) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let cut = Arc::new(AtomicBool::new(false));
    let is_cut = cut.clone();
    let back = tokio::spawn(async move {
        let mut bytes = vec![0; 65_536];
        while let Ok(n @ 1..) = from_server.read(&mut bytes).await {
            if is_cut.load(Ordering::SeqCst) || to_client.write_all(&bytes[..n]).await.is_err() {
                break;
            }
        }
    });
    let mut bytes = vec![0; 65_536];
    while let Ok(n @ 1..) = from_client.read(&mut bytes).await {
        // a query that begins so: the isolation level that a session asks for has the word in it too
        let is_commit = bytes[..n].windows(7).any(|word| word == b"\x03COMMIT");
        if is_commit && armed.swap(false, Ordering::SeqCst) {
            cut.store(true, Ordering::SeqCst);
            cuts.fetch_add(1, Ordering::SeqCst);
        }
        if to_server.write_all(&bytes[..n]).await.is_err() {
            break;
        }
    }
    let _ = back.await;
}

/// A ledger behind the cutter. The proxy has to see the word COMMIT, so this one account goes without TLS: its password was
/// checked over TLS just before, which is what lets MySQL do without.
async fn behind_cutter(world: &World) -> (Cutter, Ledger) {
    let account = own_account(world, "REQUIRE NONE").await;
    ledger_core::store::pool::connect(&account.url, PoolOptions::default()).await.unwrap();
    let cutter = Cutter::before(account.address).await;
    let url =
        format!("mysql://{}:own@127.0.0.1:{}/{}?ssl-mode=DISABLED", account.name, cutter.port, world.db.name);
    let ledger =
        Ledger::open(&url, PoolOptions { max_connections: 4, ..PoolOptions::default() }).await.unwrap();
    (cutter, ledger)
}

impl Cutter {
    /// Does something whose commit is cut off.
    async fn cutting<T>(&self, work: Pin<Box<impl Future<Output = T>>>) -> T {
        let before = self.cuts.load(Ordering::SeqCst);
        self.armed.store(true, Ordering::SeqCst);
        let done = work.await;
        assert_eq!(self.cuts.load(Ordering::SeqCst), before + 1, "the connection was cut after COMMIT");
        done
    }
}

fn fresh(answer: Answer) -> Rendered {
    let Answer::Fresh(fresh) = answer else { panic!("{answer:?}") };
    assert_eq!(fresh.status, 200);
    fresh
}

fn replayed(answer: Answer) -> Vec<u8> {
    let Answer::Replayed(replay) = answer else { panic!("{answer:?}") };
    replay.body.unwrap().2
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_not_acknowledged_is_success_and_then_a_replay() {
    let world = World::new("unknown_commit").await;
    let (cutter, ledger) = behind_cutter(&world).await;
    let first = fresh(cutter.cutting(Box::pin(create(&ledger, "order-1", 1_000, "key-1"))).await.unwrap());
    let again = create(&ledger, "order-1", 1_000, "key-1").await.unwrap();
    assert_eq!(replayed(again), first.body);
    assert_eq!((world.count("payment").await, world.count("outbox_event").await), (1, 1));
}

/// R12: both commits of a confirm: the attempts are there once and may be sent once, the verdict is there once and told.
#[tokio::test(flavor = "multi_thread")]
async fn a_confirm_whose_commits_were_not_acknowledged_sends_once_and_is_then_a_replay() {
    let world = World::new("unknown_confirm").await;
    let (cutter, ledger) = behind_cutter(&world).await;
    let id = world.created("order-1", 50_000).await;
    let op = operation("key-1", idempotency::Operation::Confirm, id.slot(), "body");
    let begun = cutter.cutting(Box::pin(ledger.begin_confirm(&op, id, &split(), &Plain))).await.unwrap();
    let BeginConfirm::Started { attempts, .. } = begun else { panic!("{begun:?}") };
    assert_eq!(world.count("attempt").await, 2);
    let running = ledger.begin_confirm(&again(&op), id, &split(), &Plain).await.unwrap();
    assert!(matches!(running, BeginConfirm::Answered(Answer::InProgress(..))), "{running:?}");

    let answers = approve(&attempts);
    let first = fresh(
        cutter.cutting(Box::pin(ledger.finish_confirm(&op, id, &answers, now(), &Plain))).await.unwrap(),
    );
    // whoever records until it is durable may do it once more
    let recorded = ledger.finish_confirm(&op, id, &answers, now(), &Plain).await.unwrap();
    assert_eq!(replayed(recorded), first.body);
    let later = ledger.begin_confirm(&again(&op), id, &split(), &Plain).await.unwrap();
    let BeginConfirm::Answered(later) = later else { panic!("{later:?}") };
    assert_eq!(replayed(later), first.body);
    let rows = [world.count("attempt").await, world.count("attempt_result").await];
    assert_eq!((rows, world.count("payment_verdict").await), ([2, 2], 1));
}

/// R12: both commits of a cancel: held once, refunded once.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_whose_commits_were_not_acknowledged_is_made_once_and_is_then_a_replay() {
    let world = World::new("unknown_cancel").await;
    let (cutter, ledger) = behind_cutter(&world).await;
    let id = world.confirmed("order-1").await.id;
    let mut cmd = wanted(Some(20_000));
    let op = cancel_operation("key-1", id, &cmd);
    cmd.cancel_request_id = op.cancel_request_id();
    let begun = cutter.cutting(Box::pin(ledger.begin_cancel(&op, id, &cmd, &Plain))).await.unwrap();
    let BeginCancel::Started { cancel_no, attempts, .. } = begun else { panic!("{begun:?}") };
    let running = ledger.begin_cancel(&again(&op), id, &cmd, &Plain).await.unwrap();
    assert!(matches!(running, BeginCancel::Answered(Answer::InProgress(_, Some(1)))), "{running:?}");

    let answers: Vec<_> = attempts.iter().map(|a| (a.key(), answer(ResultOutcome::Canceled, None))).collect();
    let finished = ledger.finish_cancel(&op, id, cancel_no, &answers, now(), &Plain);
    let first = fresh(cutter.cutting(Box::pin(finished)).await.unwrap());
    let recorded = ledger.finish_cancel(&op, id, cancel_no, &answers, now(), &Plain).await.unwrap();
    assert_eq!(replayed(recorded), first.body);
    let later = ledger.begin_cancel(&again(&op), id, &cmd, &Plain).await.unwrap();
    let BeginCancel::Answered(later) = later else { panic!("{later:?}") };
    assert_eq!(replayed(later), first.body);
    let rows = [world.count("cancellation").await, world.count("cancel_outcome").await];
    assert_eq!(rows, [1, 2]);
    let payment = world.ledger.payment(MERCHANT, id).await.unwrap().unwrap();
    assert_eq!(payment.balance().unwrap(), won(30_000));
}

/// The same operation as another request of the same caller.
fn again(op: &Operation) -> Operation {
    let mut op = op.clone();
    op.asked.request_id = RequestId::new(&mut rand::rng());
    op
}

/// An account like `ledger_app` that only one test uses.
pub struct OwnAccount {
    pub name: String,
    pub address: String,
    /// Over TLS.
    pub url: String,
}

pub async fn own_account(world: &World, require: &str) -> OwnAccount {
    let root = ledger_core::store::pool::connect(&world.db.root, PoolOptions::default()).await.unwrap();
    let name = world.db.name[world.db.name.len().saturating_sub(24)..].to_owned();
    let run = async |text: String| {
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&root).await.unwrap();
    };
    run(format!("CREATE USER '{name}'@'%' IDENTIFIED BY 'own' {require}")).await;
    for grant in grants_of(&world.db.app, &world.db.name).await {
        run(format!("{grant} TO '{name}'@'%'")).await;
    }
    let (_, after) = world.db.app.split_once('@').unwrap();
    let (address, rest) = after.split_once('/').unwrap();
    let url = format!("mysql://{name}:own@{address}/{rest}");
    OwnAccount { name, address: address.to_owned(), url }
}

/// What the app account may do in a database, without to whom.
async fn grants_of(app: &str, database: &str) -> Vec<String> {
    let pool = ledger_core::store::pool::connect(app, PoolOptions::default()).await.unwrap();
    let lines: Vec<String> = sqlx::query_scalar("SHOW GRANTS").fetch_all(&pool).await.unwrap();
    let here = format!("`{database}`.");
    lines
        .into_iter()
        .filter(|line| line.contains(&here))
        .map(|line| line.split(" TO ").next().unwrap().to_owned())
        .collect()
}
