//! A connection that is cut after COMMIT was sent: the caller gets success, a repetition is a replay, nothing is doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ledger_core::ledger::{Answer, Ledger};
use ledger_core::store::pool::PoolOptions;
use sqlx::AssertSqlSafe;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::world::{World, create};

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
        let is_commit = bytes[..n].windows(6).any(|word| word == b"COMMIT");
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

/// The proxy has to see the word COMMIT, so this one account goes without TLS: its password was checked over TLS just
/// before, which is what lets MySQL do without.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_was_not_acknowledged_is_success_and_then_a_replay() {
    let world = World::new("unknown_commit").await;
    let account = own_account(&world, "REQUIRE NONE").await;
    ledger_core::store::pool::connect(&account.url, PoolOptions::default()).await.unwrap();
    let cutter = Cutter::before(account.address).await;
    let url =
        format!("mysql://{}:own@127.0.0.1:{}/{}?ssl-mode=DISABLED", account.name, cutter.port, world.db.name);
    let ledger =
        Ledger::open(&url, PoolOptions { max_connections: 4, ..PoolOptions::default() }).await.unwrap();

    cutter.armed.store(true, Ordering::SeqCst);
    let first = create(&ledger, "order-1", 1_000, "key-1").await.unwrap();
    assert_eq!(cutter.cuts.load(Ordering::SeqCst), 1, "the connection was cut after COMMIT");
    let Answer::Fresh(fresh) = first else { panic!("{first:?}") };
    assert_eq!(fresh.status, 200);
    let again = create(&ledger, "order-1", 1_000, "key-1").await.unwrap();
    let Answer::Replayed(replay) = again else { panic!("{again:?}") };
    assert_eq!(replay.body.unwrap().2, fresh.body);
    assert_eq!((world.count("payment").await, world.count("outbox_event").await), (1, 1));
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
