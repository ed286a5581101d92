//! Money that may stand at issuers without our wanting it, attempt by attempt.

use chrono::{DateTime, Utc};

use crate::ids::PaymentId;
use crate::money::{Currency, Minor};

use super::attempt::AttemptState;
use super::fold::Payment;

/// An authorization that is exposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exposed {
    pub payment_id: PaymentId,
    pub merchant_id: String,
    pub order_id: String,
    pub leg_no: u8,
    pub attempt_no: u16,
    pub issuer_id: String,
    pub currency: Currency,
    pub amount: Minor,
    pub state: AttemptState,
    /// Since when it has been known to be.
    pub since: DateTime<Utc>,
}

/// What of a payment is exposed at `at`.
pub fn of(payment: &Payment, at: DateTime<Utc>) -> Vec<Exposed> {
    let mut exposed = Vec::new();
    for leg in payment.legs() {
        for facts in leg.authorizations() {
            let amount = facts.exposure(at);
            if amount.is_zero() {
                continue;
            }
            let order = facts.network_cancel.as_ref();
            exposed.push(Exposed {
                payment_id: payment.id,
                merchant_id: payment.opened.merchant_id.clone(),
                order_id: payment.opened.order_id.clone(),
                leg_no: leg.approval.leg_no,
                attempt_no: facts.attempt.attempt_no,
                issuer_id: facts.attempt.issuer_id.clone(),
                currency: payment.opened.currency,
                amount,
                state: facts.state(at),
                since: order.map_or(facts.attempt.deadline_at, |order| order.requested_at),
            });
        }
    }
    exposed
}
