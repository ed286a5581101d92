//! The database goes away while an issuer's answer is on its way: the answer is recorded when it is back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use issuer_gateway::run::Gateway;
use issuer_gateway::timeouts::Timeouts;
use ledger_core::ledger::Ledger;
use ledger_core::payment::fact::{ResultOutcome, ResultSource};
use ledger_core::payment::status::Status;
use ledger_core::store::pool::PoolOptions;
use ledger_runtime::clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::world::{Waits, World, authorization, by_card, text};

/// A way to the database that can be cut: connections end, and none is made until it is mended.
struct Line {
    address: SocketAddr,
    whole: Arc<AtomicBool>,
    cuts: watch::Sender<u32>,
    /// Connections that were asked for while it was cut.
    refused: Arc<AtomicU32>,
}

impl Line {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let whole = Arc::new(AtomicBool::new(true));
        let (cuts, cut) = watch::channel(0);
        let refused = Arc::new(AtomicU32::new(0));
        let (accepting, counted) = (Arc::clone(&whole), Arc::clone(&refused));
        tokio::spawn(async move {
            while let Ok((mut inside, _)) = listener.accept().await {
                if !accepting.load(Ordering::SeqCst) {
                    counted.fetch_add(1, Ordering::SeqCst);
                    continue;
                }
                let (server, mut cut) = (server.clone(), cut.clone());
                cut.mark_unchanged();
                tokio::spawn(async move {
                    let mut outside = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut inside, &mut outside) => {}
                        _ = cut.changed() => {}
                    }
                });
            }
        });
        Self { address, whole, cuts, refused }
    }

    fn cut(&self) {
        self.whole.store(false, Ordering::SeqCst);
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Waits until somebody has asked for the database again and again.
    async fn refuses(&self, times: u32) {
        let refused = async {
            while self.refused.load(Ordering::SeqCst) < times {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), refused).await.expect("nobody asks for the database");
    }

    fn mend(&self) {
        self.whole.store(true, Ordering::SeqCst);
    }
}

/// The URL with `address` in place of its host and port, and those.
fn by_way_of(url: &str, address: impl FnOnce(&str) -> String) -> String {
    let start = url.rfind('@').unwrap() + 1;
    let end = start + url[start..].find('/').unwrap();
    format!("{}{}{}", &url[..start], address(&url[start..end]), &url[end..])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_recorded_once_the_database_is_back() {
    let mut world =
        World::with("nc_outage", Waits { read: Duration::from_secs(5), ..Waits::default() }).await;
    let mut server = String::new();
    by_way_of(&world.db.app, |host| {
        host.clone_into(&mut server);
        String::new()
    });
    let line = Line::to(server).await;
    let url = by_way_of(&world.db.app, |_| line.address.to_string());
    let options = PoolOptions {
        acquire_timeout: Duration::from_millis(500),
        min_connections: 0,
        ..PoolOptions::default()
    };
    let cut_off = Ledger::open(&url, options).await.unwrap();
    world.gateway = Gateway::new(cut_off, &Timeouts::embedded().unwrap(), clock::now);

    let id = world.created("o-1", 50_000).await;
    let confirm = world.confirm(id, by_card("sim:late:700"));
    let outage = async {
        world.until_issuer(|truth| truth.effective == 50_000).await;
        line.cut();
        // nobody has anything to ask the database but who has got the answer, which has nowhere to go
        line.refuses(3).await;
        assert_eq!(world.payment(id).await.verdict, None);
        line.mend();
    };
    let (answer, ()) = tokio::join!(confirm, outage);
    assert!(text(&answer.unwrap()).contains("DONE"));
    let payment = world.payment(id).await;
    assert_eq!(payment.status(clock::now()), Status::Done);
    let result = authorization(&payment).result(ResultOutcome::Approved).unwrap();
    assert_eq!(result.source, ResultSource::Sync);
    world.audit(&[id]).await;
}
