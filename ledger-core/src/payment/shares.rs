//! The shares of a cancel: which legs carry it, and each share's tax and fee parts as the difference between what
//! remained before and after it.

use crate::money::Minor;

use super::allocation::{self, Allocation, AllocationError};
use super::fact::CancelShare;
use super::fold::Payment;
use super::tax::Remainder;

/// Spreads a cancel of `amount`, `tax_free` of it without tax, over the legs. The tax-free part of each share is the
/// caller's, or in proportion.
pub fn plan(
    payment: &Payment,
    cancel_no: u16,
    allocation: &Allocation,
    amount: Minor,
    tax_free: Minor,
) -> Result<Vec<CancelShare>, AllocationError> {
    let told = allocation.tax_free().unwrap_or_default();
    let mut left = Remainder::of(payment)?;
    let (mut amount_rest, mut tax_free_rest) = (amount, tax_free);
    let mut shares = Vec::new();
    for (at, part) in allocation::allocate(payment, allocation, amount)?.into_iter().enumerate() {
        let part_tax_free = match told.get(at) {
            Some(told) => *told,
            None => tax_free_rest.share(part.amount, amount_rest)?,
        };
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
