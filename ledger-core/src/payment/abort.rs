//! Giving a payment up: when nobody is left who waits for its issuers (R10), or when it was never confirmed in time.

use chrono::{DateTime, Utc};

use crate::reference::Issuer;

use super::caller;
use super::fact::{Fact, Verdict};
use super::fold::Payment;
use super::refusal::Refusal;
use super::status::Status;
use super::{confirm, deposit};

/// A payment whose process died after the attempts were committed: every leg without an answer is abandoned and undone.
/// `answers` that were recorded before count as they are.
pub fn recover(payment: &Payment, issuers: &[Issuer], now: DateTime<Utc>) -> Result<Vec<Fact>, Refusal> {
    let status = payment.status(now);
    if status != Status::InProgress {
        return Err(Refusal::InvalidState { status, verb: "recovered" });
    }
    if caller::is_callers(payment) {
        return caller::recover(payment, issuers, now);
    }
    confirm::finish(payment, &[], issuers, now)
}

/// Closes a payment that nobody confirmed (nothing was asked of an issuer, or nothing was ever sent), or whose deposit did not
/// come in time.
pub fn expire(payment: &Payment, issuers: &[Issuer], now: DateTime<Utc>) -> Result<Vec<Fact>, Refusal> {
    if payment.waits_for_deposit() {
        return deposit::expire(payment, issuers, now);
    }
    if payment.verdict.is_none() && !payment.has_open_attempts() && now > payment.opened.expires_at {
        return Ok(vec![confirm::payment_verdict(payment, Verdict::Expired, None, now)]);
    }
    Err(Refusal::InvalidState { status: payment.status(now), verb: "expired" })
}
