//! VAT, tax-free part and fee of what remains of a payment. The parts of a cancel are differences of remainders, so they
//! never drift: after the last cancel everything is back to zero.

use crate::money::{AmountError, Minor};

use super::fact::{PaymentOpened, TaxSource};
use super::fold::Payment;

/// A tenth on top of the supply value is an eleventh of the price.
const VAT_DIVISOR: i64 = 11;

/// What remains of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remainder {
    /// The price that remains.
    pub balance: Minor,
    /// Its tax-free part.
    pub tax_free: Minor,
    /// The VAT in it.
    pub vat: Minor,
    /// Our fee on it.
    pub fee: Minor,
    /// The VAT on that fee.
    pub fee_vat: Minor,
}

/// The parts of one share of a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// Tax-free part.
    pub tax_free: Minor,
    /// VAT.
    pub vat: Minor,
    /// Fee given back.
    pub fee: Minor,
    /// VAT on that fee.
    pub fee_vat: Minor,
}

/// The VAT contained in a price of which `tax_free` bears none.
pub fn vat_in(balance: Minor, tax_free: Minor) -> Result<Minor, AmountError> {
    Ok(balance.minus(tax_free)?.nearest(VAT_DIVISOR))
}

impl Remainder {
    /// The payment before anything is taken from it.
    pub const fn whole(opened: &PaymentOpened) -> Self {
        Self {
            balance: opened.total,
            tax_free: opened.tax_free,
            vat: opened.vat,
            fee: opened.fee,
            fee_vat: opened.fee_vat,
        }
    }

    /// What remains after all shares that are done or still may be.
    pub fn of(payment: &Payment) -> Result<Self, AmountError> {
        payment.live_shares().try_fold(Self::whole(&payment.opened), |left, share| {
            Ok(Self {
                balance: left.balance.minus(share.amount)?,
                tax_free: left.tax_free.minus(share.tax_free)?,
                vat: left.vat.minus(share.vat)?,
                fee: left.fee.minus(share.fee)?,
                fee_vat: left.fee_vat.minus(share.fee_vat)?,
            })
        })
    }

    /// The least and most that may be tax-free in a cancel of `amount`.
    pub fn tax_free_bounds(&self, amount: Minor) -> Result<(Minor, Minor), AmountError> {
        let taxable = self.balance.minus(self.tax_free)?;
        let least = amount.minus(taxable).unwrap_or(Minor::ZERO);
        Ok((least, self.tax_free.min(amount)))
    }

    /// Takes a share of `amount`, `tax_free` of it without tax, and says what its parts are. No part is more than the share:
    /// what a cancel that failed late gave back beyond that, the next ones take.
    pub fn take(
        &self,
        opened: &PaymentOpened,
        amount: Minor,
        tax_free: Minor,
    ) -> Result<(Parts, Self), AmountError> {
        let balance = self.balance.minus(amount)?;
        let tax_free_left = self.tax_free.minus(tax_free)?;
        let taxable = amount.minus(tax_free)?;
        let vat_left = self.vat.min(vat_left(opened, balance, tax_free_left)?);
        let vat = self.vat.minus(vat_left)?.min(taxable);
        let fee = self.fee.minus(self.fee.min(opened.fee.share(balance, opened.total)?))?.min(amount);
        let fee_vat =
            self.fee_vat.minus(self.fee_vat.min(opened.fee_vat.share(balance, opened.total)?))?.min(amount);
        let left = Self {
            balance,
            tax_free: tax_free_left,
            vat: self.vat.minus(vat)?,
            fee: self.fee.minus(fee)?,
            fee_vat: self.fee_vat.minus(fee_vat)?,
        };
        Ok((Parts { tax_free, vat, fee, fee_vat }, left))
    }
}

fn vat_left(opened: &PaymentOpened, balance: Minor, tax_free: Minor) -> Result<Minor, AmountError> {
    match opened.tax_source {
        TaxSource::Formula => vat_in(balance, tax_free),
        TaxSource::Legacy => {
            let whole = opened.total.minus(opened.tax_free)?;
            if whole.is_zero() {
                return Ok(Minor::ZERO);
            }
            opened.vat.share(balance.minus(tax_free)?, whole)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn won(units: i64) -> Minor {
        Minor::new(units).unwrap()
    }

    #[test]
    fn vat_matches_published_responses() {
        for (price, vat) in [(9_026, 821), (50_000_000_000, 4_545_454_545), (30_000, 2_727), (54_468, 4_952)]
        {
            assert_eq!(vat_in(won(price), Minor::ZERO), Ok(won(vat)));
        }
    }
}
