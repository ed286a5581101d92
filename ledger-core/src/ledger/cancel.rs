//! Canceling a payment: the shares held and the attempts committed up front, the outcomes once the issuers have answered.

use chrono::{DateTime, TimeDelta, Utc};

use crate::change::{Asked, Change};
use crate::ids::PaymentId;
use crate::method_rule::MethodRules;
use crate::payment::cancel;
use crate::payment::fact::AttemptKind;
use crate::payment::fold::Payment;
use crate::reference::Issuer;
use crate::store::batch::Urgency;
use crate::store::{LostKey, StoreError, due, load};

use super::idempotent::{Claimed, ended};
use super::{
    Answer, AttemptKey, CommittedAttempt, Decided, IssuerAnswer, Ledger, LedgerError, Operation, Render,
    Step, Taken, by_job, next,
};

/// How far back cancels in progress are looked for.
const OPEN_CANCEL_HORIZON: TimeDelta = TimeDelta::days(30);

/// What begins a cancel.
#[derive(Debug)]
pub enum BeginCancel {
    /// Committed: send these.
    Started {
        /// The payment, with the shares held.
        payment: Box<Payment>,
        /// The cancellation.
        cancel_no: u16,
        /// One attempt per share.
        attempts: Vec<CommittedAttempt>,
    },
    /// There is nothing to send.
    Answered(Answer),
}

/// What a cancel would come to if every issuer refunded; nothing of it is written.
#[derive(Debug)]
pub struct Foreseen {
    /// The payment as it stands.
    pub before: Payment,
    /// The payment after it.
    pub after: Payment,
    /// The number it would have.
    pub cancel_no: u16,
}

/// A cancel that an issuer has not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCancel {
    /// The payment.
    pub payment_id: PaymentId,
    /// The cancellation.
    pub cancel_no: u16,
}

impl From<Answer> for BeginCancel {
    fn from(answer: Answer) -> Self {
        Self::Answered(answer)
    }
}

impl Ledger {
    /// Holds the shares and commits one CANCEL attempt each.
    pub async fn begin_cancel(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &cancel::Cancel,
        render: &dyn Render,
    ) -> Result<BeginCancel, LedgerError> {
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(BeginCancel::Answered(answer));
        }
        self.decide_for(op, id, render, |Taken { payment, is_current }| async move {
            let issuers = self.issuers_of(&payment, op.asked.at).await?;
            let rules = self.method_rules().await?;
            let cancel_no = payment.next_cancel_no();
            let (change, after) = match held(&payment, cmd, &issuers, &rules, &op.asked) {
                Ok(held) => held,
                Err(LedgerError::Refused(_)) if !is_current => return Ok(Decided::LookAgain),
                Err(LedgerError::Refused(refusal)) => {
                    let answer = self.refuse(op, refusal, render).await?;
                    return Ok(Decided::Done(BeginCancel::Answered(answer)));
                }
                Err(error) => return Err(error),
            };
            if after.is_closed() {
                let answer = self.given_up(op, change, after, render).await?;
                return Ok(
                    answer.map_or(Decided::Lost, |answer| Decided::Done(BeginCancel::Answered(answer)))
                );
            }
            match self.append_claimed(op, change, &after, render).await? {
                Claimed::Done => {
                    let attempts = open_attempts(&after, cancel_no);
                    Ok(Decided::Done(BeginCancel::Started { payment: Box::new(after), cancel_no, attempts }))
                }
                Claimed::Lost => Ok(Decided::Lost),
                Claimed::Answered(answer) => Ok(Decided::Done(BeginCancel::Answered(*answer))),
            }
        })
        .await
    }

    /// Writes the end of a payment that waited for its deposit, with the answer: its account is closed by the loop that undoes
    /// authorizations.
    async fn given_up(
        &self,
        op: &Operation,
        change: Change,
        after: Payment,
        render: &dyn Render,
    ) -> Result<Option<Answer>, LedgerError> {
        let rendered = ended(&after, None, render);
        let step = Step {
            change,
            after,
            claim: Some(&op.claim),
            answer: Some((&op.claim, &rendered)),
            urgency: Urgency::MayRefuse,
        };
        match self.append(step).await {
            Ok(written) => Ok(written.map(|()| Answer::Fresh(rendered))),
            Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                self.answered(op, render).await
            }
            Err(error) => Err(error),
        }
    }

    /// What a cancel would come to: decided as by [`Self::begin_cancel`] on the payment as it stands, then ended as if every
    /// issuer had refunded. No key is claimed, no attempt committed, nothing written.
    pub async fn foresee_cancel(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &cancel::Cancel,
    ) -> Result<Foreseen, LedgerError> {
        let payment = self.payment(&op.claim.merchant_id, id).await?.ok_or(LedgerError::NotFound)?;
        load::understood(&payment)?;
        op.means(&payment)?;
        let now = op.asked.at;
        let issuers = self.issuers_of(&payment, now).await?;
        let rules = self.method_rules().await?;
        let cancel_no = payment.next_cancel_no();
        let (_, started) = held(&payment, cmd, &issuers, &rules, &op.asked)?;
        let shares = started.cancel(cancel_no).into_iter().flat_map(|cancel| &cancel.shares);
        let refunded: Vec<_> = shares.map(|share| (share.leg_no, IssuerAnswer::refunded(now))).collect();
        let ended = recorded(&started, cancel_no, &refunded, &op.asked, now)?;
        let after = ended.map_or(started, |(_, after)| after);
        Ok(Foreseen { before: payment, after, cancel_no })
    }

    /// Records what the issuers answered to a cancel, with the answer to the caller once every share has ended.
    pub async fn finish_cancel(
        &self,
        op: &Operation,
        id: PaymentId,
        cancel_no: u16,
        answers: &[(AttemptKey, IssuerAnswer)],
        now: DateTime<Utc>,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let mut asked = op.asked.clone();
        asked.at = now;
        let asked = &asked;
        let answers = &by_leg(answers);
        let answer = self
            .decide(id, |Taken { payment, is_current }| async move {
                let Some((change, after)) = recorded(&payment, cancel_no, answers, asked, now)? else {
                    return Ok(if is_current { Decided::Done(None) } else { Decided::LookAgain });
                };
                let settled = after.cancel(cancel_no).is_some_and(crate::payment::fold::Cancel::is_settled);
                let rendered = settled.then(|| ended(&after, Some(cancel_no), render));
                let answer = rendered.as_ref().map(|rendered| (&op.claim, rendered));
                match self.append(Step { answer, ..Step::recording(change.clone(), &after) }).await {
                    Ok(Some(())) => Ok(Decided::Done(Some(match rendered {
                        Some(rendered) => Answer::Fresh(rendered),
                        None => Answer::InProgress(Box::new(after), Some(cancel_no)),
                    }))),
                    Ok(None) => Ok(Decided::Lost),
                    // somebody has answered this key already; what the issuers said is recorded all the same
                    Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                        let recorded = self.append(Step::recording(change, &after)).await?;
                        Ok(recorded.map_or(Decided::Lost, |()| Decided::Done(None)))
                    }
                    Err(error) => Err(error),
                }
            })
            .await?;
        match answer {
            Some(answer) => Ok(answer),
            None => self.answered(op, render).await?.ok_or(LedgerError::NotFound),
        }
    }

    /// Cancels requested before `until` that an issuer has not answered.
    pub async fn open_cancels(
        &self,
        until: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<OpenCancel>, LedgerError> {
        let mut connection = self.connection().await?;
        let open = due::open_cancels(&mut connection, until - OPEN_CANCEL_HORIZON, until, limit).await?;
        Ok(open.into_iter().map(|(payment_id, cancel_no)| OpenCancel { payment_id, cancel_no }).collect())
    }

    /// The attempts of a cancel that are still unanswered, to be sent again with the same data (R6).
    pub async fn begin_cancel_repeat(&self, open: OpenCancel) -> Result<Vec<CommittedAttempt>, LedgerError> {
        let payment = self.load(open.payment_id).await?.ok_or(LedgerError::NotFound)?;
        Ok(open_attempts(&payment, open.cancel_no))
    }

    /// Records what the issuers answered to a repeated cancel.
    pub async fn finish_cancel_repeat(
        &self,
        open: OpenCancel,
        answers: &[(AttemptKey, IssuerAnswer)],
        now: DateTime<Utc>,
    ) -> Result<Payment, LedgerError> {
        let asked = by_job("cancel-repeat", now);
        let asked = &asked;
        let answers = &by_leg(answers);
        self.decide(open.payment_id, |Taken { payment, is_current }| async move {
            let Some((change, after)) = recorded(&payment, open.cancel_no, answers, asked, now)? else {
                return Ok(if is_current { Decided::Done(payment) } else { Decided::LookAgain });
            };
            Ok(match self.append(Step::recording(change, &after)).await? {
                Some(()) => Decided::Done(after),
                None => Decided::Lost,
            })
        })
        .await
    }
}

/// The change that holds the shares of a cancel and commits its attempts, and the payment after it.
fn held(
    payment: &Payment,
    cmd: &cancel::Cancel,
    issuers: &[Issuer],
    rules: &MethodRules,
    asked: &Asked,
) -> Result<(Change, Payment), LedgerError> {
    let facts = cancel::start(payment, cmd, issuers, rules, asked.at)?;
    next(payment.id, Some(payment), "CANCEL", asked, facts)
}

/// The change that records answers to a cancel; none when they are all known. One that has ended takes further answers as
/// facts beside it.
fn recorded(
    payment: &Payment,
    cancel_no: u16,
    answers: &[(u8, IssuerAnswer)],
    asked: &Asked,
    now: DateTime<Utc>,
) -> Result<Option<(Change, Payment)>, LedgerError> {
    if payment.cancel(cancel_no).is_none() {
        return Ok(None);
    }
    let facts = cancel::finish(payment, cancel_no, answers, now)?;
    if facts.is_empty() {
        return Ok(None);
    }
    next(payment.id, Some(payment), "CANCEL_RESULT", asked, facts).map(Some)
}

fn by_leg(answers: &[(AttemptKey, IssuerAnswer)]) -> Vec<(u8, IssuerAnswer)> {
    answers.iter().map(|(key, answer)| (key.leg_no, answer.clone())).collect()
}

/// The attempts of a cancellation whose shares have not ended.
fn open_attempts(payment: &Payment, cancel_no: u16) -> Vec<CommittedAttempt> {
    let Some(cancel) = payment.cancel(cancel_no) else { return Vec::new() };
    cancel
        .shares
        .iter()
        .filter(|share| cancel.outcome(share.leg_no).is_none())
        .filter_map(|share| {
            let leg = payment.leg(share.leg_no)?;
            let facts = leg
                .attempts_of(AttemptKind::Cancel)
                .find(|attempt| attempt.attempt.cancel_no == Some(cancel_no))?;
            Some(CommittedAttempt::of(payment, leg, facts))
        })
        .collect()
}
