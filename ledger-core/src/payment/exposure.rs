//! Money that may stand at issuers without our wanting it, attempt by attempt.

use chrono::{DateTime, Utc};

use crate::ids::PaymentId;
use crate::money::{Currency, Minor};

use super::attempt::AttemptState;
use super::fact::{AttemptKind, ContradictionStep};
use super::fold::Payment;

/// An authorization that is exposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    pub payment_id: PaymentId,
    pub merchant_id: String,
    pub order_id: String,
    pub leg_no: u8,
    pub kind: AttemptKind,
    pub attempt_no: u16,
    /// Which of its answers, when it is one that contradicts what was decided.
    pub result_no: Option<u16>,
    pub issuer_id: String,
    pub currency: Currency,
    pub amount: Minor,
    /// The public word for how it stands.
    pub state: &'static str,
    /// Since when it has been known to be.
    pub since: DateTime<Utc>,
}

impl Exposed {
    /// The place of its row among all.
    pub const fn place(&self) -> Place {
        (self.payment_id, self.leg_no, self.kind, self.attempt_no, self.result_no)
    }
}

/// What orders rows.
pub type Place = (PaymentId, u8, AttemptKind, u16, Option<u16>);

/// What of a payment is exposed at `at`: what is uncertain or being undone, and every answer that contradicts what was decided.
pub fn of(payment: &Payment, at: DateTime<Utc>) -> Vec<Exposed> {
    let mut exposed = Vec::new();
    for facts in payment.answered_attempts() {
        let attempt = &facts.attempt;
        let mut add = |result_no, amount, state, since| {
            exposed.push(Exposed {
                payment_id: payment.id,
                merchant_id: payment.opened.merchant_id.clone(),
                order_id: payment.opened.order_id.clone(),
                leg_no: attempt.leg_no,
                kind: attempt.kind,
                attempt_no: attempt.attempt_no,
                result_no,
                issuer_id: attempt.issuer_id.clone(),
                currency: payment.opened.currency,
                amount,
                state,
                since,
            });
        };
        let uncertain = facts.uncertain_amount(at);
        if !uncertain.is_zero() {
            let order = facts.network_cancel.as_ref();
            let since = order.map_or(attempt.deadline_at, |order| order.requested_at);
            add(None, uncertain, facts.state(at).status(), since);
        }
        for (result, last) in facts.contrary() {
            let state = match last.map(|last| last.step) {
                Some(ContradictionStep::Escalated) => AttemptState::Escalated.status(),
                Some(ContradictionStep::Raised | ContradictionStep::Undone) | None => {
                    AttemptState::Conflict.status()
                }
            };
            add(Some(result.result_no), attempt.amount, state, result.received_at);
        }
    }
    exposed
}
