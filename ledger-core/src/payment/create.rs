//! Opening a payment: the intent, before any method is chosen.

use chrono::{DateTime, TimeDelta, Utc};

use crate::money::{Currency, Minor};
use crate::reference::Contract;

use super::fact::{Fact, PaymentOpened, TaxSource};
use super::fold::Payment;
use super::refusal::Refusal;
use super::status::Status;
use super::tax;

/// A payment that is not confirmed by then is expired.
pub const TIME_TO_CONFIRM: TimeDelta = TimeDelta::minutes(30);

/// What a merchant asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Create {
    /// Who.
    pub merchant_id: String,
    /// Their order.
    pub order_id: String,
    /// In what currency.
    pub currency: Currency,
    /// How much.
    pub total: Minor,
    /// How much of it without tax.
    pub tax_free: Minor,
}

/// Opens try `try_no` of the order.
pub fn create(
    cmd: &Create,
    try_no: u16,
    contract: &Contract,
    now: DateTime<Utc>,
) -> Result<Vec<Fact>, Refusal> {
    let (fee, fee_vat) = contract.fee_on(cmd.total)?;
    Ok(vec![Fact::Payment(PaymentOpened {
        merchant_id: cmd.merchant_id.clone(),
        order_id: cmd.order_id.clone(),
        try_no,
        currency: cmd.currency,
        total: cmd.total,
        tax_free: cmd.tax_free,
        vat: tax::vat_in(cmd.total, cmd.tax_free)?,
        tax_source: TaxSource::Formula,
        contract_version: contract.version,
        fee,
        fee_vat,
        created_at: now,
        expires_at: now + TIME_TO_CONFIRM,
    })])
}

/// The number of the try that may follow `last`: only when that one is closed and nothing of it is left to undo.
pub fn next_try(last: &Payment, now: DateTime<Utc>) -> Result<u16, Refusal> {
    let status = last.status(now);
    let closed = match status {
        Status::Aborted => last.exposure(now).is_zero(),
        // given up before its deposit; a refunded payment stays the order's payment
        Status::Canceled if last.is_closed() => last.exposure(now).is_zero(),
        Status::Expired => last.verdict.is_some() && last.exposure(now).is_zero(),
        Status::Ready
        | Status::InProgress
        | Status::WaitingForDeposit
        | Status::Done
        | Status::PartialCanceled
        | Status::Canceled
        | Status::Unknown => false,
    };
    if closed {
        Ok(last.opened.try_no.saturating_add(1))
    } else {
        Err(Refusal::OrderInUse { order_id: last.opened.order_id.clone(), status })
    }
}
