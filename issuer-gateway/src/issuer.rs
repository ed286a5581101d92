//! What an issuer is to the rest of the ledger: something that takes a committed attempt and gives an answer in time.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use ledger_core::ledger::{CommittedAttempt, IssuerAnswer};

/// The answer that comes after we have stopped waiting, if one comes within the late window.
pub type LateAnswer = Pin<Box<dyn Future<Output = Option<IssuerAnswer>> + Send>>;

/// What came of sending.
pub struct Sent {
    /// What is known in time: an answer, or how it failed.
    pub answer: IssuerAnswer,
    /// After a timeout: the request goes on, and this is where its answer will come out.
    pub late: Option<LateAnswer>,
}

impl From<IssuerAnswer> for Sent {
    fn from(answer: IssuerAnswer) -> Self {
        Self { answer, late: None }
    }
}

/// The way to one issuer.
pub trait Issuer: Send + Sync {
    /// Sends an attempt and waits at most `within` for its answer. The attempt is consumed: what was sent once is not
    /// sent again, and there is no failure that is not an answer.
    fn send(&self, attempt: CommittedAttempt, within: Duration) -> impl Future<Output = Sent> + Send;
}
