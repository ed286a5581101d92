//! The shares of a cancel: which legs carry it, and each share's tax and fee parts as the difference between what
//! remained before and after it.

use crate::money::Minor;

use super::allocation::{self, AllocationError};
use super::fact::CancelShare;
use super::fold::Payment;
use super::tax::Remainder;

/// Spreads a cancel of `amount`, `tax_free` of it without tax, over the legs in refund order.
pub fn plan(
    payment: &Payment,
    cancel_no: u16,
    amount: Minor,
    tax_free: Minor,
) -> Result<Vec<CancelShare>, AllocationError> {
    let mut left = Remainder::of(payment)?;
    let (mut amount_rest, mut tax_free_rest) = (amount, tax_free);
    let mut shares = Vec::new();
    for part in allocation::by_refund_order(payment, amount)? {
        let part_tax_free = tax_free_rest.share(part.amount, amount_rest)?;
        let (parts, after) = left.take(&payment.opened, part.amount, part_tax_free)?;
        left = after;
        amount_rest = amount_rest.minus(part.amount)?;
        tax_free_rest = tax_free_rest.minus(part_tax_free)?;
        shares.push(CancelShare {
            cancel_no,
            leg_no: part.leg_no,
            amount: part.amount,
            tax_free: parts.tax_free,
            vat: parts.vat,
            fee: parts.fee,
            fee_vat: parts.fee_vat,
        });
    }
    Ok(shares)
}
