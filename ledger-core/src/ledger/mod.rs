//! The handle of ledger-api and net-cancel: load, decide, append; on a lost race, again — at most [`MAX_TRIES`] times.
//!
//! ```text
//! create                         one commit
//! begin_create  → (issuers) → finish_confirm      two commits, create and confirm in one request
//! begin_confirm → (issuers) → finish_confirm      two commits
//! begin_cancel  → (issuers) → finish_cancel       two commits
//! tell_attempt → (the caller asks) → tell_result  one commit each
//! due_reversals → begin_reversal → (issuer) → finish_reversal
//! ```
//!
//! Only `begin_*` makes a [`CommittedAttempt`], and only after its commit: what has no row cannot be sent.

mod attempts;
mod caller;
mod cancel;
mod confirm;
mod correction;
mod create;
mod deposit;
mod figures;
mod history;
mod idempotent;
mod lists;
mod recent;
mod reversal;
mod running;
mod weight;

use std::future::Future;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::MySql;
use sqlx::mysql::MySqlPool;
use sqlx::pool::PoolConnection;

use crate::change::{Asked, Change, ChangeError};
use crate::ids::PaymentId;
use crate::method_rule::MethodRules;
use crate::payment::fact::{Contradiction, Fact, Origin};
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::reference::{ApiKey, Contract, Issuer};
use crate::store::append::{self, Entry};
use crate::store::batch::{Batcher, Urgency};
use crate::store::idempotency::{Claim, Rendered};
use crate::store::owned::Moment;
use crate::store::pool::{PoolOptions, connect};
use crate::store::{LostKey, StoreError, grants, load, method_rule, owned, reference, server};

pub use crate::history::HistoryEntry;
pub use crate::payment::confirm::Answer as IssuerAnswer;
pub use crate::payment::reverse::Step as ReversalState;
pub use crate::store::due::DueReversal;
pub use crate::store::grants::GrantsError;
pub use attempts::{AttemptKey, CommittedAttempt, Original};
pub use cancel::{BeginCancel, Foreseen, OpenCancel};
pub use confirm::BeginConfirm;
pub use correction::{Corrected, CorrectionError, Run};
pub use deposit::DEPOSIT_GRACE;
pub use figures::Payable;
pub use idempotent::{Answer, Operation, Render};
pub use lists::{FeedPosition, Listed, PaymentFilter, TransactionFilter};
use recent::Recent;
pub use reversal::Undoing;
pub use running::{Hold, StillRunning};

/// How often a decision is taken again after a lost race.
pub const MAX_TRIES: u32 = 5;

/// The rules of all methods are remembered together.
const ALL_METHODS: &str = "";

/// What goes wrong in a use case, apart from refusals, which are answers.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Other writers were first every time.
    #[error("payment {0} is being changed by too many at once")]
    Contended(PaymentId),
    /// A decision made facts that contradict each other: a bug.
    #[error("a decision on payment {id} contradicts its facts")]
    Contradiction {
        /// The payment.
        id: PaymentId,
        /// How.
        #[source]
        error: ChangeError,
    },
    /// The payment does not exist, or is another merchant's.
    #[error("no such payment")]
    NotFound,
    /// What was asked does not fit the payment's facts.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The handle: SELECT and INSERT as `ledger_app`.
#[derive(Debug, Clone)]
pub struct Ledger {
    pool: MySqlPool,
    batcher: Batcher,
    recent: Arc<Recent>,
    commit_within: Option<TimeDelta>,
}

impl Ledger {
    /// Connects, proves that the account can neither change a row nor forge one, and says what server it is.
    pub async fn open(url: &str, options: PoolOptions) -> Result<Self, GrantsError> {
        let pool = connect(url, options).await?;
        grants::prove_app(&pool).await?;
        server::tell(&pool).await?;
        let batcher = Batcher::start(&pool, options.appends);
        let commit_within = options.commit_within.and_then(|within| TimeDelta::from_std(within).ok());
        Ok(Self { pool, batcher, recent: Arc::new(Recent::default()), commit_within })
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        sqlx::query("SELECT 1").execute(&mut *connection).await?;
        Ok(())
    }

    /// The database's clock, by which changes are taken in time.
    pub async fn clock(&self) -> Result<DateTime<Utc>, StoreError> {
        let mut connection = self.connection().await?;
        owned::clock(&mut connection).await
    }

    /// A payment of a merchant, as of its last change.
    pub async fn payment(&self, merchant_id: &str, id: PaymentId) -> Result<Option<Payment>, LedgerError> {
        Ok(self.load_of(merchant_id, id, Moment::Now).await?)
    }

    /// A payment of a merchant, as it was known at an instant: with the changes recorded up to then.
    pub async fn payment_as_of(
        &self,
        merchant_id: &str,
        id: PaymentId,
        as_of: DateTime<Utc>,
    ) -> Result<Option<Payment>, LedgerError> {
        Ok(self.load_of(merchant_id, id, Moment::AsOf(as_of)).await?)
    }

    /// A payment of a merchant, as it was after its change of this number; none when it has no such change.
    pub async fn payment_at_version(
        &self,
        merchant_id: &str,
        id: PaymentId,
        version: u32,
    ) -> Result<Option<Payment>, LedgerError> {
        Ok(self.load_of(merchant_id, id, Moment::Version(version)).await?)
    }

    /// The newest try of a merchant's order.
    pub async fn payment_of_order(
        &self,
        merchant_id: &str,
        order_id: &str,
    ) -> Result<Option<Payment>, LedgerError> {
        let mut connection = self.connection().await?;
        match load::last_of_order(&mut connection, merchant_id, order_id).await? {
            Some((id, _)) => Ok(load::shown_by_id(&mut connection, id).await?),
            None => Ok(None),
        }
    }

    /// The version of an issuer that is valid at `now`.
    pub async fn issuer(&self, issuer_id: &str, now: DateTime<Utc>) -> Result<Option<Issuer>, LedgerError> {
        Ok(self.issuers(std::iter::once(issuer_id), now).await?.pop())
    }

    /// An API key by its public part.
    pub async fn api_key(&self, key_id: &str) -> Result<Option<ApiKey>, LedgerError> {
        let mut connection = self.connection().await?;
        Ok(reference::api_key(&mut connection, key_id).await?)
    }

    async fn contract(&self, merchant_id: &str, now: DateTime<Utc>) -> Result<Option<Contract>, StoreError> {
        if let Some(contract) = self.recent.contracts.get(merchant_id) {
            return Ok(Some(contract));
        }
        let mut connection = self.connection().await?;
        let contract = reference::contract(&mut connection, merchant_id, now).await?;
        if let Some(contract) = &contract {
            self.recent.contracts.keep(merchant_id, contract);
        }
        Ok(contract)
    }

    async fn method_rules(&self) -> Result<MethodRules, StoreError> {
        if let Some(rules) = self.recent.method_rules.get(ALL_METHODS) {
            return Ok(rules);
        }
        let mut connection = self.connection().await?;
        let rules = method_rule::rules(&mut connection).await?;
        self.recent.method_rules.keep(ALL_METHODS, &rules);
        Ok(rules)
    }

    async fn issuers<'a>(
        &self,
        ids: impl Iterator<Item = &'a str>,
        now: DateTime<Utc>,
    ) -> Result<Vec<Issuer>, StoreError> {
        let mut issuers: Vec<Issuer> = Vec::new();
        for id in ids {
            if issuers.iter().any(|issuer| issuer.issuer_id == id) {
                continue;
            }
            if let Some(issuer) = self.recent.issuers.get(id) {
                issuers.push(issuer);
                continue;
            }
            let mut connection = self.connection().await?;
            if let Some(issuer) = reference::issuer(&mut connection, id, now).await? {
                self.recent.issuers.keep(id, &issuer);
                issuers.push(issuer);
            }
        }
        Ok(issuers)
    }

    async fn issuers_of(&self, payment: &Payment, now: DateTime<Utc>) -> Result<Vec<Issuer>, StoreError> {
        self.issuers(payment.legs().map(|leg| leg.approval.issuer_id.as_str()), now).await
    }

    async fn connection(&self) -> Result<PoolConnection<MySql>, StoreError> {
        self.pool.acquire().await.map_err(StoreError::Unavailable)
    }

    async fn load(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let mut connection = self.connection().await?;
        load::payment_by_id(&mut connection, id).await
    }

    /// A payment of a merchant, to be shown. Another's is not there, and takes no more statements than one that does not exist.
    async fn load_of(
        &self,
        merchant_id: &str,
        id: PaymentId,
        moment: Moment,
    ) -> Result<Option<Payment>, StoreError> {
        let mut connection = self.connection().await?;
        let heads = owned::heads(&mut connection, merchant_id, &[id], moment).await?;
        Ok(load::payments_at(&mut connection, heads).await?.remove(&id))
    }

    /// Writes one change and remembers the payment after it. Losing its key to our own earlier write is success; to anyone
    /// else, `None`.
    async fn append(&self, step: Step<'_>) -> Result<Option<()>, LedgerError> {
        let (payment_id, seq, urgency) = (step.change.payment_id, step.change.seq, step.urgency);
        let contradictions = contradictions(&step.change);
        let request_id = step.change.asked.request_id;
        let (entry, after) = self.entry(step);
        match self.batcher.append(entry, urgency).await {
            Ok(()) => {
                for fact in contradictions {
                    tell(payment_id, fact);
                }
                self.recent.payments.keep(after);
                Ok(Some(()))
            }
            Err(StoreError::Lost(key)) => {
                self.recent.payments.forget(payment_id);
                metrics::counter!("ledger_lost_keys_total", "key" => key.to_string()).increment(1);
                let mut connection = self.connection().await?;
                let winner = load::request_of(&mut connection, payment_id, seq).await?;
                if winner.as_ref() == Some(request_id.as_bytes()) {
                    return Ok(Some(()));
                }
                lost(key)
            }
            Err(error) => {
                self.recent.payments.forget(payment_id);
                Err(error.into())
            }
        }
    }

    /// Does all that appending does and takes it back.
    async fn rehearse(&self, step: Step<'_>) -> Result<Option<()>, LedgerError> {
        let (entry, _) = self.entry(step);
        match append::rehearse(&self.pool, &entry).await {
            Ok(()) => Ok(Some(())),
            Err(StoreError::Lost(key)) => lost(key),
            Err(error) => Err(error.into()),
        }
    }

    fn entry(&self, step: Step<'_>) -> (Entry, Payment) {
        let entry = Entry {
            claim: step.claim.cloned(),
            answer: step.answer.map(|(claim, answer)| (claim.clone(), answer.clone())),
            request_id: step.change.asked.request_id,
            at: step.change.asked.at,
            commit_by: self.commit_within.map(|within| step.change.asked.at + within),
            change: Some(step.change),
        };
        (entry, step.after)
    }

    /// Takes a payment, decides, appends; again when somebody else was first. The first try may start from the payment as we
    /// left it: a stale one can only lose its key. What is refused is decided again on the payment as it stands.
    async fn decide<T, D, F>(&self, id: PaymentId, mut decide: D) -> Result<T, LedgerError>
    where
        D: FnMut(Taken) -> F,
        F: Future<Output = Result<Decided<T>, LedgerError>>,
    {
        let mut remembered = self.recent.payments.take(id);
        for _ in 0..MAX_TRIES {
            let taken = match remembered.take() {
                Some(payment) => Taken { payment, is_current: false },
                None => {
                    Taken { payment: self.load(id).await?.ok_or(LedgerError::NotFound)?, is_current: true }
                }
            };
            match decide(taken).await? {
                Decided::Done(value) => return Ok(value),
                Decided::Lost | Decided::LookAgain => {}
            }
        }
        Err(LedgerError::Contended(id))
    }

    /// The same for a request of a merchant: it finds its own payments only, and is refused on a version that it does not
    /// mean, unless its key has an answer already. A remembered payment of the version it means will do: it can only lose.
    async fn decide_for<T, D, F>(
        &self,
        op: &Operation,
        id: PaymentId,
        render: &dyn Render,
        mut decide: D,
    ) -> Result<T, LedgerError>
    where
        T: From<Answer>,
        D: FnMut(Taken) -> F,
        F: Future<Output = Result<Decided<T>, LedgerError>>,
    {
        let merchant_id = op.claim.merchant_id.as_str();
        let remembered = self.recent.payments.take_of(merchant_id, id);
        let mut remembered = remembered.filter(|payment| op.means(payment).is_ok());
        for _ in 0..MAX_TRIES {
            let taken = if let Some(payment) = remembered.take() {
                Taken { payment, is_current: false }
            } else {
                let payment =
                    self.load_of(merchant_id, id, Moment::Now).await?.ok_or(LedgerError::NotFound)?;
                load::understood(&payment)?;
                if let Err(refusal) = op.means(&payment) {
                    let answered = self.answered(op, render).await?;
                    return Ok(answered.unwrap_or(Answer::Refused(refusal)).into());
                }
                Taken { payment, is_current: true }
            };
            match decide(taken).await? {
                Decided::Done(value) => return Ok(value),
                Decided::Lost | Decided::LookAgain => {}
            }
        }
        Err(LedgerError::Contended(id))
    }
}

/// A payment to decide on.
struct Taken {
    payment: Payment,
    /// Read from the database just now, and not remembered: only then may a refusal rest on it.
    is_current: bool,
}

/// What a try to decide and append came to.
enum Decided<T> {
    Done(T),
    /// Somebody else was first.
    Lost,
    /// It would be refused on a payment that was only remembered.
    LookAgain,
}

/// One change on its way into the store.
struct Step<'a> {
    change: Change,
    after: Payment,
    claim: Option<&'a Claim>,
    answer: Option<(&'a Claim, &'a Rendered)>,
    urgency: Urgency,
}

impl Step<'_> {
    /// A change by which something that has happened is recorded.
    fn recording(change: Change, after: &Payment) -> Self {
        Self { change, after: after.clone(), claim: None, answer: None, urgency: Urgency::MustRecord }
    }
}

fn contradictions(change: &Change) -> Vec<Contradiction> {
    let of = |fact: &Fact| if let Fact::Contradiction(fact) = fact { Some(*fact) } else { None };
    change.facts.iter().filter_map(of).collect()
}

/// Counts a step about an answer that contradicts what was decided, and says it.
fn tell(payment_id: PaymentId, fact: Contradiction) {
    let step = fact.step.code();
    metrics::counter!("ledger_contradictions_total", "kind" => fact.kind.code(), "step" => step).increment(1);
    tracing::warn!(payment.id = %payment_id, leg.no = fact.leg_no, kind = %fact.kind, attempt.no = fact.attempt_no,
        outcome = %fact.outcome, result.no = fact.result_no, step, "an answer contradicts what was decided: {step}");
}

/// The next live change of a payment.
fn next(
    id: PaymentId,
    before: Option<&Payment>,
    command: &'static str,
    asked: &Asked,
    facts: Vec<Fact>,
) -> Result<(Change, Payment), LedgerError> {
    Change::next(id, before, Origin::Live, command, asked.clone(), facts)
        .map_err(|error| LedgerError::Contradiction { id, error })
}

/// What losing a key to somebody else means: most are lost with the payment's next change, and the decision is taken again.
fn lost(key: LostKey) -> Result<Option<()>, LedgerError> {
    match key {
        LostKey::Change
        | LostKey::AttemptVerdict
        | LostKey::PaymentVerdict
        | LostKey::BalanceLink
        | LostKey::Cancellation => Ok(None),
        LostKey::Order
        | LostKey::Trace
        | LostKey::Idempotency
        | LostKey::OutboxId
        | LostKey::Legacy
        | LostKey::Deposit
        | LostKey::Other => Err(StoreError::Lost(key).into()),
    }
}

/// What a job asks in its own name.
fn by_job(actor: &'static str, now: DateTime<Utc>) -> Asked {
    Asked { actor: actor.to_owned(), request_id: crate::ids::RequestId::new(&mut rand::rng()), at: now }
}
