//! Idempotency: every use case starts by asking what is known of its key, and ends by keeping its terminal answer.

use crate::change::{Asked, Change};
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::payment::status::Status;
use crate::store::append::Entry;
use crate::store::batch::Urgency;
use crate::store::idempotency::{self, Claim, Known, Rendered, Replay};
use crate::store::{LostKey, StoreError};

use super::{Hold, Ledger, LedgerError, Step, StillRunning};

/// A request that may come again.
#[derive(Debug, Clone)]
pub struct Operation {
    /// Its key, claimed.
    pub claim: Claim,
    /// Who asks, under which request, when.
    pub asked: Asked,
    /// The versions of the payment that it may be decided on (`If-Match`); any when there is nothing.
    pub versions: Option<Vec<u32>>,
}

/// Turns the end of a use case into the bytes its caller gets, now and on every replay.
pub trait Render: Sync {
    /// It was done; `cancel_no` names the cancellation it made.
    fn done(&self, payment: &Payment, cancel_no: Option<u16>) -> Rendered;
    /// It was refused.
    fn refused(&self, refusal: &Refusal) -> Rendered;
}

/// What a caller gets.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Terminal, for the first time.
    Fresh(Rendered),
    /// Terminal, again.
    Replayed(Replay),
    /// Not ended; the payment as it stands now, and the cancellation in question.
    InProgress(Box<Payment>, Option<u16>),
    /// The same request runs in this process at the moment.
    Running,
    /// Refused without keeping it: the same key may be used once the reason is gone.
    Refused(Refusal),
    /// The key was used with another body; these fields differ.
    Reused(Vec<String>),
}

/// What came of a change that claims a key.
pub(super) enum Claimed {
    /// It is written.
    Done,
    /// Another change of the payment was first.
    Lost,
    /// The key was used before.
    Answered(Box<Answer>),
}

impl Operation {
    /// The name by which a cancel made under this key is known in its payment.
    pub fn cancel_request_id(&self) -> String {
        hex::encode(self.claim.claim_id)
    }

    /// Whether the payment is at a version that the request means.
    pub(super) fn means(&self, payment: &Payment) -> Result<(), Refusal> {
        let current = payment.head.seq;
        match &self.versions {
            Some(versions) if !versions.contains(&current) => Err(Refusal::VersionMismatch { current }),
            Some(_) | None => Ok(()),
        }
    }
}

impl Ledger {
    /// Holds the operation's key while it runs, unless the same request does already.
    pub fn hold(&self, op: &Operation) -> Result<Hold, StillRunning> {
        self.recent.running.hold(op)
    }

    /// What is known of the operation's key, if this process has seen it before; the first use of a key is not looked for, it
    /// is lost by its claim. A client that repeats a key all the time is answered here and spoils nobody's commit.
    pub(super) async fn answered_before(
        &self,
        op: &Operation,
        render: &dyn Render,
    ) -> Result<Option<Answer>, LedgerError> {
        if self.recent.claims.meets(op.claim.claim_id) { self.answered(op, render).await } else { Ok(None) }
    }

    /// What is known of the operation's key: nothing, or the answer.
    pub async fn answered(&self, op: &Operation, render: &dyn Render) -> Result<Option<Answer>, LedgerError> {
        let mut connection = self.connection().await?;
        let known = idempotency::find(&mut connection, op.claim.claim_id).await?;
        drop(connection);
        match known {
            None => Ok(None),
            Some(known) => self.answer_of(op, known, render).await.map(Some),
        }
    }

    async fn answer_of(
        &self,
        op: &Operation,
        known: Known,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        if known.fingerprint != op.claim.fingerprint {
            return Ok(Answer::Reused(differing(&known, &op.claim)));
        }
        if let Some(replay) = known.outcome {
            return Ok(Answer::Replayed(replay));
        }
        let id = known.payment_id.ok_or(LedgerError::NotFound)?;
        let payment = self.load(id).await?.ok_or(LedgerError::NotFound)?;
        let cancel =
            payment.cancels().find(|cancel| cancel.cancellation.cancel_request_id == op.cancel_request_id());
        let cancel_no = cancel.map(|cancel| cancel.cancellation.cancel_no);
        let settled = match cancel {
            Some(cancel) => cancel.is_settled(),
            None => payment.verdict.is_some() || payment.waits_for_deposit(),
        };
        if !settled {
            return Ok(Answer::InProgress(Box::new(payment), cancel_no));
        }
        let rendered = ended(&payment, cancel_no, render);
        self.keep(op, rendered).await
    }

    /// Keeps the terminal answer of a claim that others settled; whoever is first, its bytes are the answer.
    async fn keep(&self, op: &Operation, answer: Rendered) -> Result<Answer, LedgerError> {
        let entry = Entry {
            change: None,
            claim: None,
            answer: Some((op.claim.clone(), answer.clone())),
            request_id: op.asked.request_id,
            at: op.asked.at,
            commit_by: None,
        };
        match self.batcher.append(entry, Urgency::MustRecord).await {
            Ok(()) => Ok(Answer::Fresh(answer)),
            Err(StoreError::Lost(LostKey::Idempotency)) => {
                let mut connection = self.connection().await?;
                let known = idempotency::find(&mut connection, op.claim.claim_id).await?;
                Ok(known.and_then(|known| known.outcome).map_or(Answer::Fresh(answer), Answer::Replayed))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the change that claims the operation's key; whoever used the key before has the answer.
    pub(super) async fn append_claimed(
        &self,
        op: &Operation,
        change: Change,
        after: &Payment,
        render: &dyn Render,
    ) -> Result<Claimed, LedgerError> {
        let step = Step {
            change,
            after: after.clone(),
            claim: Some(&op.claim),
            answer: None,
            urgency: Urgency::MayRefuse,
        };
        match self.append(step).await {
            Ok(Some(())) => Ok(Claimed::Done),
            Ok(None) => Ok(Claimed::Lost),
            Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => Ok(self
                .answered(op, render)
                .await?
                .map_or(Claimed::Lost, |answer| Claimed::Answered(Box::new(answer)))),
            Err(error) => Err(error),
        }
    }

    /// Refuses, unless the key is known: claim and answer in one transaction when the refusal is final, neither when it may
    /// pass.
    pub(super) async fn refuse(
        &self,
        op: &Operation,
        refusal: Refusal,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        if let Some(answer) = self.answered(op, render).await? {
            return Ok(answer);
        }
        if !is_final(&refusal) {
            return Ok(Answer::Refused(refusal));
        }
        let kept = self.claim_and_keep(op, render.refused(&refusal), render).await?;
        Ok(kept.unwrap_or(Answer::Refused(refusal)))
    }

    /// Claims the operation's key and keeps its answer, where nothing else is to be written. Where another call has claimed it,
    /// its answer counts, if it has one.
    pub(super) async fn claim_and_keep(
        &self,
        op: &Operation,
        rendered: Rendered,
        render: &dyn Render,
    ) -> Result<Option<Answer>, LedgerError> {
        let entry = Entry {
            change: None,
            claim: Some(op.claim.clone()),
            answer: Some((op.claim.clone(), rendered.clone())),
            request_id: op.asked.request_id,
            at: op.asked.at,
            commit_by: None,
        };
        match self.batcher.append(entry, Urgency::MayRefuse).await {
            Ok(()) => Ok(Some(Answer::Fresh(rendered))),
            Err(StoreError::Lost(LostKey::Idempotency)) => self.answered(op, render).await,
            Err(error) => Err(error.into()),
        }
    }
}

/// The answer of a use case that has ended: done, or refused by an issuer.
pub(super) fn ended(payment: &Payment, cancel_no: Option<u16>, render: &dyn Render) -> Rendered {
    let refusal = match cancel_no.and_then(|cancel_no| payment.cancel(cancel_no)) {
        Some(cancel) => match cancel.status() {
            crate::payment::status::CancelStatus::Failed => {
                crate::payment::cancel::refusal_of(payment, cancel)
            }
            crate::payment::status::CancelStatus::Done
            | crate::payment::status::CancelStatus::PartiallyDone
            | crate::payment::status::CancelStatus::InProgress => None,
        },
        None => crate::payment::confirm::refusal_of(payment),
    };
    match refusal {
        Some(refusal) => render.refused(&refusal),
        None => render.done(payment, cancel_no),
    }
}

/// Whether a refusal is kept under its key. What may pass without the caller's doing is not.
fn is_final(refusal: &Refusal) -> bool {
    match refusal {
        Refusal::NotFound
        | Refusal::UnknownIssuer(_)
        | Refusal::NoContract(_)
        | Refusal::AttemptOpen { .. }
        | Refusal::NoSuchAttempt { .. }
        | Refusal::NoMethodRule(_)
        | Refusal::VersionMismatch { .. }
        | Refusal::InvalidState { status: Status::InProgress, .. } => false,
        Refusal::OrderInUse { .. }
        | Refusal::InvalidState { .. }
        | Refusal::LegSum { .. }
        | Refusal::LegTaxFreeSum { .. }
        | Refusal::LegDiffers { .. }
        | Refusal::ExceedsBalance { .. }
        | Refusal::NoVirtualAccount { .. }
        | Refusal::DepositReferenceReused { .. }
        | Refusal::ExceedsSuspense { .. }
        | Refusal::NoSuchDepositRefund(_)
        | Refusal::DepositRefundEnded { .. }
        | Refusal::CancelWindowOver { .. }
        | Refusal::CancelInFullOnly { .. }
        | Refusal::RefundAccountMissing { .. }
        | Refusal::BalanceMismatch { .. }
        | Refusal::TaxFreeBounds { .. }
        | Refusal::Allocation(_)
        | Refusal::Amount(_)
        | Refusal::CardDeclined { .. }
        | Refusal::IssuerTimeout { .. }
        | Refusal::IssuerUnreachable { .. }
        | Refusal::CancelDeclined { .. } => true,
    }
}

/// The fields in which two bodies differ.
fn differing(known: &Known, claim: &Claim) -> Vec<String> {
    let mut fields: Vec<_> = known
        .fields
        .iter()
        .filter(|(field, hash)| claim.fields.get(*field) != Some(*hash))
        .map(|(field, _)| field.clone())
        .chain(claim.fields.keys().filter(|field| !known.fields.contains_key(*field)).cloned())
        .collect();
    fields.sort_unstable();
    fields
}
