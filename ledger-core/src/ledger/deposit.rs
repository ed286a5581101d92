//! Deposits of payments that wait for them, suspense money on its way back, and payments whose deposit did not come. No issuer
//! is asked: each is one commit, with its answer.

use chrono::{DateTime, TimeDelta, Utc};

use crate::ids::PaymentId;
use crate::payment::abort;
use crate::payment::deposit::{self, Arrived, Decision, Refund, RefundEnd};
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::store::batch::Urgency;
use crate::store::{LostKey, StoreError, deposit as store};

use super::{Answer, Decided, Ledger, LedgerError, Operation, Render, Step, Taken, by_job, next};

/// How far back payments whose deposit did not come are looked for by a process that has just started: longer than any deposit
/// is waited for. From then on, from where it has last found none, less this overlap.
const OVERDUE_HORIZON: TimeDelta = TimeDelta::days(400);
const OVERDUE_OVERLAP: TimeDelta = TimeDelta::hours(1);

/// How long after an account's time the word about a deposit made in time is waited for.
pub const DEPOSIT_GRACE: TimeDelta = TimeDelta::minutes(10);

impl Ledger {
    /// Takes note of a deposit; the one that completes a payment confirms it in the same commit.
    pub async fn receive_deposit(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &Arrived,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let decided = |payment: &Payment| deposit::receive(payment, cmd, op.asked.at);
        match self.in_one_commit(op, id, "DEPOSIT", &decided, render).await {
            // the reference is a deposit of another payment
            Err(LedgerError::Store(StoreError::Lost(LostKey::Deposit))) => {
                let refusal = Refusal::DepositReferenceReused { bank_ref: cmd.bank_ref.clone() };
                self.refuse(op, refusal, render).await
            }
            done => done,
        }
    }

    /// Takes money out of suspense, to be sent back by whoever asks.
    pub async fn refund_deposit(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &Refund,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let decided = |payment: &Payment| deposit::refund(payment, cmd, op.asked.at);
        self.in_one_commit(op, id, "DEPOSIT_REFUND", &decided, render).await
    }

    /// Records how a refund of suspense money ended.
    pub async fn end_deposit_refund(
        &self,
        op: &Operation,
        id: PaymentId,
        cmd: &RefundEnd,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let decided = |payment: &Payment| deposit::refund_ended(payment, cmd, op.asked.at);
        self.in_one_commit(op, id, "DEPOSIT_REFUND_RESULT", &decided, render).await
    }

    /// Payments whose deposit did not come in time, and that nobody has closed.
    pub async fn overdue_deposits(
        &self,
        now: DateTime<Utc>,
        limit: u32,
    ) -> Result<Vec<PaymentId>, LedgerError> {
        let mut connection = self.connection().await?;
        let until = now - DEPOSIT_GRACE;
        let known = self.recent.none_overdue.until();
        let from = known.map_or(now - OVERDUE_HORIZON, |since| since - OVERDUE_OVERLAP);
        let overdue = store::overdue(&mut connection, from, until, limit).await?;
        if overdue.is_empty() {
            self.recent.none_overdue.found(until);
        }
        Ok(overdue)
    }

    /// Closes a payment that was not confirmed, or whose deposit did not come, in time; the payment as it is then.
    pub async fn expire(&self, id: PaymentId, now: DateTime<Utc>) -> Result<Payment, LedgerError> {
        let asked = by_job("expiry", now);
        let asked = &asked;
        self.decide(id, |Taken { payment, is_current }| async move {
            let issuers = self.issuers_of(&payment, now).await?;
            let Ok(facts) = abort::expire(&payment, &issuers, now) else {
                return Ok(if is_current { Decided::Done(payment) } else { Decided::LookAgain });
            };
            let (change, after) = next(id, Some(&payment), "EXPIRE", asked, facts)?;
            Ok(match self.append(Step::recording(change, &after)).await? {
                Some(()) => Decided::Done(after),
                None => Decided::Lost,
            })
        })
        .await
    }

    /// Decides, and writes the change with the claim and its answer together. What was known already is only answered.
    async fn in_one_commit(
        &self,
        op: &Operation,
        id: PaymentId,
        command: &'static str,
        decided: &(dyn Fn(&Payment) -> Result<Decision, Refusal> + Sync),
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(answer);
        }
        self.decide_for(op, id, render, |Taken { payment, is_current }| async move {
            let Decision { facts, number } = match decided(&payment) {
                Ok(decision) => decision,
                Err(_) if !is_current => return Ok(Decided::LookAgain),
                Err(refusal) => return Ok(Decided::Done(self.refuse(op, refusal, render).await?)),
            };
            if facts.is_empty() {
                if !is_current {
                    return Ok(Decided::LookAgain);
                }
                let rendered = render.done(&payment, Some(number));
                let kept = self.claim_and_keep(op, rendered.clone(), render).await?;
                return Ok(Decided::Done(kept.unwrap_or(Answer::Fresh(rendered))));
            }
            let (change, after) = next(id, Some(&payment), command, &op.asked, facts)?;
            let rendered = render.done(&after, Some(number));
            let step = Step {
                change,
                after,
                claim: Some(&op.claim),
                answer: Some((&op.claim, &rendered)),
                urgency: Urgency::MayRefuse,
            };
            match self.append(step).await {
                Ok(Some(())) => Ok(Decided::Done(Answer::Fresh(rendered))),
                Ok(None) => Ok(Decided::Lost),
                Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                    let answered = self.answered(op, render).await?;
                    Ok(answered.map_or(Decided::Lost, Decided::Done))
                }
                Err(error) => Err(error),
            }
        })
        .await
    }
}
