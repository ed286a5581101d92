//! The simulator as a running server, for its binary and for tests in the same process.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::book::{Book, Truth};
use super::line::{Leash, LeashedListener};
use super::routes;
use super::script::{Script, Scripts};
use super::wire::Deposit;

/// What requests share: the book and the scripts.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    book: Arc<Mutex<Book>>,
    scripts: Arc<Mutex<Scripts>>,
}

impl Shared {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running simulator; it ends when this is dropped.
#[derive(Debug)]
pub struct IssuerSimulator {
    address: SocketAddr,
    shared: Shared,
    server: JoinHandle<io::Result<()>>,
}

impl IssuerSimulator {
    /// Starts one on `bind` (`127.0.0.1:0` for any free port).
    pub async fn start(bind: &str) -> io::Result<Self> {
        let listener = TcpListener::bind(bind).await?;
        let address = listener.local_addr()?;
        let shared = Shared::default();
        let service = routes::router(shared.clone()).into_make_service_with_connect_info::<Leash>();
        let server = tokio::spawn(async move { axum::serve(LeashedListener(listener), service).await });
        Ok(Self { address, shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The `endpoint_url` under which the ledger finds it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What this issuer holds to be true.
    pub fn truth(&self) -> Truth {
        self.shared.book().truth()
    }

    /// A customer pays into an account; false when it is closed, or there is none.
    pub fn deposit(&self, account_no: &str, amount: i64) -> bool {
        self.shared.book().deposit(&Deposit { account_no: account_no.to_owned(), amount })
    }

    /// Approves what is approved once more, under a number of its own, and says the number.
    pub fn approve_beside(&self, trace_no: &str) -> Option<String> {
        self.shared.book().approve_beside(trace_no)
    }

    /// Adds a script, as the control endpoint does.
    pub fn script(&self, script: Script) {
        self.shared.scripts().add(script);
    }

    /// Runs until the server fails.
    pub async fn run(mut self) -> io::Result<()> {
        (&mut self.server).await.map_err(io::Error::other)?
    }
}

impl Drop for IssuerSimulator {
    fn drop(&mut self) {
        self.server.abort();
    }
}
