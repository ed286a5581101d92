//! Creating a payment.

use crate::ids::{PaymentId, Slot};
use crate::payment::abort;
use crate::payment::create::{self, Create};
use crate::payment::refusal::Refusal;
use crate::store::batch::Urgency;
use crate::store::{LostKey, StoreError, load};

use super::idempotent::ended;
use super::{Answer, Decided, Ledger, LedgerError, MAX_TRIES, Operation, Render, Step, Taken, by_job, next};

impl Ledger {
    /// Creates a payment: one commit. The first try of an order is taken for granted; who loses it to an earlier payment
    /// finds out whether a further try is allowed.
    pub async fn create(
        &self,
        op: &Operation,
        cmd: &Create,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let now = op.asked.at;
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(answer);
        }
        let Some(contract) = self.contract(&cmd.merchant_id, now).await? else {
            return self.refuse(op, Refusal::NoContract(cmd.merchant_id.clone()), render).await;
        };
        let slot = Slot::of(&cmd.merchant_id, &cmd.order_id);
        let id = PaymentId::new(now, slot, &mut rand::rng());
        let mut try_no = 1;
        for _ in 0..MAX_TRIES {
            let facts = match create::create(cmd, try_no, &contract, now) {
                Ok(facts) => facts,
                Err(refusal) => return self.refuse(op, refusal, render).await,
            };
            let (change, payment) = next(id, None, "CREATE", &op.asked, facts)?;
            let rendered = ended(&payment, None, render);
            let step = Step {
                change,
                after: payment,
                claim: Some(&op.claim),
                answer: Some((&op.claim, &rendered)),
                urgency: Urgency::MayRefuse,
            };
            match self.append(step).await {
                Ok(Some(())) => return Ok(Answer::Fresh(rendered)),
                Ok(None) => return Err(LedgerError::Contended(id)),
                Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                    return self.answered(op, render).await?.ok_or(LedgerError::Contended(id));
                }
                Err(LedgerError::Store(StoreError::Lost(LostKey::Order))) => {
                    match self.next_try(op, cmd).await? {
                        Ok(next) => try_no = next,
                        Err(refusal) => return self.refuse(op, refusal, render).await,
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Err(LedgerError::Contended(id))
    }

    /// The try that may follow the newest one. One that was never confirmed in time is closed first.
    async fn next_try(&self, op: &Operation, cmd: &Create) -> Result<Result<u16, Refusal>, LedgerError> {
        let mut connection = self.connection().await?;
        let Some((id, _)) = load::last_of_order(&mut connection, &cmd.merchant_id, &cmd.order_id).await?
        else {
            return Ok(Ok(1));
        };
        drop(connection);
        let now = op.asked.at;
        let asked = by_job("expiry", now);
        let asked = &asked;
        let last = self
            .decide(id, |Taken { payment, is_current }| async move {
                let Ok(facts) = abort::expire(&payment, now) else {
                    return Ok(if is_current { Decided::Done(payment) } else { Decided::LookAgain });
                };
                let (change, after) = next(id, Some(&payment), "EXPIRE", asked, facts)?;
                Ok(match self.append(Step::recording(change, &after)).await? {
                    Some(()) => Decided::Done(after),
                    None => Decided::Lost,
                })
            })
            .await?;
        Ok(create::next_try(&last, now))
    }
}
