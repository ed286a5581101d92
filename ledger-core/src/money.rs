//! Amounts: integers in minor units, checked at every step. There are no operators: what happens below zero or above the
//! limit is said each time.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The largest amount anywhere in the ledger: 10^15 minor units.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;

/// An amount of zero or more, in minor units of its payment's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Minor(i64);

/// An amount that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Below zero, or above the limit.
    #[error("an amount lies between 0 and {MAX_AMOUNT}, not {0}")]
    OutOfRange(i64),
    /// More was to be taken than there is.
    #[error("{right} is more than {left}")]
    TooLittle {
        /// What there is.
        left: Minor,
        /// What was to be taken.
        right: Minor,
    },
}

impl Minor {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of `units` minor units.
    pub const fn new(units: i64) -> Result<Self, AmountError> {
        if units < 0 || units > MAX_AMOUNT { Err(AmountError::OutOfRange(units)) } else { Ok(Self(units)) }
    }

    /// The number of minor units.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, refused above the limit.
    pub const fn plus(self, right: Self) -> Result<Self, AmountError> {
        Self::new(self.0 + right.0)
    }

    /// The difference, refused below zero.
    pub const fn minus(self, right: Self) -> Result<Self, AmountError> {
        if right.0 > self.0 {
            Err(AmountError::TooLittle { left: self, right })
        } else {
            Ok(Self(self.0 - right.0))
        }
    }

    /// The sum of many.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, AmountError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// `self × part ÷ whole`, rounded down; `whole` must not be zero.
    pub fn share(self, part: Self, whole: Self) -> Result<Self, AmountError> {
        let product = i128::from(self.0) * i128::from(part.0);
        let Some(quotient) = product.checked_div(i128::from(whole.0)) else {
            return Err(AmountError::OutOfRange(whole.0));
        };
        i64::try_from(quotient).map_or(Err(AmountError::OutOfRange(i64::MAX)), Self::new)
    }

    /// The nearest whole number of `self ÷ divisor` for an odd divisor, where ties cannot occur.
    #[must_use]
    pub const fn nearest(self, divisor: i64) -> Self {
        Self((self.0 + divisor / 2) / divisor)
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Minor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(i64::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

crate::codes! {
    /// The currencies payments are made in.
    Currency {
        /// South Korean won, no minor unit.
        Krw = "KRW",
        /// US dollar, in cents.
        Usd = "USD",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_goes_below_zero_or_above_the_limit() {
        let one = Minor::new(1).unwrap();
        assert_eq!(Minor::ZERO.minus(one), Err(AmountError::TooLittle { left: Minor::ZERO, right: one }));
        assert_eq!(Minor::new(MAX_AMOUNT).unwrap().plus(one), Err(AmountError::OutOfRange(MAX_AMOUNT + 1)));
        assert_eq!(Minor::new(-1), Err(AmountError::OutOfRange(-1)));
    }

    #[test]
    fn a_share_of_the_largest_amount_does_not_overflow() {
        let max = Minor::new(MAX_AMOUNT).unwrap();
        assert_eq!(max.share(max, max), Ok(max));
    }
}
