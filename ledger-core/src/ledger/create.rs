//! Creating a payment, alone or with the beginning of its confirm.

use crate::change::Change;
use crate::ids::{PaymentId, Slot};
use crate::method_rule::MethodRules;
use crate::payment::confirm::{self, Confirm};
use crate::payment::create::{self, Create};
use crate::payment::fold::Payment;
use crate::payment::refusal::Refusal;
use crate::reference::{Contract, Issuer};
use crate::store::batch::Urgency;
use crate::store::idempotency::Rendered;
use crate::store::{LostKey, StoreError, load};

use super::confirm::authorizations;
use super::idempotent::ended;
use super::{Answer, BeginConfirm, Ledger, LedgerError, MAX_TRIES, Operation, Render, Step, next};

/// What came of opening a payment.
enum Opened {
    /// It is committed, with the answer that was kept, if it is one already.
    Committed(Box<Payment>, Option<Rendered>),
    /// There is no new payment.
    Answered(Answer),
}

impl Ledger {
    /// Creates a payment: one commit. A repetition that comes meanwhile waits for it.
    pub async fn create(
        &self,
        op: &Operation,
        cmd: &Create,
        render: &dyn Render,
    ) -> Result<Answer, LedgerError> {
        let _run = loop {
            match self.hold(op) {
                Ok(run) => break run,
                Err(same) => same.ended().await,
            }
        };
        Ok(match self.open_payment(op, cmd, None, render).await? {
            Opened::Committed(payment, kept) => {
                Answer::Fresh(kept.unwrap_or_else(|| ended(&payment, None, render)))
            }
            Opened::Answered(answer) => answer,
        })
    }

    /// Creates a payment and begins its confirm in the same commit: claim, payment, legs and attempts together or not at all.
    pub async fn begin_create(
        &self,
        op: &Operation,
        cmd: &Create,
        confirm: &Confirm,
        render: &dyn Render,
    ) -> Result<BeginConfirm, LedgerError> {
        Ok(match self.open_payment(op, cmd, Some(confirm), render).await? {
            Opened::Committed(payment, _) => {
                let attempts = authorizations(&payment);
                BeginConfirm::Started { payment, attempts }
            }
            Opened::Answered(answer) => BeginConfirm::Answered(answer),
        })
    }

    /// The first try of an order is taken for granted; who loses it to an earlier payment finds out whether a further try is
    /// allowed.
    async fn open_payment(
        &self,
        op: &Operation,
        cmd: &Create,
        confirm: Option<&Confirm>,
        render: &dyn Render,
    ) -> Result<Opened, LedgerError> {
        let now = op.asked.at;
        if let Some(answer) = self.answered_before(op, render).await? {
            return Ok(Opened::Answered(answer));
        }
        let Some(contract) = self.contract(&cmd.merchant_id, now).await? else {
            let refusal = Refusal::NoContract(cmd.merchant_id.clone());
            return Ok(Opened::Answered(self.refuse(op, refusal, render).await?));
        };
        let legs = confirm.map(|confirm| confirm.legs.as_slice()).unwrap_or_default();
        let issuers = self.issuers(legs.iter().map(|leg| leg.issuer_id.as_str()), now).await?;
        let rules = match confirm {
            Some(_) => self.method_rules().await?,
            None => MethodRules::default(),
        };
        let id = PaymentId::new(now, Slot::of(&cmd.merchant_id, &cmd.order_id), &mut rand::rng());
        let mut try_no = 1;
        for _ in 0..MAX_TRIES {
            let confirm = confirm.map(|confirm| (confirm, &issuers, &rules));
            let opened = opened(op, id, cmd, try_no, &contract, confirm);
            let (change, payment) = match opened {
                Err(LedgerError::Refused(refusal)) => {
                    return Ok(Opened::Answered(self.refuse(op, refusal, render).await?));
                }
                opened => opened?,
            };
            let kept = confirm.is_none().then(|| ended(&payment, None, render));
            let step = Step {
                change,
                after: payment.clone(),
                claim: Some(&op.claim),
                answer: kept.as_ref().map(|rendered| (&op.claim, rendered)),
                urgency: Urgency::MayRefuse,
            };
            match self.append(step).await {
                Ok(Some(())) => return Ok(Opened::Committed(Box::new(payment), kept)),
                Ok(None) => return Err(LedgerError::Contended(id)),
                Err(LedgerError::Store(StoreError::Lost(LostKey::Idempotency))) => {
                    let answered = self.answered(op, render).await?;
                    return Ok(Opened::Answered(answered.ok_or(LedgerError::Contended(id))?));
                }
                Err(LedgerError::Store(StoreError::Lost(LostKey::Order))) => {
                    match self.next_try(op, cmd).await? {
                        Ok(next) => try_no = next,
                        Err(refusal) => {
                            return Ok(Opened::Answered(self.refuse(op, refusal, render).await?));
                        }
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
        let last = self.expire(id, now).await?;
        Ok(create::next_try(&last, now))
    }
}

/// The first change of a payment: the intent, and with a confirm its legs and attempts.
fn opened(
    op: &Operation,
    id: PaymentId,
    cmd: &Create,
    try_no: u16,
    contract: &Contract,
    confirm: Option<(&Confirm, &Vec<Issuer>, &MethodRules)>,
) -> Result<(Change, Payment), LedgerError> {
    let mut facts = create::create(cmd, try_no, contract, op.asked.at)?;
    let Some((confirm, issuers, rules)) = confirm else { return next(id, None, "CREATE", &op.asked, facts) };
    let (_, intent) = next(id, None, "CREATE", &op.asked, facts.clone())?;
    facts.extend(confirm::start(&intent, confirm, issuers, rules, op.asked.at)?);
    next(id, None, "CREATE", &op.asked, facts)
}
