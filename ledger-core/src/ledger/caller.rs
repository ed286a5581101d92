//! Approvals that a payment service gets itself: the attempt before it sends, the result after; one commit each.

use crate::ids::PaymentId;
use crate::payment::caller;
use crate::payment::confirm::LegRequest;
use crate::payment::fact::Fact;
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::store::batch::Urgency;
use crate::store::{LostKey, StoreError};

use super::{Answer, Decided, IssuerAnswer, Ledger, LedgerError, Operation, Render, Step, Taken, next};

impl Ledger {
    /// Commits an AUTH attempt that the caller is about to send, with its leg when that is new. Only a fresh answer says that
    /// it may be sent: a replayed one is about an attempt that may be on its way already.
    pub async fn tell_attempt(
        &self,
        op: &Operation,
        id: PaymentId,
        leg_no: u8,
        leg: &LegRequest,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(answer);
        }
        let now = op.asked.at;
        let issuers = self.issuers(std::iter::once(leg.issuer_id.as_str()), now).await?;
        let rules = self.method_rules().await?;
        let (issuers, rules) = (&issuers, &rules);
        self.decide_for(op, id, render, |taken| async move {
            let facts = caller::attempt(&taken.payment, leg_no, leg, issuers, rules, now);
            self.told(op, taken, "ATTEMPT", facts, Urgency::MayRefuse, render).await
        })
        .await
    }

    /// Records what an issuer answered to an attempt of the caller, with the verdict when that follows from it. May be told
    /// again, under the same key or another.
    pub async fn tell_result(
        &self,
        op: &Operation,
        id: PaymentId,
        leg_no: u8,
        attempt_no: u16,
        answer: &IssuerAnswer,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(answer);
        }
        let now = op.asked.at;
        self.decide_for(op, id, render, |taken| async move {
            let issuers = self.issuers_of(&taken.payment, now).await?;
            let facts = caller::result(&taken.payment, leg_no, attempt_no, answer, &issuers, now);
            self.told(op, taken, "RESULT", facts, Urgency::MustRecord, render).await
        })
        .await
    }

    /// Writes what was decided with claim and answer. What adds nothing is answered with the payment as it stands.
    async fn told(
        &self,
        op: &Operation,
        taken: Taken,
        command: &'static str,
        facts: Result<Vec<Fact>, Refusal>,
        urgency: Urgency,
        render: &dyn Render,
    ) -> Result<Decided<Answer>, LedgerError> {
        let Taken { payment, is_current } = taken;
        let facts = match facts {
            Ok(facts) if !facts.is_empty() => facts,
            Ok(_) | Err(_) if !is_current => return Ok(Decided::LookAgain),
            Ok(_) => return self.unchanged(op, &payment, render).await.map(Decided::Done),
            Err(refusal) => return self.refuse(op, refusal, render).await.map(Decided::Done),
        };
        let (change, after) = next(payment.id, Some(&payment), command, &op.asked, facts)?;
        let rendered = render.done(&after, None);
        let step =
            Step { change, after, claim: Some(&op.claim), answer: Some((&op.claim, &rendered)), urgency };
        match self.append(step).await {
            Ok(Some(())) => Ok(Decided::Done(Answer::Fresh(rendered))),
            Ok(None) => Ok(Decided::Lost),
            Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                Ok(self.answered(op, render).await?.map_or(Decided::Lost, Decided::Done))
            }
            Err(error) => Err(error),
        }
    }

    /// Keeps the answer to something that was told before, under another key.
    async fn unchanged(
        &self,
        op: &Operation,
        payment: &Payment,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let rendered = render.done(payment, None);
        let kept = self.claim_and_keep(op, rendered.clone(), render).await?;
        Ok(kept.unwrap_or(Answer::Fresh(rendered)))
    }
}
