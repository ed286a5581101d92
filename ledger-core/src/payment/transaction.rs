//! The movements of a payment one by one: each approval that stands, each share that was refunded, with its parts.

use chrono::{DateTime, Utc};

use crate::codes;
use crate::ids::PaymentId;
use crate::money::{AmountError, Currency, Minor};
use crate::time::BusinessDate;

use super::attempt::AttemptFacts;
use super::fact::{Method, ShareOutcome, Verdict};
use super::fold::{Leg, Payment};
use super::tax::Remainder;

codes! {
    /// What moved.
    TransactionKind {
        /// Money came in.
        Approval = "APPROVAL",
        /// Money went back.
        Cancel = "CANCEL",
    }
}

/// One approval that stands, or one share of a cancel that was refunded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub payment_id: PaymentId,
    pub order_id: String,
    pub leg_no: u8,
    /// The cancellation, for a refund.
    pub cancel_no: Option<u16>,
    pub method: Method,
    pub issuer_id: String,
    pub currency: Currency,
    pub amount: Minor,
    pub tax_free: Minor,
    pub vat: Minor,
    pub business_date: BusinessDate,
    pub occurred_at: DateTime<Utc>,
    /// The issuer's number for it: of the approval, or of the refund.
    pub issuer_ref: Option<String>,
    /// What a refund takes back.
    pub original: Option<Original>,
}

/// The approval that a refund takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    pub amount: Minor,
    pub business_date: BusinessDate,
    pub occurred_at: DateTime<Utc>,
    pub issuer_ref: Option<String>,
}

impl Transaction {
    /// Which of the two it is.
    pub const fn kind(&self) -> TransactionKind {
        if self.cancel_no.is_some() { TransactionKind::Cancel } else { TransactionKind::Approval }
    }
}

/// The approval of a leg of a confirmed payment. Its parts are what the payment's remainder loses by it, taken leg by leg, so
/// those of all legs make up the payment's.
pub fn approval(payment: &Payment, leg_no: u8) -> Result<Option<Transaction>, AmountError> {
    let Some((leg, original)) = payment.leg(leg_no).and_then(|leg| Some((leg, original(payment, leg)?)))
    else {
        return Ok(None);
    };
    let mut left = Remainder::whole(&payment.opened);
    for other in payment.legs() {
        let planned = &other.approval;
        let (parts, after) = left.take(&payment.opened, planned.amount, planned.tax_free)?;
        left = after;
        if planned.leg_no == leg_no {
            return Ok(Some(Transaction {
                amount: planned.amount,
                tax_free: parts.tax_free,
                vat: parts.vat,
                business_date: original.business_date,
                occurred_at: original.occurred_at,
                issuer_ref: original.issuer_ref,
                ..blank(payment, leg)
            }));
        }
    }
    Ok(None)
}

/// The share of a cancel that a leg has refunded.
pub fn refund(payment: &Payment, cancel_no: u16, leg_no: u8) -> Option<Transaction> {
    let leg = payment.leg(leg_no)?;
    let cancel = payment.cancel(cancel_no)?;
    let share = cancel.shares.iter().find(|share| share.leg_no == leg_no)?;
    let outcome = cancel.outcomes.get(&leg_no).filter(|outcome| outcome.outcome == ShareOutcome::Done)?;
    let answer = leg
        .attempts
        .values()
        .filter(|attempt| attempt.attempt.cancel_no == Some(cancel_no))
        .find_map(|attempt| attempt.results.iter().find(|result| result.issuer_ref.is_some()));
    Some(Transaction {
        cancel_no: Some(cancel_no),
        amount: share.amount,
        tax_free: share.tax_free,
        vat: share.vat,
        business_date: BusinessDate::in_seoul(outcome.decided_at),
        occurred_at: outcome.decided_at,
        issuer_ref: answer.and_then(|result| result.issuer_ref.clone()),
        original: original(payment, leg),
        ..blank(payment, leg)
    })
}

fn original(payment: &Payment, leg: &Leg) -> Option<Original> {
    let verdict = payment.verdict.as_ref().filter(|verdict| verdict.verdict == Verdict::Confirmed)?;
    let approval = leg.accepted().and_then(AttemptFacts::approval);
    Some(Original {
        amount: leg.approval.amount,
        business_date: verdict.business_date,
        occurred_at: verdict.decided_at,
        issuer_ref: approval.and_then(|result| result.issuer_ref.clone()),
    })
}

fn blank(payment: &Payment, leg: &Leg) -> Transaction {
    Transaction {
        payment_id: payment.id,
        order_id: payment.opened.order_id.clone(),
        leg_no: leg.approval.leg_no,
        cancel_no: None,
        method: leg.approval.method,
        issuer_id: leg.approval.issuer_id.clone(),
        currency: payment.opened.currency,
        amount: Minor::ZERO,
        tax_free: Minor::ZERO,
        vat: Minor::ZERO,
        business_date: BusinessDate::in_seoul(payment.opened.created_at),
        occurred_at: payment.opened.created_at,
        issuer_ref: None,
        original: None,
    }
}
