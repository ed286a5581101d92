//! Confirming a payment: the attempts committed up front, the verdict once the issuers have answered.

use chrono::{DateTime, Utc};

use crate::ids::PaymentId;
use crate::payment::fact::AttemptKind;
use crate::payment::fold::Payment;
use crate::payment::{abort, confirm, reverse};
use crate::store::{LostKey, StoreError};

use super::idempotent::{Claimed, ended};
use super::{
    Answer, AttemptKey, CommittedAttempt, Decided, IssuerAnswer, Ledger, LedgerError, Operation, Render,
    Step, Taken, by_job, next,
};

/// What begins a confirm.
#[derive(Debug)]
pub enum BeginConfirm {
    /// Committed: send these, in this order.
    Started {
        /// The payment, in progress.
        payment: Box<Payment>,
        /// One attempt per leg, the hardest to reverse last.
        attempts: Vec<CommittedAttempt>,
    },
    /// There is nothing to send.
    Answered(Answer),
}

impl From<Answer> for BeginConfirm {
    fn from(answer: Answer) -> Self {
        Self::Answered(answer)
    }
}

impl Ledger {
    /// Commits the legs and one AUTH attempt each.
    pub async fn begin_confirm(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &confirm::Confirm,
        render: &dyn Render,
    ) -> Result<BeginConfirm, LedgerError> {
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(BeginConfirm::Answered(answer));
        }
        let issuers = self.issuers(cmd.legs.iter().map(|leg| leg.issuer_id.as_str()), op.asked.at).await?;
        let rules = self.method_rules().await?;
        let (issuers, rules) = (&issuers, &rules);
        self.decide_for(op, id, render, |Taken { payment, is_current }| async move {
            let facts = match confirm::start(&payment, cmd, issuers, rules, op.asked.at) {
                Ok(facts) => facts,
                Err(_) if !is_current => return Ok(Decided::LookAgain),
                Err(refusal) => {
                    let answer = self.refuse(op, refusal, render).await?;
                    return Ok(Decided::Done(BeginConfirm::Answered(answer)));
                }
            };
            let (change, after) = next(id, Some(&payment), "CONFIRM", &op.asked, facts)?;
            match self.append_claimed(op, change, &after, render).await? {
                Claimed::Done => {
                    let attempts = authorizations(&after);
                    Ok(Decided::Done(BeginConfirm::Started { payment: Box::new(after), attempts }))
                }
                Claimed::Lost => Ok(Decided::Lost),
                Claimed::Answered(answer) => Ok(Decided::Done(BeginConfirm::Answered(*answer))),
            }
        })
        .await
    }

    /// Records what the issuers answered, with the verdict and the answer to the caller. May be called again until it is
    /// durable: a second call finds its own write.
    pub async fn finish_confirm(
        &self,
        op: &Operation,
        id: PaymentId,
        answers: &[(AttemptKey, IssuerAnswer)],
        now: DateTime<Utc>,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let by_leg: Vec<_> = answers.iter().map(|(key, answer)| (key.leg_no, answer.clone())).collect();
        let by_leg = &by_leg;
        let mut asked = op.asked.clone();
        asked.at = now;
        let asked = &asked;
        self.decide(id, |Taken { payment, is_current }| async move {
            let issuers = self.issuers_of(&payment, now).await?;
            let facts = match confirm::finish(&payment, by_leg, &issuers, now) {
                Err(_) if !is_current => return Ok(Decided::LookAgain),
                decided => decided?,
            };
            if facts.is_empty() && !is_current {
                return Ok(Decided::LookAgain);
            }
            if facts.is_empty() {
                let answered = self.answered(op, render).await?;
                return Ok(Decided::Done(answered.ok_or(LedgerError::NotFound)?));
            }
            let (change, after) = next(id, Some(&payment), "VERDICT", asked, facts)?;
            let rendered = ended(&after, None, render);
            let step =
                Step { answer: Some((&op.claim, &rendered)), ..Step::recording(change.clone(), &after) };
            match self.append(step).await {
                Ok(Some(())) => Ok(Decided::Done(Answer::Fresh(rendered))),
                Ok(None) => Ok(Decided::Lost),
                Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                    if self.append(Step::recording(change, &after)).await?.is_none() {
                        return Ok(Decided::Lost);
                    }
                    let answered = self.answered(op, render).await?;
                    Ok(Decided::Done(answered.ok_or(LedgerError::NotFound)?))
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Records an answer that came after its payment's verdict (R1): a fact, never a revival.
    pub async fn record_late(
        &self,
        key: AttemptKey,
        answer: &IssuerAnswer,
        now: DateTime<Utc>,
    ) -> Result<Payment, LedgerError> {
        let asked = by_job("late-answer", now);
        let asked = &asked;
        self.decide(key.payment_id, |Taken { payment, is_current }| async move {
            let issuers = self.issuers_of(&payment, now).await?;
            let facts = match key.kind {
                AttemptKind::Auth if payment.verdict.is_some() => {
                    reverse::late(&payment, key.leg_no, key.attempt_no, answer, &issuers, now)
                }
                AttemptKind::Auth | AttemptKind::Cancel | AttemptKind::NetCancel | AttemptKind::Inquiry => {
                    Vec::new()
                }
            };
            if facts.is_empty() {
                return Ok(if is_current { Decided::Done(payment) } else { Decided::LookAgain });
            }
            let (change, after) = next(payment.id, Some(&payment), "LATE_ANSWER", asked, facts)?;
            Ok(match self.append(Step::recording(change, &after)).await? {
                Some(()) => Decided::Done(after),
                None => Decided::Lost,
            })
        })
        .await
    }

    /// Gives up a payment whose process died between sending and recording (R10): abandoned, to be undone.
    pub async fn recover(&self, key: AttemptKey, now: DateTime<Utc>) -> Result<Payment, LedgerError> {
        let asked = by_job("crash-recovery", now);
        let asked = &asked;
        self.decide(key.payment_id, |Taken { payment, is_current }| async move {
            if !is_current {
                return Ok(Decided::LookAgain);
            }
            if payment.verdict.is_some() {
                return Ok(Decided::Done(payment));
            }
            let issuers = self.issuers_of(&payment, now).await?;
            let facts = abort::recover(&payment, &issuers, now)?;
            let (change, after) = next(payment.id, Some(&payment), "RECOVER", asked, facts)?;
            Ok(match self.append(Step::recording(change, &after)).await? {
                Some(()) => Decided::Done(after),
                None => Decided::Lost,
            })
        })
        .await
    }
}

/// The AUTH attempts of a payment that has just been committed, in sending order: their deadlines say it.
pub(super) fn authorizations(payment: &Payment) -> Vec<CommittedAttempt> {
    let mut attempts: Vec<_> = payment
        .legs()
        .filter_map(|leg| Some(CommittedAttempt::of(payment, leg, leg.authorizations().last()?)))
        .collect();
    attempts.sort_by_key(CommittedAttempt::deadline_at);
    attempts
}
